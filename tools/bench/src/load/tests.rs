use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use axum::extract::State;
use axum::http::{StatusCode, header};
use axum::response::{IntoResponse as _, Response};
use axum::routing::{get, post};
use axum::{Json, Router};
use portcullis_bench::http;
use portcullis_bench::strategy::{AccessCredential, Credentials, StrategyUnderTest};
use serde_json::{Value, json};

use super::*;

const SPAN: Duration = Duration::from_millis(50);

async fn serve(router: Router) -> SocketAddr {
    let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap();
    tokio::spawn(axum::serve(listener, router).into_future());
    address
}

async fn drive_at(address: SocketAddr, scripts: Vec<Script>) -> Result<Tally, BenchError> {
    let scripts = scripts.into_iter().map(|script| vec![script]).collect();
    drive(connect(address, scripts).await?, SPAN).await.map(|(_, tally)| tally)
}

async fn every_third_is_busy(State(count): State<Arc<AtomicU64>>) -> Response {
    match count.fetch_add(1, Ordering::Relaxed) % 3 {
        0 => (StatusCode::SERVICE_UNAVAILABLE, [(header::RETRY_AFTER, "1")]).into_response(),
        _ => "ok".into_response(),
    }
}

/// Takes `t0`, then `t1`, …, and nothing twice.
async fn rotate(State(generation): State<Arc<AtomicU64>>, Json(body): Json<Value>) -> Response {
    let current = generation.fetch_add(1, Ordering::Relaxed);
    if body != json!({"refresh_token": format!("t{current}"), "device_secret": "d"}) {
        return StatusCode::UNAUTHORIZED.into_response();
    }
    let next = format!("t{}", current + 1);
    (StatusCode::CREATED, Json(json!({"access_token": "a", "refresh_token": next}))).into_response()
}

#[tokio::test]
async fn refusals_are_counted_apart_from_answers() {
    let count = Arc::new(AtomicU64::new(0));
    let router = Router::new().route("/", get(every_third_is_busy)).with_state(Arc::clone(&count));
    let script = || Script::repeat(http::get("/", &[]));
    let tally = drive_at(serve(router).await, vec![script(), script()]).await.unwrap();
    assert_eq!(tally.count() + tally.busy, count.load(Ordering::Relaxed));
    assert_eq!(tally.busy, count.load(Ordering::Relaxed).div_ceil(3));
    assert_eq!(tally.busy_with_retry_after, tally.busy);
    assert!(tally.elapsed >= SPAN);
}

#[tokio::test]
async fn clients_send_as_many_requests_together_as_they_are_told() {
    let count = Arc::new(AtomicU64::new(0));
    let router = Router::new().route("/", get(every_third_is_busy)).with_state(Arc::clone(&count));
    let script = || vec![Script::repeat(http::get("/", &[]))];
    let clients = connect(serve(router).await, vec![script(), script(), script()]).await.unwrap();
    let (clients, tally) = drive_requests(clients, 7).await.unwrap();
    assert_eq!((tally.count() + tally.busy, clients.len()), (7, 3));
    assert_eq!(count.load(Ordering::Relaxed), 7);
}

#[tokio::test]
async fn a_chain_redeems_each_token_once() {
    let router = Router::new().route("/auth/refresh/refresh", post(rotate)).with_state(Arc::default());
    let signed_in = Credentials {
        access: AccessCredential::Bearer(String::new()),
        refresh_token: Some("t0".to_owned()),
        device_secret: Some("d".to_owned()),
    };
    let script = Script::chain(StrategyUnderTest::Refresh, &signed_in).unwrap();
    let mut clients = connect(serve(router).await, vec![vec![script]]).await.unwrap();
    let mut tally = Tally::new();
    for _ in 0..3 {
        clients[0].step(&mut tally).await.unwrap();
    }
    assert_eq!(tally.count(), 3);
}

#[tokio::test]
async fn scripts_take_turns_and_stay_where_they_are() {
    let router = Router::new().route("/a", get(|| async { "a" })).route("/b", get(|| async { "b" }));
    let scripts = ["/a", "/b"].map(|path| Script::repeat(http::get(path, &[]))).into();
    let mut clients = connect(serve(router).await, vec![scripts]).await.unwrap();
    let mut tally = Tally::new();
    for _ in 0..3 {
        clients[0].step(&mut tally).await.unwrap();
    }
    let left = clients.remove(0).into_scripts();
    let begin =
        |script: &Script| String::from_utf8_lossy(script.request()).chars().take(6).collect::<String>();
    assert_eq!(left.iter().map(begin).collect::<Vec<_>>(), ["GET /b", "GET /a"]);
}

#[tokio::test]
async fn an_answer_of_another_kind_ends_the_run_and_names_the_request() {
    let error = drive_at(serve(Router::new()).await, vec![Script::repeat(http::get("/nowhere", &[]))]).await;
    assert_eq!(error.unwrap_err().to_string(), "GET /nowhere HTTP/1.1 was answered with 404 ");
}
