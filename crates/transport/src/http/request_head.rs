//! What every request's head must keep to.

use http::Version;
use http::header::{HOST, HeaderMap};
use http::request::Parts;

/// Whether a request says which host it is for, once (RFC 9112, section 3.2). Two servers in a row may else understand
/// it differently.
#[must_use]
pub fn names_one_host(request: &Parts) -> bool {
    let hosts = request.headers.get_all(HOST).iter().count();
    hosts == 1 || (hosts == 0 && request.version < Version::HTTP_11)
}

/// Whether headers have more bytes than that. A header counts as it is sent: name, colon, space, value, line end.
#[must_use]
pub fn headers_exceed(headers: &HeaderMap, most_bytes: usize) -> bool {
    let bytes: usize = headers.iter().map(|(name, value)| name.as_str().len() + value.len() + 4).sum();
    bytes > most_bytes
}
