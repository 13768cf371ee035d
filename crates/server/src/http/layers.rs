//! What stands around every route, in this order: metrics, headers for browsers, CORS, limits, rendered refusals, and
//! panics that end one request alone.
//!
//! It is one function around the router, not a stack of layers on it: axum puts a layer around each route in boxes of
//! its own, and copies the boxes for every request.

use std::any::Any;
use std::panic::AssertUnwindSafe;
use std::sync::Arc;

use axum::Router;
use axum::extract::Request;
use axum::response::{IntoResponse, Response};
use futures_util::FutureExt as _;
use http::Version;
use http::header::{
    CONTENT_SECURITY_POLICY, HOST, HeaderMap, HeaderName, HeaderValue, REFERRER_POLICY,
    STRICT_TRANSPORT_SECURITY, X_CONTENT_TYPE_OPTIONS, X_FRAME_OPTIONS,
};
use portcullis_api::refusal::{Code, Refusal};
use portcullis_axum::{RefusalContext, RefusalResponse};
use tower::Service as _;
use tracing::Instrument as _;

use super::connection::RequestHandler;
use super::cors::{self, CorsPolicy};
use super::origin::{self, CrossSiteWarnings};
use super::pages::rejected_at_once;
use super::route_counters::{RouteCounters, known_method};
use super::{App, request_origin};
use crate::listener::log_handler_panic;
use crate::refusal_samples;

/// The most header lines of a request.
const MOST_HEADERS: usize = 100;

/// Routes, and what stands around them.
#[derive(Clone)]
pub struct LayeredRoutes(Arc<Layers>);

struct Layers {
    app: Arc<App>,
    routes: Router,
    counters: RouteCounters,
    cors: CorsPolicy,
    warnings: CrossSiteWarnings,
}

/// Puts the layers around routes, ours or a test's.
#[must_use]
pub fn around(inner: Router, app: &Arc<App>) -> LayeredRoutes {
    let routes = inner
        .fallback(|| async { RefusalResponse(Refusal::no_route()) })
        .method_not_allowed_fallback(|| async { RefusalResponse(Refusal::plain(Code::MethodNotAllowed)) });
    LayeredRoutes(Arc::new(Layers {
        app: app.clone(),
        routes,
        counters: RouteCounters::of(app),
        cors: CorsPolicy::of(app),
        warnings: CrossSiteWarnings::default(),
    }))
}

impl RequestHandler for LayeredRoutes {
    async fn answer(&self, request: Request) -> Response {
        self.0.answer(request).await
    }
}

impl Layers {
    async fn answer(&self, request: Request) -> Response {
        let (counter, method) = (self.counters.of_request(&request), known_method(request.method()));
        let origin = self.cors.allowed(request.headers());
        let mut response = if cors::is_preflight(&request) {
            self.cors.preflight(origin.is_some())
        } else {
            let span = request_origin::span(&self.app, &request, counter.strategy);
            self.let_in(request).instrument(span).await
        };
        cors::mark(origin, response.headers_mut());
        secure(response.headers_mut(), self.app.https);
        counter.answered(method, response.status());
        response
    }

    /// Refuses a request that is too large or comes from another site, and renders every refusal as the request asked
    /// for it.
    async fn let_in(&self, request: Request) -> Response {
        let (asker, is_safe) = (RefusalContext::of(&request), request.method().is_safe());
        let response = match refused_at_once(&self.app, &request) {
            Some(refusal) => match rejected_at_once(&self.app, &request, &refusal) {
                Some(page) => return page,
                None => RefusalResponse(refusal).into_response(),
            },
            None => self.routed(request).await,
        };
        note(&self.app, is_safe, &response);
        asker.write_down(response, self.app.engine.now())
    }

    async fn routed(&self, request: Request) -> Response {
        self.warnings.note(&self.app.origins, request.headers());
        let answering = async { self.routes.clone().call(request).await };
        match AssertUnwindSafe(answering).catch_unwind().await {
            Ok(Ok(response)) => response,
            Err(panic) => panicked(&*panic),
        }
    }
}

/// Notes what an answer says of this server: that it is overrun, and whether its database takes writes.
fn note(app: &App, is_safe: bool, response: &Response) {
    let refusal = response.extensions().get().map(|RefusalResponse(refusal)| refusal);
    if let Some(refusal) = refusal {
        refusal_samples::note(refusal);
    }
    if !is_safe {
        let is_outage = refusal.is_some_and(|refusal| refusal.code == Code::StoreUnavailable);
        app.engine.note_write(is_outage, response.status().is_success());
    }
}

fn refused_at_once(app: &App, request: &Request) -> Option<Refusal> {
    if !names_one_host(request) {
        return Some(Refusal::because(Code::BadRequest, "The request must have one Host header"));
    }
    if is_too_large(request.headers(), app.largest_headers) {
        return Some(Refusal::plain(Code::HeadersTooLarge));
    }
    let is_safe = request.method().is_safe() || origin::is_ours(app, request.headers());
    (!is_safe).then(|| Refusal::plain(Code::CrossSite))
}

/// Whether a request says which host it is for, once (RFC 9112, section 3.2). Two servers in a row may else understand
/// it differently.
fn names_one_host(request: &Request) -> bool {
    let hosts = request.headers().get_all(HOST).iter().count();
    hosts == 1 || (hosts == 0 && request.version() < Version::HTTP_11)
}

/// Counts a header as it is sent: name, colon, space, value, line end.
fn is_too_large(headers: &HeaderMap, most_bytes: usize) -> bool {
    let bytes: usize = headers.iter().map(|(name, value)| name.as_str().len() + value.len() + 4).sum();
    bytes > most_bytes || headers.len() > MOST_HEADERS
}

fn panicked(panic: &(dyn Any + Send)) -> Response {
    log_handler_panic(panic, None);
    RefusalResponse(Refusal::plain(Code::InternalError)).into_response()
}

/// Headers for browsers, unless the answer has its own (OWASP Secure Headers).
fn secure(headers: &mut HeaderMap, https: bool) {
    for (name, value) in HEADERS {
        headers.entry(name).or_insert(HeaderValue::from_static(value));
    }
    if https {
        headers.insert(STRICT_TRANSPORT_SECURITY, HeaderValue::from_static("max-age=31536000"));
    }
}

const HEADERS: [(HeaderName, &str); 6] = [
    (X_CONTENT_TYPE_OPTIONS, "nosniff"),
    (X_FRAME_OPTIONS, "DENY"),
    (REFERRER_POLICY, "no-referrer"),
    (CONTENT_SECURITY_POLICY, "default-src 'none'; frame-ancestors 'none'"),
    (HeaderName::from_static("cross-origin-opener-policy"), "same-origin"),
    (HeaderName::from_static("permissions-policy"), "camera=(), geolocation=(), microphone=()"),
];

#[cfg(test)]
mod tests {
    use http::StatusCode;
    use http::header::{CONTENT_LENGTH, SET_COOKIE};

    use super::*;
    use crate::http::answer::json;

    #[test]
    fn the_headers_of_an_answer_to_a_browser_fit_in_the_room_that_was_made_for_them() {
        let mut answer = json(StatusCode::OK, Vec::new(), "no-store");
        let headers = answer.headers_mut();
        let room = headers.capacity();
        headers.insert(SET_COOKIE, HeaderValue::from_static("connect.sid=some"));
        headers.insert(CONTENT_LENGTH, HeaderValue::from_static("0"));
        cors::mark(Some(HeaderValue::from_static("https://app.example.com")), headers);
        secure(headers, true);
        assert_eq!((headers.len(), headers.capacity()), (15, room));
    }
}
