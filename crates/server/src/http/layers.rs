//! What stands around every route: limits, headers, refusals written down, and a panic that stays one request's.

use std::any::Any;
use std::sync::Arc;

use axum::Router;
use axum::extract::{Request, State};
use axum::middleware::{self, Next};
use axum::response::{IntoResponse, Response};
use http::header::{
    CONTENT_SECURITY_POLICY, HeaderMap, HeaderName, HeaderValue, REFERRER_POLICY, STRICT_TRANSPORT_SECURITY,
    X_CONTENT_TYPE_OPTIONS, X_FRAME_OPTIONS,
};
use portcullis_api::refusal::{Code, Refusal};
use portcullis_axum::{Refused, render_refusals};
use tower_http::catch_panic::CatchPanicLayer;
use tracing::error;

use super::{App, metrics, origin};

/// The most header lines of a request.
const MOST_HEADERS: usize = 100;

/// Puts the layers around routes, ours or others that are to behave alike; the last one named is the first to see a
/// request.
pub fn around(router: Router, app: &Arc<App>) -> Router {
    router
        .fallback(|| async { Refused(Refusal::no_route()) })
        .method_not_allowed_fallback(|| async { Refused(Refusal::plain(Code::MethodNotAllowed)) })
        .layer(middleware::from_fn_with_state(app.clone(), origin::same_site))
        .layer(middleware::from_fn_with_state(app.clone(), known))
        .layer(CatchPanicLayer::custom(panicked))
        .layer(middleware::from_fn_with_state(app.engine.clone(), render_refusals))
        .layer(origin::cors(app))
        .layer(middleware::from_fn_with_state(app.clone(), secured))
        .layer(middleware::from_fn(metrics::counted))
}

/// Refuses headers that are too large, and lets the extractors know the application.
async fn known(State(app): State<Arc<App>>, mut request: Request, next: Next) -> Response {
    if is_too_large(request.headers(), app.largest_headers) {
        return Refused(Refusal::plain(Code::HeadersTooLarge)).into_response();
    }
    request.extensions_mut().insert(app);
    next.run(request).await
}

/// As a header stands on the wire: name, colon, space, value, line end.
fn is_too_large(headers: &HeaderMap, most_bytes: usize) -> bool {
    let bytes: usize = headers.iter().map(|(name, value)| name.as_str().len() + value.len() + 4).sum();
    bytes > most_bytes || headers.len() > MOST_HEADERS
}

/// A panic is a bug of ours: the client learns nothing of it, and the process goes on.
#[expect(clippy::needless_pass_by_value, reason = "the layer's signature")]
fn panicked(panic: Box<dyn Any + Send>) -> Response {
    let text = panic.downcast_ref::<String>().map(String::as_str);
    let text = text.or_else(|| panic.downcast_ref::<&str>().copied()).unwrap_or("of unknown kind");
    error!(panic = text, "a handler panicked");
    Refused(Refusal::plain(Code::InternalError)).into_response()
}

/// Headers for browsers, on every answer that does not say otherwise (OWASP Secure Headers).
async fn secured(State(app): State<Arc<App>>, request: Request, next: Next) -> Response {
    let mut response = next.run(request).await;
    let headers = response.headers_mut();
    for (name, value) in HEADERS {
        headers.entry(name).or_insert(HeaderValue::from_static(value));
    }
    if app.https {
        headers.insert(STRICT_TRANSPORT_SECURITY, HeaderValue::from_static("max-age=31536000"));
    }
    response
}

const HEADERS: [(HeaderName, &str); 6] = [
    (X_CONTENT_TYPE_OPTIONS, "nosniff"),
    (X_FRAME_OPTIONS, "DENY"),
    (REFERRER_POLICY, "no-referrer"),
    (CONTENT_SECURITY_POLICY, "default-src 'none'; frame-ancestors 'none'"),
    (HeaderName::from_static("cross-origin-opener-policy"), "same-origin"),
    (HeaderName::from_static("permissions-policy"), "camera=(), geolocation=(), microphone=()"),
];
