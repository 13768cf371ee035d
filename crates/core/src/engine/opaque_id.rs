//! The opaque id that a cookie carries: the bucket that its session is kept in, and 256 random bits.
//!
//! It travels signed as Express's sessions do, `s:<id>.<signature>` percent-encoded, so that an application that shares
//! the secret reads the same cookie. The signature keeps garbage from the store; the id alone opens the session.

use percent_encoding::{AsciiSet, NON_ALPHANUMERIC, percent_decode_str, utf8_percent_encode};

use crate::id::{Bucket, TenantId};
use crate::key::CookieSigningKey;
use crate::random::Random;
use crate::secret::{PlainSecret, SecretHash};
use crate::store;
use crate::token::cookie;

/// What JavaScript's `encodeURIComponent` leaves alone.
const COMPONENT: &AsciiSet = &NON_ALPHANUMERIC
    .remove(b'-')
    .remove(b'_')
    .remove(b'.')
    .remove(b'!')
    .remove(b'~')
    .remove(b'*')
    .remove(b'\'')
    .remove(b'(')
    .remove(b')');

/// Whether a cookie's value is spelled as [`OpaqueId::signed`] spells it.
pub(super) fn is_spelled_as_sent(value: &str) -> bool {
    let decoded = percent_decode_str(value).decode_utf8();
    decoded.is_ok_and(|decoded| utf8_percent_encode(&decoded, COMPONENT).to_string() == value)
}

/// An id, in plain.
pub(super) struct OpaqueId(PlainSecret);

impl OpaqueId {
    pub(super) fn generate(bucket: Bucket, random: &dyn Random) -> Self {
        Self(PlainSecret::presented(&format!("{bucket}{}", PlainSecret::generate(random).reveal())))
    }

    /// The id in a cookie's value, if one of `keys` signed it.
    pub(super) fn read(value: &str, keys: &[&CookieSigningKey]) -> Option<Self> {
        let decoded = percent_decode_str(value).decode_utf8().ok()?;
        let id = cookie::unsign(decoded.strip_prefix("s:")?, keys)?;
        Some(Self(PlainSecret::presented(id)))
    }

    /// A cookie's value.
    pub(super) fn signed(&self, key: &CookieSigningKey) -> PlainSecret {
        let signed = format!("s:{}", cookie::sign(key, self.0.reveal()));
        PlainSecret::presented(&utf8_percent_encode(&signed, COMPONENT).to_string())
    }

    pub(super) fn hash(&self) -> SecretHash {
        self.0.hash("cookie", b"")
    }

    /// How a store knows it.
    pub(super) fn key(&self, tenant: &TenantId) -> Option<store::CookieKey> {
        let bucket = self.0.reveal().get(..3)?.parse().ok()?;
        Some(store::CookieKey { tenant: tenant.clone(), bucket, hash: self.hash() })
    }
}
