//! Many at once on the device-session surface.

use std::future::IntoFuture as _;

use portcullis_api::operation::{OwnOperation, PublicOperation};
use portcullis_core::tenant::TenantSettings;
use serde_json::{Value, json};
use tokio::task::JoinSet;

use super::without_codes;
use crate::world::{Answer, Ask, Client, Line, Member, Person, Said, Server};

const TABS: usize = 200;
const ROUNDS: usize = 10;

async fn crowd(count: usize, ask: &Ask) -> Vec<Said> {
    let mut asks = JoinSet::new();
    for _ in 0..count {
        asks.spawn(ask.clone().into_future());
    }
    asks.join_all().await.into_iter().map(Said::from).collect()
}

fn with_code<'a>(answers: &'a [Said], code: &str) -> Vec<&'a Said> {
    answers.iter().filter(|said| said.code() == code).collect()
}

// ASVS-map: SE7
#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn of_fifty_logins_at_once_under_a_cap_of_five_exactly_five_live() {
    let server = Server::start().await;
    server.decide(TenantSettings { session_cap: Some(5), ..without_codes() }).await;
    let client = Client::curl(&server);
    Person::ANN.signs_up(&client).await;
    let login = json!({"usernameOrEmailOrMobile": Person::ANN.email, "password": Person::ANN.password});
    let answers = crowd(50, &client.request(PublicOperation::Login, login, None)).await;
    let mut living = Vec::new();
    for said in &answers {
        let member = Member::from(&client, said);
        match member.standing().await.as_str() {
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
async fn of_a_thousand_wrong_codes_at_once_five_are_looked_at() {
    let server = Server::start().await;
    let client = Client::curl(&server);
    Person::ANN.signs_up(&client).await;
    let said = client.device_sign_in(Person::ANN.email, Person::ANN.password).await;
    let (login, code) = (said.at("/data/loginId"), client.code_for(&Person::ANN).await);
    let wrong = if code == "000000" { "000001" } else { "000000" };
    let mut answers = Vec::new();
    for _ in 0..10 {
        let body = json!({"loginId": login, "otp": wrong});
        answers.extend(crowd(100, &client.request(PublicOperation::VerifyLogin, body, None)).await);
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
    let server = Server::start().await;
    let client = Client::curl(&server);
    Person::ANN.signs_up(&client).await;
    let said = client.device_sign_in(Person::ANN.email, Person::ANN.password).await;
    let body = json!({"loginId": said.at("/data/loginId"), "otp": client.code_for(&Person::ANN).await});
    let answers = crowd(50, &client.request(PublicOperation::VerifyLogin, body, None)).await;
    let done = with_code(&answers, "LOGIN_SUCCESS");
    assert_eq!((done.len(), with_code(&answers, "INVALID_OTP").len()), (1, 49));
    let listed = Member::from(&client, done[0]).asks(OwnOperation::Sessions, json!({})).await.data();
    assert_eq!(listed.as_array().map(Vec::len), Some(1));
}

/// One tab's refresh: the answer, unless the tab is gone before it comes.
async fn tab(server: std::net::SocketAddr, ask: Ask, is_gone: bool) -> Option<Answer> {
    if !is_gone {
        return Some(ask.await);
    }
    let mut line = Line::to(server).await;
    line.write(&ask.bytes()).await;
    None
}

// ASVS-map: RT2, RT3
#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn two_hundred_tabs_of_a_browser_of_which_a_tenth_get_no_answer_stay_signed_in() {
    let server = Server::start().await;
    let browser = Client::browser(&server);
    Person::ANN.signs_up(&browser).await;
    let mut ann = Person::ANN.enters(&browser).await;
    for round in 0..ROUNDS {
        let body = |token: &str| json!({"refreshToken": token});
        let ask = browser.request(PublicOperation::Refresh, body(&ann.refresh), None);
        let mut tabs = JoinSet::new();
        for number in 0..TABS {
            tabs.spawn(tab(server.address, ask.clone(), (number + round).is_multiple_of(10)));
        }
        let answers: Vec<Said> = tabs.join_all().await.into_iter().flatten().map(Said::from).collect();
        assert_eq!(answers.len(), TABS - TABS / 10);
        let next = ann.renewed(&answers[0]);
        for said in &answers {
            assert_eq!(ann.renewed(said).refresh, next.refresh, "round {round}: one successor");
        }
        // Those that got no answer try again, and get the same.
        for said in crowd(TABS / 10, &ask).await {
            let again = ann.renewed(&said);
            assert_eq!(again.refresh, next.refresh);
        }
        assert_eq!(next.standing().await, "SESSIONS_RETRIEVED");
        ann = next;
    }
    let ended: Value = ann.asks(OwnOperation::Sessions, json!({"ended": "true"})).await.data();
    assert_eq!(ended, json!([]), "nobody was signed out");
}
