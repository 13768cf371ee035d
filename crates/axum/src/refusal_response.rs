//! Refusals as responses.

use axum::body::Body;
use axum::extract::{OriginalUri, Request, State};
use axum::middleware::Next;
use axum::response::{IntoResponse, Response};
use http::header::{
    ACCEPT, CACHE_CONTROL, CONTENT_LENGTH, CONTENT_TYPE, HeaderMap, HeaderValue, RETRY_AFTER,
    WWW_AUTHENTICATE,
};
use http::request::Parts;
use http::{Method, StatusCode, Uri};
use portcullis_api::refusal::{Refusal, RefusedRequest, Rendering};
use portcullis_core::clock::{Clock as _, Timestamp};
use portcullis_core::engine::Engine;
use portcullis_core::machine::SystemClock;

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

/// Renders every [`RefusalResponse`] of the handlers behind it: a middleware for
/// `axum::middleware::from_fn_with_state`.
pub async fn render_refusals(State(engine): State<Engine>, request: Request, next: Next) -> Response {
    let (parts, body) = request.into_parts();
    let asker = RefusalContext::of(&parts);
    let response = next.run(Request::from_parts(parts, body)).await;
    asker.write_down(response, engine.now())
}

/// The same, in one rendering whatever the path: a middleware for
/// `axum::middleware::from_fn_with_state(Rendering::Plain, render_refusals_as)`. Guards behind it refuse in it, too. It
/// is for services with paths of their own; [`render_refusals`] renders as the server does on the same path.
pub async fn render_refusals_as(
    State(rendering): State<Rendering>,
    request: Request,
    next: Next,
) -> Response {
    let (mut parts, body) = request.into_parts();
    parts.extensions.insert(rendering);
    let asker = RefusalContext::of(&parts);
    let response = next.run(Request::from_parts(parts, body)).await;
    asker.write_down(response, SystemClock.now())
}

/// What rendering a refusal needs of its request.
#[derive(Clone, Debug)]
pub struct RefusalContext {
    method: Method,
    uri: Uri,
    accept: Vec<HeaderValue>,
    /// `None` for that of the path.
    rendering: Option<Rendering>,
}

impl RefusalContext {
    /// Copies it from a request.
    #[must_use]
    pub fn of(request: &Parts) -> Self {
        // A path whose trailing slash was passed over is named as it was sent.
        let sent = request.extensions.get().map(|OriginalUri(uri)| uri);
        Self {
            method: request.method.clone(),
            uri: sent.unwrap_or(&request.uri).clone(),
            accept: request.headers.get_all(ACCEPT).iter().cloned().collect(),
            rendering: request.extensions.get().copied(),
        }
    }

    /// The response for a refusal of the request; logs what failed in the server.
    #[must_use]
    pub fn render(&self, refusal: &Refusal, at: Timestamp) -> Response {
        let request = RefusedRequest { method: self.method.as_str(), path: self.uri.path(), at };
        let rendering = self.rendering.unwrap_or_else(|| Rendering::of_path(request.path));
        render_as(rendering, refusal, &request, &self.accept)
    }

    /// Renders a response that is a [`RefusalResponse`]; leaves any other as it is. What a router has said of the
    /// length of the empty body is not so any more.
    #[must_use]
    pub fn write_down(&self, mut response: Response, at: Timestamp) -> Response {
        let Some(RefusalResponse(refusal)) = response.extensions_mut().remove() else { return response };
        let (parts, body) = self.render(&refusal, at).into_parts();
        // Headers of the router stay, above all `Allow`.
        response.headers_mut().remove(CONTENT_LENGTH);
        response.headers_mut().extend(parts.headers);
        *response.body_mut() = body;
        response
    }
}

/// The response for a refusal, as the surface of its path renders it; logs what failed in the server.
#[must_use]
pub fn render(
    refusal: &Refusal,
    method: &Method,
    uri: &Uri,
    accept: &[HeaderValue],
    at: Timestamp,
) -> Response {
    let request = RefusedRequest { method: method.as_str(), path: uri.path(), at };
    render_as(Rendering::of_path(request.path), refusal, &request, accept)
}

/// The response for a refusal in one rendering, unless the request asks for problem details; logs what failed in the
/// server.
#[must_use]
pub fn render_as(
    rendering: Rendering,
    refusal: &Refusal,
    request: &RefusedRequest<'_>,
    accept: &[HeaderValue],
) -> Response {
    refusal.log();
    // One byte that is not text must not hide what else a client accepts.
    let accepted: Vec<_> = accept.iter().map(|value| String::from_utf8_lossy(value.as_bytes())).collect();
    let rendering = rendering.negotiated(Some(&accepted.join(",")));
    let mut response = Response::new(Body::from(refusal.render(rendering, request)));
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

#[cfg(test)]
mod tests {
    use std::sync::Arc;
    use std::sync::atomic::{AtomicUsize, Ordering};

    use portcullis_api::refusal::Code;
    use portcullis_core::store::StoreError;
    use tracing::span::{Attributes, Id, Record};
    use tracing::{Event, Metadata, Subscriber, subscriber};

    use super::*;

    /// Counts events.
    struct Count(Arc<AtomicUsize>);

    impl Subscriber for Count {
        fn enabled(&self, _: &Metadata<'_>) -> bool {
            true
        }

        fn new_span(&self, _: &Attributes<'_>) -> Id {
            Id::from_u64(1)
        }

        fn record(&self, _: &Id, _: &Record<'_>) {}

        fn record_follows_from(&self, _: &Id, _: &Id) {}

        fn event(&self, _: &Event<'_>) {
            self.0.fetch_add(1, Ordering::SeqCst);
        }

        fn enter(&self, _: &Id) {}

        fn exit(&self, _: &Id) {}
    }

    #[test]
    fn an_outage_is_logged_once_where_it_is_rendered_and_its_cause_is_no_part_of_the_answer() {
        let events = Arc::new(AtomicUsize::new(0));
        let logged = || events.load(Ordering::SeqCst);
        let render = |refusal: &Refusal| {
            render(refusal, &Method::GET, &Uri::from_static("/auth/me"), &[], Timestamp::from_millis(0))
        };
        subscriber::with_default(Count(events.clone()), || {
            let outage = StoreError::unavailable("find a session", std::io::Error::other("10.0.0.7 is away"));
            let RefusalResponse(refusal) = RefusalResponse::from(outage);
            assert_eq!(logged(), 0, "a conversion logs nothing");
            let response = render(&refusal);
            assert_eq!((response.status(), logged()), (StatusCode::SERVICE_UNAVAILABLE, 1));
            render(&Refusal::plain(Code::Unauthorized));
            assert_eq!(logged(), 1, "a refusal of the client is no failure of the server");
            assert!(refusal.cause.is_some_and(|cause| cause.contains("find a session")));
        });
    }
}
