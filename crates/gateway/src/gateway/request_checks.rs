//! What every request must keep to, before its route is looked for.

use http::header::{HOST, TRANSFER_ENCODING};
use http::request::Parts;
use portcullis_api::refusal::{Code, Refusal};
use portcullis_transport::http::{headers_exceed, names_one_host};

use super::rejection::Rejection;
use crate::path::RequestPath;

/// The most bytes of the headers of a request.
const LARGEST_HEADERS: usize = 16 * 1024;

/// Checks a request's head, and reads its path.
pub(super) fn check(request: &Parts) -> Result<RequestPath, Rejection> {
    if !names_one_host(request) {
        return Err(because("The request must have one Host header"));
    }
    if headers_exceed(&request.headers, LARGEST_HEADERS) {
        return Err(Refusal::plain(Code::HeadersTooLarge).into());
    }
    if !is_for_its_host(request) {
        return Err(because("The request is for another host than its Host header names"));
    }
    if !has_plain_framing(request) {
        return Err(because("The transfer coding of the request is not supported"));
    }
    Ok(RequestPath::read(&request.uri)?)
}

fn because(text: &'static str) -> Rejection {
    Refusal::because(Code::BadRequest, text).into()
}

/// Whether a URL in place of a path names the same host (RFC 9112, section 3.2.2).
fn is_for_its_host(request: &Parts) -> bool {
    let Some(authority) = request.uri.authority() else { return true };
    let port = match request.uri.scheme_str() {
        Some("http") => ":80",
        Some("https") => ":443",
        _ => return false,
    };
    let host = request.headers.get(HOST).and_then(|host| host.to_str().ok());
    let bare = |name: &str| name.strip_suffix(port).unwrap_or(name).to_ascii_lowercase();
    host.is_some_and(|host| bare(host) == bare(authority.as_str()))
}

/// Whether the body comes in chunks or by its length, and in no other coding: an upstream might read it differently.
fn has_plain_framing(request: &Parts) -> bool {
    let mut codings = request.headers.get_all(TRANSFER_ENCODING).iter();
    let is_chunked = |coding: &[u8]| coding.trim_ascii().eq_ignore_ascii_case(b"chunked");
    codings.next().is_none_or(|coding| is_chunked(coding.as_bytes())) && codings.next().is_none()
}
