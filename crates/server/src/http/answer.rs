//! Success, as a response.

use axum::body::Body;
use axum::response::Response;
use http::StatusCode;
use http::header::{CACHE_CONTROL, CONTENT_TYPE, HeaderValue};
use portcullis_api::refusal::{Code, Refusal};
use portcullis_axum::Refused;
use serde::Serialize;

/// What a handler gives back.
pub(super) type Answer = Result<Response, Refused>;

const JSON: HeaderValue = HeaderValue::from_static("application/json; charset=utf-8");

/// How many headers an answer has.
const HEADERS: usize = 16;

/// An answer for one client only.
pub(super) fn private(status: StatusCode, body: &impl Serialize) -> Answer {
    cached(status, body, "no-store")
}

/// An answer that others may keep as `cache_control` says.
pub(super) fn cached(status: StatusCode, body: &impl Serialize, cache_control: &'static str) -> Answer {
    let text = serde_json::to_vec(body).map_err(|_| Refused(Refusal::plain(Code::InternalError)))?;
    let mut response = Response::new(Body::from(text));
    *response.status_mut() = status;
    // The layers add theirs: room for all of them at once.
    response.headers_mut().reserve(HEADERS);
    response.headers_mut().insert(CONTENT_TYPE, JSON);
    response.headers_mut().insert(CACHE_CONTROL, HeaderValue::from_static(cache_control));
    Ok(response)
}
