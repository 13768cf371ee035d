//! The mail server is down for a while, and no mail is lost.

use portcullis_api::operation::PublicOperation;
use serde_json::json;

use crate::fixture::{DeviceClient, TestServer, TestUser, eventually};

#[tokio::test]
async fn while_no_mail_goes_out_no_request_fails_and_all_of_it_arrives_once_afterwards() {
    let server = TestServer::start().await;
    let client = DeviceClient::curl(&server);
    let people: Vec<String> = (0..20).map(|number| format!("member{number}@example.com")).collect();
    for email in &people {
        let body = json!({"email": email, "password": TestUser::ANN.password});
        assert_eq!(client.asks(PublicOperation::Signup, body, None).await.code(), "SIGNUP_SUCCESS");
    }
    server.mailbox.shut(true);
    let mut logins = Vec::new();
    for email in &people {
        let said = client.device_sign_in(email, TestUser::ANN.password).await;
        assert_eq!(said.code(), "OTP_SENT");
        logins.push(said.at("/data/loginId"));
        let said = client.asks(PublicOperation::ForgotPassword, json!({"email": email}), None).await;
        assert_eq!(said.code(), "PASSWORD_RESET_REQUESTED");
    }
    eventually("all were tried", || async { (server.mailbox.refused() >= 2 * people.len()).then_some(()) })
        .await;
    // A code that was never sent counts as a wrong guess.
    assert_eq!(client.verify(&logins[0], "123456").await.code(), "INVALID_OTP");
    server.mailbox.shut(false);
    for (email, login) in people.iter().zip(&logins) {
        let code = server.mailbox.code(email).await;
        assert_eq!(client.verify(login, &code).await.code(), "LOGIN_SUCCESS", "{email}");
        server.mailbox.link(email, "reset").await;
    }
    eventually("nothing waits", || async {
        (server.engine.mail_waiting().await.unwrap() == 0).then_some(())
    })
    .await;
    assert_eq!(server.mailbox.delivered(), vec![1; 2 * people.len()], "each arrived once");
    assert!(people.iter().all(|email| server.mailbox.waiting_for(email).is_empty()));
}
