//! Client addresses: the device and address that a session shows, trusted proxies, and rate limits by address.

use portcullis_api::operation::{
    Access, Method, PublicStrategyOperation, STRATEGY_OPERATIONS, StrategyOperation, StrategyRow,
};
use portcullis_core::email::Email;
use portcullis_core::id::TenantId;
use portcullis_core::store::Page;
use portcullis_core::strategy::StrategyName;
use serde_json::json;

use crate::fixture::{HTTPS, STRATEGIES, TestServer, TestUser};

const FIREFOX: &str = "Mozilla/5.0 (X11; Linux x86_64; rv:145.0) Gecko/20100101 Firefox/145.0";
const TOO_MANY: &str = r#"{"message":"Too many requests, please try again later.","error":"Too Many Requests","statusCode":429}"#;

/// The settings of production and these.
fn production(settings: &[(&'static str, &'static str)]) -> Vec<(&'static str, &'static str)> {
    HTTPS.into_iter().chain(settings.iter().copied()).collect()
}

/// The device of the session that a sign-in with these headers begins.
async fn device_of(server: &TestServer, headers: &[(&str, &str)]) -> (String, String) {
    let ann = TestUser::ANN.logs_in(server, StrategyName::Session);
    let asked = headers.iter().fold(ann, |ask, (name, value)| ask.header(name, value));
    asked.await.status(201);
    let email = Email::parse(TestUser::ANN.email).unwrap();
    let user = server.engine.user_by_email(&TenantId::default_tenant(), &email).await.unwrap();
    let (page, now) = (Page { after: None, limit: 99 }, server.engine.now());
    let sessions = server.stores().sessions.list(&user.key, page, now).await.unwrap();
    let newest = sessions.into_iter().max_by_key(|session| session.key.id).unwrap();
    (newest.device.name, newest.device.address)
}

#[tokio::test]
async fn a_session_keeps_a_name_that_its_owner_recognises() {
    let server = TestServer::start().await;
    TestUser::ANN.registered(&server).await;
    for (agent, expected) in
        [(FIREFOX, "Firefox on Linux"), ("curl/8.7.1", "curl/8.7.1"), ("", "Unknown device")]
    {
        let (name, address) = device_of(&server, &[("user-agent", agent)]).await;
        assert_eq!((name.as_str(), address.as_str()), (expected, "127.0.0.1"));
    }
    assert_eq!(device_of(&server, &[]).await.0, "Unknown device");
}

#[tokio::test]
async fn only_a_trusted_proxy_is_believed_about_where_a_client_is() {
    let forwarded = [("x-forwarded-for", "6.6.6.6, 192.0.2.7"), ("forwarded", "for=192.0.2.8")];
    for (settings, expected) in [
        (&[][..], "127.0.0.1"),
        (&[("PROXIES_TRUSTED", "10.0.0.0/8")], "127.0.0.1"),
        (&[("PROXIES_TRUSTED", "10.0.0.0/8, 127.0.0.1")], "192.0.2.7"),
        (&[("PROXIES_TRUSTED", "127.0.0.0/8"), ("PROXIES_HEADER", "forwarded")], "192.0.2.8"),
    ] {
        let server = TestServer::with(settings).await;
        TestUser::ANN.registered(&server).await;
        assert_eq!(device_of(&server, &forwarded).await.1, expected, "{settings:?}");
    }
}

// ASVS-map: AU1
#[tokio::test]
async fn a_rate_limited_request_is_refused_before_its_body_is_read() {
    // A refresh says in its body which session it is counted against.
    let is_counted_at_once = |row: &StrategyRow| {
        row.access() == Access::Public
            && row.kind != StrategyOperation::Public(PublicStrategyOperation::Refresh)
    };
    for operation in STRATEGY_OPERATIONS.into_iter().filter(is_counted_at_once) {
        assert_eq!(operation.method, Method::Post);
        for strategy in STRATEGIES {
            let Some(path) = operation.path(strategy) else { continue };
            let server = TestServer::with(&production(&[("LIMITS_RATE", "6")])).await;
            for _ in 0..2 {
                let reached = server.post(&path).text("{").await;
                reached.says(
                    400,
                    r#"{"message":"Request body is not valid JSON","error":"Bad Request","statusCode":400}"#,
                );
            }
            let refused = server.post(&path).text("{").await;
            refused.says(429, TOO_MANY);
            assert!(matches!(refused.header("retry-after"), Some("9" | "10")), "{refused:?}");
            // The headers are enough: the body that they announce is never sent.
            let mut line = server.connection().await;
            line.write(&server.post(&path).header("content-length", "9999").bytes()).await;
            assert_eq!(line.answer().await.unwrap().status, 429);
            let problem = server.post(&path).header("accept", "application/problem+json").await;
            assert!(problem.status(429).body.contains(r#""code":"TOO_MANY_REQUESTS""#));
        }
    }
}

// ASVS-map: AU1
#[tokio::test]
async fn one_place_that_asks_too_often_is_refused_and_others_are_not() {
    let server =
        TestServer::with(&production(&[("LIMITS_RATE", "9"), ("PROXIES_TRUSTED", "127.0.0.1")])).await;
    server.create_tenant("acme").await;
    let asked = |tenant, from: String| {
        let ask = server.post("/auth/jwt/login").header("x-tenant-id", tenant);
        ask.header("x-forwarded-for", &from).json(&json!({}))
    };
    for spoofed in 0..3 {
        asked("default", format!("192.0.2.{spoofed}, 198.51.100.1")).await.status(400);
    }
    asked("default", "192.0.2.99, 198.51.100.1".to_owned()).await.status(429);
    asked("default", "198.51.100.1, 198.51.100.2".to_owned()).await.status(400);
    asked("acme", "198.51.100.1".to_owned()).await.status(400);
    // Requests of signed-in users and cheap requests are not limited.
    for _ in 0..9 {
        let health = server.get("/healthz").header("x-forwarded-for", "198.51.100.1");
        health.await.status(200);
        let profile = server.get("/auth/jwt/profile").header("x-forwarded-for", "198.51.100.1");
        profile.await.status(401);
    }
}

// ASVS-map: AU1, OP2
#[tokio::test]
async fn changes_of_a_password_are_limited_by_session_and_account_wherever_they_come_from() {
    let settings = production(&[("LIMITS_RATE", "60"), ("PROXIES_TRUSTED", "127.0.0.1")]);
    let server = TestServer::with(&settings).await;
    let ann = TestUser::ANN.with_password("a vexed quilt mop").registered(&server).await;
    let mut sessions = Vec::new();
    for strategy in [StrategyName::SessionJwt, StrategyName::Hybrid, StrategyName::Jwt] {
        sessions.push(ann.signs_in(&server, strategy).await);
    }
    let mut asked = 0;
    let mut change = async |session: usize| {
        asked += 1;
        let from = format!("198.51.100.{asked}");
        let change = sessions[session].changes_password(&server, "", "");
        change.header("x-forwarded-for", &from).await
    };
    change(0).await.status(400);
    let refused = change(0).await;
    refused.says(429, TOO_MANY);
    assert!(refused.header("retry-after").is_some());
    change(1).await.status(400);
    change(2).await.says(429, TOO_MANY);
    let bob = TestUser::BOB.with_password("a vexed quilt mop").registered(&server).await;
    let elsewhere = bob.signs_in(&server, StrategyName::Jwt).await;
    elsewhere.changes_password(&server, "", "").await.status(400);
}

#[tokio::test]
async fn in_development_this_machine_has_no_rate_limit_and_with_no_limit_no_client_has() {
    let unlimited = production(&[("LIMITS_RATE", "0")]);
    for settings in [&[("LIMITS_RATE", "1")][..], &unlimited] {
        let server = TestServer::with(settings).await;
        for _ in 0..30 {
            server.post("/auth/jwt/login").json(&json!({})).await.status(400);
        }
    }
}
