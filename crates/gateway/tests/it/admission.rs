//! Who may pass.

use crate::fixture::{Client, TestGateway, echo};

async fn gateway() -> TestGateway {
    let upstream = echo().await.address;
    let route = |path: &str, keys: &str| {
        format!("[[routes]]\npath = \"{path}\"\nupstream = \"http://{upstream}\"\n{keys}\n")
    };
    TestGateway::start(&format!(
        "{}{}{}{}",
        route("/", ""),
        route("/open", "public = true"),
        route("/reports", "roles = [\"manager\", \"admin\"]\nmethods = [\"GET\", \"POST\"]"),
        route("/strict", "on_stale = \"refuse\""),
    ))
    .await
}

#[tokio::test]
async fn every_route_is_protected_unless_it_is_public() {
    let gateway = gateway().await;
    for (path, headers, status) in [
        ("/", "", 401),
        ("/x", "authorization: Bearer wrong\r\n", 401),
        ("/x", "authorization: Bearer ann\r\n", 200),
        ("/x", "authorization: bearer ann\r\n", 200),
        ("/x", "cookie: a=1; connect.sid=ann\r\n", 200),
        ("/x", "cookie: CONNECT.SID=ann\r\n", 401),
        ("/x", "authorization: Basic YTpi\r\n", 401),
        ("/x", "authorization: Bearer ann\r\nauthorization: Bearer ann\r\n", 401),
        ("/x", "authorization: Bearer \r\n", 401),
        ("/open", "", 200),
        ("/open/x", "authorization: Bearer wrong\r\n", 200),
        ("/OPEN", "", 401),
        ("/open;x", "", 401),
        ("/OPEN", "authorization: Bearer ann\r\n", 200),
        ("/reports", "authorization: Bearer ann\r\n", 403),
        ("/Reports/x", "authorization: Bearer ann\r\n", 403),
        ("/reports;v=1/x", "authorization: Bearer ann\r\n", 403),
        ("/reports%3bv/x", "authorization: Bearer ann\r\n", 403),
        ("/reports", "authorization: Bearer mia:manager\r\n", 200),
        ("/REPORTS/x", "authorization: Bearer root:admin\r\n", 200),
        ("/strict", "authorization: Bearer stale\r\n", 503),
        ("/x", "authorization: Bearer stale\r\n", 200),
    ] {
        let answer = Client::get(gateway.address, path, headers).await;
        assert_eq!(answer.status, status, "{path} {headers:?}: {}", answer.text());
    }
}

#[tokio::test]
async fn a_refusal_says_what_other_refusals_say() {
    let gateway = gateway().await;
    let told = async |path: &str, headers: &str| Client::get(gateway.address, path, headers).await;
    let missing = told("/", "").await;
    assert_eq!(missing.text(), r#"{"message":"Unauthorized","statusCode":401}"#);
    assert_eq!(missing.header("www-authenticate"), Some("Bearer"));
    assert_eq!(missing.header("cache-control"), Some("no-store"));
    let wrong = told("/", "authorization: Bearer wrong\r\n").await;
    assert_eq!(wrong.header("www-authenticate"), Some("Bearer error=\"invalid_token\""));
    let role = told("/reports", "authorization: Bearer ann\r\n").await;
    assert_eq!(
        role.text(),
        r#"{"message":"Insufficient role. Required: manager, admin","error":"Forbidden","statusCode":403}"#
    );
    let problem = told("/auth/me", "accept: application/problem+json\r\n").await;
    assert_eq!(problem.header("content-type"), Some("application/problem+json"));
    assert_eq!(problem.json()["code"], "UNAUTHORIZED");
}

#[tokio::test]
async fn another_method_is_refused_with_those_that_the_route_takes() {
    let gateway = gateway().await;
    let request = "DELETE /reports HTTP/1.1\r\nhost: a\r\nauthorization: Bearer mia:manager\r\n\r\n";
    let answer = Client::send(gateway.address, request).await;
    assert_eq!((answer.status, answer.header("allow")), (405, Some("GET, POST")));
    // An answer to TRACE would show the client what the upstream alone is told.
    let answer = Client::send(gateway.address, "TRACE /open HTTP/1.1\r\nhost: a\r\n\r\n").await;
    assert_eq!(
        (answer.status, answer.header("allow")),
        (405, Some("GET, HEAD, POST, PUT, PATCH, DELETE, OPTIONS"))
    );
}

// ASVS-map: GW2
#[tokio::test]
async fn an_outage_of_verification_is_503_and_a_bug_lets_no_one_in() {
    let gateway = gateway().await;
    let answer = Client::get(gateway.address, "/", "authorization: Bearer panic\r\n").await;
    assert_eq!((answer.status, answer.text().contains("a bug")), (500, false));
    gateway.verifier.goes_away();
    let answer = Client::get(gateway.address, "/", "authorization: Bearer ann\r\n").await;
    assert_eq!((answer.status, answer.header("retry-after")), (503, Some("2")));
    assert_eq!(Client::get(gateway.address, "/", "").await.status, 401, "no credential is no outage");
    assert_eq!(Client::get(gateway.address, "/open", "").await.status, 200);
}
