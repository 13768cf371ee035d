use axum::Router;
use axum::body::{Body, to_bytes};
use axum::extract::Request;
use axum::routing::get;
use http::StatusCode;
use http::header::{ACCEPT, COOKIE};
use portcullis_core::store::conformance::fixture::Fixture;
use portcullis_core::store::memory::MemoryStore;
use portcullis_core::strategy::StrategyName;
use tower::ServiceExt as _;

use super::role::{Admin, Manager, PlainUser};
use super::*;
use crate::{Guard, RefusalResponse, Roles};

/// A list with a name.
struct Staff;

impl RequiredRoles for Staff {
    const ANY_OF: &'static [Role] = &[Role::Manager, Role::Admin];
}

fn hello(user: &CurrentUser) -> String {
    format!("come in, {}", user.0.user_id())
}

/// The same routes twice: below `/type` by extractors, and below `/layer` by layers.
fn routes() -> Router {
    let by_layer = |path: &str, roles: &[Role]| {
        let handler = get(|user: CurrentUser| async move { hello(&user) });
        Router::new().route(path, handler).route_layer(Roles::any_of(roles.iter().copied()))
    };
    Router::new()
        .route("/type/admin", get(|RequireRole(user, _): RequireRole<Admin>| async move { hello(&user) }))
        .route("/type/user", get(|RequireRole(user, _): RequireRole<PlainUser>| async move { hello(&user) }))
        .route(
            "/type/two",
            get(|RequireRole(user, _): RequireRole<(Manager, Admin)>| async move { hello(&user) }),
        )
        .route("/type/staff", get(|RequireRole(user, _): RequireRole<Staff>| async move { hello(&user) }))
        .route(
            "/type/all",
            get(|RequireRole(user, _): RequireRole<(PlainUser, Manager, Admin)>| async move { hello(&user) }),
        )
        .merge(by_layer("/layer/admin", &[Role::Admin]))
        .merge(by_layer("/layer/user", &[Role::User]))
        .merge(by_layer("/layer/two", &[Role::Manager, Role::Admin]))
        .merge(by_layer("/layer/staff", &[Role::Manager, Role::Admin]))
        .merge(by_layer("/layer/all", &Role::ALL))
}

async fn answer(router: &Router, request: http::request::Builder) -> (StatusCode, String) {
    let response = router.clone().oneshot(request.body(Body::empty()).unwrap()).await.unwrap();
    let status = response.status();
    let body = to_bytes(response.into_body(), 4096).await.unwrap();
    (status, String::from_utf8(body.to_vec()).unwrap())
}

// ASVS-map: TN4
#[tokio::test]
async fn the_extractor_answers_as_the_layer_does() {
    let fixture = Fixture::new(MemoryStore::stores());
    let engine = fixture.node().await;
    let member = fixture.new_user(&engine).await;
    let held = member.password_sign_in(&engine, StrategyName::Session).await;
    let router = routes().layer(Guard::new(engine.clone(), StrategyName::Session));
    let cookie = format!("connect.sid={}", held.credential());
    for (path, let_in) in [
        ("/type/admin", &[Role::Admin][..]),
        ("/type/user", &[Role::User]),
        ("/type/two", &[Role::Manager, Role::Admin]),
        ("/type/staff", &[Role::Manager, Role::Admin]),
        ("/type/all", &Role::ALL),
    ] {
        let layered = path.replace("/type", "/layer");
        let unauthorized = answer(&router, Request::builder().uri(path)).await;
        assert_eq!(unauthorized.0, StatusCode::UNAUTHORIZED);
        for role in Role::ALL {
            engine.set_role(&member.user.key, role).await.unwrap();
            for accept in ["*/*", "application/problem+json"] {
                let showing = |path: &str| {
                    Request::builder().uri(path).header(COOKIE, cookie.as_str()).header(ACCEPT, accept)
                };
                let (status, said) = answer(&router, showing(path)).await;
                let by_layer = answer(&router, showing(&layered)).await;
                // A problem names the path it is about.
                assert_eq!((status, said.replace(path, &layered)), by_layer, "{role} {path}");
                let expected = if let_in.contains(&role) { 200 } else { 403 };
                assert_eq!(status.as_u16(), expected, "{role} {path}");
            }
        }
    }
}

// ASVS-map: TN4
#[tokio::test]
async fn without_a_guard_every_request_is_refused() {
    let response =
        routes().oneshot(Request::builder().uri("/type/all").body(Body::empty()).unwrap()).await.unwrap();
    assert_eq!(response.status(), StatusCode::UNAUTHORIZED);
    assert!(response.extensions().get::<RefusalResponse>().is_some());
}
