//! Signed cookie values, as Node's `cookie-signature` makes them: the value, a dot, and the HMAC-SHA256 of the value in
//! base64 (the standard alphabet, RFC 4648 section 4) without padding. An Express application that shares the secret
//! reads the same cookie.
//!
//! The transport adds the `s:` in front, the percent-encoding, and the cookie's name and attributes. The signature does
//! not cover a purpose: what a value looks up decides which cookie it is.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD_NO_PAD;
use ring::hmac;

use crate::key::CookieSigningKey;

/// The maximum length of a signed value in bytes: browsers keep no longer cookie (RFC 6265, section 6.1).
const MAX_LENGTH: usize = 4096;

/// Appends the signature to a value.
#[must_use]
pub fn sign(key: &CookieSigningKey, value: &str) -> String {
    let tag = hmac::sign(key.mac(), value.as_bytes());
    format!("{value}.{}", STANDARD_NO_PAD.encode(tag.as_ref()))
}

/// The value without its signature. `None` if none of these keys signed it. Signatures are compared in constant time,
/// and each has one spelling.
#[must_use]
pub fn unsign<'v>(signed: &'v str, keys: &[&CookieSigningKey]) -> Option<&'v str> {
    if signed.len() > MAX_LENGTH {
        return None;
    }
    let (value, signature) = signed.rsplit_once('.')?;
    let tag = STANDARD_NO_PAD.decode(signature).ok()?;
    let fits = |key: &&CookieSigningKey| hmac::verify(key.mac(), value.as_bytes(), &tag).is_ok();
    keys.iter().any(fits).then_some(value)
}
