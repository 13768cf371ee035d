//! WebSockets.

use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::TcpStream;

use crate::fixture::{Client, RawUpstream, TestGateway, echo, read_head};

const UPGRADE: &str =
    "connection: Upgrade\r\nupgrade: websocket\r\nsec-websocket-key: x\r\nsec-websocket-version: 13\r\n";

/// An upstream that agrees, and sends back what it is sent.
async fn talking() -> RawUpstream {
    RawUpstream::start(|mut stream: TcpStream| async move {
        let head = read_head(&mut stream).await.to_ascii_lowercase();
        assert!(head.contains("upgrade: websocket") && head.contains("sec-websocket-key: x"), "{head}");
        let agreed = "HTTP/1.1 101 Switching Protocols\r\nconnection: upgrade\r\nupgrade: websocket\r\nsec-websocket-accept: y\r\n\r\n";
        let _ = stream.write_all(agreed.as_bytes()).await;
        let mut piece = [0; 1024];
        while let Ok(read) = stream.read(&mut piece).await {
            if read == 0 || stream.write_all(&piece[..read]).await.is_err() {
                return;
            }
        }
    })
    .await
}

async fn ask(gateway: &TestGateway, headers: &str) -> (Client, u16) {
    let mut client = gateway.connection().await;
    client
        .write(format!("GET /ws HTTP/1.1\r\nhost: shop.example\r\n{headers}{UPGRADE}\r\n").as_bytes())
        .await;
    let head = client.head().await.unwrap();
    if head.status == 101 {
        assert_eq!(
            (head.header("upgrade"), head.header("sec-websocket-accept")),
            (Some("websocket"), Some("y"))
        );
    }
    (client, head.status)
}

async fn says(client: &mut Client, text: &str) {
    client.write(text.as_bytes()).await;
    let mut heard = vec![0; text.len()];
    client.0.read_exact(&mut heard).await.unwrap();
    assert_eq!(heard, text.as_bytes());
}

#[tokio::test]
async fn a_websocket_carries_bytes_both_ways_until_a_sign_out_cuts_it() {
    let gateway = TestGateway::with_route(talking().await.address, "").await;
    let (mut client, status) = ask(&gateway, "authorization: Bearer ann\r\n").await;
    assert_eq!(status, 101);
    says(&mut client, "one").await;
    says(&mut client, &"two".repeat(30_000)[..1000]).await;
    gateway.verifier.revoke();
    assert_eq!(client.rest().await, "");
}

#[tokio::test]
async fn a_websocket_on_which_nothing_comes_is_closed() {
    let gateway =
        TestGateway::with_route(talking().await.address, "public = true\ntimeouts = { idle = \"50ms\" }")
            .await;
    let (mut client, _) = ask(&gateway, "").await;
    assert_eq!(client.rest().await, "");
}

// ASVS-map: GW5
#[tokio::test]
async fn a_page_of_another_site_gets_no_websocket_by_a_cookie_or_on_a_public_route() {
    let upstream = talking().await.address;
    let guarded = TestGateway::with_route(upstream, "").await;
    let public = TestGateway::with_route(upstream, "public = true").await;
    let (evil, own) = ("origin: https://evil.example\r\n", "origin: http://shop.example\r\n");
    let (cookie, token) = ("cookie: connect.sid=ann\r\n", "authorization: Bearer ann\r\n");
    for (gateway, credential, origin, expected) in [
        (&guarded, cookie, evil, 403),
        (&guarded, cookie, "origin: null\r\n", 403),
        (&guarded, cookie, own, 101),
        (&guarded, cookie, "", 101),
        (&guarded, token, evil, 101),
        (&guarded, "", own, 401),
        (&guarded, "authorization: Bearer wrong\r\n", own, 401),
        (&public, "", evil, 403),
        (&public, "", own, 101),
    ] {
        let (_, status) = ask(gateway, &format!("{credential}{origin}")).await;
        assert_eq!(status, expected, "{credential}{origin}");
    }
}

#[tokio::test]
async fn other_upgrades_are_taken_away() {
    let gateway = TestGateway::with_route(echo().await.address, "public = true").await;
    for request in [
        "GET / HTTP/1.1\r\nhost: a\r\nconnection: upgrade\r\nupgrade: h2c\r\n\r\n",
        "GET / HTTP/1.1\r\nhost: a\r\nconnection: upgrade\r\nupgrade: websocket, h2c\r\n\r\n",
        "GET / HTTP/1.1\r\nhost: a\r\nupgrade: websocket\r\n\r\n",
        "POST / HTTP/1.1\r\nhost: a\r\nconnection: upgrade\r\nupgrade: websocket\r\ncontent-length: 0\r\n\r\n",
        "GET / HTTP/1.1\r\nhost: a\r\nconnection: upgrade\r\nupgrade: websocket\r\ncontent-length: 1\r\n\r\nx",
    ] {
        let told = Client::send(gateway.address, request).await.json().to_string();
        assert!(!told.contains("upgrade"), "{request:?}: {told}");
    }
}

#[tokio::test]
async fn an_upstream_that_declines_is_heard() {
    let gateway = TestGateway::with_route(echo().await.address, "public = true").await;
    let (_, status) = ask(&gateway, "").await;
    assert_eq!(status, 200);
}
