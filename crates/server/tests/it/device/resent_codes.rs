//! Another code for a sign-in that waits for its second step, over both transports.

use portcullis_api::answer::Success;
use portcullis_api::operation::PublicOperation;
use portcullis_core::email::Email;
use portcullis_core::id::TenantId;
use serde_json::json;

use super::without_codes;
use crate::fixture::{DeviceClient, Envelope, TestServer, TestUser, eventually, random_id};

const WRONG: &str = "Invalid OTP. Please try again.";
const TOO_MANY: &str = "Too many attempts. Please try again later.";

async fn asks(client: &DeviceClient<'_>, user: &TestUser) -> String {
    let said = client.device_sign_in(user.email, user.password).await;
    said.succeeded(201, Success::OTP_SENT);
    said.at("/data/loginId")
}

fn is_unknown(said: &Envelope) {
    said.refused(401, "INVALID_OTP", WRONG);
}

// ASVS-map: OT1 OT4
#[tokio::test]
async fn another_code_is_mailed_for_the_same_sign_in_and_the_one_before_opens_nothing() {
    let server = TestServer::start().await;
    for (client, user) in
        [(DeviceClient::curl(&server), TestUser::ANN), (DeviceClient::service(&server), TestUser::BOB)]
    {
        user.signs_up(&client).await;
        let login = asks(&client, &user).await;
        let old = client.code_for(&user).await;
        let said = client.resend(&login).await;
        said.succeeded(201, Success::OTP_SENT);
        let expires = said.at("/data/expiresAt");
        assert_eq!(said.data(), json!({"loginId": login, "channel": "email", "expiresAt": expires}));
        let new = client.code_for(&user).await;
        if old != new {
            is_unknown(&client.verify(&login, &old).await);
        }
        client.verify(&login, &new).await.succeeded(201, Success::LOGGED_IN);
        is_unknown(&client.resend(&login).await);
        assert_eq!(server.mailbox.waiting_for(user.email), [""; 0]);
    }
}

/// A login of an unknown user has no id; who makes one up learns nothing, and neither does who knows one of elsewhere.
// ASVS-map: AU2 OT2 TN1
#[tokio::test]
async fn no_answer_tells_why_there_is_no_such_sign_in() {
    let server = TestServer::start().await;
    server.engine.create_tenant("acme".parse().unwrap(), without_codes(), None).await.unwrap();
    let curl = DeviceClient::curl(&server);
    TestUser::ANN.signs_up(&curl).await;
    TestUser::BOB.signs_up(&curl).await;
    let of_other_browser = {
        let browser = DeviceClient::browser(&server);
        let login = asks(&browser, &TestUser::ANN).await;
        let other = DeviceClient::browser(&server);
        asks(&other, &TestUser::ANN).await;
        other.resend(&login).await
    };
    let login = asks(&curl, &TestUser::ANN).await;
    let of_disabled = {
        let login = asks(&curl, &TestUser::BOB).await;
        let bob = Email::parse(TestUser::BOB.email).unwrap();
        let bob = server.engine.user_by_email(&TenantId::default_tenant(), &bob).await.unwrap();
        server.engine.disable_user(&bob.key).await.unwrap();
        curl.resend(&login).await
    };
    let answers = [
        curl.resend(&random_id()).await,
        curl.clone().of("acme").resend(&login).await,
        of_other_browser,
        of_disabled,
    ];
    for said in &answers {
        is_unknown(said);
        assert_eq!(said.undated(), answers[0].undated());
    }
    let known = curl.resend(&login).await;
    known.succeeded(201, Success::OTP_SENT);
}

// ASVS-map: OT4
#[tokio::test]
async fn ten_codes_are_sent_in_a_quarter_of_an_hour_and_the_next_may_come_when_the_answer_says() {
    let server = TestServer::start().await;
    let client = DeviceClient::curl(&server);
    TestUser::ANN.signs_up(&client).await;
    let login = asks(&client, &TestUser::ANN).await;
    for _ in 1..10 {
        client.resend(&login).await.succeeded(201, Success::OTP_SENT);
    }
    let refused = client.resend(&login).await;
    refused.refused(429, "TOO_MANY_ATTEMPTS", TOO_MANY);
    let wait = refused.http.as_ref().and_then(|http| http.header("retry-after")?.parse::<u64>().ok());
    assert!(wait.is_some_and(|wait| (1..=900).contains(&wait)), "{wait:?}");
}

/// The mail server is away while a code is asked for three times: one mail arrives, with the code that counts.
#[tokio::test]
async fn a_code_that_was_not_sent_before_the_next_is_not_sent_at_all() {
    let server = TestServer::start().await;
    let client = DeviceClient::curl(&server);
    TestUser::ANN.signs_up(&client).await;
    server.mailbox.shut(true);
    let login = asks(&client, &TestUser::ANN).await;
    for refused in 1..3 {
        eventually("the mail was tried", || async { (server.mailbox.refused() >= refused).then_some(()) })
            .await;
        client.resend(&login).await.succeeded(201, Success::OTP_SENT);
    }
    server.mailbox.shut(false);
    let code = client.code_for(&TestUser::ANN).await;
    client.verify(&login, &code).await.succeeded(201, Success::LOGGED_IN);
    eventually("nothing waits", || async {
        (server.engine.mail_waiting().await.unwrap() == 0).then_some(())
    })
    .await;
    assert_eq!(server.mailbox.delivered(), [1]);
}

/// A client that hangs up before the answer has another code sent, or nothing has changed.
#[tokio::test]
async fn a_hang_up_leaves_a_code_that_lets_in() {
    let server = TestServer::start().await;
    let client = DeviceClient::curl(&server);
    TestUser::ANN.signs_up(&client).await;
    let login = asks(&client, &TestUser::ANN).await;
    let old = client.code_for(&TestUser::ANN).await;
    let ask = client.request(PublicOperation::ResendCode, json!({"loginId": login}), None);
    let mut line = crate::fixture::HttpConnection::to(server.address).await;
    line.write(&ask.bytes()).await;
    drop(line);
    // Whether the request was read before the connection closed is a race: both ends are good ones.
    let said = client.verify(&login, &old).await;
    if said.code() != "LOGIN_SUCCESS" {
        is_unknown(&said);
        let new = client.code_for(&TestUser::ANN).await;
        client.verify(&login, &new).await.succeeded(201, Success::LOGGED_IN);
    }
}
