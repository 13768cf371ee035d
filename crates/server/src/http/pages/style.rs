//! The style sheet. Its URL holds a hash of its content, so browsers may keep it for ever.

use std::fmt::Write as _;

use axum::Router;
use axum::response::IntoResponse as _;
use axum::routing::get;
use bytes::Bytes;
use http::header::{CACHE_CONTROL, CONTENT_TYPE};
use ring::digest::{SHA256, digest};

/// How much of the hash is in the URL, in bytes.
const HASH_LENGTH: usize = 12;

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
        let hash = hash.as_ref().iter().take(HASH_LENGTH).fold(String::new(), |mut hex, byte| {
            let _ = write!(hex, "{byte:02x}");
            hex
        });
        Self { path: format!("/auth/pages/{hash}.css"), css: css.to_owned().into() }
    }

    /// The route of the style sheet.
    pub(super) fn routes(&self) -> Router {
        let headers = [
            (CONTENT_TYPE, "text/css; charset=utf-8"),
            (CACHE_CONTROL, "public, max-age=31536000, immutable"),
        ];
        let css = self.css.clone();
        Router::new().route(&self.path, get(async move || (headers, css).into_response()))
    }
}
