//! Contention on device sessions: many requests at once.

use std::future::IntoFuture as _;

use portcullis_api::operation::{OwnOperation, PublicOperation};
use portcullis_core::tenant::TenantSettings;
use serde_json::{Value, json};
use tokio::task::JoinSet;

use super::without_codes;
use crate::fixture::{
    DeviceClient, DeviceSession, Envelope, HttpAnswer, HttpConnection, HttpRequest, TestServer, TestUser,
};

const TABS: usize = 200;
const ROUNDS: usize = 10;

async fn all_at_once(count: usize, ask: &HttpRequest) -> Vec<Envelope> {
    let mut asks = JoinSet::new();
    for _ in 0..count {
        asks.spawn(ask.clone().into_future());
    }
    asks.join_all().await.into_iter().map(Envelope::from).collect()
}

fn with_code<'a>(answers: &'a [Envelope], code: &str) -> Vec<&'a Envelope> {
    answers.iter().filter(|said| said.code() == code).collect()
}

// ASVS-map: SE7
#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn of_fifty_logins_at_once_under_a_cap_of_five_exactly_five_live() {
    let server = TestServer::start().await;
    server.configure_default_tenant(TenantSettings { session_cap: Some(5), ..without_codes() }).await;
    let client = DeviceClient::curl(&server);
    TestUser::ANN.signs_up(&client).await;
    let login = json!({"usernameOrEmailOrMobile": TestUser::ANN.email, "password": TestUser::ANN.password});
    let ask = client.request(PublicOperation::Login, login, None);
    let mut answers = all_at_once(50, &ask).await;
    // A busy machine turns some away for now: their clients come again.
    while let Some(busy) = answers.iter_mut().find(|said| said.is_busy()) {
        *busy = Envelope::from(ask.clone().await);
    }
    let mut living = Vec::new();
    for said in &answers {
        let member = DeviceSession::from(&client, said);
        match member.session_code().await.as_str() {
            "SESSIONS_RETRIEVED" => living.push(member),
            code => assert_eq!(code, "UNAUTHORIZED"),
        }
    }
    assert_eq!(living.len(), 5);
    let listed = living[0].asks(OwnOperation::Sessions, json!({})).await.data();
    assert_eq!(listed.as_array().map(Vec::len), Some(5));
    let ended = living[0].asks(OwnOperation::Sessions, json!({"ended": "true"})).await.data();
    assert!(ended.as_array().unwrap().iter().all(|one| one["reason"] == "limit"), "{ended}");
}

// ASVS-map: OT3
#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn of_a_thousand_wrong_codes_at_once_five_are_compared() {
    let server = TestServer::start().await;
    let client = DeviceClient::curl(&server);
    TestUser::ANN.signs_up(&client).await;
    let said = client.device_sign_in(TestUser::ANN.email, TestUser::ANN.password).await;
    let (login, code) = (said.at("/data/loginId"), client.code_for(&TestUser::ANN).await);
    let wrong = if code == "000000" { "000001" } else { "000000" };
    let mut answers = Vec::new();
    for _ in 0..10 {
        let body = json!({"loginId": login, "otp": wrong});
        answers.extend(all_at_once(100, &client.request(PublicOperation::VerifyLogin, body, None)).await);
    }
    let (wrong, refused) = (with_code(&answers, "INVALID_OTP"), with_code(&answers, "TOO_MANY_ATTEMPTS"));
    assert!(wrong.len() <= 5 && wrong.len() + refused.len() == 1_000, "{} looked at", wrong.len());
    for said in refused {
        said.refused(429, "TOO_MANY_ATTEMPTS", "Too many attempts. Please try again later.");
    }
    assert_eq!(
        client.verify(&login, &code).await.code(),
        "TOO_MANY_ATTEMPTS",
        "the right one comes too late"
    );
}

// ASVS-map: OT1
#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn of_fifty_right_codes_at_once_one_signs_in() {
    let server = TestServer::start().await;
    let client = DeviceClient::curl(&server);
    TestUser::ANN.signs_up(&client).await;
    let said = client.device_sign_in(TestUser::ANN.email, TestUser::ANN.password).await;
    let body = json!({"loginId": said.at("/data/loginId"), "otp": client.code_for(&TestUser::ANN).await});
    let answers = all_at_once(50, &client.request(PublicOperation::VerifyLogin, body, None)).await;
    let done = with_code(&answers, "LOGIN_SUCCESS");
    assert_eq!((done.len(), with_code(&answers, "INVALID_OTP").len()), (1, 49));
    let listed = DeviceSession::from(&client, done[0]).asks(OwnOperation::Sessions, json!({})).await.data();
    assert_eq!(listed.as_array().map(Vec::len), Some(1));
}

/// One tab's refresh. `None` if the tab is closed before the answer comes.
async fn tab(server: std::net::SocketAddr, ask: HttpRequest, is_gone: bool) -> Option<HttpAnswer> {
    if !is_gone {
        return Some(ask.await);
    }
    let mut line = HttpConnection::to(server).await;
    line.write(&ask.bytes()).await;
    None
}

// ASVS-map: RT2, RT3
#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn two_hundred_tabs_of_a_browser_of_which_a_tenth_get_no_answer_stay_signed_in() {
    let server = TestServer::start().await;
    let browser = DeviceClient::browser(&server);
    TestUser::ANN.signs_up(&browser).await;
    let mut ann = TestUser::ANN.signs_in_on(&browser).await;
    for round in 0..ROUNDS {
        let body = |token: &str| json!({"refreshToken": token});
        let ask = browser.request(PublicOperation::Refresh, body(&ann.refresh), None);
        let mut tabs = JoinSet::new();
        for number in 0..TABS {
            tabs.spawn(tab(server.address, ask.clone(), (number + round).is_multiple_of(10)));
        }
        let answers: Vec<Envelope> =
            tabs.join_all().await.into_iter().flatten().map(Envelope::from).collect();
        assert_eq!(answers.len(), TABS - TABS / 10);
        let next = ann.renewed(&answers[0]);
        for said in &answers {
            assert_eq!(ann.renewed(said).refresh, next.refresh, "round {round}: one successor");
        }
        // Tabs without an answer try again and get the same token.
        for said in all_at_once(TABS / 10, &ask).await {
            let again = ann.renewed(&said);
            assert_eq!(again.refresh, next.refresh);
        }
        assert_eq!(next.session_code().await, "SESSIONS_RETRIEVED");
        ann = next;
    }
    let ended: Value = ann.asks(OwnOperation::Sessions, json!({"ended": "true"})).await.data();
    assert_eq!(ended, json!([]), "no session has ended");
}
