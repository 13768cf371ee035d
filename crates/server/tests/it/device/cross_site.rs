//! Cross-site requests to the routes of device sessions.

use portcullis_api::operation::{Access, DEVICE_OPERATIONS, Method};
use serde_json::json;

use crate::fixture::{HTTPS, HttpAnswer, HttpRequest, TestServer, random_id};

const SECURED: [(&str, &str); 3] = [
    ("x-content-type-options", "nosniff"),
    ("x-frame-options", "DENY"),
    ("cross-origin-opener-policy", "same-origin"),
];

fn is_secured(answer: &HttpAnswer, https: bool) {
    for (name, value) in SECURED {
        assert_eq!(answer.header(name), Some(value), "{answer:?}");
    }
    let is_page = answer.header("content-type").is_some_and(|media| media.starts_with("text/html"));
    let referrer = if is_page { "strict-origin" } else { "no-referrer" };
    assert_eq!(answer.header("referrer-policy"), Some(referrer), "{answer:?}");
    let policy = answer.header("content-security-policy").unwrap();
    assert!(
        policy.starts_with("default-src 'none'") && policy.contains("frame-ancestors 'none'"),
        "{policy}"
    );
    assert_eq!(answer.header("strict-transport-security").is_some(), https, "{answer:?}");
    assert_eq!(answer.header("cache-control"), Some("no-store"), "{answer:?}");
    assert!(answer.all("vary").iter().any(|vary| vary.eq_ignore_ascii_case("origin")), "{answer:?}");
    for telltale in ["server", "x-powered-by", "via", "content-encoding"] {
        assert_eq!(answer.header(telltale), None, "{answer:?}");
    }
    // There is one cookie, and it is bound to the host.
    for set in answer.all("set-cookie") {
        let name = if https { "__Host-portcullis.device=" } else { "portcullis.device=" };
        assert!(
            set.starts_with(name) && set.contains("; HttpOnly") && set.contains("; SameSite=Lax"),
            "{set}"
        );
        assert!(
            !set.contains("Domain") && set.contains("; Path=/;") && set.contains("; Secure") == https,
            "{set}"
        );
    }
}

fn path_of(route: &str) -> String {
    let id = random_id();
    route.replace("{userId}", &id).replace("{sessionId}", &id)
}

fn requests(server: &TestServer) -> Vec<(Method, HttpRequest)> {
    let ask = |method: Method, route| server.ask(method.as_str(), &path_of(route));
    DEVICE_OPERATIONS.into_iter().map(|row| (row.method, ask(row.method, row.route))).collect()
}

// ASVS-map: CK1, CK5, CS6
#[tokio::test]
async fn every_route_answers_with_what_browsers_should_know() {
    for (server, https) in [(TestServer::start().await, false), (TestServer::with(&HTTPS).await, true)] {
        for (method, ask) in requests(&server) {
            is_secured(&ask.clone().await, https);
            is_secured(&ask.clone().bearer("nonsense").await, https);
            is_secured(&ask.clone().header("accept", "text/html").await, https);
            if method != Method::Get {
                is_secured(&ask.clone().json(&json!({})).await, https);
                is_secured(&ask.clone().body("x").await, https);
                is_secured(&ask.text("x".repeat(70_000)).await, https);
            }
        }
        let sign_up = json!({"email": "ann@example.com", "password": "correct horse battery"});
        is_secured(&server.post("/auth/signup").json(&sign_up).await, https);
        let login =
            json!({"usernameOrEmailOrMobile": "ann@example.com", "password": "correct horse battery"});
        let answer = server.post("/auth/login").json(&login).await;
        is_secured(&answer, https);
        assert_eq!(answer.all("set-cookie").len(), 1);
        for row in DEVICE_OPERATIONS.into_iter().filter(|row| row.method == Method::Patch) {
            is_secured(&server.ask("DELETE", &path_of(row.route)).await.status(405), https);
        }
    }
}

// ASVS-map: CS1, CS3
#[tokio::test]
async fn what_another_site_makes_a_browser_send_is_refused_on_every_route_that_changes_something() {
    let server = TestServer::with(&HTTPS).await;
    for (method, ask) in requests(&server) {
        if method == Method::Get {
            continue;
        }
        for (name, value) in [
            ("origin", "https://evil.example"),
            ("origin", "null"),
            ("sec-fetch-site", "cross-site"),
            ("sec-fetch-site", "same-site"),
        ] {
            let answer = ask.clone().json(&json!({})).header(name, value).await.status(403);
            assert_eq!(answer.at("/meta/code"), "CROSS_SITE", "{name}: {value}");
            assert_eq!(answer.at("/error"), "Forbidden");
            assert_eq!(answer.header("access-control-allow-origin"), None);
        }
        let ours = ask.header("origin", "https://auth.example.com").header("sec-fetch-site", "same-origin");
        assert_ne!(ours.await.status, 403);
    }
}

// ASVS-map: CS4
#[tokio::test]
async fn a_page_of_a_listed_origin_may_use_every_method_and_other_pages_none() {
    let origin = "https://app.example.com";
    let server = TestServer::with(&[&HTTPS[..], &[("CORS_ORIGINS", origin)]].concat()).await;
    for row in DEVICE_OPERATIONS.into_iter().filter(|row| row.access() != Access::Public) {
        let preflight = |origin| {
            let ask = server.ask("OPTIONS", &path_of(row.route)).header("origin", origin);
            ask.header("access-control-request-method", row.method.as_str())
        };
        let allowed = preflight(origin).await.status(200);
        assert_eq!(allowed.header("access-control-allow-origin"), Some(origin));
        let methods = allowed.header("access-control-allow-methods").unwrap();
        assert!(methods.split(',').any(|method| method == row.method.as_str()), "{methods}");
        assert_eq!(preflight("https://evil.example").await.header("access-control-allow-origin"), None);
    }
}
