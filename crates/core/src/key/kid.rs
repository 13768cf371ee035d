//! The key id: the `kid` of a token's header and of a JWK.

use std::str::FromStr;
use std::sync::Arc;

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use ring::hmac;
use thiserror::Error;

use crate::random::{self, Random};
use crate::shown::shown_as_text;

/// A key id: 1 to 128 of the characters of base64url, so that it needs no escaping in a header, a log line, a URL or a
/// query.
#[derive(Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Kid(Arc<str>);

/// The text is not a key id.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Error)]
#[error("a key is named by 1 to 128 of A-Z, a-z, 0-9, - and _")]
pub struct InvalidKid;

impl Kid {
    /// The id of a new key: 128 random bits.
    pub(super) fn generate(random: &dyn Random) -> Self {
        Self::encoding(&random::bytes::<16>(random))
    }

    /// The id of a shared secret, the same on every node. An attacker can test guesses at the secret with it, but could
    /// do the same with any token.
    pub(crate) fn of_secret(secret: &[u8]) -> Self {
        let key = hmac::Key::new(hmac::HMAC_SHA256, secret);
        let tag = hmac::sign(&key, b"portcullis key id");
        let (name, _) = tag.as_ref().split_at(16);
        Self::encoding(name)
    }

    fn encoding(bytes: &[u8]) -> Self {
        Self(URL_SAFE_NO_PAD.encode(bytes).into())
    }

    /// The id as it is written.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl FromStr for Kid {
    type Err = InvalidKid;

    fn from_str(text: &str) -> Result<Self, InvalidKid> {
        let plain = |c: u8| c.is_ascii_alphanumeric() || c == b'-' || c == b'_';
        if (1..=128).contains(&text.len()) && text.bytes().all(plain) {
            Ok(Self(text.into()))
        } else {
            Err(InvalidKid)
        }
    }
}

shown_as_text!(Kid by as_str: Display, Debug, Serialize);
