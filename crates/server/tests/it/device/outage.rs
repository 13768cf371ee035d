//! The store cannot be reached: 503 with the message of each operation, and no client is signed out.

use portcullis_api::operation::{AdminOperation, DeviceOperation, OwnOperation, PublicOperation};
use serde_json::json;

use super::without_codes;
use crate::fixture::{DataDirectory, DeviceClient, TestServer, TestUser, eventually, random_id};

const OTHERS: &str = "Request failed due to a system error. Please try again later.";

// ASVS-map: RV3
#[tokio::test]
async fn an_outage_has_the_message_of_the_operation_and_signs_no_client_out() {
    let home = DataDirectory::new();
    let server = home.server().await;
    server.configure_default_tenant(without_codes()).await;
    let (curl, service) = (DeviceClient::curl(&server), DeviceClient::service(&server));
    TestUser::ANN.signs_up(&curl).await;
    let mut ann = TestUser::ANN.signs_in_natively_on(&curl).await;
    server.database.take_away();
    eventually("the view is not believed any more", || async {
        (ann.asks(OwnOperation::Sessions, json!({})).await.http.unwrap().status == 503).then_some(())
    })
    .await;
    for (kind, body, text) in [
        (
            DeviceOperation::Own(OwnOperation::Sessions),
            json!({}),
            "Failed to retrieve sessions due to a system error. Please try again later.",
        ),
        (
            DeviceOperation::Own(OwnOperation::LogoutSession),
            json!({"sessionId": ann.session}),
            "Logout failed due to a system error. Please try again later.",
        ),
        (
            DeviceOperation::Own(OwnOperation::LogoutAll),
            json!({}),
            "Logout-all failed due to a system error. Please try again later.",
        ),
        (
            DeviceOperation::Public(PublicOperation::Refresh),
            json!({"refreshToken": ann.refresh}),
            "Token refresh failed due to a system error. Please try again later.",
        ),
        (
            DeviceOperation::Public(PublicOperation::Login),
            json!({"usernameOrEmailOrMobile": "ann@example.com", "password": "x"}),
            OTHERS,
        ),
        (
            DeviceOperation::Public(PublicOperation::Signup),
            json!({"email": "bob@example.com", "password": "correct horse"}),
            OTHERS,
        ),
        (
            DeviceOperation::Public(PublicOperation::VerifyLogin),
            json!({"loginId": random_id(), "otp": "123456"}),
            OTHERS,
        ),
        (DeviceOperation::Public(PublicOperation::ResendCode), json!({"loginId": random_id()}), OTHERS),
        (DeviceOperation::Own(OwnOperation::Me), json!({}), OTHERS),
        (
            DeviceOperation::Public(PublicOperation::ForgotPassword),
            json!({"email": "bob@example.com"}),
            OTHERS,
        ),
        (DeviceOperation::Admin(AdminOperation::Users), json!({}), OTHERS),
    ] {
        for client in [&curl, &service] {
            if client.is_over_tcp() && crate::fixture::row(kind).pattern.is_none() {
                continue;
            }
            let said = client.asks(kind, body.clone(), Some(&ann.access)).await;
            said.refused(503, "INTERNAL_ERROR", text);
        }
    }
    server.database.bring_back();
    eventually("the store is back", || async {
        (ann.session_code().await == "SESSIONS_RETRIEVED").then_some(())
    })
    .await;
    ann = ann.renewed(&ann.refreshes().await);
    assert_eq!(ann.session_code().await, "SESSIONS_RETRIEVED");
}

/// What `/readyz` says that this server cannot do.
async fn impaired(server: &TestServer) -> serde_json::Value {
    let ready = server.get("/readyz").await;
    assert_eq!(ready.status, 200, "{ready:?}");
    ready.json()["impaired"].clone()
}

/// What a full disk does to a table: reads go on.
fn refusing(verb: &str, table: &str) -> String {
    format!("CREATE TRIGGER full BEFORE {verb} ON {table} BEGIN SELECT RAISE(ABORT, 'disk is full'); END")
}

#[tokio::test]
async fn writes_that_the_database_refuses_are_named_whoever_wrote() {
    let server = TestServer::on_sqlite().await;
    server.configure_default_tenant(without_codes()).await;
    let (curl, service) = (DeviceClient::curl(&server), DeviceClient::service(&server));
    let ann = TestUser::ANN;
    ann.signs_up(&curl).await;
    for client in [&curl, &service] {
        server.run_sql(&refusing("INSERT", "sessions")).await;
        client.device_sign_in(ann.email, ann.password).await.refused(503, "INTERNAL_ERROR", OTHERS);
        assert_eq!(impaired(&server).await, json!(["writes"]), "over TCP: {}", client.is_over_tcp());
        server.run_sql("DROP TRIGGER full").await;
        assert_eq!(client.device_sign_in(ann.email, ann.password).await.code(), "LOGIN_SUCCESS");
        assert_eq!(impaired(&server).await, json!(null), "over TCP: {}", client.is_over_tcp());
    }
    server.run_sql(&refusing("UPDATE", "mail")).await;
    curl.asks(PublicOperation::ForgotPassword, json!({"email": ann.email}), None).await;
    let says = async |expected: serde_json::Value| {
        let is_said = || async { (impaired(&server).await == expected).then_some(()) };
        eventually("the mail worker says it", is_said).await;
    };
    says(json!(["writes"])).await;
    server.run_sql("DROP TRIGGER full").await;
    says(json!(null)).await;
}
