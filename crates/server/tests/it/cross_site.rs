//! Cross-site requests and CORS: which pages may call, which may read, and the headers of every answer.

use serde_json::json;

use portcullis_core::strategy::StrategyName;

use crate::fixture::{Credentials, HTTPS, HttpAnswer, STRATEGIES, TestServer, TestUser};

const CROSS_SITE: &str =
    r#"{"message":"The request was made by a page of another site","error":"Forbidden","statusCode":403}"#;

const HEADERS: [(&str, &str); 4] = [
    ("x-content-type-options", "nosniff"),
    ("x-frame-options", "DENY"),
    ("referrer-policy", "no-referrer"),
    ("cross-origin-opener-policy", "same-origin"),
];

fn assert_secured(answer: &HttpAnswer, https: bool) {
    for (name, value) in HEADERS {
        assert_eq!(answer.header(name), Some(value), "{answer:?}");
    }
    assert!(answer.header("content-security-policy").is_some_and(|policy| {
        policy.starts_with("default-src 'none'") && policy.contains("frame-ancestors 'none'")
    }));
    let hsts = answer.header("strict-transport-security");
    assert_eq!(hsts.is_some_and(|hsts| hsts.contains("max-age=31536000")), https, "{answer:?}");
    for telltale in ["server", "x-powered-by", "via"] {
        assert_eq!(answer.header(telltale), None, "{answer:?}");
    }
    let vary: Vec<String> = answer.all("vary").iter().map(|vary| vary.to_lowercase()).collect();
    assert!(vary.iter().any(|vary| vary.contains("origin")), "{answer:?}");
}

// ASVS-map: CS6, OP5
#[tokio::test]
async fn every_answer_carries_what_browsers_should_know_and_none_says_who_wrote_the_server() {
    for (server, https) in [(TestServer::start().await, false), (TestServer::with(&HTTPS).await, true)] {
        let ann = TestUser::ANN.registered(&server).await;
        for strategy in STRATEGIES {
            let answer = ann.logs_in(&server, strategy).await.status(201);
            assert_secured(&answer, https);
            let held = Credentials::from(strategy, &answer);
            assert_secured(&held.profile(&server).await.status(200), https);
            assert_secured(&held.logs_out(&server).await.status(201), https);
            let path = format!("/auth/{strategy}/login");
            assert_secured(&server.get(&path).await.status(405), https);
            assert_secured(&server.post(&path).text("{").await.status(400), https);
            assert_secured(&server.post(&path).body("x").await.status(415), https);
            assert_secured(&server.post(&path).text("x".repeat(70_000)).await.status(413), https);
            let evil = server.post(&path).header("origin", "https://evil.example");
            assert_secured(&evil.await.status(403), https);
            assert_secured(&server.get(&format!("/auth/{strategy}/profile")).await.status(401), https);
        }
        let large = server.get("/healthz").header("x", &"x".repeat(17_000));
        assert_secured(&large.await.status(431), https);
        for path in ["/", "/docs/", "/nothing", "/healthz", "/readyz", "/auth/health", "/openapi.json"] {
            assert_secured(&server.get(path).await, https);
        }
        assert_secured(&server.get("/.well-known/jwks.json").await.status(200), https);
        assert_secured(&server.ask("OPTIONS", "/auth/jwt/login").await, https);
    }
}

/// The answer to the preflight request of a page of this origin.
async fn preflight(server: &TestServer, origin: &str) -> HttpAnswer {
    let ask = server.ask("OPTIONS", "/auth/session/login").header("origin", origin);
    let ask = ask.header("access-control-request-method", "POST");
    ask.header("access-control-request-headers", "content-type,authorization,x-tenant-id").await
}

// ASVS-map: CS4
#[tokio::test]
async fn pages_of_this_machine_may_call_in_development_and_others_may_not() {
    let server = TestServer::start().await;
    let ann = TestUser::ANN.registered(&server).await;
    for origin in ["http://localhost:5173", "http://localhost", "http://127.0.0.1:8080"] {
        assert_may_call(&server, &ann, origin).await;
    }
    for origin in [
        "null",
        "https://localhost:5173",
        "http://localhost.evil.example",
        "http://evil.example",
        "http://127.0.0.1.evil.example:80",
        "http://127.0.0.10:80",
        "http://[::1]:80",
    ] {
        assert_may_not_call(&server, &ann, origin).await;
    }
}

// ASVS-map: CS4
#[tokio::test]
async fn in_production_exactly_the_listed_origins_may_call() {
    let origins = ("CORS_ORIGINS", "https://app.example.com,https://admin.example.com:8443");
    let server = TestServer::with(&[&HTTPS[..], &[origins]].concat()).await;
    let ann = TestUser::ANN.registered(&server).await;
    for origin in ["https://app.example.com", "https://admin.example.com:8443"] {
        assert_may_call(&server, &ann, origin).await;
    }
    for origin in [
        "null",
        "http://app.example.com",
        "https://app.example.com:443",
        "https://app.example.com:444",
        "https://app.example.com.",
        "https://APP.example.com",
        "https://app.example.com/",
        "https://app.example.com.evil.example",
        "https://evil.example/https://app.example.com",
        "https://xapp.example.com",
        "https://sub.app.example.com",
        "https://example.com",
        "https://admin.example.com",
        "https://app_example.com",
        "https://app.example.com@evil.example",
        "https://app.example.com%2eevil.example",
        "https://app.example.com,https://evil.example",
        "http://localhost:3000",
        "http://127.0.0.1",
        "*",
    ] {
        assert_may_not_call(&server, &ann, origin).await;
    }
}

#[tokio::test]
async fn options_that_are_no_preflight_request_reach_their_route() {
    let server = TestServer::start().await;
    for (path, allow) in [("/auth/session/login", "POST"), ("/auth/session/profile", "GET,HEAD")] {
        let asked = server.ask("OPTIONS", path).header("origin", "http://localhost:5173").await.status(405);
        assert_eq!(asked.header("allow"), Some(allow), "{asked:?}");
        assert!(asked.body.contains("\"statusCode\":405"), "{asked:?}");
        assert_eq!(asked.header("access-control-allow-origin"), Some("http://localhost:5173"));
        assert_eq!(asked.header("access-control-allow-methods"), None);
    }
    assert_eq!(server.ask("OPTIONS", "/nothing").await.status, 404);
}

#[tokio::test]
async fn further_request_headers_are_allowed_by_a_setting() {
    let server = TestServer::with(&[("CORS_HEADERS", "x-datadog-trace-id, X-Request-Id")]).await;
    let asked = preflight(&server, "http://localhost:5173").await.status(200);
    let headers = asked.header("access-control-allow-headers").unwrap().to_lowercase();
    for header in ["x-datadog-trace-id", "x-request-id", "authorization", "sentry-trace"] {
        assert!(headers.split(',').any(|allowed| allowed.trim() == header), "{headers}");
    }
}

async fn assert_may_call(server: &TestServer, ann: &TestUser, origin: &str) {
    let asked = preflight(server, origin).await.status(200);
    assert_eq!(asked.header("access-control-allow-origin"), Some(origin));
    assert_eq!(asked.header("access-control-allow-credentials"), Some("true"));
    let methods = asked.header("access-control-allow-methods").unwrap();
    assert!(methods.contains("GET") && methods.contains("POST"), "{methods}");
    for method in ["PATCH", "DELETE"] {
        assert!(methods.contains(method), "{methods}");
    }
    let headers = asked.header("access-control-allow-headers").unwrap().to_lowercase();
    let headers: Vec<&str> = headers.split(',').map(str::trim).collect();
    for header in [
        "content-type",
        "authorization",
        "x-tenant-id",
        "traceparent",
        "tracestate",
        "baggage",
        "sentry-trace",
    ] {
        assert!(headers.contains(&header), "{headers:?}");
    }
    assert!(
        asked.header("access-control-max-age").is_some_and(|age| age.parse::<u32>().is_ok_and(|age| age > 0))
    );
    let signed_in = ann.logs_in(server, StrategyName::Session).header("origin", origin);
    let signed_in = signed_in.header("sec-fetch-site", "cross-site").await.status(201);
    assert_eq!(signed_in.header("access-control-allow-origin"), Some(origin));
    assert_eq!(signed_in.header("access-control-allow-credentials"), Some("true"));
    let refused = server.get("/auth/jwt/profile").header("origin", origin).await.status(401);
    assert_eq!(refused.header("access-control-allow-origin"), Some(origin), "refusals can be read, too");
    let exposed = refused.header("access-control-expose-headers").unwrap().to_lowercase();
    assert!(exposed.contains("www-authenticate") && exposed.contains("retry-after"), "{exposed}");
}

async fn assert_may_not_call(server: &TestServer, ann: &TestUser, origin: &str) {
    let asked = preflight(server, origin).await;
    assert_eq!(asked.header("access-control-allow-origin"), None, "{origin}");
    let refused = ann.logs_in(server, StrategyName::Session).header("origin", origin).await;
    assert_eq!(refused.header("access-control-allow-origin"), None, "{origin}");
    refused.says(403, CROSS_SITE);
    assert!(refused.all("set-cookie").is_empty());
    // The page may send the request, but not read the answer.
    let read = server.get("/auth/session/profile").header("origin", origin).await.status(401);
    let without = server.get("/auth/session/profile").await.status(401);
    for answer in [asked, read, without] {
        let allowing = answer.headers.iter().filter(|(name, _)| name.starts_with("access-control-"));
        assert_eq!(allowing.count(), 0, "{origin}: {answer:?}");
        assert_eq!(answer.all("vary"), ["origin"], "{answer:?}");
    }
}

// ASVS-map: CS1, CS3
#[tokio::test]
async fn what_another_site_makes_a_browser_send_changes_nothing() {
    let server = TestServer::with(&[&HTTPS[..], &[("LIMITS_RATE", "0")]].concat()).await;
    let ann = TestUser::ANN.registered(&server).await;
    let host = "auth.example.com";
    let own = "https://auth.example.com";
    // `Sec-Fetch-Site`, `Origin`, and whether the request is allowed.
    let matrix = [
        (None, None, true),
        (Some("same-origin"), None, true),
        (Some("same-origin"), Some(own), true),
        (Some("none"), None, true),
        (None, Some(own), true),
        (Some("cross-site"), None, false),
        (Some("cross-site"), Some("https://evil.example"), false),
        (Some("cross-site"), Some("null"), false),
        (Some("same-site"), None, false),
        (Some("same-site"), Some("https://sibling.example.com"), false),
        (Some("same-site"), Some("https://auth.example.com:8443"), false),
        (None, Some("https://evil.example"), false),
        (None, Some("https://auth.example.com:8443"), false),
        (None, Some("https://auth.example.com.evil.example"), false),
        (None, Some("null"), false),
        (None, Some(""), false),
        (Some("Cross-Site"), None, false),
        (Some(""), None, false),
        (Some("anything"), None, false),
    ];
    for strategy in STRATEGIES {
        let mut held = ann.signs_in(&server, strategy).await;
        for (site, origin, passes) in matrix {
            let mut asks = vec![
                (TestUser::BOB.registers(&server, strategy), vec![201, 409]),
                (ann.with_password("not this one").logs_in(&server, strategy), vec![401]),
                (held.changes_password(&server, "not this one", "another password"), vec![403, 401]),
                (held.logs_out(&server), vec![201]),
            ];
            if held.refresh.is_some() {
                asks.insert(0, (held.refreshes(&server), vec![201]));
            }
            for (ask, expected) in asks {
                let ask = ask.header("host", host);
                let ask = site.into_iter().fold(ask, |ask, site| ask.header("sec-fetch-site", site));
                let ask = origin.into_iter().fold(ask, |ask, origin| ask.header("origin", origin));
                let answer = ask.await;
                if passes {
                    assert!(expected.contains(&answer.status), "{site:?} {origin:?}: {answer:?}");
                    assert_ne!(answer.body, CROSS_SITE, "{site:?} {origin:?}");
                } else {
                    answer.says(403, CROSS_SITE);
                    assert!(answer.all("set-cookie").is_empty());
                }
            }
            if passes {
                held = ann.signs_in(&server, strategy).await;
            } else {
                held.profile(&server).await.status(200);
            }
        }
    }
}

// ASVS-map: CS1
#[tokio::test]
async fn reading_changes_nothing_so_a_link_from_elsewhere_may_lead_here() {
    let server = TestServer::start().await;
    let held = TestUser::ANN.registered(&server).await.signs_in(&server, StrategyName::Session).await;
    let followed = held.profile(&server).header("sec-fetch-site", "cross-site");
    followed.header("sec-fetch-mode", "navigate").await.status(200);
    for method in ["GET", "HEAD"] {
        for operation in ["login", "register", "logout", "password"] {
            let ask = held.shown(server.ask(method, &format!("/auth/session/{operation}")));
            assert_eq!(ask.await.status, 405, "{method} {operation}");
        }
    }
    held.profile(&server).await.status(200);
}

// ASVS-map: CS2
#[tokio::test]
async fn a_form_of_another_site_signs_no_user_in() {
    let server = TestServer::start().await;
    let ann = TestUser::ANN.registered(&server).await;
    let disguised = format!("{{\"email\":\"{}\",\"password\":\"{}\",\"x\":\"=\"}}", ann.email, ann.password);
    for media in ["text/plain", "application/x-www-form-urlencoded", "multipart/form-data; boundary=x"] {
        let ask = server.post("/auth/session/login").header("content-type", media).body(disguised.clone());
        let answer = ask.await.status(415);
        assert!(answer.all("set-cookie").is_empty());
    }
}

#[tokio::test]
async fn a_head_is_answered_like_a_get_without_its_body() {
    let server = TestServer::start().await;
    let held = TestUser::ANN.registered(&server).await.signs_in(&server, StrategyName::Session).await;
    for path in
        ["/auth/session/profile", "/healthz", "/.well-known/jwks.json", "/nothing", "/auth/session/login"]
    {
        let get = held.shown(server.get(path)).await.undated();
        let without = held.shown(server.ask("HEAD", path)).await.undated();
        assert_eq!(without.status, get.status, "{path}");
        if get.status == 404 {
            // The message names the method, so it is one character longer.
            assert!(get.body.contains("Cannot GET /nothing"), "{get:?}");
            continue;
        }
        assert_eq!(without.headers, get.headers, "{path}");
    }
    let refused = server.post("/auth/session/logout").json(&json!({})).await;
    assert_eq!(refused.status, 401);
}
