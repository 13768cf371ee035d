use axum::Router;
use axum::body::{Body as RequestBody, to_bytes};
use axum::middleware::from_fn_with_state;
use axum::routing::{get, post};
use http::StatusCode;
use portcullis_api::refusal::Rendering;
use portcullis_api::request::NonEmptyText;
use portcullis_core::id::UserId;
use portcullis_core::store::conformance::fixture::Fixture;
use portcullis_core::store::memory::MemoryStore;
use portcullis_core::strategy::StrategyName;
use tower::ServiceExt as _;

use super::*;
use crate::{CurrentUser, Guard, render_refusals_as};

portcullis_api::body! {
    struct Remark { text: NonEmptyText, is_public: bool = "isPublic" }
    struct OfAuthor { id: UserId }
    struct OfPage { number: i64, is_last: bool, title: String }
}

async fn remark(ValidBody(remark): ValidBody<Remark>) -> (StatusCode, PrivateJson<(String, bool)>) {
    (StatusCode::CREATED, PrivateJson((remark.text.0, remark.is_public)))
}

async fn author(ValidPath(path): ValidPath<OfAuthor>) -> String {
    path.id.to_string()
}

async fn page(ValidPath(path): ValidPath<OfPage>) -> String {
    format!("{} {} {}", path.number, path.is_last, path.title)
}

async fn service(rendering: Rendering) -> Router {
    let engine = Fixture::new(MemoryStore::stores()).node().await;
    let routes = Router::new()
        .route("/auth/whose", get(|CurrentUser(user): CurrentUser| async move { user.email.clone() }))
        .route_layer(Guard::new(engine, StrategyName::Device))
        .route("/remarks", post(remark))
        .route("/authors/{id}", get(author))
        .route("/pages/{number}/{is_last}/{title}", get(page));
    routes.layer(from_fn_with_state(rendering, render_refusals_as))
}

async fn answer(router: &Router, request: Request) -> (u16, String) {
    let response = router.clone().oneshot(request).await.unwrap();
    let status = response.status().as_u16();
    (status, String::from_utf8(to_bytes(response.into_body(), 4096).await.unwrap().to_vec()).unwrap())
}

fn posted(media: Option<&str>, text: impl Into<RequestBody>) -> Request {
    let request = Request::builder().method("POST").uri("/remarks");
    let request = media.into_iter().fold(request, |request, media| request.header(CONTENT_TYPE, media));
    request.body(text.into()).unwrap()
}

fn asked(path: &str) -> Request {
    Request::builder().uri(path).body(RequestBody::empty()).unwrap()
}

#[tokio::test]
async fn a_good_body_is_read_and_its_answer_is_kept_by_no_cache() {
    let router = service(Rendering::Plain).await;
    let text = r#"{"text": "Good", "isPublic": true, "more": 1}"#;
    let response = router.oneshot(posted(Some("application/json; charset=UTF-8"), text)).await.unwrap();
    assert_eq!(response.status(), StatusCode::CREATED);
    assert_eq!(response.headers()[CONTENT_TYPE], "application/json; charset=utf-8");
    assert_eq!(response.headers()[CACHE_CONTROL], "no-store");
    assert_eq!(to_bytes(response.into_body(), 64).await.unwrap(), r#"["Good",true]"#);
}

#[tokio::test]
async fn a_bad_body_is_refused_in_the_words_that_clients_know() {
    let router = service(Rendering::Plain).await;
    let json = Some("application/json");
    let missing = r#"{"message":["text should not be empty","isPublic must be a boolean value"],"error":"Bad Request","statusCode":400}"#;
    for (request, status, said) in [
        (posted(None, ""), 400, missing),
        (posted(json, "{}"), 400, missing),
        (posted(json, "[]"), 400, missing),
        (posted(json, "{"), 400, "Request body is not valid JSON"),
        (posted(Some("text/plain"), "{}"), 415, "Unsupported Media Type"),
        (posted(None, "{}"), 415, "Unsupported Media Type"),
        (posted(json, " ".repeat(LARGEST + 1)), 413, "Payload Too Large"),
    ] {
        let answer = answer(&router, request).await;
        assert!(answer.0 == status && answer.1.contains(said), "{answer:?}");
    }
    let good = r#"{"text":"t","isPublic":false}"#;
    let full = good.to_owned() + &" ".repeat(LARGEST - good.len());
    assert_eq!(answer(&router, posted(json, full)).await.0, 201, "64 KiB are not too much");
}

#[tokio::test]
async fn a_bad_part_of_a_path_is_refused_by_its_name() {
    let router = service(Rendering::Plain).await;
    let id = "019c06aa-b377-7c04-9e2f-6a1d83b5c770";
    assert_eq!(answer(&router, asked(&format!("/authors/{id}"))).await, (200, id.to_owned()));
    let refused = r#"{"message":["id must be a UUID"],"error":"Bad Request","statusCode":400}"#;
    assert_eq!(answer(&router, asked("/authors/7")).await, (400, refused.to_owned()));
    let (status, said) = answer(&router, asked("/authors/%ff")).await;
    assert!(status == 400 && said.contains("not UTF-8"), "{status} {said}");
}

#[tokio::test]
async fn numbers_are_read_in_a_path_as_in_a_body_where_a_text_is_none() {
    let router = service(Rendering::Plain).await;
    assert_eq!(answer(&router, asked("/pages/-7/true/9")).await, (200, "-7 true 9".to_owned()));
    let (status, said) = answer(&router, asked("/pages/7th/yes/9")).await;
    assert!(status == 400 && said.contains("number must be an integer number"), "{status} {said}");
    assert!(said.contains("is_last must be a boolean value"), "{said}");
    let text = posted(Some("application/json"), r#"{"text":"t","isPublic":"true"}"#);
    assert_eq!(answer(&router, text).await.0, 400);
}

#[tokio::test]
async fn handlers_and_guards_refuse_in_the_rendering_of_the_service_whatever_the_path() {
    for (rendering, expected) in [
        (Rendering::Plain, r#"{"message":"Unauthorized","statusCode":401}"#),
        (Rendering::StatusFirst, r#"{"statusCode":401,"message":"Unauthorized"}"#),
    ] {
        let router = service(rendering).await;
        assert_eq!(answer(&router, asked("/auth/whose")).await, (401, expected.to_owned()));
    }
    let router = service(Rendering::StatusFirst).await;
    let refused = r#"{"statusCode":400,"message":["id must be a UUID"],"error":"Bad Request"}"#;
    assert_eq!(answer(&router, asked("/authors/7")).await, (400, refused.to_owned()));
}
