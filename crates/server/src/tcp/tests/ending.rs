//! How connections end: by the peer, and by the server that stops.

use super::*;

#[tokio::test]
async fn a_client_that_sends_all_and_closes_is_answered_in_full() {
    let server = Server::start(TcpConnectionLimits { in_flight: 2, ..LIMITS }).await;
    let mut client = server.client().await;
    let requests: Vec<Value> = (0..50).map(|id| request("echo", &json!(id), &json!(id))).collect();
    client.send(&requests).await;
    client.stream.shutdown().await.unwrap();
    for _ in 0..50 {
        assert!(client.answer().await.is_some());
    }
    assert_eq!(client.answer().await, None);
}

#[tokio::test]
async fn what_has_begun_runs_to_its_end_though_its_client_is_gone() {
    let mut server = Server::start(LIMITS).await;
    let mut client = server.client().await;
    client.send(&[event("gated", &json!("told")), request("gated", &json!("asked"), &json!(1))]).await;
    server.has_begun(2).await;
    client.stream.set_zero_linger().unwrap();
    drop(client);
    server.stop();
    server.echo.gate.add_permits(2);
    server.task.await.unwrap();
    assert_eq!(server.echo.running.load(Ordering::SeqCst), 0);
}

// ASVS-map: OP4
#[tokio::test]
async fn a_server_that_stops_answers_what_is_in_flight_and_takes_nothing_new() {
    let mut server = Server::start(LIMITS).await;
    let (mut busy, mut idle) = (server.client().await, server.client().await);
    assert_eq!(idle.ask("echo", json!(1)).await["response"], 1);
    busy.send(&[request("gated", &json!(2), &json!("in flight"))]).await;
    server.has_begun(2).await;

    server.stop();
    assert_eq!(idle.answer().await, None);
    // Sent before the peer knows; the answer must survive it.
    busy.send(&[request("echo", &json!(3), &json!("too late"))]).await;
    server.echo.gate.add_permits(1);
    assert_eq!(busy.answer().await.unwrap(), answered(&json!(2), &json!("in flight")));
    assert_eq!(busy.answer().await, None);
    drop((busy, idle));
    server.task.await.unwrap();
    assert!(TcpStream::connect(server.address.unwrap()).await.is_err());
}

// ASVS-map: OP4
#[tokio::test]
async fn a_server_that_drains_answers_a_client_until_it_asks_nothing() {
    let accept = AcceptLimits { drain: Duration::from_mins(10), ..LIMITS.accept };
    let mut server = Server::start(TcpConnectionLimits { accept, ..LIMITS }).await;
    let (mut busy, mut idle) = (server.client().await, server.client().await);
    assert_eq!(idle.ask("echo", json!(1)).await["response"], 1);
    busy.send(&[request("gated", &json!(2), &json!("in flight"))]).await;
    server.has_begun(2).await;

    server.stop();
    assert_eq!(idle.answer().await, None);
    assert_eq!(busy.ask("echo", json!(3)).await["response"], 3);
    server.echo.gate.add_permits(1);
    assert_eq!(busy.answer().await.unwrap(), answered(&json!(2), &json!("in flight")));
    assert_eq!(busy.answer().await, None);
    drop((busy, idle));
    server.task.await.unwrap();
}

#[tokio::test]
async fn a_server_that_stops_waits_only_so_long() {
    let mut server = Server::start(TcpConnectionLimits {
        accept: AcceptLimits { shutdown: SHORT, ..LIMITS.accept },
        ..LIMITS
    })
    .await;
    let mut client = server.client().await;
    client.send(&[request("gated", &json!(1), &json!(1))]).await;
    server.has_begun(1).await;
    server.stop();
    server.task.await.unwrap();
}
