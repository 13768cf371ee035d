//! Answers that stay open.

use std::future::pending;

use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::TcpStream;

use crate::fixture::{Client, RawUpstream, TestGateway, read_head, write_until_full};

static PIECE: [u8; 64 << 10] = [b'x'; 64 << 10];

/// An upstream that sends one event, and no other.
async fn events() -> RawUpstream {
    RawUpstream::start(|mut stream: TcpStream| async move {
        read_head(&mut stream).await;
        let head = "HTTP/1.1 200 OK\r\ncontent-type: text/event-stream\r\ntransfer-encoding: chunked\r\n\r\n";
        let _ = stream.write_all(format!("{head}5\r\none\n\n\r\n").as_bytes()).await;
        pending::<()>().await;
    })
    .await
}

async fn opened(gateway: &TestGateway, credential: &str) -> Client {
    let mut client = gateway.connection().await;
    client.write(format!("GET / HTTP/1.1\r\nhost: a\r\n{credential}\r\n").as_bytes()).await;
    assert_eq!(client.head().await.unwrap().status, 200);
    assert_eq!(client.chunk().await, Ok(Some(b"one\n\n".to_vec())));
    client
}

#[tokio::test]
async fn a_sign_out_cuts_an_event_stream_without_a_clean_end() {
    let gateway = TestGateway::with_route(events().await.address, "").await;
    let mut client = opened(&gateway, "authorization: Bearer ann\r\n").await;
    gateway.verifier.revoke();
    assert_eq!(client.chunk().await, Err(()), "the connection is closed in the middle");
}

#[tokio::test]
async fn a_download_is_cut_while_it_runs() {
    let endless = RawUpstream::start(|mut stream: TcpStream| async move {
        read_head(&mut stream).await;
        let _ = stream.write_all(b"HTTP/1.1 200 OK\r\ncontent-length: 1000000000000\r\n\r\n").await;
        while stream.write_all(&[b'x'; 8192]).await.is_ok() {}
    })
    .await;
    let gateway = TestGateway::with_route(endless.address, "").await;
    let mut client = gateway.connection().await;
    client.write(b"GET / HTTP/1.1\r\nhost: a\r\nauthorization: Bearer ann\r\n\r\n").await;
    assert_eq!(client.head().await.unwrap().status, 200);
    let revoked = gateway.verifier.clone();
    revoked.revoke();
    // It ends, however much the upstream would send.
    client.rest().await;
}

/// An upstream that sends until nothing more is taken, says so, and says when it is cut off.
async fn flooding(head: &'static str) -> (RawUpstream, tokio::sync::mpsc::UnboundedReceiver<&'static str>) {
    let (told, tells) = tokio::sync::mpsc::unbounded_channel();
    let upstream = RawUpstream::start(move |mut stream: TcpStream| {
        let told = told.clone();
        async move {
            read_head(&mut stream).await;
            let _ = stream.write_all(head.as_bytes()).await;
            while write_until_full(&stream, &PIECE).await == PIECE.len() {}
            let _ = told.send("full");
            while stream.write_all(&[b'x'; 8192]).await.is_ok() {}
            let _ = told.send("cut off");
        }
    });
    (upstream.await, tells)
}

#[tokio::test]
async fn a_client_that_takes_nothing_is_cut_too_and_gets_nothing_more() {
    let download = "HTTP/1.1 200 OK\r\ncontent-length: 1000000000000\r\n\r\n";
    let websocket = "HTTP/1.1 101 Switching Protocols\r\nconnection: upgrade\r\nupgrade: websocket\r\n\r\n";
    for (asked, answered) in [("", download), ("connection: upgrade\r\nupgrade: websocket\r\n", websocket)] {
        let (upstream, mut told) = flooding(answered).await;
        let gateway = TestGateway::with_route(upstream.address, "").await;
        let mut client = gateway.connection().await;
        client
            .write(
                format!("GET / HTTP/1.1\r\nhost: a\r\nauthorization: Bearer ann\r\n{asked}\r\n").as_bytes(),
            )
            .await;
        assert_eq!(told.recv().await, Some("full"));
        gateway.verifier.revoke();
        assert_eq!(told.recv().await, Some("cut off"));
        let ended = client.0.read_to_end(&mut Vec::new()).await.map_err(|fault| fault.kind());
        assert_eq!(ended, Err(std::io::ErrorKind::ConnectionReset), "{asked}");
    }
}

#[tokio::test]
async fn a_client_of_http_1_0_does_not_take_a_cut_or_a_break_for_the_end() {
    let gateway = TestGateway::with_route(events().await.address, "").await;
    let mut client = gateway.connection().await;
    client.write(b"GET / HTTP/1.0\r\nauthorization: Bearer ann\r\n\r\n").await;
    assert_eq!(client.head().await.unwrap().status, 200);
    client.0.read_exact(&mut [0; 5]).await.unwrap();
    gateway.verifier.revoke();
    let ended = client.0.read_to_end(&mut Vec::new()).await.map_err(|fault| fault.kind());
    assert_eq!(ended, Err(std::io::ErrorKind::ConnectionReset));
    let breaking = RawUpstream::start(|mut stream: TcpStream| async move {
        read_head(&mut stream).await;
        let said = "HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\n4\r\nhalf\r\n";
        let _ = stream.write_all(said.as_bytes()).await;
    })
    .await;
    let gateway = TestGateway::with_route(breaking.address, "public = true").await;
    let mut client = gateway.connection().await;
    client.write(b"GET / HTTP/1.0\r\n\r\n").await;
    let ended = client.0.read_to_end(&mut Vec::new()).await.map_err(|fault| fault.kind());
    assert_eq!(ended, Err(std::io::ErrorKind::ConnectionReset));
}

#[tokio::test]
async fn a_public_stream_is_no_ones_to_cut() {
    let gateway = TestGateway::with_route(events().await.address, "public = true").await;
    let _client = opened(&gateway, "").await;
    assert_eq!(gateway.verifier.watched(), 0);
}

#[tokio::test]
async fn a_gateway_that_stops_lets_an_answer_reach_its_end() {
    let (go_on, going) = tokio::sync::watch::channel(false);
    let upstream = RawUpstream::start(move |mut stream: TcpStream| {
        let mut going = going.clone();
        async move {
            read_head(&mut stream).await;
            let _ = stream.write_all(b"HTTP/1.1 200 OK\r\ncontent-length: 9\r\n\r\nhalf-").await;
            let _ = going.wait_for(|going| *going).await;
            let _ = stream.write_all(b"half").await;
        }
    })
    .await;
    let gateway = TestGateway::start(&format!(
        "[timeouts]\ndrain = \"0s\"\n[[routes]]\npath = \"/\"\nupstream = \"http://{}\"\npublic = true\n",
        upstream.address
    ))
    .await;
    let mut client = gateway.connection().await;
    client.write(b"GET / HTTP/1.1\r\nhost: a\r\n\r\n").await;
    let head = client.head().await.unwrap();
    assert_eq!(head.status, 200);
    gateway.stop();
    go_on.send_replace(true);
    assert_eq!(client.rest().await, "half-half");
    gateway.stopped().await;
}
