//! Extractors of requests that are declared with [`body!`](portcullis_api::body!): one message for each fault.

use axum::extract::{FromRequest, FromRequestParts, RawPathParams, Request};
use axum::response::{IntoResponse, Response};
use http::header::{CACHE_CONTROL, CONTENT_TYPE, HeaderValue};
use http::request::Parts;
use portcullis_api::refusal::{Code, Refusal};
use portcullis_api::request::{Body, ReadBody};
use serde::Serialize;

use crate::{JSON, RefusalResponse, is_json, read_body};

/// The most bytes of a body.
const LARGEST: usize = 64 * 1024;

/// The JSON body of a request. One that is at fault is refused with 400 and a message for each fault, one that is no
/// JSON with 400, another media type with 415, and more than 64 KiB with 413. An empty body has no members.
///
/// ```no_run
/// use portcullis_api::request::NonEmptyText;
/// use portcullis_axum::ValidBody;
///
/// portcullis_api::body! {
///     struct NewNote { text: NonEmptyText }
/// }
///
/// async fn create(ValidBody(note): ValidBody<NewNote>) -> String {
///     format!("noted: {}", note.text.0)
/// }
/// # axum::Router::<()>::new().route("/notes", axum::routing::post(create));
/// ```
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct ValidBody<T>(pub T);

impl<T: ReadBody, S: Send + Sync> FromRequest<S> for ValidBody<T> {
    type Rejection = RefusalResponse;

    async fn from_request(request: Request, _: &S) -> Result<Self, RefusalResponse> {
        let (parts, body) = request.into_parts();
        let text = read_body(body, LARGEST).await?;
        if !text.is_empty() && !is_json(&parts.headers) {
            return Err(Refusal::plain(Code::UnsupportedMediaType).into());
        }
        Ok(Self(T::read_body(&Body::parse(&text)?)?))
    }
}

/// The parts of a path, as `Router::route` names them. A part that is at fault is refused with 400 and a message.
///
/// ```no_run
/// use portcullis_axum::ValidPath;
/// use portcullis_core::id::UserId;
///
/// portcullis_api::body! {
///     struct OfUser { id: UserId }
/// }
///
/// async fn show(ValidPath(path): ValidPath<OfUser>) -> String {
///     path.id.to_string()
/// }
/// # axum::Router::<()>::new().route("/users/{id}", axum::routing::get(show));
/// ```
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct ValidPath<T>(pub T);

impl<T: ReadBody, S: Send + Sync> FromRequestParts<S> for ValidPath<T> {
    type Rejection = RefusalResponse;

    async fn from_request_parts(parts: &mut Parts, state: &S) -> Result<Self, RefusalResponse> {
        let found = RawPathParams::from_request_parts(parts, state).await;
        let found = found.map_err(|_| Refusal::because(Code::BadRequest, "The path is not UTF-8"))?;
        Ok(Self(T::read_body(&Body::of_path(&found))?))
    }
}

/// An answer in JSON that is for its client alone: no cache keeps it. For another status than 200, answer
/// `(StatusCode::CREATED, PrivateJson(value))`.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct PrivateJson<T>(pub T);

impl<T: Serialize> IntoResponse for PrivateJson<T> {
    fn into_response(self) -> Response {
        let headers = [(CONTENT_TYPE, JSON), (CACHE_CONTROL, HeaderValue::from_static("no-store"))];
        match serde_json::to_vec(&self.0) {
            Ok(text) => (headers, text).into_response(),
            Err(_) => RefusalResponse(Refusal::plain(Code::InternalError)).into_response(),
        }
    }
}

#[cfg(test)]
mod tests;
