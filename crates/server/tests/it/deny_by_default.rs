//! Deny by default: without a credential every route that is not public is refused, and a panic is a 500.

use std::panic::panic_any;
use std::sync::Arc;

use axum::Router;
use axum::routing::get;
use portcullis_api::operation::{
    Access, Caller, FORWARD_AUTH_OPERATIONS, SERVICE_OPERATIONS, STRATEGY_OPERATIONS,
};
use portcullis_core::event::DiscardEvents;
use portcullis_core::machine::SystemClock;
use portcullis_core::strategy::StrategyName;
use portcullis_server::http::{self, app, around};
use portcullis_server::open::{OpenedFor, open};
use portcullis_server::serve::connection_limits;
use tokio::net::TcpListener;

use crate::fixture::{DataDirectory, HTTPS, HttpRequest, STRATEGIES, TestServer, TestUser, config};

/// The public routes, written down a second time: a row that becomes public must be added here as well.
const PUBLIC: [&str; 3] = ["register", "login", "refresh"];

// ASVS-map: TN4
#[tokio::test]
async fn without_a_credential_everything_that_is_not_public_is_denied() {
    for server in [TestServer::start().await, TestServer::with(&HTTPS).await] {
        let mut denied = 0;
        for strategy in STRATEGIES {
            for operation in STRATEGY_OPERATIONS {
                let Some(path) = operation.path(strategy) else { continue };
                let is_public = operation.access() == Access::Public;
                assert_eq!(is_public, PUBLIC.contains(&operation.route), "{path}");
                let ask = || server.ask(operation.method.as_str(), &path);
                let answer = ask().await;
                if is_public {
                    let expected = if operation.route == "refresh" { 401 } else { 400 };
                    assert_eq!(answer.status, expected, "{path}: the handler was reached and read the body");
                    continue;
                }
                denied += 1;
                let unauthorized = r#"{"message":"Unauthorized","statusCode":401}"#;
                answer.says(401, unauthorized);
                assert_eq!(answer.header("www-authenticate"), Some("Bearer"));
                // It is checked first.
                let body = TestUser::ANN.credentials().to_string();
                ask().text(body).await.says(401, unauthorized);
                ask().text("{").await.says(401, unauthorized);
                ask().header("content-type", "text/plain").body("x").await.says(401, unauthorized);
            }
        }
        assert_eq!(denied, 18);
        for operation in FORWARD_AUTH_OPERATIONS {
            assert_eq!(operation.access(), Access::SignedIn);
            let path = operation.route.replace("{policy}", "any").replace("{*request}", "a/b");
            // Of a policy that is not configured there is none that lets anything pass.
            let denied = if path.contains('@') { 404 } else { 401 };
            assert_eq!(server.get(&path).await.status, denied, "{path}");
        }
        for operation in SERVICE_OPERATIONS {
            let path = operation.route.replace("{tenant}", "default");
            // What servers ask needs a feed key.
            server.get(&path).await.status(if operation.caller == Caller::Server { 401 } else { 200 });
        }
    }
}

// ASVS-map: TN4
#[tokio::test]
async fn nothing_is_reached_by_another_spelling_of_its_path() {
    let server = TestServer::start().await;
    for strategy in STRATEGIES {
        for path in [
            format!("//auth/{strategy}/profile"),
            format!("/auth//{strategy}/profile"),
            format!("/auth/{strategy}/profile/"),
            format!("/auth/{strategy}/./profile"),
            format!("/auth/jwt/../{strategy}/profile"),
            format!("/auth/{strategy}/profile;x=1"),
            format!("/auth/{strategy}/profile%00"),
            format!("/auth/{strategy}%2Fprofile"),
            format!("/auth/{strategy}/PROFILE"),
        ] {
            let answer = server.get(&path).await;
            assert!(matches!(answer.status, 401 | 404), "{path}: {answer:?}");
        }
        let absolute = format!("http://{}/auth/{strategy}/profile", server.address);
        server.get(&absolute).await.status(401);
    }
}

// ASVS-map: LG3
#[tokio::test]
async fn a_handler_that_panics_costs_one_request_and_tells_nothing() {
    let home = DataDirectory::new();
    let config = config(home.path(), &[]);
    let opened = open(&config, OpenedFor::Serving, Arc::new(DiscardEvents), Arc::new(SystemClock));
    let opened = opened.await.unwrap();
    let app = app(&config, opened.engine, None).unwrap();
    let routes = Router::new()
        .route("/fine", get(|| async { "fine" }))
        .route("/panics", get(|| async { panic!("the canary sings") as &'static str }))
        .route("/formats", get(|| async { panic!("the {} sings", "canary") as &'static str }))
        .route("/odd", get(|| async { panic_any(7_u8) as &'static str }));
    let socket = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = socket.local_addr().unwrap();
    let never = std::future::pending();
    let routes = around(&["/fine", "/panics", "/formats", "/odd"], routes, &app);
    tokio::spawn(http::serve(socket, routes, connection_limits(&config), never));
    for path in ["/panics", "/formats", "/odd"] {
        for _ in 0..3 {
            let answer = HttpRequest::new(address, "GET", path).await;
            answer.says(500, r#"{"message":"Internal Server Error","statusCode":500}"#);
            assert_eq!(answer.header("cache-control"), Some("no-store"));
            assert_eq!(answer.header("x-content-type-options"), Some("nosniff"));
        }
        let problem =
            HttpRequest::new(address, "GET", path).header("accept", "application/problem+json").await;
        let expected = format!(
            r#"{{"type":"about:blank","title":"Internal Server Error","status":500,"detail":"Internal Server Error","code":"INTERNAL_ERROR","instance":"{path}"}}"#
        );
        problem.says(500, &expected);
        assert_eq!(HttpRequest::new(address, "GET", "/fine").await.body, "fine");
    }
    // A connection goes on after a panic.
    let mut line = crate::fixture::HttpConnection::to(address).await;
    for (path, expected) in [("/panics", 500), ("/fine", 200), ("/odd", 500), ("/fine", 200)] {
        line.write(&HttpRequest::new(address, "GET", path).bytes()).await;
        assert_eq!(line.answer().await.unwrap().status, expected);
    }
}

// ASVS-map: AU2
#[tokio::test]
async fn a_record_that_makes_no_sense_is_answered_like_none_and_tells_nothing() {
    let server = TestServer::start().await;
    let ann = TestUser::ANN.registered(&server).await;
    server.run_sql("UPDATE users SET password = 'canary'").await;
    for strategy in STRATEGIES {
        let answer = ann.logs_in(&server, strategy).await;
        answer.says(401, r#"{"message":"Invalid credentials","error":"Unauthorized","statusCode":401}"#);
    }
    server.run_sql("UPDATE users SET role = 'emperor'").await;
    ann.logs_in(&server, StrategyName::Jwt).await.status(401);
    server.run_sql("DELETE FROM users").await;
    ann.registered(&server)
        .await
        .signs_in(&server, StrategyName::Session)
        .await
        .profile(&server)
        .await
        .status(200);
}
