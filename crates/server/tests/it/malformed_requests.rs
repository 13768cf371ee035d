//! Malformed, oversized and slow requests.

use portcullis_api::operation::{Method, STRATEGY_OPERATIONS, StrategyRow};
use portcullis_core::strategy::StrategyName;
use serde_json::{Value, json};

use crate::fixture::{Credentials, DataDirectory, HttpRequest, STRATEGIES, TestServer, TestUser};

/// The POST routes of one strategy, each with a request of a signed-in client.
fn routes_of(server: &TestServer, held: &Credentials) -> Vec<(String, HttpRequest)> {
    let row = |operation: &StrategyRow| {
        let path = operation.path(held.strategy)?;
        (operation.method == Method::Post).then(|| (path.clone(), held.shown(server.post(&path))))
    };
    STRATEGY_OPERATIONS.iter().filter_map(row).collect()
}

async fn is_alive(server: &TestServer) {
    server.get("/healthz").await.status(200);
    server.get("/readyz").await.status(200);
}

/// Values of every type that a member may wrongly have.
fn odd_values() -> Vec<Value> {
    let huge: Value = serde_json::from_str("123456789012345678901234567890e300").unwrap_or(json!(1e300));
    vec![
        json!(null),
        json!(true),
        json!(0),
        json!(-1.5e300),
        huge,
        json!([]),
        json!(["a"]),
        json!({}),
        json!({"$gt": ""}),
        json!(""),
        json!(" "),
        json!("\u{0}"),
        json!("a".repeat(2000)),
        json!("\u{202e}\u{200b}\u{feff}"),
        json!("'OR 1=1"),
    ]
}

const MEMBERS: [&str; 11] = [
    "email",
    "password",
    "name",
    "firstName",
    "lastName",
    "native",
    "currentPassword",
    "newPassword",
    "refresh_token",
    "token",
    "device_secret",
];

// ASVS-map: PW7
#[tokio::test]
async fn a_member_of_any_wrong_type_is_refused_before_anything_is_hashed() {
    let server = TestServer::start().await;
    let ann = TestUser::ANN.registered(&server).await;
    let mut held = Vec::new();
    for strategy in STRATEGIES {
        held.push(ann.signs_in(&server, strategy).await);
    }
    let hashed = server.engine.passwords().hashed();
    for held in &held {
        for value in odd_values() {
            let body: Value = MEMBERS.iter().map(|name| ((*name).to_owned(), value.clone())).collect();
            for (path, ask) in routes_of(&server, held) {
                if path.ends_with("logout") {
                    continue;
                }
                let answer = ask.json(&body).await;
                assert!(matches!(answer.status, 400 | 401), "{path} {body}: {answer:?}");
                assert!(answer.json()["message"].is_string() || answer.json()["message"].is_array());
            }
        }
    }
    assert_eq!(server.engine.passwords().hashed(), hashed, "nothing of it was hashed");
    is_alive(&server).await;
}

// ASVS-map: PW7
#[tokio::test]
async fn a_body_that_is_none_is_refused_in_the_words_for_it() {
    let server = TestServer::start().await;
    let ann = TestUser::ANN.registered(&server).await;
    let mut held = Vec::new();
    for strategy in STRATEGIES {
        held.push(ann.signs_in(&server, strategy).await);
    }
    let password = "x".repeat(1 << 20);
    let deep = format!("{}1{}", "[".repeat(10_000), "]".repeat(10_000));
    let deep_member = format!("{{\"email\":{deep}}}");
    let nul = b"{\"email\":\"a\0b\"}".to_vec();
    let invalid = b"{\"email\":\"\xff\xfe@example.com\"}".to_vec();
    let lone = br#"{"email":"\ud800@example.com","password":"\udfff"}"#.to_vec();
    let utf16: Vec<u8> = "{}".encode_utf16().flat_map(u16::to_le_bytes).collect();
    let bodies: [(&str, Vec<u8>, u16); 9] = [
        ("a password of a megabyte", json!({"password": password}).to_string().into_bytes(), 413),
        ("ten thousand arrays", deep.into_bytes(), 400),
        ("ten thousand arrays in a member", deep_member.into_bytes(), 400),
        ("a NUL", nul, 400),
        ("no UTF-8", invalid, 400),
        ("half a character", lone, 400),
        ("UTF-16", utf16, 400),
        ("a number without end", format!("{{\"a\":{}}}", "9".repeat(60_000)).into_bytes(), 400),
        ("half of an object", b"{\"email\":\"ann@example.com\",".to_vec(), 400),
    ];
    let hashed = server.engine.passwords().hashed();
    for held in &held {
        for (what, body, expected) in &bodies {
            for (path, ask) in routes_of(&server, held) {
                let answer = ask.text(body.clone()).await;
                // A number that is out of range may be invalid JSON, or required members are missing.
                assert_eq!(answer.status, *expected, "{what} at {path}: {answer:?}");
                assert_eq!(answer.json()["statusCode"], json!(expected), "{what} at {path}");
            }
        }
        // No session has ended.
        held.profile(&server).await.status(200);
    }
    assert_eq!(server.engine.passwords().hashed(), hashed, "nothing of it was hashed");
    is_alive(&server).await;
}

// ASVS-map: PW7
#[tokio::test]
async fn a_long_password_is_refused_before_it_is_hashed() {
    let server = TestServer::start().await;
    let hashed = server.engine.passwords().hashed();
    for strategy in STRATEGIES {
        for operation in ["login", "register"] {
            for length in [1025, 60_000] {
                let body = json!({"email": "ann@example.com", "password": "x".repeat(length), "name": "A"});
                let answer = server.post(&format!("/auth/{strategy}/{operation}")).json(&body).await;
                let text = r#"{"message":["password must be shorter than or equal to 1024 bytes"],"error":"Bad Request","statusCode":400}"#;
                answer.says(400, text);
            }
        }
    }
    assert_eq!(server.engine.passwords().hashed(), hashed);
}

// ASVS-map: OP1
#[tokio::test]
async fn a_body_in_chunks_is_bounded_too() {
    let server = TestServer::start().await;
    for strategy in STRATEGIES {
        let mut line = server.connection().await;
        let head = format!(
            "POST /auth/{strategy}/login HTTP/1.1\r\nhost: a\r\ncontent-type: application/json\r\ntransfer-encoding: chunked\r\n\r\n"
        );
        line.write(head.as_bytes()).await;
        let chunk = format!("1000\r\n{}\r\n", " ".repeat(0x1000));
        for _ in 0..17 {
            line.write(chunk.as_bytes()).await;
        }
        line.answer().await.unwrap().says(413, r#"{"message":"Payload Too Large","statusCode":413}"#);
    }
    // A body within the limit is read to its end.
    let mut line = server.connection().await;
    line.write(b"POST /auth/jwt/login HTTP/1.1\r\nhost: a\r\ncontent-type: application/json\r\ntransfer-encoding: chunked\r\n\r\n1\r\n{\r\n1\r\n}\r\n0\r\n\r\n").await;
    assert_eq!(line.answer().await.unwrap().status, 400);
    is_alive(&server).await;
}

// ASVS-map: OP1
#[tokio::test]
async fn a_body_that_does_not_come_is_not_waited_for() {
    let server = TestServer::with(&[("TIMEOUTS_BODY", "200ms")]).await;
    let mut line = server.connection().await;
    line.write(b"POST /auth/jwt/login HTTP/1.1\r\nhost: a\r\ncontent-type: application/json\r\ncontent-length: 50\r\n\r\n{\"email\":")
        .await;
    let text = r#"{"message":"The request body took too long","error":"Request Timeout","statusCode":408}"#;
    line.answer().await.unwrap().says(408, text);
    is_alive(&server).await;
}

// ASVS-map: OP1
#[tokio::test]
async fn headers_that_do_not_come_are_not_waited_for() {
    let server = TestServer::with(&[("TIMEOUTS_HEADERS", "200ms")]).await;
    let mut line = server.connection().await;
    line.write(b"GET /healthz HTTP/1.1\r\nhost: a\r\nx-slow: ").await;
    let rest = line.rest().await;
    assert!(rest.is_empty() || rest.starts_with("HTTP/1.1 408"), "{rest}");
    is_alive(&server).await;
}

// ASVS-map: OP1
#[tokio::test]
async fn many_slow_clients_keep_no_other_client_waiting() {
    let server = TestServer::start().await;
    let ann = TestUser::ANN.registered(&server).await;
    let mut slow = Vec::new();
    for number in 0..200 {
        let mut line = server.connection().await;
        line.write(if number % 2 == 0 { b"POST /auth/jwt/login HTTP/1.1\r\nx: " } else { b"" }).await;
        slow.push(line);
    }
    ann.signs_in(&server, StrategyName::Session).await.profile(&server).await.status(200);
}

// ASVS-map: OP1
#[tokio::test]
async fn a_flood_of_headers_is_refused() {
    let server = TestServer::start().await;
    for lines in [101, 1000, 100_000] {
        let mut line = server.connection().await;
        line.write(b"GET /healthz HTTP/1.1\r\nhost: a\r\n").await;
        line.write("a: b\r\n".repeat(lines).as_bytes()).await;
        line.write(b"\r\n").await;
        let status = line.answer().await.map(|answer| answer.status);
        // A client that writes on after the answer may lose it; 101 header lines are read completely.
        let is_cut = lines > 101 && matches!(status, Ok(400) | Err(_));
        assert!(is_cut || matches!(status, Ok(431)), "{lines}: {status:?}");
    }
    let mut line = server.connection().await;
    line.write(format!("GET /healthz HTTP/1.1\r\nhost: a\r\nx: {}\r\n\r\n", "x".repeat(1 << 20)).as_bytes())
        .await;
    let status = line.answer().await.map(|answer| answer.status);
    assert!(matches!(status, Ok(431) | Err(_)), "{status:?}");
    is_alive(&server).await;
}

// ASVS-map: OP1
#[tokio::test]
async fn more_header_lines_than_are_parsed_are_refused_in_the_words_of_no_surface() {
    let server = TestServer::start().await;
    for lines in [100, 101, 512] {
        let mut line = server.connection().await;
        // The host, the origin, and the others.
        let head = "GET /healthz HTTP/1.1\r\nhost: a\r\norigin: http://localhost:5173\r\n";
        line.write(format!("{head}{}\r\n", "a: b\r\n".repeat(lines - 2)).as_bytes()).await;
        let answer = line.answer().await.unwrap();
        let allowed = answer.header("access-control-allow-origin");
        if lines == 100 {
            assert_eq!((answer.status, allowed), (200, Some("http://localhost:5173")));
        } else {
            assert_eq!((answer.status, answer.body.as_str(), allowed), (431, "", None), "{lines}");
        }
    }
    is_alive(&server).await;
}

// ASVS-map: GW5
#[tokio::test]
async fn what_is_no_http_ends_the_connection_and_nothing_else() {
    let server = TestServer::start().await;
    let ann = TestUser::ANN.registered(&server).await;
    let held = ann.signs_in(&server, StrategyName::Jwt).await;
    let good = String::from_utf8(held.profile(&server).bytes()).unwrap();
    for garbage in [
        "\0\0\0\0".to_owned(),
        "\x16\x03\x01\x02\x00\x01\x00\x01\u{fc}".to_owned(),
        "GET\r\n\r\n".to_owned(),
        "GET / HTTP/9.9\r\n\r\n".to_owned(),
        "PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n".to_owned(),
        "GET / HTTP/1.1\r\nhost: a\r\n folded: b\r\n\r\n".to_owned(),
        "GET / HTTP/1.1\r\nbad name: b\r\n\r\n".to_owned(),
        "POST /auth/jwt/login HTTP/1.1\r\nhost: a\r\ncontent-length: 5\r\ncontent-length: 6\r\n\r\n{}   "
            .to_owned(),
        "POST /auth/jwt/login HTTP/1.1\r\nhost: a\r\ncontent-length: -1\r\n\r\n".to_owned(),
        "POST /auth/jwt/login HTTP/1.1\r\nhost: a\r\ntransfer-encoding: chunked, gzip\r\n\r\n0\r\n\r\n"
            .to_owned(),
    ] {
        let mut line = server.connection().await;
        line.write(garbage.as_bytes()).await;
        let answer = line.rest().await;
        assert!(answer.is_empty() || answer.starts_with("HTTP/1.1 4"), "{garbage:?}: {answer}");
        assert!(answer.matches("HTTP/1.1").count() < 2, "{garbage:?}: {answer}");
    }
    // After a valid request: that one is answered, and the garbage is not joined to it.
    let mut line = server.connection().await;
    line.write(format!("{good}garbage\r\n\r\n").as_bytes()).await;
    line.answer().await.unwrap().status(200);
    let rest = line.rest().await;
    assert!(rest.starts_with("HTTP/1.1 400"), "{rest}");
    // Pipelined valid requests are answered in order.
    let mut line = server.connection().await;
    line.write(format!("{good}{good}GET /nothing HTTP/1.1\r\nhost: a\r\n\r\n").as_bytes()).await;
    for expected in [200, 200, 404] {
        assert_eq!(line.answer().await.unwrap().status, expected);
    }
    is_alive(&server).await;
}

#[tokio::test]
async fn a_client_that_hangs_up_in_the_middle_of_a_request_leaves_nothing_behind() {
    let home = DataDirectory::new();
    let server = home.server().await;
    let engine = server.engine.clone();
    let hashed = engine.passwords().hashed();
    for _ in 0..50 {
        let mut line = server.connection().await;
        line.write(b"POST /auth/jwt/register HTTP/1.1\r\nhost: a\r\ncontent-type: application/json\r\ncontent-length: 90\r\n\r\n{\"email\":\"ann@example.com\"")
            .await;
    }
    TestUser::ANN.registers(&server, StrategyName::Jwt).await.status(201);
    // It has stopped once every connection is over.
    server.stop().await;
    assert_eq!(engine.passwords().hashed(), hashed + 1, "Ann's password alone");
}
