//! The media types of bodies.

use http::header::{CONTENT_ENCODING, CONTENT_TYPE, HeaderMap, HeaderValue};

/// That of answers.
pub const JSON: HeaderValue = HeaderValue::from_static("application/json; charset=utf-8");

/// That of a request's body that is not encoded, and the type's parameters.
fn media_type(headers: &HeaderMap) -> Option<(&str, impl Iterator<Item = &str>)> {
    let is_encoded = headers.contains_key(CONTENT_ENCODING);
    let text = std::str::from_utf8(headers.get(CONTENT_TYPE).filter(|_| !is_encoded)?.as_bytes()).ok()?;
    let mut parts = text.split(';').map(str::trim);
    Some((parts.next()?, parts))
}

/// Whether a page without a script posted it.
#[must_use]
pub fn is_form(headers: &HeaderMap) -> bool {
    let form = "application/x-www-form-urlencoded";
    media_type(headers).is_some_and(|(media, _)| media.eq_ignore_ascii_case(form))
}

/// Whether the body is JSON. A browser sends JSON to another origin only after a preflight; other media types need
/// none, so they are refused.
#[must_use]
pub fn is_json(headers: &HeaderMap) -> bool {
    let Some((media, parameters)) = media_type(headers) else { return false };
    let is_utf8 = parameters.filter_map(|parameter| parameter.split_once('=')).all(|(name, value)| {
        !name.trim().eq_ignore_ascii_case("charset") || value.trim_matches('"').eq_ignore_ascii_case("utf-8")
    });
    media.eq_ignore_ascii_case("application/json") && is_utf8
}
