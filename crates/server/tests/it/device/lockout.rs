//! Brute-force lockout: wrong passwords lock an account, and its owner unlocks it.

use portcullis_api::answer::Success;
use portcullis_api::operation::PublicOperation;
use serde_json::json;

use crate::fixture::{DeviceClient, HttpAnswer, TestServer, TestUser};

const BROWSER: &str = "text/html,*/*;q=0.8";
const LOCKED: (u16, &str, &str) = (
    423,
    "ACCOUNT_LOCKED",
    "Account locked. Please follow the link in the mail we sent you, or try again later.",
);

async fn sends_wrong_passwords(client: &DeviceClient<'_>, times: usize) {
    for _ in 0..times {
        let said = client.device_sign_in(TestUser::ANN.email, "not this one").await;
        said.refused(401, "INVALID_CREDENTIALS", "Invalid credentials");
    }
}

async fn is_locked(client: &DeviceClient<'_>) {
    let (status, code, text) = LOCKED;
    client.device_sign_in(TestUser::ANN.email, TestUser::ANN.password).await.refused(status, code, text);
}

// ASVS-map: AU1
#[tokio::test]
async fn five_wrong_passwords_lock_and_only_a_press_of_the_button_in_the_mail_unlocks() {
    let server = TestServer::start().await;
    let client = DeviceClient::curl(&server);
    TestUser::ANN.signs_up(&client).await;
    sends_wrong_passwords(&client, 5).await;
    is_locked(&client).await;
    let text = r#"{"message":"Account locked","error":"Locked","statusCode":423}"#;
    TestUser::ANN.logs_in(&server, portcullis_core::strategy::StrategyName::Jwt).await.says(423, text);
    let token = server.mailbox.link(TestUser::ANN.email, "unlock").await;

    let path = format!("/auth/unlock?token={token}");
    // Link scanners and previews fetch the page, as plain programs or as browsers.
    let looked: HttpAnswer = server.ask("HEAD", &path).await.status(200);
    assert_eq!(looked.header("cache-control"), Some("no-store"));
    for _ in 0..3 {
        let page = server.get(&path).header("accept", BROWSER).await.status(200);
        assert!(page.body.contains(r#"<form method="post" action="/auth/unlock">"#), "{page:?}");
        assert!(page.body.contains("<button>Unlock my account</button>"), "{page:?}");
    }
    is_locked(&client).await;
    let form = format!("token={token}");
    let press = || {
        let ask = server.post("/auth/unlock").header("accept", BROWSER);
        ask.header("content-type", "application/x-www-form-urlencoded").body(form.clone())
    };
    assert!(press().await.status(201).body.contains("<title>Account unlocked</title>"));
    assert_eq!(client.device_sign_in(TestUser::ANN.email, TestUser::ANN.password).await.code(), "OTP_SENT");
    assert!(press().await.status(400).body.contains("<title>The account was not unlocked</title>"));
}

#[tokio::test]
async fn a_program_unlocks_by_asking_for_json_over_http_or_over_tcp() {
    let server = TestServer::start().await;
    let (client, service) = (DeviceClient::curl(&server), DeviceClient::service(&server));
    TestUser::ANN.signs_up(&client).await;
    for (kind, asker) in [
        (PublicOperation::UnlockPage, &client),
        (PublicOperation::Unlock, &client),
        (PublicOperation::Unlock, &service),
    ] {
        sends_wrong_passwords(&client, 5).await;
        let token = json!({"token": server.mailbox.link(TestUser::ANN.email, "unlock").await});
        let said = asker.asks(kind, token.clone(), None).await;
        let status = if kind == PublicOperation::UnlockPage { 200 } else { 201 };
        assert_eq!(said.succeeded(status, Success::ACCOUNT_UNLOCKED), "null");
        let said = asker.asks(kind, token, None).await;
        said.refused(400, "INVALID_UNLOCK_TOKEN", "The unlock link is invalid or has expired.");
        assert_eq!(
            client.device_sign_in(TestUser::ANN.email, TestUser::ANN.password).await.code(),
            "OTP_SENT"
        );
    }
}

// ASVS-map: AU1
#[tokio::test]
async fn strangers_cannot_lock_out_a_device_that_is_known() {
    let server = TestServer::start().await;
    let browser = DeviceClient::browser(&server);
    TestUser::ANN.signs_up(&browser).await;
    TestUser::ANN.signs_in_on(&browser).await;
    sends_wrong_passwords(&DeviceClient::curl(&server), 12).await;
    TestUser::ANN.signs_in_on(&browser).await;
    // The owner has unlocked the account.
    assert_eq!(
        DeviceClient::curl(&server).device_sign_in(TestUser::ANN.email, TestUser::ANN.password).await.code(),
        "OTP_SENT"
    );
}

// ASVS-map: AU2
#[tokio::test]
async fn no_refusal_tells_whether_there_is_such_an_account() {
    let server = TestServer::start().await;
    let client = DeviceClient::curl(&server);
    TestUser::ANN.signs_up(&client).await;
    for _ in 0..12 {
        let known = client.device_sign_in(TestUser::ANN.email, "not this one").await;
        let unknown = client.device_sign_in("unknown@example.com", "not this one").await;
        assert_eq!(known.undated(), unknown.undated());
    }
}
