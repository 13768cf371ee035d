//! Microservices behind a gateway that names the user: trusted if the configuration says so, and only then.

use std::path::Path;

use portcullis_api::answer::Success;
use portcullis_api::operation::{OwnOperation, PublicOperation};
use portcullis_core::id::{TenantId, UserKey};
use portcullis_server::http::App;
use portcullis_server::listener::Peer;
use portcullis_server::serve::app;
use portcullis_server::tcp::{Dispatch as _, Surface};
use serde_json::value::to_raw_value;
use serde_json::{Value, json};

use super::without_codes;
use crate::fixture::{DeviceClient, DeviceSession, TestServer, TestUser, config, random_id, row};

const TRUSTED: [(&str, &str); 2] = [("TCP_LISTEN", "127.0.0.1:0"), ("TCP_TRUST_GATEWAY", "true")];

/// What an existing service sends: no token, but the user that its gateway authenticated.
fn vouched(user: &str) -> Value {
    json!({"req": {"user": {"sub": user}}, "ip": "203.0.113.7"})
}

fn with(mut payload: Value, name: &str, value: &str) -> Value {
    payload[name] = json!(value);
    payload
}

async fn ann_enters<'s>(service: &DeviceClient<'s>) -> DeviceSession<'s> {
    service.server().configure_default_tenant(without_codes()).await;
    TestUser::ANN.signs_up(service).await;
    TestUser::ANN.signs_in_on(service).await
}

#[tokio::test]
async fn a_trusted_gateway_says_who_the_user_is() {
    let server = TestServer::with(&TRUSTED).await;
    let service = DeviceClient::service(&server).of("default");
    let (one, two) = (ann_enters(&service).await, TestUser::ANN.signs_in_on(&service).await);
    let said = service.asks(OwnOperation::Sessions, vouched(&one.user), None).await;
    let listed = said.listed(Success::SESSIONS);
    assert!(listed.contains(&one.session) && listed.contains(&two.session), "{listed}");
    assert!(!listed.contains(r#""current":true"#), "a gateway vouches for no session");
    let body = with(vouched(&one.user), "sessionId", &two.session);
    let said = service.asks(OwnOperation::LogoutSession, body, None).await;
    said.succeeded(201, Success::SESSION_REVOKED);
    assert_eq!(two.session_code().await, "UNAUTHORIZED");
    let said = service.asks(OwnOperation::LogoutAll, vouched(&one.user), None).await;
    assert_eq!(said.succeeded(201, Success::ALL_SESSIONS_REVOKED), r#"{"revokedCount":1}"#);
    // A token decides, whatever else the request says.
    TestUser::BOB.signs_up(&service).await;
    let bob = TestUser::BOB.signs_in_on(&service).await;
    let said = bob.asks(OwnOperation::Sessions, vouched(&one.user)).await;
    assert!(said.listed(Success::SESSIONS).contains(&bob.session));
    assert_eq!(
        service.asks(OwnOperation::Sessions, vouched(&one.user), Some("nonsense")).await.code(),
        "UNAUTHORIZED"
    );
}

#[tokio::test]
async fn a_gateway_that_names_no_user_or_an_unknown_one_gets_an_error() {
    let server = TestServer::with(&TRUSTED).await;
    let service = DeviceClient::service(&server).of("default");
    let ann = ann_enters(&service).await;
    for (kind, text) in [
        (OwnOperation::Sessions, "Session request failed: user identity missing in the request payload."),
        (OwnOperation::LogoutSession, "Logout request missing user identity."),
        (OwnOperation::LogoutAll, "Logout-all request missing user identity."),
    ] {
        for request in [
            json!({}),
            json!({"req": {}}),
            json!({"req": {"user": {}}}),
            json!({"req": {"user": {"sub": 7}}}),
        ] {
            service.asks(kind, request, None).await.refused(400, "USER_ID_MISSING", text);
        }
        let gone = if kind == OwnOperation::Sessions {
            "User not found for the current tenant."
        } else {
            "User not found."
        };
        let random = vouched(&random_id());
        let random = with(random, "sessionId", &ann.session);
        service.asks(kind, random, None).await.refused(401, "USER_NOT_FOUND", gone);
        let of_other_tenant = with(vouched(&ann.user), "sessionId", &ann.session);
        server
            .engine
            .create_tenant(format!("t-{kind:?}").to_lowercase().parse().unwrap(), without_codes(), None)
            .await
            .unwrap();
        let elsewhere = service.clone().of(&format!("t-{kind:?}").to_lowercase());
        elsewhere.asks(kind, of_other_tenant, None).await.refused(401, "USER_NOT_FOUND", gone);
    }
    let key = UserKey { tenant: TenantId::default_tenant(), id: ann.user.parse().unwrap() };
    server.engine.disable_user(&key).await.unwrap();
    let said = service.asks(OwnOperation::Sessions, vouched(&ann.user), None).await;
    said.refused(401, "USER_NOT_FOUND", "User not found for the current tenant.");
}

/// How many services on one Unix socket pass the rate limit if each names another end user.
async fn let_in(server: &TestServer, settings: &[(&str, &str)]) -> usize {
    let config = config(Path::new("."), settings);
    let App { operations, rates, .. } = app(&config, server.engine.clone(), None).unwrap();
    let surface = Surface { operations, rates, trusts_gateway: config.tcp.trust_gateway };
    let mut let_in = 0;
    for user in 0..8 {
        let payload = to_raw_value(&json!({"ip": format!("198.51.100.{user}")})).unwrap();
        let login = row(PublicOperation::Login).pattern.unwrap();
        let said = surface.answer(login, &payload, &Peer { address: None }).await.unwrap();
        let_in += usize::from(!said.get().contains("TOO_MANY_REQUESTS"));
    }
    let_in
}

// ASVS-map: AU1 TN5
#[tokio::test]
async fn on_a_unix_socket_only_a_trusted_gateway_is_believed_about_where_a_user_is() {
    let server = TestServer::start().await;
    let limited = [("LIMITS_RATE", "9")];
    assert_eq!(let_in(&server, &limited).await, 3, "untrusted services share one limit");
    assert_eq!(let_in(&server, &[&limited[..], &TRUSTED].concat()).await, 8);
}

// ASVS-map: TN5
#[tokio::test]
async fn a_gateway_that_is_not_trusted_is_not_believed_and_none_is_over_http() {
    let server = TestServer::start().await;
    let service = DeviceClient::service(&server);
    let ann = ann_enters(&service).await;
    for kind in [OwnOperation::Sessions, OwnOperation::LogoutSession, OwnOperation::LogoutAll] {
        let body = with(vouched(&ann.user), "sessionId", &ann.session);
        service.asks(kind, body, None).await.refused(401, "UNAUTHORIZED", "Unauthorized");
    }
    let trusting = TestServer::with(&TRUSTED).await;
    let curl = DeviceClient::curl(&trusting);
    let bob = ann_enters(&curl).await;
    for kind in [OwnOperation::LogoutSession, OwnOperation::LogoutAll] {
        let body = with(vouched(&bob.user), "sessionId", &bob.session);
        curl.asks(kind, body, None).await.refused(401, "UNAUTHORIZED", "Unauthorized");
    }
    assert_eq!(
        (ann.session_code().await, bob.session_code().await),
        ("SESSIONS_RETRIEVED".into(), "SESSIONS_RETRIEVED".into())
    );
}
