//! Requests, events and what is said to them.

use std::io;
use std::pin::Pin;
use std::task::{Context, Poll};

use tokio::io::ReadBuf;

use super::*;

#[tokio::test]
async fn a_request_is_answered_and_its_id_comes_back() {
    let server = Server::start(LIMITS).await;
    let mut client = server.client().await;
    for id in [json!("3f2a"), json!(null), json!(7), json!({"a": [1]})] {
        client.send(&[request("echo", &json!({"z": "😀", "a": 1}), &id)]).await;
        assert_eq!(client.answer().await.unwrap(), answered(&json!({"z": "😀", "a": 1}), &id));
    }
    assert_eq!(client.ask("peer", json!({})).await["response"], json!("127.0.0.1"));
}

#[tokio::test]
async fn members_keep_their_order_on_the_way_back() {
    let server = Server::start(LIMITS).await;
    let mut client = server.client().await;
    let (mut sent, mut expected) = (BytesMut::new(), BytesMut::new());
    frame::write(r#"{"pattern":{"cmd":"echo"},"data":{"z":1, "a":[2.50]},"id":"one"}"#, &mut sent);
    frame::write(r#"{"response":{"z":1, "a":[2.50]},"isDisposed":true,"id":"one"}"#, &mut expected);
    client.send_bytes(&sent).await;
    let mut answer = vec![0; expected.len()];
    client.stream.read_exact(&mut answer).await.unwrap();
    assert_eq!(String::from_utf8_lossy(&answer), String::from_utf8_lossy(&expected));
}

#[tokio::test]
async fn answers_come_as_they_are_done() {
    let server = Server::start(LIMITS).await;
    let mut client = server.client().await;
    client
        .send(&[request("gated", &json!(1), &json!("slow")), request("echo", &json!(2), &json!("fast"))])
        .await;
    assert_eq!(client.answer().await.unwrap()["id"], "fast");
    server.echo.gate.add_permits(1);
    assert_eq!(client.answer().await.unwrap()["id"], "slow");
}

#[tokio::test]
async fn an_event_is_run_and_gets_no_answer() {
    let server = Server::start(LIMITS).await;
    let mut client = server.client().await;
    client
        .send(&[event("echo", &json!("told")), event("unknown", &json!("lost")), event("panic", &json!(0))])
        .await;
    server.has_begun(2).await;
    assert_eq!(client.ask("echo", json!("asked")).await, answered(&json!("asked"), &json!("id")));
    assert_eq!(*server.echo.ran.borrow(), [json!("told"), json!(0), json!("asked")]);
}

#[tokio::test]
async fn a_pattern_without_a_handler_is_answered_as_nest_does() {
    let server = Server::start(LIMITS).await;
    let mut client = server.client().await;
    let text = "There is no matching message handler defined in the remote service.";
    let expected = json!({"id": "id", "status": "error", "err": text});
    assert_eq!(client.ask("unknown", json!({})).await, expected);
    client.send(&[json!({"pattern": "echo", "data": {}, "id": "id"})]).await;
    assert_eq!(client.answer().await.unwrap(), expected);
}

// ASVS-map: LG3
#[tokio::test]
async fn faults_and_panics_are_one_requests_own() {
    let server = Server::start(LIMITS).await;
    let mut client = server.client().await;
    for (command, message) in [("fault", "as you wish"), ("panic", "Internal server error")] {
        let err = json!({"status": "error", "message": message});
        assert_eq!(client.ask(command, json!({})).await, json!({"err": err, "isDisposed": true, "id": "id"}));
    }
    assert_eq!(client.ask("echo", json!(1)).await["response"], 1);
}

#[tokio::test]
async fn a_packet_arrives_whole_byte_by_byte() {
    let server = Server::start(LIMITS).await;
    let mut client = server.client().await;
    client.stream.set_nodelay(true).unwrap();
    let mut stream = BytesMut::new();
    frame::write(&request("echo", &json!("😀 é 漢"), &json!(1)).to_string(), &mut stream);
    for byte in stream.chunks(1) {
        client.send_bytes(byte).await;
        tokio::task::yield_now().await;
    }
    assert_eq!(client.answer().await.unwrap()["response"], "😀 é 漢");
}

#[tokio::test]
async fn hundreds_of_packets_in_one_segment_are_all_answered() {
    let server = Server::start(TcpConnectionLimits { in_flight: 3, ..LIMITS }).await;
    let mut client = server.client().await;
    let requests: Vec<Value> = (0..500).map(|id| request("echo", &json!({}), &json!(id))).collect();
    client.send(&requests).await;
    let mut ids = Vec::new();
    for _ in 0..500 {
        ids.push(client.answer().await.unwrap()["id"].as_u64().unwrap());
    }
    ids.sort_unstable();
    assert!(ids.into_iter().eq(0..500));
}

/// One end of a pipe that counts what is written.
struct CountedHandler(tokio::io::DuplexStream, Arc<AtomicUsize>);

impl AsyncRead for CountedHandler {
    fn poll_read(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        buf: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        Pin::new(&mut self.0).poll_read(cx, buf)
    }
}

impl AsyncWrite for CountedHandler {
    fn poll_write(mut self: Pin<&mut Self>, cx: &mut Context<'_>, buf: &[u8]) -> Poll<io::Result<usize>> {
        self.1.fetch_add(1, Ordering::SeqCst);
        Pin::new(&mut self.0).poll_write(cx, buf)
    }

    fn poll_flush(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.0).poll_flush(cx)
    }

    fn poll_shutdown(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.0).poll_shutdown(cx)
    }
}

#[tokio::test]
async fn answers_that_are_done_together_are_written_together() {
    let server = Server::start(LIMITS).await;
    let (here, there) = tokio::io::duplex(1 << 16);
    let writes = Arc::new(AtomicUsize::new(0));
    let stream = Box::new(CountedHandler(there, writes.clone()));
    let context = ConnectionContext { dispatch: server.echo.clone(), limits: LIMITS };
    let (_end, ending) = watch::channel(ConnectionEnd::Open);
    let connection = tokio::spawn(async move {
        connection::run(stream, Peer { address: None }, &context, ConnectionSlot::alone(ending)).await
    });

    let mut client = Client::new(here);
    let requests: Vec<Value> = (0..20).map(|id| request("gated", &json!({}), &json!(id))).collect();
    client.send(&requests).await;
    server.has_begun(20).await;
    server.echo.gate.add_permits(20);
    for _ in 0..20 {
        client.answer().await.unwrap();
    }
    assert_eq!(writes.load(Ordering::SeqCst), 1);
    drop(client);
    connection.await.unwrap().unwrap();
}
