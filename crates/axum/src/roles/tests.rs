use axum::Router;
use axum::body::{Body, to_bytes};
use axum::extract::Request;
use axum::routing::get;
use http::StatusCode;
use http::header::{ACCEPT, AUTHORIZATION, COOKIE, WWW_AUTHENTICATE};
use portcullis_core::engine::Engine;
use portcullis_core::store::conformance::fixture::{Fixture, HeldCredentials, RegisteredUser};
use portcullis_core::store::memory::MemoryStore;
use portcullis_core::strategy::StrategyName;
use tower::ServiceExt as _;

use super::*;
use crate::Guard;

const STAFF: [Role; 2] = [Role::Manager, Role::Admin];
const UNAUTHORIZED: &str = r#"{"message":"Unauthorized","statusCode":401}"#;

/// An engine, and a user with a session there.
async fn new_user_key() -> (Engine, RegisteredUser, HeldCredentials) {
    let stage = Fixture::new(MemoryStore::stores());
    let engine = stage.node().await;
    let member = stage.new_user(&engine).await;
    let held = member.password_sign_in(&engine, StrategyName::Session).await;
    (engine, member, held)
}

fn routes(roles: &Roles, guard: Option<Guard>) -> Router {
    let router = Router::new()
        .route("/staff", get(|| async { "come in" }))
        .route("/auth/staff", get(|| async { "come in" }))
        .route_layer(roles.clone());
    match guard {
        Some(guard) => router.route_layer(guard),
        None => router,
    }
}

/// Answers by status and body.
async fn answer(router: Router, request: http::request::Builder) -> (StatusCode, String) {
    let response = router.oneshot(request.body(Body::empty()).unwrap()).await.unwrap();
    let status = response.status();
    let body = to_bytes(response.into_body(), 4096).await.unwrap();
    (status, String::from_utf8(body.to_vec()).unwrap())
}

fn showing(held: &HeldCredentials, path: &str) -> http::request::Builder {
    Request::builder().uri(path).header(COOKIE, format!("connect.sid={}", held.credential()))
}

// ASVS-map: TN4
#[tokio::test]
async fn only_those_in_one_of_the_roles_come_in() {
    let (engine, member, held) = new_user_key().await;
    let guard = || Guard::new(engine.clone(), StrategyName::Session);
    let refused =
        r#"{"message":"Insufficient role. Required: manager, admin","error":"Forbidden","statusCode":403}"#;
    for role in Role::ALL {
        engine.set_role(&member.user.key, role).await.unwrap();
        let router = routes(&Roles::any_of(STAFF), Some(guard()));
        let (status, body) = answer(router, showing(&held, "/staff")).await;
        let expected = if role == Role::User { (403, refused) } else { (200, "come in") };
        assert_eq!((status.as_u16(), body.as_str()), expected, "{role}");
    }
}

// ASVS-map: TN4
#[tokio::test]
async fn a_list_of_no_roles_lets_nobody_in() {
    let (engine, member, held) = new_user_key().await;
    engine.set_role(&member.user.key, Role::Admin).await.unwrap();
    let guard = Guard::new(engine, StrategyName::Session);
    let (status, _) = answer(routes(&Roles::any_of([]), Some(guard)), showing(&held, "/staff")).await;
    assert_eq!(status, StatusCode::FORBIDDEN);
}

// ASVS-map: TN4
#[tokio::test]
async fn whose_credential_says_nothing_of_a_role_is_told_that_one_is_missing() {
    let (engine, _, held) = new_user_key().await;
    let mut identity = held.identity(&engine).await;
    identity.role = None;
    let roles = Roles::any_of([Role::User]);
    let refusal = roles.admit(Some(&CurrentUser(identity.clone().into()))).unwrap_err();
    assert_eq!(refusal, Refusal::plain(Code::MissingRole));
    let mut request = Request::builder().uri("/staff").body(Body::empty()).unwrap();
    request.extensions_mut().insert(CurrentUser(identity.into()));
    let response = routes(&roles, None).oneshot(request).await.unwrap();
    assert_eq!(response.status(), StatusCode::FORBIDDEN);
    assert_eq!(response.extensions().get(), Some(&RefusalResponse(Refusal::plain(Code::MissingRole))));
}

// ASVS-map: TN4
#[tokio::test]
async fn who_is_not_signed_in_is_asked_to_whatever_they_say_of_their_role() {
    let (engine, ..) = new_user_key().await;
    let roles = Roles::any_of(Role::ALL);
    for claim in ["x-user-role", "role", "x-role"] {
        let request = || Request::builder().uri("/staff").header(claim, "admin");
        let guard = Guard::new(engine.clone(), StrategyName::Session);
        let (status, body) = answer(routes(&roles, Some(guard)), request()).await;
        assert_eq!((status.as_u16(), body.as_str()), (401, UNAUTHORIZED));
        let (status, _) = answer(routes(&roles, None), request()).await;
        assert_eq!(status, StatusCode::UNAUTHORIZED, "where the guard was forgotten");
    }
    let bearer = Request::builder().uri("/staff").header(AUTHORIZATION, "Bearer admin");
    let guard = Guard::new(engine, StrategyName::Jwt);
    let response = routes(&roles, Some(guard)).oneshot(bearer.body(Body::empty()).unwrap()).await.unwrap();
    assert_eq!(response.status(), StatusCode::UNAUTHORIZED);
    assert!(response.headers().contains_key(WWW_AUTHENTICATE));
}

#[tokio::test]
async fn a_refusal_is_in_the_words_of_the_surface_and_in_those_that_were_asked_for() {
    let (engine, _, held) = new_user_key().await;
    let router = || {
        let guard = Guard::new(engine.clone(), StrategyName::Session);
        routes(&Roles::any_of([Role::Admin]), Some(guard))
    };
    let (_, envelope) = answer(router(), showing(&held, "/auth/staff")).await;
    assert!(envelope.contains(r#""meta":{"status":"error","code":"INSUFFICIENT_ROLE"}"#), "{envelope}");
    let problem = showing(&held, "/staff").header(ACCEPT, "application/problem+json");
    let (_, problem) = answer(router(), problem).await;
    assert!(problem.contains(r#""detail":"Insufficient role. Required: admin""#), "{problem}");
}
