//! Upstreams that are down, slow, or do not keep to what they say.

use std::future::pending;
use std::net::SocketAddr;

use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::{TcpListener, TcpStream};

use crate::fixture::{Client, RawUpstream, TestGateway, echo, read_head};

/// A gateway with a fault behind `/` and an upstream that is well behind `/well`.
async fn beside_a_good_one(bad: SocketAddr, keys: &str) -> TestGateway {
    let well = echo().await.address;
    TestGateway::start(&format!(
        "[[routes]]\npath = \"/\"\nupstream = \"http://{bad}\"\npublic = true\n{keys}\n\
         [[routes]]\npath = \"/well\"\nupstream = \"http://{well}\"\npublic = true\n"
    ))
    .await
}

async fn is_served(gateway: &TestGateway) {
    assert_eq!(Client::get(gateway.address, "/well", "").await.status, 200, "the next request is fine");
}

/// An address where nothing listens.
async fn nowhere() -> SocketAddr {
    TcpListener::bind("127.0.0.1:0").await.unwrap().local_addr().unwrap()
}

#[tokio::test]
async fn an_upstream_that_is_down_is_502() {
    let gateway = beside_a_good_one(nowhere().await, "").await;
    let answer = Client::get(gateway.address, "/", "").await;
    assert_eq!(answer.text(), r#"{"message":"Bad Gateway","statusCode":502}"#);
    assert_eq!((answer.status, answer.header("www-authenticate")), (502, None));
    is_served(&gateway).await;
}

#[tokio::test]
async fn an_upstream_that_does_not_answer_is_504() {
    let silent = RawUpstream::start(|mut stream: TcpStream| async move {
        read_head(&mut stream).await;
        pending::<()>().await;
    })
    .await;
    let gateway = beside_a_good_one(silent.address, "timeouts = { first_byte = \"50ms\" }").await;
    let answer = Client::get(gateway.address, "/", "").await;
    assert_eq!(answer.text(), r#"{"message":"Gateway Timeout","statusCode":504}"#);
    is_served(&gateway).await;
}

#[tokio::test]
async fn an_upstream_that_takes_nothing_of_a_body_is_504_too() {
    let deaf = RawUpstream::start(|stream: TcpStream| async move {
        pending::<()>().await;
        drop(stream);
    })
    .await;
    let gateway =
        beside_a_good_one(deaf.address, "body_limit = \"64MiB\"\ntimeouts = { first_byte = \"200ms\" }")
            .await;
    let mut client = gateway.connection().await;
    let head = format!("POST / HTTP/1.1\r\nhost: a\r\ncontent-length: {}\r\n\r\n", 32 << 20);
    client.write(head.as_bytes()).await;
    let (mut reader, mut writer) = client.0.into_inner().into_split();
    let upload = tokio::spawn(async move { while writer.write_all(&[0; 8192]).await.is_ok() {} });
    let mut told = vec![0; 12];
    reader.read_exact(&mut told).await.unwrap();
    assert_eq!(String::from_utf8_lossy(&told), "HTTP/1.1 504");
    drop(reader);
    upload.abort();
    is_served(&gateway).await;
}

#[tokio::test]
async fn an_upstream_that_hangs_up_before_it_answers_is_502() {
    for said in ["", "HTTP/1.1 200 OK\r\ncontent-le", "no HTTP at all\r\n\r\n", "HTTP/1.1 999999 X\r\n\r\n"] {
        let rude = RawUpstream::start(move |mut stream: TcpStream| async move {
            read_head(&mut stream).await;
            let _ = stream.write_all(said.as_bytes()).await;
        })
        .await;
        let gateway = beside_a_good_one(rude.address, "").await;
        let answer = Client::get(gateway.address, "/", "").await;
        assert_eq!((answer.status, answer.text().contains("HTTP at all")), (502, false), "{said:?}");
        is_served(&gateway).await;
    }
}

#[tokio::test]
async fn an_answer_that_breaks_off_has_no_clean_end() {
    for said in [
        "HTTP/1.1 200 OK\r\ncontent-length: 10\r\n\r\nhalf",
        "HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\n4\r\nhalf\r\n",
        "HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\n4\r\nhalf\r\nzz\r\n",
    ] {
        let rude = RawUpstream::start(move |mut stream: TcpStream| async move {
            read_head(&mut stream).await;
            let _ = stream.write_all(said.as_bytes()).await;
        })
        .await;
        let gateway = beside_a_good_one(rude.address, "").await;
        let answer = Client::get(gateway.address, "/", "").await;
        assert_eq!(
            (answer.status, answer.text().as_str(), answer.is_whole),
            (200, "half", false),
            "{said:?}"
        );
        is_served(&gateway).await;
    }
}

#[tokio::test]
async fn what_an_upstream_says_beyond_its_length_is_no_answer_to_the_next_client() {
    let liar = RawUpstream::start(|mut stream: TcpStream| async move {
        loop {
            if read_head(&mut stream).await.is_empty() {
                return;
            }
            let more = "HTTP/1.1 200 OK\r\ncontent-length: 4\r\n\r\ngood";
            let smuggled = "HTTP/1.1 200 OK\r\ncontent-length: 4\r\n\r\nevil";
            let _ = stream.write_all(format!("{more}{smuggled}").as_bytes()).await;
        }
    })
    .await;
    let gateway = beside_a_good_one(liar.address, "").await;
    for _ in 0..20 {
        assert_eq!(Client::get(gateway.address, "/", "").await.text(), "good");
    }
}

/// What a client gets of what an upstream says.
async fn heard(said: &'static str, request: &str) -> String {
    let upstream = RawUpstream::start(move |mut stream: TcpStream| async move {
        read_head(&mut stream).await;
        let _ = stream.write_all(said.as_bytes()).await;
    });
    let gateway = TestGateway::with_route(upstream.await.address, "public = true").await;
    let mut client = gateway.connection().await;
    client.write(format!("{request} HTTP/1.1\r\nhost: a\r\nconnection: close\r\n\r\n").as_bytes()).await;
    client.rest().await
}

#[tokio::test]
async fn an_answer_ends_where_its_upstream_says_whatever_else_it_says() {
    let chunks = "5\r\nhello\r\n0\r\n\r\n";
    for (said, body) in [
        (
            format!("HTTP/1.1 200 OK\r\ncontent-length: 3\r\ntransfer-encoding: chunked\r\n\r\n{chunks}"),
            chunks,
        ),
        (
            format!("HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\ncontent-length: 30\r\n\r\n{chunks}"),
            chunks,
        ),
        ("HTTP/1.1 200 OK\r\nconnection: close\r\n\r\nhello".to_owned(), chunks),
        // hyper's client reads the versions alike, and so does the client of the gateway.
        ("HTTP/1.0 200 OK\r\n\r\nhello".to_owned(), chunks),
        (
            "HTTP/1.1 103 Early Hints\r\nlink: x\r\n\r\nHTTP/1.1 200 OK\r\ncontent-length: 5\r\n\r\nhello"
                .to_owned(),
            "hello",
        ),
        ("HTTP/1.1 204 No Content\r\ncontent-length: 5\r\n\r\nhello".to_owned(), ""),
        ("HTTP/1.1 304 Not Modified\r\ncontent-length: 5\r\n\r\n".to_owned(), ""),
    ] {
        let answer = heard(said.clone().leak(), "GET /").await;
        let (head, rest) = answer.split_once("\r\n\r\n").unwrap();
        assert_eq!((head.split(' ').next(), rest), (Some("HTTP/1.1"), body), "{said:?}: {answer}");
        assert!(!(head.contains("content-length") && head.contains("transfer-encoding")), "{answer}");
    }
    let answer = heard("HTTP/1.1 200 OK\r\ncontent-length: 5\r\n\r\n", "HEAD /").await;
    assert!(answer.contains("content-length: 5\r\n") && answer.ends_with("\r\n\r\n"), "{answer}");
    for unreadable in [
        "HTTP/1.1 200 OK\r\ntransfer-encoding: gzip\r\n\r\nhello",
        "HTTP/1.1 200 OK\r\ntransfer-encoding: gzip, chunked\r\n\r\n5\r\nhello\r\n0\r\n\r\n",
        "HTTP/1.1 200 OK\r\ncontent-length: 3\r\ncontent-length: 4\r\n\r\nhell",
        "HTTP/1.1 200 OK\r\nx: a\r\n folded: b\r\ncontent-length: 0\r\n\r\n",
    ] {
        let answer = heard(unreadable, "GET /").await;
        assert!(answer.starts_with("HTTP/1.1 502 "), "{unreadable:?}: {answer}");
    }
}

#[tokio::test]
async fn a_pause_in_an_answer_breaks_it_off() {
    let slow = RawUpstream::start(|mut stream: TcpStream| async move {
        read_head(&mut stream).await;
        let _ = stream.write_all(b"HTTP/1.1 200 OK\r\ncontent-length: 10\r\n\r\nhalf").await;
        pending::<()>().await;
    })
    .await;
    let gateway = beside_a_good_one(slow.address, "timeouts = { idle = \"50ms\" }").await;
    let answer = Client::get(gateway.address, "/", "").await;
    assert_eq!((answer.text().as_str(), answer.is_whole), ("half", false));
}

#[tokio::test]
async fn a_switch_to_another_protocol_that_was_not_asked_for_is_502() {
    let switching = RawUpstream::start(|mut stream: TcpStream| async move {
        let head = read_head(&mut stream).await;
        assert!(!head.contains("h2c"), "{head}");
        let _ =
            stream.write_all(b"HTTP/1.1 101 Switching\r\nupgrade: h2c\r\nconnection: upgrade\r\n\r\n").await;
        pending::<()>().await;
    })
    .await;
    let gateway = beside_a_good_one(switching.address, "").await;
    let asked = "connection: upgrade, http2-settings\r\nupgrade: h2c\r\nhttp2-settings: AAM\r\n";
    for headers in ["", asked] {
        assert_eq!(Client::get(gateway.address, "/", headers).await.status, 502, "{headers}");
    }
}

#[tokio::test]
async fn a_client_that_hangs_up_ends_the_request_at_the_upstream() {
    let (ended, mut is_ended) = tokio::sync::mpsc::unbounded_channel();
    let upstream = RawUpstream::start(move |mut stream: TcpStream| {
        let ended = ended.clone();
        async move {
            read_head(&mut stream).await;
            let _ =
                stream.write_all(b"HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\n4\r\nhalf\r\n").await;
            let _ = stream.read_u8().await;
            let _ = ended.send(());
        }
    })
    .await;
    let gateway = beside_a_good_one(upstream.address, "").await;
    let mut client = gateway.connection().await;
    client.write(b"GET / HTTP/1.1\r\nhost: a\r\n\r\n").await;
    client.head().await.unwrap();
    assert_eq!(client.chunk().await, Ok(Some(b"half".to_vec())));
    drop(client);
    is_ended.recv().await.unwrap();
}
