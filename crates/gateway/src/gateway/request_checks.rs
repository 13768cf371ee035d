//! What every request must keep to, before its route is looked for.

use http::header::HOST;
use http::request::Parts;
use http::uri::Authority;
use portcullis_api::refusal::{Code, Refusal};
use portcullis_transport::http::{headers_exceed, names_one_host};

use super::rejection::Rejection;
use crate::headers::{check_connection, has_plain_framing};

/// The most bytes of the headers of a request.
const LARGEST_HEADERS: usize = 16 * 1024;

/// Checks a request's head.
pub(super) fn check(request: &Parts) -> Result<(), Rejection> {
    if !names_one_host(request) {
        return Err(because("The request must have one Host header"));
    }
    if !has_possible_host(request) {
        return Err(because("The Host header of the request names no host"));
    }
    if headers_exceed(&request.headers, LARGEST_HEADERS) {
        return Err(Refusal::plain(Code::HeadersTooLarge).into());
    }
    if !is_for_its_host(request) {
        return Err(because("The request is for another host than its Host header names"));
    }
    if !has_plain_framing(&request.headers) {
        return Err(because("The transfer coding of the request is not supported"));
    }
    Ok(check_connection(&request.headers)?)
}

fn because(text: &'static str) -> Rejection {
    Refusal::because(Code::BadRequest, text).into()
}

/// Whether `Host`, if there is one, is a host with or without a port: upstreams make links of it, and choose sites.
fn has_possible_host(request: &Parts) -> bool {
    let is_host = |host: &Authority| !host.host().is_empty() && !host.as_str().contains('@');
    request
        .headers
        .get(HOST)
        .is_none_or(|host| Authority::try_from(host.as_bytes()).is_ok_and(|it| is_host(&it)))
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
