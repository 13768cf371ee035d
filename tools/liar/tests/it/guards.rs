//! A service whose guard is made of a verifier.

use axum::Router;
use axum::body::Body;
use axum::http::header::{AUTHORIZATION, RETRY_AFTER, WWW_AUTHENTICATE};
use axum::http::{Request, StatusCode};
use axum::response::Response;
use axum::routing::get;
use portcullis_axum::{CurrentUser, FreshSignIn, Guard, Roles};
use portcullis_core::user::Role;
use portcullis_liar::Trick;
use portcullis_verifier::OnStale;
use tower::ServiceExt as _;

use crate::fixture::Stage;

fn service(stage: &Stage) -> Router {
    let guard = Guard::of((stage.verifier.clone(), OnStale::Refuse)).public(["/health"]);
    Router::new()
        .route("/", get(|CurrentUser(user): CurrentUser| async move { user.email.clone() }))
        .route("/fresh", get(|_: FreshSignIn<600>| async { "come in" }))
        .route("/staff", get(|| async { "come in" }).route_layer(Roles::any_of([Role::Admin])))
        .route("/health", get(|| async { "up" }))
        .layer(guard)
}

async fn asked(service: &Router, path: &str, token: &str) -> Response {
    let request = Request::builder().uri(path).header(AUTHORIZATION, format!("Bearer {token}"));
    service.clone().oneshot(request.body(Body::empty()).unwrap()).await.unwrap()
}

// ASVS-map: SE4, TN4
#[tokio::test(flavor = "multi_thread")]
async fn a_signed_out_user_is_refused_and_others_go_on() {
    let stage = Stage::new().await;
    let service = service(&stage);
    let (doomed, other) = (stage.sign_in(), stage.sign_in());
    for path in ["/", "/fresh", "/staff"] {
        assert_eq!(asked(&service, path, &doomed.token).await.status(), StatusCode::OK, "{path}");
    }
    stage.sign_out_and_wait(&doomed).await;
    let refused = asked(&service, "/", &doomed.token).await;
    assert_eq!(refused.status(), StatusCode::UNAUTHORIZED);
    assert_eq!(refused.headers()[WWW_AUTHENTICATE], "Bearer error=\"invalid_token\"");
    assert_eq!(asked(&service, "/", &other.token).await.status(), StatusCode::OK);
    let plain = stage.liar.sign_in(Role::User).unwrap();
    assert_eq!(asked(&service, "/staff", &plain.token).await.status(), StatusCode::FORBIDDEN);
}

// ASVS-map: RV3
#[tokio::test(flavor = "multi_thread")]
async fn an_outage_is_503_with_retry_after_and_public_routes_go_on() {
    let stage = Stage::new().await;
    let (service, session) = (service(&stage), stage.sign_in());
    stage.liar.play(Trick::Silence);
    stage.is_stale_soon().await;
    let answer = asked(&service, "/", &session.token).await;
    assert_eq!(answer.status(), StatusCode::SERVICE_UNAVAILABLE);
    assert!(answer.headers().contains_key(RETRY_AFTER));
    assert_eq!(asked(&service, "/health", &session.token).await.status(), StatusCode::OK);
}
