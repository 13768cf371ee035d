//! What a request is: where it ends, which host it is for, and what of its spelling does not matter.

use portcullis_core::strategy::StrategyName;
use serde_json::{Value, json};

use crate::fixture::{STRATEGIES, TestServer, TestUser};

// ASVS-map: GW5
#[tokio::test]
async fn a_request_is_for_one_host() {
    let server = TestServer::start().await;
    for (head, status) in [
        ("GET /healthz HTTP/1.1\r\nhost: a\r\n\r\n", 200),
        ("GET /healthz HTTP/1.1\r\n\r\n", 400),
        ("GET /healthz HTTP/1.1\r\nhost: a\r\nhost: a\r\n\r\n", 400),
        ("GET /healthz HTTP/1.1\r\nHost: a\r\nx: y\r\nhOST: b\r\n\r\n", 400),
        ("GET http://a/healthz HTTP/1.1\r\n\r\n", 400),
    ] {
        let mut line = server.connection().await;
        line.write(head.as_bytes()).await;
        assert_eq!(line.answer().await.unwrap().status, status, "{head:?}");
    }
    // HTTP/1.0 needs no host.
    for (hosts, status) in [("", 200), ("host: a\r\n", 200), ("host: a\r\nhost: a\r\n", 400)] {
        let mut old = server.connection().await;
        old.write(format!("GET /healthz HTTP/1.0\r\n{hosts}\r\n").as_bytes()).await;
        let answer = old.rest().await;
        assert!(answer.starts_with(&format!("HTTP/1.0 {status}")), "{hosts}: {answer}");
    }
    let message = "The request must have one Host header";
    for (path, place) in [("/auth/jwt/profile", "/error"), ("/auth/me", "/meta/code")] {
        let mut line = server.connection().await;
        line.write(format!("GET {path} HTTP/1.1\r\n\r\n").as_bytes()).await;
        let answer = line.answer().await.unwrap().status(400);
        assert_eq!((answer.at("/message").as_str(), answer.at(place).is_empty()), (message, false));
    }
}

// ASVS-map: GW5
#[tokio::test]
async fn of_two_lengths_of_one_body_the_chunks_count_and_nothing_behind_them_is_read() {
    let server = TestServer::start().await;
    let hidden = "GET /healthz HTTP/1.1\r\nhost: a\r\n\r\n";
    let head = "POST /auth/jwt/login HTTP/1.1\r\nhost: a\r\ncontent-type: application/json\r\n";
    let length = format!("content-length: {}\r\n", hidden.len() + 5);
    for lengths in [
        format!("{length}transfer-encoding: chunked\r\n"),
        format!("transfer-encoding: chunked\r\n{length}"),
        format!("{length}x: y\r\nTransfer-Encoding: CHUNKED\r\n{length}"),
    ] {
        let mut line = server.connection().await;
        line.write(format!("{head}{lengths}\r\n0\r\n\r\n{hidden}").as_bytes()).await;
        // Nothing asked for the end of the connection, and no time limit has passed.
        let answer = line.rest().await;
        assert_eq!(answer.matches("HTTP/1.1 ").count(), 1, "{lengths}: {answer}");
        assert!(answer.contains("password should not be empty"), "the empty chunk is the body: {answer}");
    }
    // With one length the connection goes on.
    let mut line = server.connection().await;
    line.write(format!("{head}transfer-encoding: chunked\r\n\r\n0\r\n\r\n{hidden}").as_bytes()).await;
    assert_eq!(line.answer().await.unwrap().status, 400);
    assert_eq!(line.answer().await.unwrap().status, 200);
}

// ASVS-map: GW5
#[tokio::test]
async fn a_line_is_one_line() {
    let server = TestServer::start().await;
    for head in [
        "GET /healthz HTTP/1.1\r\nhost: a\r\n folded: b\r\n\r\n",
        "GET /healthz HTTP/1.1\r\nhost: a\r\nx: y\r\n\tfolded\r\n\r\n",
        "GET /healthz HTTP/1.1\r\nhost: a\rx: y\r\n\r\n",
        "GET /healthz HTTP/1.1\r\nhost: a\r\nx: y\rz\r\n\r\n",
        "GET /healthz HTTP/1.1\rhost: a\r\n\r\n",
        "GET /healthz HTTP/1.1\r\nhost: a\r\nx : y\r\n\r\n",
    ] {
        let mut line = server.connection().await;
        line.write(head.as_bytes()).await;
        let answer = line.rest().await;
        assert!(answer.starts_with("HTTP/1.1 400"), "{head:?}: {answer}");
        assert_eq!(answer.matches("HTTP/1.1 ").count(), 1, "{head:?}: {answer}");
    }
}

#[tokio::test]
async fn a_trailing_slash_changes_nothing() {
    let server = TestServer::start().await;
    let ann = TestUser::ANN.registered(&server).await;
    for strategy in STRATEGIES {
        let path = format!("/auth/{strategy}/login/");
        server.post(&path).json(&ann.credentials()).await.status(201);
        let held = ann.signs_in(&server, strategy).await;
        held.shown(server.get(&format!("/auth/{strategy}/profile/?x=1"))).await.status(200);
        assert_eq!(server.get(&path).await.status(405).header("allow"), Some("POST"));
    }
    for path in [
        "/auth/health/",
        "/healthz/",
        "/readyz/",
        "/.well-known/jwks.json/",
        "/t/default/.well-known/jwks.json/",
        "/openapi.json/",
        "/docs/",
    ] {
        server.get(path).await.status(200);
    }
    assert_eq!(server.get("/auth/me/").await.status(401).at("/meta/code"), "UNAUTHORIZED");
    for (path, status) in [("/nothing/", 404), ("/auth/jwt/nothing/", 404), ("//", 404), ("/healthz//", 404)]
    {
        let refused = server.get(path).await.status(status);
        assert_eq!(refused.at("/message"), format!("Cannot GET {path}"), "it is named as it was sent");
    }
    server.get("/AUTH/health").await.status(404);
}

#[tokio::test]
async fn a_byte_order_mark_before_the_body_is_passed_over() {
    let server = TestServer::start().await;
    let ann = TestUser::ANN.registered(&server).await;
    let marked = |body: Value| [b"\xef\xbb\xbf", body.to_string().as_bytes()].concat();
    let held = ann.signs_in(&server, StrategyName::Jwt).await;
    server.post("/auth/jwt/login").text(marked(ann.credentials())).await.status(201);
    let login = json!({"usernameOrEmailOrMobile": ann.email, "password": ann.password});
    server.post("/auth/login").text(marked(login)).await.status(201);
    held.logs_out(&server).text(b"\xef\xbb\xbf".to_vec()).await.status(201);
    for twice in [&b"\xef\xbb\xbf\xef\xbb\xbf{}"[..], b"\xef\xbb{}", b"{\xef\xbb\xbf}"] {
        let refused = server.post("/auth/jwt/login").text(twice).await.status(400);
        assert_eq!(refused.at("/message"), "Request body is not valid JSON");
    }
}

#[tokio::test]
async fn white_space_around_a_name_is_no_part_of_it_and_a_password_is_taken_as_it_is() {
    let server = TestServer::start().await;
    let spaced = json!({"email": " ann@example.com\n", "password": " spaced password ", "name": "Ann"});
    let user = server.post("/auth/jwt/register").json(&spaced).await.status(201);
    assert_eq!(user.at("/email"), "ann@example.com");
    let login = |email: &str, password: &str| {
        server.post("/auth/jwt/login").json(&json!({"email": email, "password": password}))
    };
    login("\u{a0}ann@example.com\t", " spaced password ").await.status(201);
    login("ann@example.com", "spaced password").await.status(401);
    let device = json!({"usernameOrEmailOrMobile": "  ann@example.com ", "password": " spaced password "});
    server.post("/auth/login").json(&device).await.status(201);
}

#[tokio::test]
async fn headers_that_are_not_text_hide_nothing_of_what_a_client_accepts() {
    let server = TestServer::start().await;
    let ask = |accept: &[u8], path: &str| {
        let head =
            [b"GET ", path.as_bytes(), b" HTTP/1.1\r\nhost: a\r\naccept: ", accept, b"\r\n\r\n"].concat();
        let connected = server.connection();
        async move {
            let mut line = connected.await;
            line.write(&head).await;
            line.answer().await.unwrap()
        }
    };
    let problem = ask(b"application/problem+json, text/x;a=\xfc", "/auth/jwt/profile").await.status(401);
    assert_eq!(problem.header("content-type"), Some("application/problem+json"));
    let page = ask(b"x/\xff, text/html", "/auth/unlock?token=x").await.status(200);
    assert_eq!(page.header("content-type"), Some("text/html; charset=utf-8"));
    let login = "{\"email\":\"a@example.com\",\"password\":\"x\"}";
    let typed = server.post("/auth/jwt/login").header("content-type", "application/json; x=\"ü\"");
    typed.body(login).await.status(401);
}
