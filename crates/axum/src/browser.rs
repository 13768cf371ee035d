//! What a browser says of a request that it sends.

use http::header::{ACCEPT, HeaderMap, HeaderName, HeaderValue};

const SEC_FETCH_MODE: HeaderName = HeaderName::from_static("sec-fetch-mode");

/// What a browser says a request is for: `navigate` is a page of its own.
#[must_use]
pub fn fetch_mode(headers: &HeaderMap) -> Option<&str> {
    headers.get(SEC_FETCH_MODE).map(|value| value.to_str().unwrap_or_default())
}

/// Whether a client asks for HTML by name.
#[must_use]
pub fn is_html_accepted(headers: &HeaderMap) -> bool {
    let accepted = headers.get_all(ACCEPT).iter().map(HeaderValue::as_bytes);
    accepted.flat_map(|line| line.split(|byte| *byte == b',')).any(|range| {
        let media = range.split(|byte| *byte == b';').next().unwrap_or_default();
        media.trim_ascii().eq_ignore_ascii_case(b"text/html")
    })
}
