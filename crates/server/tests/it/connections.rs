//! Connections when there are not enough of them, and refreshes that are counted by their session.

use portcullis_core::strategy::StrategyName;
use serde_json::json;

use crate::fixture::{DeviceClient, HTTPS, HttpConnection, TestServer, TestUser};

const FOUR: [(&str, &str); 1] = [("LIMITS_CONNECTIONS", "4")];

async fn asks(line: &mut HttpConnection) -> u16 {
    line.write(b"GET /healthz HTTP/1.1\r\nhost: a\r\n\r\n").await;
    line.answer().await.unwrap().status
}

// ASVS-map: OP1
#[tokio::test]
async fn idle_sockets_hold_no_slot_that_another_client_needs() {
    let server = TestServer::with(&FOUR).await;
    let ann = TestUser::ANN.registered(&server).await;
    let mut idle = Vec::new();
    for number in 0..40 {
        let mut line = server.connection().await;
        match number % 3 {
            // One that has asked and may ask again, one that says nothing, one that trickles.
            0 => assert_eq!(asks(&mut line).await, 200),
            1 => (),
            _ => line.write(b"GET /healthz HTTP/1.1\r\nx: ").await,
        }
        idle.push(line);
    }
    let held = ann.signs_in(&server, StrategyName::Session).await;
    held.profile(&server).await.status(200);
}

// ASVS-map: OP1
#[tokio::test]
async fn the_longest_idle_connection_goes_and_one_that_is_answered_stays() {
    let server = TestServer::with(&FOUR).await;
    let (mut oldest, mut used) = (server.connection().await, server.connection().await);
    assert_eq!((asks(&mut oldest).await, asks(&mut used).await), (200, 200));
    // A request whose body is under way is being answered.
    let mut busy = server.connection().await;
    let head = "POST /auth/jwt/login HTTP/1.1\r\nhost: a\r\ncontent-type: application/json\r\ncontent-length: 2\r\nexpect: 100-continue\r\n\r\n";
    busy.write(head.as_bytes()).await;
    assert_eq!(busy.answer().await.unwrap().status, 100, "its handler reads the body");
    let mut newer = server.connection().await;
    assert_eq!((asks(&mut newer).await, asks(&mut oldest).await), (200, 200));

    let mut fifth = server.connection().await;
    assert_eq!(asks(&mut fifth).await, 200);
    assert_eq!(used.rest().await, "", "it was idle longest");
    assert_eq!((asks(&mut oldest).await, asks(&mut newer).await, asks(&mut fifth).await), (200, 200, 200));
    let mut sixth = server.connection().await;
    assert_eq!(asks(&mut sixth).await, 200);
    assert_eq!(oldest.rest().await, "");
    busy.write(b"{}").await;
    assert_eq!(busy.answer().await.unwrap().status, 400, "its request was answered");
}

// ASVS-map: OP1
#[tokio::test]
async fn a_connection_that_is_idle_for_too_long_is_closed_and_one_that_is_answered_stays() {
    let server = TestServer::with(&[("TIMEOUTS_HEADERS", "200ms"), ("TIMEOUTS_BODY", "10m")]).await;
    let mut busy = server.connection().await;
    let head = "POST /auth/jwt/login HTTP/1.1\r\nhost: a\r\ncontent-type: application/json\r\ncontent-length: 2\r\nexpect: 100-continue\r\n\r\n";
    busy.write(head.as_bytes()).await;
    assert_eq!(busy.answer().await.unwrap().status, 100, "its handler reads the body");
    // One that has never asked, and one that has asked: each later than the one before was closed.
    assert_eq!(server.connection().await.rest().await, "");
    let mut used = server.connection().await;
    assert_eq!(asks(&mut used).await, 200);
    assert_eq!(used.rest().await, "");
    busy.write(b"{}").await;
    assert_eq!(busy.answer().await.unwrap().status, 400, "its request was answered");
}

/// Starts so many refreshes of one token at once; how many succeed.
async fn tabs(server: &TestServer, count: usize, body: &serde_json::Value, strategy: Option<&str>) -> usize {
    let path = strategy.map_or("/auth/refresh".to_owned(), |strategy| format!("/auth/{strategy}/refresh"));
    let asked = (0..count).map(|_| server.post(&path).json(body).into_future());
    let answers = futures_util::future::join_all(asked).await;
    answers.into_iter().filter(|answer| answer.status == 201).count()
}

// ASVS-map: RT2
#[tokio::test]
async fn two_hundred_tabs_refresh_at_once_and_take_nothing_from_others_at_their_address() {
    let limited = [("LIMITS_RATE", "30")];
    let server = TestServer::with(&[&HTTPS[..], &limited].concat()).await;
    let app = DeviceClient::curl(&server);
    TestUser::ANN.signs_up(&app).await;
    let device = TestUser::ANN.signs_in_natively_on(&app).await;
    let body = json!({"refreshToken": device.refresh, "deviceSecret": device.secret});
    assert_eq!(tabs(&server, 200, &body, None).await, 200);
    let native = TestUser::ANN.signs_in_natively(&server, StrategyName::Refresh).await;
    let body = json!({"refresh_token": native.refresh_token(), "device_secret": native.proof});
    assert_eq!(tabs(&server, 200, &body, Some("refresh")).await, 200);

    // A refresh without a proof, or with a wrong one, counts against the address: five of its ten were used to sign in.
    let wrong = json!({"refreshToken": "nonsense", "deviceSecret": device.secret});
    let mut statuses = Vec::new();
    for _ in 0..12 {
        statuses.push(server.post("/auth/refresh").json(&wrong).await.status);
    }
    assert!(statuses.starts_with(&[401, 401]) && statuses.ends_with(&[429, 429]), "{statuses:?}");
    let wrong = json!({"refresh_token": native.refresh_token()});
    let refused = server.post("/auth/refresh/refresh").json(&wrong).await.status(429);
    assert!(refused.header("retry-after").is_some());
    // Its limit ends the storm of one session, too.
    let newest = device.renewed(&device.refreshes().await);
    let body = json!({"refreshToken": newest.refresh, "deviceSecret": newest.secret});
    assert!(tabs(&server, 600, &body, None).await < 600);
}
