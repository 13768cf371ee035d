//! CORS: pages of an allowed origin may call with credentials and read the answer; any other origin gets nothing. The
//! gateway answers browsers itself, so that one place decides, and not each upstream.

use axum::response::Response;
use http::header::{
    ACCESS_CONTROL_ALLOW_CREDENTIALS, ACCESS_CONTROL_ALLOW_HEADERS, ACCESS_CONTROL_ALLOW_METHODS,
    ACCESS_CONTROL_ALLOW_ORIGIN, ACCESS_CONTROL_EXPOSE_HEADERS, ACCESS_CONTROL_MAX_AGE,
    ACCESS_CONTROL_REQUEST_HEADERS, ACCESS_CONTROL_REQUEST_METHOD, HeaderMap, HeaderName, HeaderValue,
    ORIGIN, VARY,
};
use http::request::Parts;
use http::{Method, StatusCode};
use portcullis_axum::Origins;

use crate::headers::is_believed;
use crate::routes::GatewayRoute;

/// How long a browser may keep the answer to a preflight request: two hours. Some keep none for longer.
const PREFLIGHT_SECONDS: HeaderValue = HeaderValue::from_static("7200");
const ANY_METHOD: &str = "GET,HEAD,POST,PUT,PATCH,DELETE";
const EXPOSED: HeaderValue = HeaderValue::from_static("retry-after,www-authenticate");

/// What of an upstream's answer speaks to browsers about other origins begins so.
const OF_ORIGINS: &str = "access-control-";

/// Whether a browser asks if a page may send a request. Any other `OPTIONS` is for the route.
pub(super) fn is_preflight(request: &Parts) -> bool {
    let headers = &request.headers;
    request.method == Method::OPTIONS
        && headers.contains_key(ORIGIN)
        && headers.contains_key(ACCESS_CONTROL_REQUEST_METHOD)
}

/// The answer to the question of a browser whether a page may send a request.
pub(super) fn preflight(origins: &Origins, route: &GatewayRoute, request: &Parts) -> Response {
    let mut response = Response::default();
    *response.status_mut() = StatusCode::NO_CONTENT;
    let is_allowed = request.headers.get(ORIGIN).is_some_and(|origin| allows(origins, origin));
    if is_allowed {
        let headers = response.headers_mut();
        let methods = if route.methods.is_empty() { ANY_METHOD.to_owned() } else { route.allow() };
        headers.extend(HeaderValue::try_from(methods).ok().map(|it| (ACCESS_CONTROL_ALLOW_METHODS, it)));
        headers.extend(asked_headers(&request.headers).map(|it| (ACCESS_CONTROL_ALLOW_HEADERS, it)));
        headers.insert(ACCESS_CONTROL_MAX_AGE, PREFLIGHT_SECONDS);
    }
    response
}

/// The headers that the page wants to send: any that the upstream may see.
fn asked_headers(headers: &HeaderMap) -> Option<HeaderValue> {
    let asked = headers.get(ACCESS_CONTROL_REQUEST_HEADERS)?.to_str().ok()?;
    let names = asked.split(',').filter_map(|name| name.trim().parse::<HeaderName>().ok());
    let passing: Vec<_> = names.filter(|name| !is_believed(name)).collect();
    let text: Vec<&str> = passing.iter().map(HeaderName::as_str).collect();
    HeaderValue::try_from(text.join(",")).ok()
}

/// Takes away what an upstream says to browsers about other origins.
pub(super) fn take(headers: &mut HeaderMap) {
    let found: Vec<_> =
        headers.keys().filter(|name| name.as_str().starts_with(OF_ORIGINS)).cloned().collect();
    for name in found {
        headers.remove(name);
    }
}

/// Lets pages of an allowed origin read an answer. An answer to one origin is not one to another, whatever a cache
/// holds.
pub(super) fn mark(origins: &Origins, origin: Option<&HeaderValue>, headers: &mut HeaderMap) {
    headers.append(VARY, HeaderValue::from_static("origin"));
    if let Some(origin) = origin.filter(|origin| allows(origins, origin)) {
        headers.insert(ACCESS_CONTROL_ALLOW_ORIGIN, origin.clone());
        headers.insert(ACCESS_CONTROL_ALLOW_CREDENTIALS, HeaderValue::from_static("true"));
        headers.insert(ACCESS_CONTROL_EXPOSE_HEADERS, EXPOSED);
    }
}

fn allows(origins: &Origins, origin: &HeaderValue) -> bool {
    origin.to_str().is_ok_and(|origin| origins.allow(origin))
}
