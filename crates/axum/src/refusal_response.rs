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

/// A refusal on its way out of a handler. [`render_refusals`] writes it down, because only there is known what the
/// request was and what it accepts; without that layer it is a bare status.
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

/// Writes down every [`RefusalResponse`] that leaves the handlers behind it: a middleware for `axum::middleware::from_fn_with_state`.
pub async fn render_refusals(State(engine): State<Engine>, request: Request, next: Next) -> Response {
    let asker = RefusalContext::of(&request);
    let response = next.run(request).await;
    asker.write_down(response, engine.now())
}

/// What must be remembered of a request to write down its refusal.
#[derive(Clone, Debug)]
pub struct RefusalContext {
    method: Method,
    uri: Uri,
    accept: Vec<HeaderValue>,
}

impl RefusalContext {
    /// Of this request.
    #[must_use]
    pub fn of<B>(request: &http::Request<B>) -> Self {
        Self {
            method: request.method().clone(),
            uri: request.uri().clone(),
            accept: request.headers().get_all(ACCEPT).iter().cloned().collect(),
        }
    }

    /// The response as it is, unless it is [`RefusalResponse`]: then in the words that the request asked for.
    #[must_use]
    pub fn write_down(&self, mut response: Response, at: Timestamp) -> Response {
        let Some(RefusalResponse(refusal)) = response.extensions_mut().remove() else { return response };
        let (parts, body) = render(&refusal, &self.method, &self.uri, &self.accept, at).into_parts();
        // What the routing has added stays: `Allow`, above all.
        response.headers_mut().extend(parts.headers);
        *response.body_mut() = body;
        response
    }
}

/// A refusal as the response to a request.
#[must_use]
pub fn render(
    refusal: &Refusal,
    method: &Method,
    uri: &Uri,
    accept: &[HeaderValue],
    at: Timestamp,
) -> Response {
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

/// Every 401 says how to do better (RFC 9110, section 15.5.2; RFC 6750, section 3).
fn challenge(refusal: &Refusal, headers: &mut HeaderMap) {
    if refusal.code.status() == 401 {
        let text = if refusal.invalid_token { "Bearer error=\"invalid_token\"" } else { "Bearer" };
        headers.insert(WWW_AUTHENTICATE, HeaderValue::from_static(text));
    }
}

fn status_of(refusal: &Refusal) -> StatusCode {
    StatusCode::from_u16(refusal.code.status()).unwrap_or(StatusCode::INTERNAL_SERVER_ERROR)
}
