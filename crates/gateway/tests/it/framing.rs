//! Where a request ends, and which host it is for.

use crate::fixture::{Client, TestGateway, echo};

// ASVS-map: GW5
#[tokio::test]
async fn a_request_is_for_one_host() {
    let gateway = TestGateway::with_route(echo().await.address, "public = true").await;
    for (head, status) in [
        ("GET / HTTP/1.1\r\nhost: a\r\n", 200),
        ("GET / HTTP/1.1\r\n", 400),
        ("GET / HTTP/1.1\r\nhost: a\r\nhost: a\r\n", 400),
        ("GET http://a/x HTTP/1.1\r\nhost: a\r\n", 200),
        ("GET http://A/x HTTP/1.1\r\nhost: a\r\n", 200),
        ("GET http://a:80/x HTTP/1.1\r\nhost: a\r\n", 200),
        ("GET http://b/x HTTP/1.1\r\nhost: a\r\n", 400),
        ("GET http://a:81/x HTTP/1.1\r\nhost: a\r\n", 400),
        ("GET ftp://a/x HTTP/1.1\r\nhost: a\r\n", 400),
        ("GET / HTTP/1.1\r\nhost: a:8080\r\n", 200),
        ("GET / HTTP/1.1\r\nhost: [::1]:8080\r\n", 200),
        ("GET / HTTP/1.1\r\nhost: a_b\r\n", 200),
        ("GET / HTTP/1.1\r\nhost:\r\n", 400),
        ("GET / HTTP/1.1\r\nhost: a b\r\n", 400),
        ("GET / HTTP/1.1\r\nhost: a/../b\r\n", 400),
        ("GET / HTTP/1.1\r\nhost: u@a\r\n", 400),
        ("GET / HTTP/1.1\r\nhost: \u{e9}\r\n", 400),
        ("GET / HTTP/1.0\r\nhost: a,b?c\r\n", 400),
        ("GET / HTTP/1.0\r\n", 200),
        ("OPTIONS * HTTP/1.1\r\nhost: a\r\n", 400),
        ("CONNECT a:443 HTTP/1.1\r\nhost: a:443\r\n", 400),
    ] {
        let answer = Client::send(gateway.address, &format!("{head}\r\n")).await;
        assert_eq!(answer.status, status, "{head:?}: {}", answer.text());
    }
}

// ASVS-map: GW5
#[tokio::test]
async fn a_body_has_one_framing_and_nothing_behind_it_is_smuggled() {
    let gateway = TestGateway::with_route(echo().await.address, "public = true").await;
    let hidden = "GET /hidden HTTP/1.1\r\nhost: a\r\n\r\n";
    let head = "POST /shown HTTP/1.1\r\nhost: a\r\n";
    for framing in [
        format!("content-length: {}\r\ntransfer-encoding: chunked\r\n", hidden.len() + 5),
        format!("transfer-encoding: chunked\r\ncontent-length: {}\r\n", hidden.len() + 5),
    ] {
        let mut client = gateway.connection().await;
        client.write(format!("{head}{framing}\r\n0\r\n\r\n{hidden}").as_bytes()).await;
        let answers = client.rest().await;
        assert_eq!(answers.matches("HTTP/1.1 ").count(), 1, "{answers}");
        assert!(answers.contains("/shown") && !answers.contains("/hidden"), "{answers}");
    }
    for framing in [
        "transfer-encoding: gzip, chunked\r\n",
        "transfer-encoding: chunked\r\ntransfer-encoding: chunked\r\n",
        "transfer-encoding: identity\r\n",
        "transfer-encoding: xchunked\r\n",
        "content-length: 1\r\ncontent-length: 2\r\n",
        "content-length: +1\r\n",
        "content-length : 1\r\n",
        "transfer-encoding: chunked\r\n folded: x\r\n",
    ] {
        let mut client = gateway.connection().await;
        client.write(format!("{head}{framing}connection: close\r\n\r\n0\r\n\r\n").as_bytes()).await;
        let answers = client.rest().await;
        assert!(answers.starts_with("HTTP/1.1 400"), "{framing:?}: {answers}");
    }
}

// ASVS-map: GW5
#[tokio::test]
async fn what_belongs_to_the_request_cannot_be_named_as_the_connections() {
    // What is protected is refused for this, too, before a credential is looked for.
    let gateway = TestGateway::with_route(echo().await.address, "").await;
    for named in ["host", "content-length", "Authorization", "close, cookie", "origin"] {
        let answer = Client::get(gateway.address, "/", &format!("connection: {named}\r\n")).await;
        assert_eq!(answer.status, 400, "{named}");
    }
}

#[tokio::test]
async fn headers_that_are_too_large_are_refused() {
    let gateway = TestGateway::with_route(echo().await.address, "public = true").await;
    let answer = Client::get(gateway.address, "/", &format!("x: {}\r\n", "y".repeat(16 << 10))).await;
    assert_eq!(answer.status, 431);
}

// ASVS-map: GW3
#[tokio::test]
async fn paths_that_servers_read_differently_reach_no_upstream() {
    let gateway = TestGateway::with_route(echo().await.address, "public = true").await;
    for path in [
        "/../a",
        "/a/%2e%2e/b",
        "/..;/a",
        "/a\\b",
        "/a%5cb",
        "/a%00",
        "/a%0d%0ax",
        "/%c0%ae",
        "/a%",
        "/a%zz",
        "//a",
        "/a//b",
        "/a%2fb",
        "/a%252e",
        "/%25",
        "/.",
        "/a/.%2e",
        "/..%3b/x",
    ] {
        assert_eq!(Client::get(gateway.address, path, "").await.status, 400, "{path}");
    }
    let mut client = gateway.connection().await;
    client.write(b"GET /\xff\xfe HTTP/1.1\r\nhost: a\r\nconnection: close\r\n\r\n").await;
    assert!(client.rest().await.starts_with("HTTP/1.1 400"));
}
