//! Connections to upstreams: used again, closed when no request comes, and no longer than their request needs them.

use std::sync::Arc;

use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::TcpStream;
use tokio::sync::Notify;
use tokio::sync::mpsc::unbounded_channel;

use crate::fixture::{Client, RawUpstream, TestGateway, read_head, write_until_full};

const SIZE: usize = 16 << 20;
const STEP: usize = 32 << 10;

/// An upstream that says the same to every request.
async fn saying(said: &'static str) -> RawUpstream {
    RawUpstream::start(move |mut stream: TcpStream| async move {
        while !read_head(&mut stream).await.is_empty() {
            let _ = stream.write_all(said.as_bytes()).await;
            if said.starts_with("HTTP/1.1 200 Until") {
                return;
            }
        }
    })
    .await
}

#[tokio::test]
async fn a_connection_is_used_again_if_its_answer_has_an_end() {
    let get = "GET / HTTP/1.1\r\nhost: a\r\n\r\n";
    let head = "HEAD / HTTP/1.1\r\nhost: a\r\n\r\n";
    let post = "POST / HTTP/1.1\r\nhost: a\r\ncontent-length: 4\r\n\r\nbody";
    for (request, said, is_used_again) in [
        (get, "HTTP/1.1 200 OK\r\ncontent-length: 4\r\n\r\nbody", true),
        (post, "HTTP/1.1 200 OK\r\ncontent-length: 4\r\n\r\nbody", true),
        (get, "HTTP/1.1 200 OK\r\ncontent-length: 0\r\n\r\n", true),
        (get, "HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\n4\r\nbody\r\n0\r\n\r\n", true),
        (get, "HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\n4\r\nbody\r\n0\r\na: b\r\n\r\n", true),
        (get, "HTTP/1.1 204 No Content\r\n\r\n", true),
        (get, "HTTP/1.1 304 Not Modified\r\n\r\n", true),
        (head, "HTTP/1.1 200 OK\r\ncontent-length: 4\r\n\r\n", true),
        (get, "HTTP/1.1 200 OK\r\ncontent-length: 4\r\nconnection: close\r\n\r\nbody", false),
        (get, "HTTP/1.0 200 OK\r\ncontent-length: 4\r\n\r\nbody", false),
        (get, "HTTP/1.1 200 Until it is closed\r\n\r\nbody", false),
    ] {
        let upstream = saying(said).await;
        let gateway = TestGateway::with_route(upstream.address, "public = true").await;
        for sent in 1..=3 {
            let mut client = gateway.connection().await;
            client.write(request.as_bytes()).await;
            if request == head {
                client.head().await.unwrap();
            } else {
                assert!(client.answer().await.unwrap().is_whole, "{said:?}");
            }
            let expected = if is_used_again { 1 } else { sent };
            assert_eq!(upstream.connections(), expected, "{request:?} was answered {said:?}");
        }
    }
}

#[tokio::test]
async fn an_upload_goes_on_while_its_client_does_not_read_the_answer() {
    let upstream = RawUpstream::start(|mut stream: TcpStream| async move {
        read_head(&mut stream).await;
        let (mut from_client, mut to_client) = stream.split();
        let answering = async {
            let head = format!("HTTP/1.1 200 OK\r\ncontent-length: {SIZE}\r\n\r\n");
            to_client.write_all(head.as_bytes()).await.unwrap();
            to_client.write_all(&vec![b'a'; SIZE]).await.unwrap();
        };
        let taking = async { from_client.read_exact(&mut vec![0; SIZE]).await.unwrap() };
        tokio::join!(answering, taking);
    })
    .await;
    let gateway = TestGateway::with_route(upstream.address, "public = true\nbody_limit = \"1GiB\"").await;
    let mut client = gateway.connection().await;
    client.write(format!("POST / HTTP/1.1\r\nhost: a\r\ncontent-length: {SIZE}\r\n\r\n").as_bytes()).await;
    client.write(&vec![b'u'; SIZE]).await;
    let answer = client.answer().await.unwrap();
    assert_eq!((answer.status, answer.is_whole, answer.body.len()), (200, true, SIZE));
}

#[tokio::test]
async fn a_connection_that_no_request_needs_is_closed_after_seconds() {
    let closed = Arc::new(Notify::new());
    let noted = closed.clone();
    let upstream = RawUpstream::start(move |mut stream: TcpStream| {
        let noted = noted.clone();
        async move {
            while !read_head(&mut stream).await.is_empty() {
                let _ = stream.write_all(b"HTTP/1.1 200 OK\r\ncontent-length: 2\r\n\r\nok").await;
            }
            noted.notify_one();
        }
    })
    .await;
    let gateway = TestGateway::with_route(upstream.address, "public = true").await;
    for connection in 1..=2 {
        assert_eq!(Client::get(gateway.address, "/", "").await.text(), "ok");
        closed.notified().await;
        assert_eq!(upstream.connections(), connection);
    }
}

/// What a buffer of the gateway still held of an upload would be lost if the connection were closed, or not driven,
/// once its answer has ended.
#[tokio::test]
async fn all_of_an_upload_arrives_though_its_answer_has_ended() {
    let (counted, mut counts) = unbounded_channel();
    let (answers, reads_on) = (Arc::new(Notify::new()), Arc::new(Notify::new()));
    let told = (answers.clone(), reads_on.clone());
    let upstream = RawUpstream::with_small_buffers(16 << 10, move |mut stream: TcpStream| {
        let (counted, (answers, reads_on)) = (counted.clone(), told.clone());
        async move {
            loop {
                let head = read_head(&mut stream).await;
                let Some((_, length)) = head.split_once("content-length: ") else { return };
                let mut left: usize = length.lines().next().unwrap().parse().unwrap();
                answers.notified().await;
                let _ = stream.write_all(b"HTTP/1.1 202 Accepted\r\ncontent-length: 0\r\n\r\n").await;
                reads_on.notified().await;
                let mut piece = vec![0; STEP];
                while left > 0 {
                    match stream.read(&mut piece[..left.min(STEP)]).await {
                        Ok(read @ 1..) => left -= read,
                        _ => break,
                    }
                }
                counted.send(left).unwrap();
            }
        }
    });
    let gateway = TestGateway::with_route(upstream.address, "public = true\nbody_limit = \"1GiB\"").await;
    // Before the system takes no more of the client, it takes no more of the gateway, and the end of an upload that is
    // a little larger stays there.
    for size in (1..=4096).map(|steps| steps * STEP) {
        let mut client = gateway.connection().await;
        client
            .write(format!("POST / HTTP/1.1\r\nhost: a\r\ncontent-length: {size}\r\n\r\n").as_bytes())
            .await;
        let body = vec![b'u'; size];
        let sent = write_until_full(client.0.get_ref(), &body).await;
        answers.notify_one();
        assert_eq!(client.answer().await.unwrap().status, 202);
        reads_on.notify_one();
        client.write(&body[sent..]).await;
        assert_eq!(counts.recv().await, Some(0), "of {size} bytes, of which {sent} were sent before");
        if sent < size {
            return;
        }
    }
    panic!("the system took every upload whole");
}
