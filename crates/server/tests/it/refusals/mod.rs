//! Refusals: status, code and message.

mod server_side;

use serde_json::json;

use crate::fixture::{HttpAnswer, HttpRequest, STRATEGIES, TestServer, TestUser};

const PLAIN: &str = "application/json; charset=utf-8";
const PROBLEM: &str = "application/problem+json";

/// A refusal in its three renderings. `{}` stands for the path.
struct ExpectedRefusal {
    status: u16,
    title: &'static str,
    code: &'static str,
    /// The message, if it differs from the title.
    sentence: Option<&'static str>,
}

impl ExpectedRefusal {
    fn sentence(&self) -> &str {
        self.sentence.unwrap_or(self.title)
    }

    fn plain(&self) -> String {
        let Self { status, title, sentence, .. } = self;
        match sentence {
            Some(sentence) => {
                format!(r#"{{"message":"{sentence}","error":"{title}","statusCode":{status}}}"#)
            }
            None => format!(r#"{{"message":"{title}","statusCode":{status}}}"#),
        }
    }

    fn problem(&self, path: &str) -> String {
        let Self { status, title, code, .. } = self;
        let detail = self.sentence();
        format!(
            r#"{{"type":"about:blank","title":"{title}","status":{status},"detail":"{detail}","code":"{code}","instance":"{path}"}}"#
        )
    }

    fn envelope(&self, ts: &str) -> String {
        let Self { status, title, code, .. } = self;
        let message = self.sentence();
        let doubled = if matches!(status, 401 | 403) {
            format!(r#","statusCode":{status},"error":"{title}""#)
        } else {
            String::new()
        };
        format!(
            r#"{{"message":"{message}","data":null,"meta":{{"status":"error","code":"{code}"}},"ts":"{ts}"{doubled}}}"#
        )
    }

    /// Requests all renderings on a path under `/auth/{strategy}`.
    async fn on_strategy(&self, path: &str, ask: impl Fn() -> HttpRequest) {
        let answer = ask().await;
        self.common(&answer);
        assert_eq!(answer.body, self.plain(), "{answer:?}");
        assert_eq!(answer.header("content-type"), Some(PLAIN));
        self.as_problem(path, &ask).await;
    }

    /// Requests all renderings on a path of device sessions.
    async fn on_device(&self, path: &str, ask: impl Fn() -> HttpRequest) {
        let answer = ask().await;
        self.common(&answer);
        assert_eq!(answer.body, self.envelope(&answer.at("/ts")), "{answer:?}");
        assert_eq!(answer.header("content-type"), Some(PLAIN));
        self.as_problem(path, &ask).await;
    }

    async fn as_problem(&self, path: &str, ask: impl Fn() -> HttpRequest) {
        for accept in [PROBLEM, "application/problem+json, */*;q=0.1", "text/html, APPLICATION/Problem+JSON"]
        {
            let answer = ask().header("accept", accept).await;
            self.common(&answer);
            assert_eq!(answer.body, self.problem(path), "{answer:?}");
            assert_eq!(answer.header("content-type"), Some(PROBLEM));
        }
        for accept in ["*/*", "application/*", "application/json", "application/problem+json;q=0"] {
            let answer = ask().header("accept", accept).await;
            assert_eq!(answer.header("content-type"), Some(PLAIN), "{accept}");
        }
    }

    fn common(&self, answer: &HttpAnswer) {
        assert_eq!(answer.status, self.status, "{answer:?}");
        assert_eq!(answer.header("cache-control"), Some("no-store"), "{answer:?}");
        assert_eq!(answer.header("content-length"), Some(answer.body.len().to_string().as_str()));
        assert_eq!(answer.header("www-authenticate").is_some(), self.status == 401, "{answer:?}");
        assert_eq!(answer.header("retry-after").is_some(), self.status == 503, "{answer:?}");
        assert_eq!(answer.header("allow").is_some(), self.status == 405, "{answer:?}");
        assert_eq!(answer.header("content-encoding"), None);
    }
}

#[tokio::test]
async fn what_is_no_json_is_refused_in_every_rendering() {
    let server = TestServer::start().await;
    let expected = ExpectedRefusal {
        status: 400,
        title: "Bad Request",
        code: "BAD_REQUEST",
        sentence: Some("Request body is not valid JSON"),
    };
    for strategy in STRATEGIES {
        let path = format!("/auth/{strategy}/login");
        for body in ["{", "{\"email\":}", "nonsense", "{} {}", "{'email': 1}"] {
            let answer = server.post(&path).text(body).await;
            answer.says(400, &expected.plain());
        }
        expected.on_strategy(&path, || server.post(&path).text("{")).await;
    }
}

#[tokio::test]
async fn a_list_of_faults_is_one_sentence_where_there_is_room_for_one() {
    let server = TestServer::start().await;
    let path = "/auth/jwt/login";
    let answer = server.post(path).json(&json!({})).header("accept", PROBLEM).await;
    answer.says(400, r#"{"type":"about:blank","title":"Bad Request","status":400,"detail":"email must be an email; password should not be empty","code":"VALIDATION_FAILED","instance":"/auth/jwt/login"}"#);
}

// ASVS-map: TN4
#[tokio::test]
async fn a_client_that_is_not_signed_in_learns_no_more_than_that() {
    let server = TestServer::start().await;
    let expected =
        ExpectedRefusal { status: 401, title: "Unauthorized", code: "UNAUTHORIZED", sentence: None };
    for strategy in STRATEGIES {
        let path = format!("/auth/{strategy}/profile");
        expected.on_strategy(&path, || server.get(&path)).await;
        assert_eq!(server.get(&path).await.header("www-authenticate"), Some("Bearer"));
        let bearer = server.get(&path).bearer("nonsense").await;
        // `session` takes a cookie: a bearer token there counts as no credential.
        let expected =
            if strategy.as_str() == "session" { "Bearer" } else { r#"Bearer error="invalid_token""# };
        assert_eq!(bearer.header("www-authenticate"), Some(expected), "{strategy}");
        let basic = server.get(&path).header("authorization", "Basic YTpi").await;
        assert_eq!(basic.header("www-authenticate"), Some("Bearer"), "no token was sent");
        let twice = server.get(&path).bearer("a").bearer("b").await;
        assert_eq!(twice.status, 401, "{strategy}");
    }
}

#[tokio::test]
async fn a_route_that_is_not_there_is_named() {
    let server = TestServer::start().await;
    let unknown = |sentence| ExpectedRefusal {
        status: 404,
        title: "Not Found",
        code: "NOT_FOUND",
        sentence: Some(sentence),
    };
    let expected = unknown("Cannot GET /auth/jwt/nothing");
    expected.on_strategy("/auth/jwt/nothing", || server.get("/auth/jwt/nothing")).await;
    let expected = unknown("Cannot DELETE /nothing");
    expected.on_strategy("/nothing", || server.ask("DELETE", "/nothing")).await;
    let expected = unknown("Cannot POST /auth/jwt/refresh");
    expected.on_strategy("/auth/jwt/refresh", || server.post("/auth/jwt/refresh")).await;
    let expected = unknown("Cannot POST /auth/telepathy/login");
    let path = "/auth/telepathy/login";
    expected.on_device(path, || server.post(path).json(&json!({}))).await;
    let expected = unknown("Cannot GET /auth/nothing");
    expected.on_device("/auth/nothing", || server.get("/auth/nothing")).await;
    // The path alone: the query may hold a secret.
    let answer = server.get("/nothing?token=canary").await;
    answer.says(404, &unknown("Cannot GET /nothing").plain());
    for path in
        ["/auth/jwt/login//", "/auth//jwt/login", "/AUTH/jwt/login", "/auth/JWT/login", "/auth/jwt/%6Cogin"]
    {
        assert_eq!(server.post(path).json(&json!({})).await.status, 404, "{path}");
    }
    // Any path is escaped as a JSON string.
    let odd = server.get("/%22%7D%0A\"}").await.status(404);
    assert!(odd.at("/message").starts_with("Cannot GET /%22"), "{odd:?}");
}

// ASVS-map: OP5
#[tokio::test]
async fn a_wrong_method_gets_the_right_one_in_allow() {
    let server = TestServer::start().await;
    let expected = ExpectedRefusal {
        status: 405,
        title: "Method Not Allowed",
        code: "METHOD_NOT_ALLOWED",
        sentence: None,
    };
    for strategy in STRATEGIES {
        for operation in ["register", "login", "logout", "password"] {
            let path = format!("/auth/{strategy}/{operation}");
            expected.on_strategy(&path, || server.get(&path)).await;
            assert_eq!(server.get(&path).await.header("allow"), Some("POST"));
        }
        let path = format!("/auth/{strategy}/profile");
        expected.on_strategy(&path, || server.post(&path)).await;
        assert_eq!(server.post(&path).await.header("allow"), Some("GET,HEAD"));
    }
    expected.on_device("/auth/health", || server.post("/auth/health")).await;
    for method in ["PUT", "DELETE", "PATCH", "TRACE", "PROPFIND"] {
        let answer = server.ask(method, "/auth/jwt/login").await;
        assert_eq!(answer.status, 405, "{method}");
    }
}

// ASVS-map: OP1
#[tokio::test]
async fn a_body_of_more_than_64_kib_is_too_large() {
    let server = TestServer::start().await;
    let hashed = server.engine.passwords().hashed();
    let expected = ExpectedRefusal {
        status: 413,
        title: "Payload Too Large",
        code: "PAYLOAD_TOO_LARGE",
        sentence: None,
    };
    let body = |length: usize| {
        let mut body = json!({"email": "a", "password": ""}).to_string();
        body.insert_str(1, &" ".repeat(length - body.len()));
        assert_eq!(body.len(), length);
        body
    };
    for strategy in STRATEGIES {
        let path = format!("/auth/{strategy}/login");
        server.post(&path).text(body(64 * 1024)).await.status(400);
        expected.on_strategy(&path, || server.post(&path).text(body(64 * 1024 + 1))).await;
    }
    assert_eq!(server.engine.passwords().hashed(), hashed);
}

// ASVS-map: CS2
#[tokio::test]
async fn only_json_is_taken() {
    let server = TestServer::start().await;
    let ann = TestUser::ANN.registered(&server).await;
    let expected = ExpectedRefusal {
        status: 415,
        title: "Unsupported Media Type",
        code: "UNSUPPORTED_MEDIA_TYPE",
        sentence: None,
    };
    let body = ann.credentials().to_string();
    for strategy in STRATEGIES {
        let path = format!("/auth/{strategy}/login");
        let ask = || server.post(&path).header("content-type", "text/plain").body(body.clone());
        expected.on_strategy(&path, ask).await;
    }
    let path = "/auth/jwt/login";
    for media in [
        "text/plain",
        "text/plain; charset=utf-8",
        "application/x-www-form-urlencoded",
        "multipart/form-data; boundary=x",
        "text/json",
        "application/json; charset=utf-16",
        "application/jsonx",
        "application/problem+json",
        "text/plain, application/json",
        "",
    ] {
        let answer = server.post(path).header("content-type", media).body(body.clone()).await;
        answer.says(415, &expected.plain());
    }
    server.post(path).body(body.clone()).await.says(415, &expected.plain());
    let packed = server.post(path).text(body.clone()).header("content-encoding", "gzip").await;
    packed.says(415, &expected.plain());
    for media in ["application/json", "Application/JSON; Charset=\"UTF-8\"", "application/json;charset=utf-8"]
    {
        server.post(path).header("content-type", media).body(body.clone()).await.status(201);
    }
}

// ASVS-map: OP1
#[tokio::test]
async fn headers_of_more_than_16_kib_are_too_many_and_a_hundred_lines_are_not() {
    let server = TestServer::start().await;
    let expected = ExpectedRefusal {
        status: 431,
        title: "Request Header Fields Too Large",
        code: "REQUEST_HEADERS_TOO_LARGE",
        sentence: None,
    };
    let path = "/auth/jwt/profile";
    server.get(path).header("x-padding", &"x".repeat(15 * 1024)).await.status(401);
    expected.on_strategy(path, || server.get(path).header("x-padding", &"x".repeat(16 * 1024))).await;
    let many = |lines: usize| (0..lines).fold(server.get(path), |ask, _| ask.header("x", "y"));
    // The client adds some of its own.
    many(90).await.status(401);
}
