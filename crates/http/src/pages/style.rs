//! The style sheet. Its URL holds a hash of its content, so browsers may keep it for ever.

use axum::response::{IntoResponse as _, Response};
use bytes::Bytes;
use http::header::{CACHE_CONTROL, CONTENT_TYPE};
use ring::digest::{SHA256, digest};

/// A style sheet.
#[derive(Debug)]
pub(super) struct Style {
    /// The path of its URL.
    pub(super) path: String,
    css: Bytes,
}

impl Style {
    pub(super) fn new(css: &str) -> Self {
        let hash = digest(&SHA256, css.as_bytes());
        let hash = hash.as_ref().first_chunk().map_or(0, |head| u128::from_be_bytes(*head));
        Self { path: format!("/auth/pages/{hash:032x}.css"), css: css.to_owned().into() }
    }

    /// The answer that has it.
    pub(super) fn response(&self) -> Response {
        let headers = [
            (CONTENT_TYPE, "text/css; charset=utf-8"),
            (CACHE_CONTROL, "public, max-age=31536000, immutable"),
        ];
        (headers, self.css.clone()).into_response()
    }
}
