//! CORS: pages of an allowed origin may call with credentials and read the answer; any other origin gets nothing.

use axum::response::Response;
use http::Method;
use http::header::{
    ACCESS_CONTROL_ALLOW_CREDENTIALS, ACCESS_CONTROL_ALLOW_HEADERS, ACCESS_CONTROL_ALLOW_METHODS,
    ACCESS_CONTROL_ALLOW_ORIGIN, ACCESS_CONTROL_EXPOSE_HEADERS, ACCESS_CONTROL_MAX_AGE,
    ACCESS_CONTROL_REQUEST_METHOD, AUTHORIZATION, CONTENT_TYPE, HeaderMap, HeaderName, HeaderValue, ORIGIN,
};
use http::request::Parts;

use portcullis_axum::Origins;

use crate::AuthApp;

/// The headers that pages of another origin may send: those that the operations read, and those of tracing libraries,
/// which add them to every request.
const REQUEST_HEADERS: [HeaderName; 7] = [
    AUTHORIZATION,
    CONTENT_TYPE,
    HeaderName::from_static("x-tenant-id"),
    HeaderName::from_static("traceparent"),
    HeaderName::from_static("tracestate"),
    HeaderName::from_static("baggage"),
    HeaderName::from_static("sentry-trace"),
];

/// How long a browser may keep the answer to a preflight request: two hours. Some keep none for longer.
const PREFLIGHT_SECONDS: HeaderValue = HeaderValue::from_static("7200");
const METHODS: HeaderValue = HeaderValue::from_static("GET,POST,PATCH,DELETE");
/// What pages may read of an answer besides what every page may.
const EXPOSED: HeaderValue = HeaderValue::from_static("retry-after,www-authenticate");

/// What pages of other origins may do.
pub(crate) struct CorsPolicy {
    origins: Origins,
    request_headers: HeaderValue,
}

impl CorsPolicy {
    pub(crate) fn of(app: &AuthApp) -> Self {
        let names = REQUEST_HEADERS.into_iter().chain(app.cors_headers.iter().cloned());
        let names: Vec<String> = names.map(|name| name.as_str().to_owned()).collect();
        // Names of headers and commas are always a value.
        let request_headers = HeaderValue::try_from(names.join(",")).unwrap_or(HeaderValue::from_static("*"));
        Self { origins: app.origins.clone(), request_headers }
    }

    /// The origin of a request, if it is allowed.
    pub(crate) fn allowed(&self, headers: &HeaderMap) -> Option<HeaderValue> {
        let origin = headers.get(ORIGIN)?;
        origin.to_str().is_ok_and(|origin| self.origins.allow(origin)).then(|| origin.clone())
    }

    /// The answer to the question of a browser whether a page may send a request.
    pub(crate) fn preflight(&self, is_allowed: bool) -> Response {
        let mut response = Response::default();
        if is_allowed {
            let headers = response.headers_mut();
            headers.insert(ACCESS_CONTROL_ALLOW_METHODS, METHODS);
            headers.insert(ACCESS_CONTROL_ALLOW_HEADERS, self.request_headers.clone());
            headers.insert(ACCESS_CONTROL_MAX_AGE, PREFLIGHT_SECONDS);
        }
        response
    }
}

/// Whether a browser asks if a page may send a request. Any other `OPTIONS` is for the route.
pub(crate) fn is_preflight(request: &Parts) -> bool {
    request.method == Method::OPTIONS && request.headers.contains_key(ACCESS_CONTROL_REQUEST_METHOD)
}

/// Lets pages of an allowed origin read an answer.
pub(crate) fn mark(origin: Option<HeaderValue>, headers: &mut HeaderMap) {
    if let Some(origin) = origin {
        headers.insert(ACCESS_CONTROL_ALLOW_ORIGIN, origin);
        headers.insert(ACCESS_CONTROL_ALLOW_CREDENTIALS, HeaderValue::from_static("true"));
        headers.insert(ACCESS_CONTROL_EXPOSE_HEADERS, EXPOSED);
    }
}
