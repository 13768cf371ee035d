//! The layers around every route: limits, headers, rendered refusals, and panics that end one request alone.

use std::any::Any;
use std::sync::Arc;

use axum::Router;
use axum::extract::Request;
use axum::response::{IntoResponse, Response};
use http::Version;
use http::header::{
    CONTENT_SECURITY_POLICY, HOST, HeaderMap, HeaderName, HeaderValue, REFERRER_POLICY,
    STRICT_TRANSPORT_SECURITY, X_CONTENT_TYPE_OPTIONS, X_FRAME_OPTIONS,
};
use portcullis_api::refusal::{Code, Refusal};
use portcullis_axum::{RefusalContext, RefusalResponse};
use tower::ServiceBuilder;
use tower::layer::layer_fn;
use tower_http::catch_panic::CatchPanicLayer;

use super::inspect_layer::inspect;
use super::metrics::PendingRequest;
use super::origin::CrossSiteWarnings;
use super::pages::rejected_at_once;
use super::span_layer::InSpan;
use super::{App, origin};
use crate::listener::log_handler_panic;
use crate::refusal_samples;

/// The most header lines of a request.
const MOST_HEADERS: usize = 100;

/// Puts the layers around routes, ours or a test's. The first one named is the first to see a request.
///
/// All of them are one layer to the router, which boxes each route once for every layer that it is given, and copies
/// the boxes for every request.
pub fn around(router: Router, app: &Arc<App>) -> Router {
    let (outer, inner, warnings) = (app.clone(), app.clone(), CrossSiteWarnings::default());
    let spanned = app.clone();
    let layers = ServiceBuilder::new()
        .layer(layer_fn(move |inner| InSpan { app: spanned.clone(), inner }))
        .layer(inspect(move |request| Ok(counted_and_secured(&outer, request))))
        .layer(origin::cors(app))
        .layer(inspect(move |request| let_in(&inner, &warnings, request)))
        .layer(CatchPanicLayer::custom(panicked));
    router
        .fallback(|| async { RefusalResponse(Refusal::no_route()) })
        .method_not_allowed_fallback(|| async { RefusalResponse(Refusal::plain(Code::MethodNotAllowed)) })
        .layer(layers)
}

/// Counts every answer and gives it the headers for browsers.
fn counted_and_secured(app: &App, request: &Request) -> impl FnOnce(Response) -> Response + Send + use<> {
    let (https, asked) = (app.https, PendingRequest::of(request));
    move |mut response| {
        secure(response.headers_mut(), https);
        asked.answered(response.status());
        response
    }
}

/// Refuses a request that is too large or comes from another site, gives the extractors the application, and renders
/// every refusal as the request asked for it.
fn let_in(
    app: &Arc<App>,
    warnings: &CrossSiteWarnings,
    request: &mut Request,
) -> Result<impl FnOnce(Response) -> Response + Send + use<>, Box<Response>> {
    let (noted, asker, is_safe) = (app.clone(), RefusalContext::of(request), request.method().is_safe());
    let write_down = move |response: Response| {
        note(&noted, is_safe, &response);
        asker.write_down(response, noted.engine.now())
    };
    if let Some(refusal) = refused_at_once(app, request) {
        let page = rejected_at_once(app, request, &refusal);
        let answer = || write_down(RefusalResponse(refusal).into_response());
        return Err(Box::new(page.unwrap_or_else(answer)));
    }
    warnings.note(&app.origins, request.headers());
    request.extensions_mut().insert(app.clone());
    Ok(write_down)
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

#[expect(clippy::needless_pass_by_value, reason = "the layer's signature")]
fn panicked(panic: Box<dyn Any + Send>) -> Response {
    log_handler_panic(&*panic, None);
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
