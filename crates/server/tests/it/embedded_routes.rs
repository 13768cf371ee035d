//! A service that embeds the server's routes answers as the server does. Whole lives are in `transcripts` and
//! `device::lifecycle`; here is what is refused, and what stands around every route.

use std::collections::BTreeSet;

use crate::fixture::{
    HTTPS, HttpAnswer, HttpConnection, HttpRequest, StandaloneServer, TestServer, TestUser,
};

/// The server, and a service that embeds its routes, with the same settings.
struct Both {
    server: StandaloneServer,
    service: StandaloneServer,
}

impl Both {
    async fn with(settings: &[(&str, &str)]) -> Self {
        let [server, service] = [TestServer::with(settings).await, TestServer::embedding(settings).await];
        for either in [&server, &service] {
            TestUser::ANN.registered(either).await;
        }
        Self { server, service }
    }

    /// Checks that both give this request the same answer, and returns it.
    async fn answer(&self, what: &str, request: impl Fn(&TestServer) -> HttpRequest) -> HttpAnswer {
        let [of_server, of_service] = [request(&self.server).await, request(&self.service).await];
        assert_eq!(comparable(&of_service), comparable(&of_server), "{what}");
        of_server
    }
}

/// Status, headers and body without what differs from answer to answer: the time, and the port.
fn comparable(answer: &HttpAnswer) -> (u16, Vec<(String, String)>, String) {
    let mut headers: Vec<_> = answer.clone().undated().headers;
    for (name, _) in &mut headers {
        name.make_ascii_lowercase();
    }
    headers.sort();
    let body = match answer.body.split_once(r#","ts":""#) {
        Some((before, _)) => before.to_owned(),
        None => answer.body.clone(),
    };
    (answer.status, headers, body)
}

/// Paths of both surfaces, each with a method that it answers.
const ROUTES: [(&str, &str); 12] = [
    ("POST", "/auth/session/register"),
    ("POST", "/auth/jwt/login"),
    ("GET", "/auth/session/profile"),
    ("POST", "/auth/denylist/refresh"),
    ("POST", "/auth/hybrid/logout"),
    ("POST", "/auth/refresh/password"),
    ("POST", "/auth/signup"),
    ("POST", "/auth/login"),
    ("GET", "/auth/me"),
    ("GET", "/auth/health"),
    ("PATCH", "/auth/sessions/7"),
    ("GET", "/admin/users"),
];

type Headers<'h> = &'h [(&'h str, &'h str)];

/// Headers and bodies that are refused, or answered before any handler.
const ODD: [(&str, Headers<'_>, &str); 14] = [
    ("nothing", &[], ""),
    ("no JSON", &[("content-type", "application/json")], "{"),
    ("an empty object", &[("content-type", "application/json")], "{}"),
    ("another type", &[("content-type", "text/plain")], "x"),
    ("a form", &[("content-type", "application/x-www-form-urlencoded")], "a=b"),
    ("another site", &[("origin", "https://evil.example")], ""),
    ("another site by fetch metadata", &[("sec-fetch-site", "cross-site")], ""),
    ("a page of this machine", &[("origin", "http://localhost:5173")], ""),
    ("two authorizations", &[("authorization", "Bearer a"), ("authorization", "Bearer b")], ""),
    ("a forged token", &[("authorization", "Bearer a.b.c")], ""),
    ("a forged cookie", &[("cookie", "connect.sid=s%3Aa.b; __Host-connect.sid=s%3Aa.b")], ""),
    ("an unknown tenant", &[("x-tenant-id", "acme")], "{}"),
    ("problem details", &[("accept", "application/problem+json")], ""),
    ("a page", &[("accept", "text/html")], ""),
];

fn asking(server: &TestServer, method: &str, path: &str, headers: Headers<'_>, body: &str) -> HttpRequest {
    let request =
        headers.iter().fold(server.ask(method, path), |request, (name, value)| request.header(name, value));
    if body.is_empty() { request } else { request.body(body) }
}

/// Checks every odd request to a route, and returns the statuses of the answers.
async fn asked_oddly(both: &Both, method: &str, path: &str) -> BTreeSet<u16> {
    let mut statuses = BTreeSet::new();
    for (what, headers, body) in ODD {
        let what = format!("{method} {path}: {what}");
        let answer = both.answer(&what, |server| asking(server, method, path, headers, body)).await;
        statuses.insert(answer.status);
        let slashed = format!("{path}/");
        both.answer(&what, |server| asking(server, method, &slashed, headers, body)).await;
    }
    for other in ["GET", "HEAD", "POST", "PUT", "DELETE", "OPTIONS"] {
        let what = format!("{other} {path}");
        statuses.insert(both.answer(&what, |server| server.ask(other, path)).await.status);
    }
    let preflight = [
        ("origin", "http://localhost:5173"),
        ("access-control-request-method", method),
        ("access-control-request-headers", "x-tenant-id"),
    ];
    both.answer("a preflight", |server| asking(server, "OPTIONS", path, &preflight, "")).await;
    let (large, json) = ("x".repeat(70_000), [("content-type", "application/json")]);
    both.answer("a large body", |server| asking(server, method, path, &json, &large)).await;
    let headers = [("x", &*"x".repeat(17_000))];
    let answer = both.answer("large headers", |server| asking(server, method, path, &headers, "")).await;
    statuses.insert(answer.status);
    statuses
}

// ASVS-map: CS1, CS4, OP5
#[tokio::test]
async fn what_is_refused_is_refused_alike() {
    for settings in [&[][..], &HTTPS] {
        let mut statuses = BTreeSet::new();
        // Each server is asked less than its rate limit allows.
        for routes in ROUTES.chunks(2) {
            let both = Both::with(settings).await;
            for (method, path) in routes {
                statuses.extend(asked_oddly(&both, method, path).await);
            }
        }
        for expected in [200, 400, 401, 403, 405, 415, 431] {
            assert!(statuses.contains(&expected), "{expected}: {statuses:?}");
        }
        assert!(!statuses.contains(&429));
    }
}

// ASVS-map: CS1
#[tokio::test]
async fn pages_behind_links_are_the_same() {
    let both = Both::with(&[]).await;
    let html = [("accept", "text/html")];
    for path in ["/auth/unlock?token=a.b.c", "/auth/unlock", "/auth/password/reset?token=a.b.c"] {
        let page = both
            .answer(path, |server| asking(server, "GET", path, &html, ""))
            .await
            .status(if path == "/auth/unlock" { 400 } else { 200 });
        let style = page.body.split('"').find(|part| part.starts_with("/auth/pages/")).unwrap().to_owned();
        both.answer("style", |server| server.get(&style)).await.status(200);
    }
    let form = [("accept", "text/html"), ("content-type", "application/x-www-form-urlencoded")];
    for (path, body) in [
        ("/auth/unlock", "token=a.b.c"),
        ("/auth/password/reset", "token=a.b.c&newPassword=correct+horse+battery"),
    ] {
        both.answer(path, |server| asking(server, "POST", path, &form, body)).await.status(400);
    }
}

#[tokio::test]
async fn the_service_keeps_its_own_routes_and_each_client_has_a_limit_of_its_own() {
    let service = TestServer::embedding(&HTTPS).await;
    service.get("/own").await.says(200, "a page of the service");
    assert_eq!(service.get("/nowhere").await.status, 404);
    // Two routers of one service count together: where one is used up, so is the other.
    let mut line = HttpConnection::to(service.address).await;
    let mut status = async |path: &str| {
        line.write(&service.post(path).bytes()).await;
        line.answer().await.unwrap().status
    };
    for _ in 0..50 {
        assert_eq!(status("/auth/jwt/login").await, 400, "a third of 300 requests may come at once");
    }
    let mut is_together = false;
    for _ in 0..20 {
        while status("/auth/jwt/login").await != 429 {}
        is_together |= status("/auth/login").await == 429;
    }
    assert!(is_together);
}
