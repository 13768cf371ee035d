//! Refusals as responses.

use axum::body::Body;
use axum::extract::{Request, State};
use axum::middleware::Next;
use axum::response::{IntoResponse, Response};
use http::header::{
    ACCEPT, CACHE_CONTROL, CONTENT_TYPE, HeaderMap, HeaderValue, RETRY_AFTER, WWW_AUTHENTICATE,
};
use http::{Method, StatusCode, Uri};
use portcullis_api::refusal::{Refusal, RefusedRequest, Rendering};
use portcullis_core::clock::Timestamp;
use portcullis_core::engine::Engine;

/// A refusal as a handler returns it. The layer [`render_refusals`] writes its body, because that depends on what the
/// request accepts; without that layer it is a bare status.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct RefusalResponse(pub Refusal);

impl<E: Into<Refusal>> From<E> for RefusalResponse {
    fn from(error: E) -> Self {
        Self(error.into())
    }
}

impl IntoResponse for RefusalResponse {
    fn into_response(self) -> Response {
        let mut response = status_of(&self.0).into_response();
        response.extensions_mut().insert(self);
        response
    }
}

/// Renders every [`RefusalResponse`] of the handlers behind it: a middleware for `axum::middleware::from_fn_with_state`.
pub async fn render_refusals(State(engine): State<Engine>, request: Request, next: Next) -> Response {
    let asker = RefusalContext::of(&request);
    let response = next.run(request).await;
    asker.write_down(response, engine.now())
}

/// What rendering a refusal needs of its request.
#[derive(Clone, Debug)]
pub struct RefusalContext {
    method: Method,
    uri: Uri,
    accept: Vec<HeaderValue>,
}

impl RefusalContext {
    /// Copies it from a request.
    #[must_use]
    pub fn of<B>(request: &http::Request<B>) -> Self {
        Self {
            method: request.method().clone(),
            uri: request.uri().clone(),
            accept: request.headers().get_all(ACCEPT).iter().cloned().collect(),
        }
    }

    /// Renders a response that is a [`RefusalResponse`]; leaves any other as it is.
    #[must_use]
    pub fn write_down(&self, mut response: Response, at: Timestamp) -> Response {
        let Some(RefusalResponse(refusal)) = response.extensions_mut().remove() else { return response };
        let (parts, body) = render(&refusal, &self.method, &self.uri, &self.accept, at).into_parts();
        // Headers of the router stay, above all `Allow`.
        response.headers_mut().extend(parts.headers);
        *response.body_mut() = body;
        response
    }
}

/// The response for a refusal; logs what failed in the server.
#[must_use]
pub fn render(
    refusal: &Refusal,
    method: &Method,
    uri: &Uri,
    accept: &[HeaderValue],
    at: Timestamp,
) -> Response {
    refusal.log();
    let request = RefusedRequest { method: method.as_str(), path: uri.path(), at };
    let accepted = accept.iter().filter_map(|value| value.to_str().ok()).collect::<Vec<_>>().join(",");
    let rendering = Rendering::of_path(request.path).negotiated(Some(&accepted));
    let mut response = Response::new(Body::from(refusal.render(rendering, &request)));
    *response.status_mut() = status_of(refusal);
    let headers = response.headers_mut();
    headers.insert(CONTENT_TYPE, HeaderValue::from_static(rendering.content_type()));
    headers.insert(CACHE_CONTROL, HeaderValue::from_static("no-store"));
    challenge(refusal, headers);
    if let Some(wait) = refusal.retry_after_seconds() {
        headers.insert(RETRY_AFTER, HeaderValue::from(wait));
    }
    response
}

/// Every 401 has a challenge (RFC 9110, section 15.5.2; RFC 6750, section 3).
fn challenge(refusal: &Refusal, headers: &mut HeaderMap) {
    if refusal.code.status() == 401 {
        let text = if refusal.invalid_token { "Bearer error=\"invalid_token\"" } else { "Bearer" };
        headers.insert(WWW_AUTHENTICATE, HeaderValue::from_static(text));
    }
}

fn status_of(refusal: &Refusal) -> StatusCode {
    StatusCode::from_u16(refusal.code.status()).unwrap_or(StatusCode::INTERNAL_SERVER_ERROR)
}
