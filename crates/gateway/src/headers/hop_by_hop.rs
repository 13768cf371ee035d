//! Fields that belong to one connection (RFC 9110, section 7.6.1).

use http::header::{
    CONNECTION, HeaderMap, HeaderName, PROXY_AUTHENTICATE, PROXY_AUTHORIZATION, TE, TRAILER,
    TRANSFER_ENCODING, UPGRADE,
};
use thiserror::Error;

const OF_ONE_CONNECTION: [HeaderName; 10] = [
    CONNECTION,
    PROXY_AUTHENTICATE,
    PROXY_AUTHORIZATION,
    TE,
    TRAILER,
    TRANSFER_ENCODING,
    UPGRADE,
    HeaderName::from_static("keep-alive"),
    HeaderName::from_static("proxy-connection"),
    HeaderName::from_static("http2-settings"),
];

/// What decides about a request; a client that has a proxy take it away wants two servers to disagree.
const NEVER_NAMED: [&str; 5] = ["host", "content-length", "authorization", "cookie", "origin"];

/// `Connection` names a header that belongs to the request: 400.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Error)]
#[error("The header Connection names {0}, which belongs to the request")]
pub struct ConnectionFault(pub &'static str);

/// Checks what `Connection` of a request names.
///
/// # Errors
///
/// [`ConnectionFault`].
pub fn check_connection(headers: &HeaderMap) -> Result<(), ConnectionFault> {
    let named = NEVER_NAMED.into_iter().find(|name| names(headers, name));
    named.map_or(Ok(()), |name| Err(ConnectionFault(name)))
}

/// Takes away what belongs to the connection, and what `Connection` names. An answer that names what belongs to it is
/// an answer all the same: its length is hyper's to say.
pub fn take_hop_by_hop(headers: &mut HeaderMap) {
    for name in named(headers) {
        headers.remove(name);
    }
    for name in &OF_ONE_CONNECTION {
        headers.remove(name);
    }
}

/// Whether the body comes in chunks or by its length, and in no other coding: another server might read it differently.
pub fn has_plain_framing(headers: &HeaderMap) -> bool {
    let mut codings = headers.get_all(TRANSFER_ENCODING).iter();
    let is_chunked = |coding: &[u8]| coding.trim_ascii().eq_ignore_ascii_case(b"chunked");
    codings.next().is_none_or(|coding| is_chunked(coding.as_bytes())) && codings.next().is_none()
}

/// The headers that `Connection` names, but for its own words.
fn named(headers: &HeaderMap) -> Vec<HeaderName> {
    options(headers).filter_map(|option| HeaderName::from_bytes(option).ok()).collect()
}

/// Whether `Connection` has this word.
pub(crate) fn names(headers: &HeaderMap, word: &str) -> bool {
    options(headers).any(|option| option.eq_ignore_ascii_case(word.as_bytes()))
}

fn options(headers: &HeaderMap) -> impl Iterator<Item = &[u8]> {
    let lines = headers.get_all(CONNECTION).iter();
    lines.flat_map(|line| line.as_bytes().split(|byte| *byte == b',')).map(<[u8]>::trim_ascii)
}
