use axum::Router;
use axum::body::{Body, to_bytes};
use axum::routing::get;
use http::StatusCode;
use http::header::{AUTHORIZATION, COOKIE};
use portcullis_core::store::conformance::fixture::Fixture;
use portcullis_core::store::memory::MemoryStore;

use super::*;

/// Says how many other sessions the handler is told of.
async fn others(OtherSessions(others): OtherSessions) -> String {
    others.len().to_string()
}

#[tokio::test]
async fn a_handler_is_told_of_the_other_sessions_of_its_own_guard_alone() {
    let fixture = Fixture::new(MemoryStore::stores());
    let engine = fixture.node().await;
    let member = fixture.new_user(&engine).await;
    let first = member.password_sign_in(&engine, StrategyName::Session).await;
    let second = member.password_sign_in(&engine, StrategyName::Session).await;
    let token = member.password_sign_in(&engine, StrategyName::Jwt).await;
    let outer = Guard::new(engine.clone(), StrategyName::Session).for_sign_out();
    let alone = Router::new().route("/", get(others)).route_layer(outer.clone());
    let inner = Guard::new(engine, StrategyName::Jwt);
    let nested = Router::new().route("/", get(others)).route_layer(inner).route_layer(outer);
    for (router, expected) in [(alone, "1"), (nested, "0")] {
        let cookies = format!("connect.sid={}; connect.sid={}", first.credential(), second.credential());
        let request = Request::builder().uri("/").header(COOKIE, cookies);
        let request = request.header(AUTHORIZATION, format!("Bearer {}", token.credential()));
        let response = router.oneshot(request.body(Body::empty()).unwrap()).await.unwrap();
        assert_eq!(response.status(), StatusCode::OK);
        assert_eq!(to_bytes(response.into_body(), 64).await.unwrap(), expected);
    }
}
