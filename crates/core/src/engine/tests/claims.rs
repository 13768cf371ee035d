//! What access tokens tell other services of a sign-in.

use std::time::Duration;

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use serde_json::{Value, json};

use super::client::FixtureClient;
use super::mailbox::RecordingMailbox;
use crate::clock::Clock as _;
use crate::session::EndReason;
use crate::store::conformance::fixture::Fixture;
use crate::store::memory::MemoryStore;
use crate::strategy::StrategyName;

fn claims(token: &str) -> Value {
    let payload = URL_SAFE_NO_PAD.decode(token.split('.').nth(1).unwrap()).unwrap();
    serde_json::from_slice(&payload).unwrap()
}

#[tokio::test]
async fn a_token_says_how_and_when_the_user_signed_in_and_a_refresh_changes_nothing_of_it() {
    let fixture = Fixture::new(MemoryStore::stores());
    let (node, mailbox) = (fixture.node().await, RecordingMailbox::new());
    let ann = fixture.new_user(&node).await;
    let began = fixture.clock.now().as_seconds();
    let by_password = ann.password_sign_in(&node, StrategyName::Jwt).await;
    let said = claims(by_password.credential());
    assert_eq!((&said["client_id"], &said["amr"]), (&json!("portcullis"), &json!(["pwd"])));
    assert_eq!((&said["auth_time"], &said["email_verified"]), (&json!(began), &json!(false)));
    assert_eq!(said.get("epochs"), None);

    let app = FixtureClient::app();
    let held = app.sign_in_with_code(&node, &mailbox, &ann).await;
    fixture.clock.pass(Duration::from_mins(20));
    let refreshed = app.refresh(&node, held.refresh_token()).await.unwrap();
    for token in [held.credential(), refreshed.access.reveal()] {
        let said = claims(token);
        assert_eq!((&said["amr"], &said["auth_time"]), (&json!(["pwd", "otp"]), &json!(began)));
        assert_eq!(said["email_verified"], true, "the code came with a mail");
    }
    node.end_sessions(&ann.user.key, EndReason::LogoutAll).await.unwrap();
    let after = ann.password_sign_in(&node, StrategyName::Jwt).await;
    assert_eq!(claims(after.credential())["epochs"], json!([1, 0, 0]));
    assert_eq!(claims(after.credential())["email_verified"], true);
}
