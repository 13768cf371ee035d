//! What the gateway answers itself.

use axum::body::Body;
use axum::response::Response;
use http::header::{CACHE_CONTROL, CONTENT_TYPE, HeaderValue};
use http::request::Parts;
use http::{Method, Uri};

use crate::assertion::Assertions;

/// Where upstreams find the key that verifies assertions.
const JWKS_PATH: &str = "/.well-known/portcullis-gateway.json";

/// Whether the gateway answers such a request itself, whatever the routes are.
pub(crate) fn is_own(method: &Method, uri: &Uri) -> bool {
    uri.path() == JWKS_PATH && method.is_safe()
}

/// The answer to a request that is for the gateway itself.
pub(super) fn answer(request: &Parts, assertions: &Assertions) -> Option<Response> {
    if !is_own(&request.method, &request.uri) {
        return None;
    }
    let mut response = Response::new(Body::from(serde_json::to_vec(&assertions.jwks()).ok()?));
    let headers = response.headers_mut();
    headers.insert(CONTENT_TYPE, HeaderValue::from_static("application/json; charset=utf-8"));
    // An upstream must learn soon of the key of a gateway that was started anew.
    headers.insert(CACHE_CONTROL, HeaderValue::from_static("public, max-age=60"));
    Some(response)
}
