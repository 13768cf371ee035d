//! Microservices behind a gateway that names the user: trusted if the configuration says so, and only then.

use std::path::Path;

use portcullis_api::answer::Success;
use portcullis_api::operation::{OwnOperation, PublicOperation};
use portcullis_core::id::{TenantId, UserKey};
use portcullis_server::config::Config;
use portcullis_server::http::app;
use portcullis_server::tcp::{Dispatch as _, Surface};
use portcullis_transport::listener::Peer;
use serde_json::value::{RawValue, to_raw_value};
use serde_json::{Value, json};

use super::without_codes;
use crate::fixture::{DeviceClient, DeviceSession, TestServer, TestUser, config, random_id, row};

const TRUSTED: [(&str, &str); 2] = [("TCP_LISTEN", "127.0.0.1:0"), ("TCP_TRUST_GATEWAY", "true")];

/// The TCP surface of a server with this configuration.
fn surface(server: &TestServer, config: &Config) -> Surface {
    let app = app(config, server.engine.clone(), None).unwrap();
    let (operations, rates) = (app.operations.clone(), app.rates.clone());
    Surface { operations, rates, trusts_gateway: config.tcp.trust_gateway }
}

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

// ASVS-map: SE6
#[tokio::test]
async fn a_trusted_gateway_says_who_the_user_is() {
    let server = TestServer::with(&TRUSTED).await;
    let service = DeviceClient::service(&server).of("default");
    let (one, two) = (ann_enters(&service).await, TestUser::ANN.signs_in_on(&service).await);
    let said = service.asks(OwnOperation::Sessions, vouched(&one.user), None).await;
    let listed = said.listed(Success::SESSIONS);
    assert!(listed.contains(&one.session) && listed.contains(&two.session), "{listed}");
    assert!(!listed.contains(r#""current":true"#), "the gateway named no session");
    let mut naming = vouched(&one.user);
    naming["req"]["user"]["sid"] = json!(two.session);
    let listed = service.asks(OwnOperation::Sessions, naming, None).await.json();
    let current = |session: &Value| session["current"] == json!(true);
    let current: Vec<&Value> = listed["data"].as_array().unwrap().iter().filter(|it| current(it)).collect();
    assert_eq!(current.len(), 1, "{listed}");
    assert_eq!(current[0]["sessionId"], json!(two.session));
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
        for unknown in [random_id(), "ann".to_owned(), "507f1f77bcf86cd799439011".to_owned(), String::new()] {
            let unknown = with(vouched(&unknown), "sessionId", &ann.session);
            service.asks(kind, unknown, None).await.refused(401, "USER_NOT_FOUND", gone);
        }
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

/// What a trusted gateway whose payloads have no address asks, and how often it is let in.
async fn let_in_without_address(surface: &Surface, kind: PublicOperation, payloads: &[Value]) -> usize {
    let command = row(kind).pattern.unwrap();
    let mut let_in = 0;
    for payload in payloads {
        let payload = to_raw_value(payload).unwrap();
        let said = surface.answer(command, &payload, &Peer { address: None }).await.unwrap();
        let said: Value = serde_json::from_str(said.get()).unwrap();
        if said["meta"]["code"] == "TOO_MANY_REQUESTS" {
            assert!(said["meta"]["retryAfter"].as_u64().is_some_and(|wait| wait > 0), "{said}");
        } else {
            assert!(said["meta"].get("retryAfter").is_none(), "{said}");
            let_in += 1;
        }
    }
    let_in
}

// ASVS-map: AU1
#[tokio::test]
async fn users_of_a_trusted_gateway_that_names_no_address_are_limited_one_by_one() {
    let server = TestServer::start().await;
    let config = config(Path::new("."), &[&TRUSTED[..], &[("LIMITS_RATE", "9")]].concat());
    let surface = surface(&server, &config);
    let login = |name: &str| json!({"usernameOrEmailOrMobile": name, "ip": "unknown"});
    let many: Vec<Value> = (0..50).map(|user| login(&format!("user{user}@example.com"))).collect();
    assert_eq!(let_in_without_address(&surface, PublicOperation::Login, &many).await, 50);
    let one: Vec<Value> = (0..9).map(|_| login(" ANN@example.com ")).collect();
    assert_eq!(let_in_without_address(&surface, PublicOperation::Login, &one).await, 3);
    assert_eq!(
        let_in_without_address(&surface, PublicOperation::Login, &[login("ann@example.com")]).await,
        0
    );
    let verify: Vec<Value> = (0..50).map(|_| json!({"loginId": random_id()})).collect();
    assert_eq!(let_in_without_address(&surface, PublicOperation::VerifyLogin, &verify).await, 50);
    assert_eq!(let_in_without_address(&surface, PublicOperation::ResendCode, &verify).await, 50);
    // What names no account shares ten times the limit, whatever else it says.
    let sign_up = |user| json!({"email": format!("new{user}@example.com"), "loginId": random_id()});
    let sign_ups: Vec<Value> = (0..50).map(sign_up).collect();
    assert_eq!(let_in_without_address(&surface, PublicOperation::Signup, &sign_ups).await, 30);
}

#[tokio::test]
async fn half_of_a_character_in_a_payload_is_named_as_such() {
    let server = TestServer::start().await;
    let surface = surface(&server, &config(Path::new("."), &[]));
    let login = row(PublicOperation::Login).pattern.unwrap();
    for (payload, message) in [
        (r#"{"password":"\ud800"}"#, "The payload holds a lone surrogate, which is half of a character"),
        (r#"{"\udc00":1}"#, "The payload holds a lone surrogate, which is half of a character"),
        (r#"{"password":"\ud83dx"}"#, "The payload holds a lone surrogate, which is half of a character"),
        (r#"{"n":1e999}"#, "The payload holds a number that is too large, or is nested too deep"),
        ("[]", "The payload is not an object"),
    ] {
        let payload = RawValue::from_string(payload.to_owned()).unwrap();
        let fault = surface.answer(login, &payload, &Peer { address: None }).await.unwrap_err();
        assert_eq!(fault.get(), format!(r#"{{"status":"error","message":"{message}"}}"#));
    }
}

/// How many services on one Unix socket pass the rate limit if each names another end user.
async fn let_in(server: &TestServer, settings: &[(&str, &str)]) -> usize {
    let config = config(Path::new("."), settings);
    let surface = surface(server, &config);
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

// ASVS-map: TN5, TN2
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
