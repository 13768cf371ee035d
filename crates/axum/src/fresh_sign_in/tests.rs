use axum::Router;
use axum::body::Body;
use axum::extract::Request;
use axum::routing::get;
use http::StatusCode;
use http::header::AUTHORIZATION;
use portcullis_core::store::conformance::fixture::Fixture;
use portcullis_core::store::memory::MemoryStore;
use portcullis_core::strategy::StrategyName;
use tower::ServiceExt as _;

use super::*;
use crate::Guard;

fn routes(guard: Guard) -> Router {
    Router::new()
        .route("/account", get(|_: FreshSignIn<600>| async { "come in" }))
        .route("/profile", get(|_: CurrentUser| async { "come in" }))
        .route("/health", get(|user: Option<CurrentUser>| async move { user.is_some().to_string() }))
        .layer(guard.public(["/health"]))
}

async fn asked(router: &Router, path: &str, token: Option<&str>) -> Response {
    let mut request = Request::builder().uri(path);
    if let Some(token) = token {
        request = request.header(AUTHORIZATION, format!("Bearer {token}"));
    }
    router.clone().oneshot(request.body(Body::empty()).unwrap()).await.unwrap()
}

// ASVS-map: SE8
#[tokio::test]
async fn a_user_who_signed_in_a_while_ago_is_told_to_sign_in_again() {
    let fixture = Fixture::new(MemoryStore::stores());
    let engine = fixture.node().await;
    let member = fixture.new_user(&engine).await;
    let held = member.password_sign_in(&engine, StrategyName::SessionJwt).await;
    let router = routes(Guard::of((engine, StrategyName::SessionJwt)));
    let token = Some(held.credential());
    assert_eq!(asked(&router, "/account", token).await.status(), StatusCode::OK);
    fixture.clock.pass(Duration::from_mins(11));
    let refused = asked(&router, "/account", token).await;
    assert_eq!(refused.status(), StatusCode::UNAUTHORIZED);
    let challenge = refused.headers()[WWW_AUTHENTICATE].to_str().unwrap();
    assert!(challenge.contains("error=\"insufficient_user_authentication\""), "{challenge}");
    assert!(challenge.ends_with("max_age=\"600\""), "{challenge}");
    assert_eq!(asked(&router, "/profile", token).await.status(), StatusCode::OK);
}

// ASVS-map: TN4
#[tokio::test]
async fn one_layer_protects_every_route_that_is_not_named_public() {
    let fixture = Fixture::new(MemoryStore::stores());
    let engine = fixture.node().await;
    let member = fixture.new_user(&engine).await;
    let held = member.password_sign_in(&engine, StrategyName::Jwt).await;
    let router = routes(Guard::of((engine, StrategyName::Jwt)));
    for protected in ["/account", "/profile", "/nowhere", "/health/", "/HEALTH"] {
        let status = asked(&router, protected, None).await.status();
        assert_eq!(status, StatusCode::UNAUTHORIZED, "{protected}");
    }
    for (token, is_known) in [(None, "false"), (Some("forged"), "false"), (Some(held.credential()), "true")] {
        let answer = asked(&router, "/health", token).await;
        assert_eq!(answer.status(), StatusCode::OK);
        let body = axum::body::to_bytes(answer.into_body(), 64).await.unwrap();
        assert_eq!(body, is_known);
    }
}
