//! Bodies of 100 MB, both ways, in little memory.

use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::TcpStream;

use crate::fixture::{Client, RawUpstream, TestGateway, echo, read_head};

const SIZE: usize = 100_000_000;
const PIECE: usize = 1 << 20;

/// What this process keeps in memory, in bytes.
fn resident() -> usize {
    let status = std::fs::read_to_string("/proc/self/status").unwrap();
    let line = status.lines().find(|line| line.starts_with("VmHWM:")).unwrap();
    line.split_whitespace().nth(1).unwrap().parse::<usize>().unwrap() * 1024
}

#[tokio::test]
async fn a_large_body_passes_both_ways_in_little_memory() {
    let upstream = RawUpstream::start(|mut stream: TcpStream| async move {
        read_head(&mut stream).await;
        // All of the body, then as much back.
        let mut piece = vec![0; PIECE];
        let mut left = SIZE;
        while left > 0 {
            let Ok(read @ 1..) = stream.read(&mut piece).await else { return };
            left -= read;
        }
        let _ =
            stream.write_all(format!("HTTP/1.1 200 OK\r\ncontent-length: {SIZE}\r\n\r\n").as_bytes()).await;
        let mut left = SIZE;
        while left > 0 {
            let some = left.min(PIECE);
            if stream.write_all(&piece[..some]).await.is_err() {
                return;
            }
            left -= some;
        }
    })
    .await;
    let gateway = TestGateway::with_route(upstream.address, "public = true\nbody_limit = \"1GiB\"").await;
    let before = resident();
    let mut client = gateway.connection().await;
    client.write(format!("POST / HTTP/1.1\r\nhost: a\r\ncontent-length: {SIZE}\r\n\r\n").as_bytes()).await;
    let mut left = SIZE;
    while left > 0 {
        let some = left.min(PIECE);
        client.write(&vec![0; some]).await;
        left -= some;
    }
    assert_eq!(client.head().await.unwrap().status, 200);
    let (mut got, mut piece) = (0, vec![0; PIECE]);
    while got < SIZE {
        got += client.0.read(&mut piece).await.unwrap();
    }
    assert_eq!(got, SIZE);
    let grown = resident().saturating_sub(before);
    assert!(grown < 32 << 20, "the process grew by {grown} bytes");
}

#[tokio::test]
async fn a_body_beyond_the_limit_of_the_route_is_413_however_it_comes() {
    let gateway = TestGateway::with_route(echo().await.address, "public = true\nbody_limit = \"10B\"").await;
    let head = "POST / HTTP/1.1\r\nhost: a\r\n";
    for (body, status) in [
        ("content-length: 10\r\n\r\n0123456789", 200),
        ("content-length: 11\r\n\r\n01234567890", 413),
        ("transfer-encoding: chunked\r\n\r\na\r\n0123456789\r\n0\r\n\r\n", 200),
        ("transfer-encoding: chunked\r\n\r\na\r\n0123456789\r\n1\r\n0\r\n0\r\n\r\n", 413),
    ] {
        assert_eq!(Client::send(gateway.address, &format!("{head}{body}")).await.status, status, "{body}");
    }
}

#[tokio::test]
async fn a_body_that_does_not_come_is_not_waited_for() {
    let gateway =
        TestGateway::with_route(echo().await.address, "public = true\ntimeouts = { idle = \"100ms\" }").await;
    let answer =
        Client::send(gateway.address, "POST / HTTP/1.1\r\nhost: a\r\ncontent-length: 10\r\n\r\nhalf").await;
    assert_eq!(answer.status, 408);
}
