//! Reading the body of a request, up to a size.

use axum::body::{Body, Bytes};
use http_body_util::{BodyExt as _, LengthLimitError, Limited};
use portcullis_api::refusal::{Code, Refusal};

/// Reads a body of at most so many bytes. It takes as long as the client likes.
///
/// # Errors
/// A [`Refusal`]: the body is longer (413), or broke off (400).
pub async fn read_body(body: Body, most: usize) -> Result<Bytes, Refusal> {
    match Limited::new(body, most).collect().await {
        Ok(collected) => Ok(collected.to_bytes()),
        Err(fault) if fault.is::<LengthLimitError>() => Err(Refusal::plain(Code::PayloadTooLarge)),
        Err(_) => Err(Refusal::because(Code::BadRequest, "The request body broke off")),
    }
}
