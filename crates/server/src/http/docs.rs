//! `GET /openapi.json`, and `/docs`, a page that renders it and loads nothing from other hosts.

use axum::Router;
use axum::middleware::map_response;
use axum::response::{Redirect, Response};
use axum::routing::get;
use http::header::{CONTENT_SECURITY_POLICY, CONTENT_TYPE, HeaderValue};
use portcullis_api::openapi::document;
use utoipa_swagger_ui::SwaggerUi;

use super::answer::JSON;

/// The page's own scripts, styles and pictures, and calls to this server.
const PAGE_POLICY: HeaderValue = HeaderValue::from_static(
    "default-src 'none'; script-src 'self'; style-src 'self' 'unsafe-inline'; img-src 'self' data:; \
     connect-src 'self'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'",
);

/// What the pages are at.
pub(super) const PATHS: [&str; 5] = ["/", "/openapi.json", "/docs", "/docs/", "/docs/{*rest}"];

pub(super) fn routes() -> Router {
    let page = SwaggerUi::new("/docs").url("/openapi.json", document(env!("CARGO_PKG_VERSION")));
    Router::new()
        .merge(page)
        .route("/", get(|| async { Redirect::temporary("/docs") }))
        .layer(map_response(allowed))
}

async fn allowed(mut response: Response) -> Response {
    let headers = response.headers_mut();
    headers.insert(CONTENT_SECURITY_POLICY, PAGE_POLICY);
    if headers.get(CONTENT_TYPE).is_some_and(|media| media == "application/json") {
        headers.insert(CONTENT_TYPE, JSON);
    }
    response
}
