//! `/auth/verify`: who answers it, and that nothing of it reaches an upstream. What is answered is tested with a real
//! server, by the same requests as the server's own answers.

use std::net::SocketAddr;

use tokio::io::AsyncWriteExt as _;
use tokio::net::TcpStream;

use crate::fixture::{Client, FakeVerifier, RawUpstream, TestGateway, echo, read_head};

const APP: &str = "https://app.example";
const ANN: &str = "authorization: Bearer ann\r\n";

/// Every way to ask for nothing but a signed-in user.
const PATHS: [&str; 5] = [
    "/auth/verify",
    "/auth/verify/",
    "/auth/verify/@any",
    "/auth/verify/@any/..%2f;/%00",
    "/auth/verify/@%61ny?role=x",
];

fn file(upstream: SocketAddr, keys: &str) -> String {
    format!(
        "server = \"https://auth.example\"\nfeed_key = \"key\"\n{keys}\n[cors]\norigins = [\"{APP}\"]\n\
         [[routes]]\npath = \"/\"\nupstream = \"http://{upstream}\"\npublic = true\n"
    )
}

const POLICIES: &str = "proxies.trusted = [\"127.0.0.1\"]\n[forward_auth.policies.any]\n[forward_auth.policies]\n\
                        staff = { roles = [\"manager\", \"admin\"] }";

async fn upstream() -> RawUpstream {
    RawUpstream::start(|mut stream: TcpStream| async move {
        while !read_head(&mut stream).await.is_empty() {
            let _ = stream.write_all(b"HTTP/1.1 200 OK\r\ncontent-length: 8\r\n\r\nupstream").await;
        }
    })
    .await
}

// ASVS-map: GW1
#[tokio::test]
async fn the_gateway_says_whose_request_it_is_and_how_old_its_proof_is() {
    let upstream = upstream().await;
    let gateway = TestGateway::start(&file(upstream.address, POLICIES)).await;
    for path in PATHS {
        let passes = Client::get(gateway.address, path, ANN).await;
        let told = |name| passes.header(name).unwrap_or_else(|| panic!("no {name}: {passes:?}"));
        assert_eq!((passes.status, passes.text()), (200, String::new()), "{path}");
        assert_eq!((told("x-user-id"), told("x-tenant-id")), (FakeVerifier::id("ann").as_str(), "default"));
        let session = FakeVerifier::id("session");
        assert_eq!((told("x-user-role"), told("x-session-id")), ("user", session.as_str()));
        assert_eq!((told("x-portcullis-session"), told("x-portcullis-epochs")), (session.as_str(), "0,0,0"));
        assert_eq!(told("x-portcullis-age-ms"), "42", "41.001 ms, rounded up");
        assert_eq!((told("cache-control"), passes.header("set-cookie")), ("no-store", None));
    }
    assert_eq!(upstream.connections(), 0);
}

// ASVS-map: GW2 CS4
#[tokio::test]
async fn a_client_that_may_not_pass_is_told_so_and_no_page_may_read_it() {
    let upstream = upstream().await;
    let gateway = TestGateway::start(&file(upstream.address, POLICIES)).await;
    let origin = format!("origin: {APP}\r\n");
    for (path, headers, status) in [
        ("/auth/verify", "", 401),
        ("/auth/verify/@any", "authorization: Bearer wrong\r\n", 401),
        ("/auth/verify", "authorization: Bearer ann\r\nauthorization: Bearer ann\r\n", 401),
        ("/auth/verify?role=admin", ANN, 403),
        ("/auth/verify/@staff", ANN, 403),
        ("/auth/verify/@staff", "authorization: Bearer mia:manager\r\n", 200),
        ("/auth/verify?role=admin&role=admin", ANN, 400),
        ("/auth/verify?next=/", ANN, 400),
        ("/auth/verify?login=https://evil.example", ANN, 400),
        ("/auth/verify?login=https://auth.example/in", ANN, 200),
        ("/auth/verify/@none", ANN, 404),
        ("/auth/verify", "authorization: Bearer stale\r\n", 200),
        ("/auth/verify", "authorization: Bearer panic\r\n", 500),
    ] {
        let answer = Client::get(gateway.address, path, &format!("{headers}{origin}")).await;
        assert_eq!(answer.status, status, "{path} {headers:?}: {}", answer.text());
        assert_eq!(answer.header("x-user-id").is_some(), status == 200);
        assert_eq!(answer.header("www-authenticate").is_some(), status == 401, "{path} {headers:?}");
        assert!(answer.headers.iter().all(|(name, _)| !name.starts_with("access-control-")), "{answer:?}");
    }
    for (method, status) in [("POST", 403), ("GET", 200)] {
        let headers = format!(
            "cookie: connect.sid=ann\r\nx-forwarded-method: {method}\r\nsec-fetch-site: cross-site\r\n"
        );
        assert_eq!(Client::get(gateway.address, "/auth/verify", &headers).await.status, status, "{method}");
    }
    let preflight = format!(
        "OPTIONS /auth/verify HTTP/1.1\r\nhost: a\r\n{origin}access-control-request-method: POST\r\n\r\n"
    );
    assert_eq!(Client::send(gateway.address, &preflight).await.status, 401, "it is judged like any request");
    gateway.verifier.goes_away();
    let outage = Client::get(gateway.address, "/auth/verify/@any", ANN).await;
    assert_eq!((outage.status, outage.header("retry-after")), (503, Some("2")));
    assert_eq!(upstream.connections(), 0);
}

// ASVS-map: GW3
#[tokio::test]
async fn what_any_server_may_read_as_its_path_is_the_gateways_and_nothing_else() {
    let upstream = upstream().await;
    let gateway = TestGateway::start(&file(upstream.address, POLICIES)).await;
    for path in [
        "/auth/verify/app",
        "/auth/verify/@",
        "/auth/verify//@any",
        "/AUTH/Verify",
        "/auth;a/verify;b",
        "/auth%3Ba/verify",
        "/%61uth/verify",
        "/auth/verify/x%2fy",
    ] {
        let answer = Client::get(gateway.address, path, ANN).await;
        assert_eq!((answer.status, answer.header("x-user-id")), (404, None), "{path}");
    }
    assert_eq!(upstream.connections(), 0, "no upstream answers a proxy with 200");
    for path in ["/auth", "/auth/login", "/auth/verifyx", "/x/auth/verify"] {
        assert_eq!(Client::get(gateway.address, path, "").await.text(), "upstream", "{path}");
    }
}

#[tokio::test]
async fn a_gateway_answers_only_if_its_file_says_so_and_reads_that_again() {
    let upstream = echo().await.address;
    let gateway = TestGateway::start(&file(upstream, "")).await;
    let by_upstream =
        async || Client::get(gateway.address, "/auth/verify/@any", ANN).await.header("x-upstream").is_some();
    assert!(by_upstream().await, "the route's upstream may be a server that answers it");
    for (keys, is_on) in [
        ("forward_auth.enabled = true", true),
        ("", false),
        ("forward_auth.hosts = [\"app.example\"]", true),
        ("[forward_auth.policies.any]", true),
        ("[forward_auth]\nenabled = false\n[forward_auth.policies.any]", false),
    ] {
        gateway.reload(&file(upstream, keys));
        assert_eq!(by_upstream().await, !is_on, "{keys}");
    }
    gateway.reload(&file(upstream, "[forward_auth.policies.any]"));
    let role = async || Client::get(gateway.address, "/auth/verify/@any", ANN).await.status;
    assert_eq!(role().await, 200);
    for (keys, status) in [("roles = [\"admin\"]", 403), ("roles = [\"boss\"]", 403), ("", 200)] {
        gateway.reload(&file(upstream, &format!("[forward_auth.policies.any]\n{keys}")));
        assert_eq!(role().await, status, "{keys}");
    }
}
