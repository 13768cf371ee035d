//! Keys: one key, one tenant, one use, one algorithm.
//!
//! A store keeps [`KeyRecord`]s, sealed under a [`MasterKey`] outside development mode; a [`Keyring`] is what a tenant's
//! records are when they have been opened: who signs, who verifies, what is published. It never changes; when the
//! records change, a new one is made.
//!
//! A key is published before it is used (its `active_from` is later than its `created`), signs until a newer one is
//! active, and verifies until the last thing that it signed has expired.

mod jwks;
mod keyring;
mod kid;
mod lifetime;
mod master_key;
mod record;
mod shared_secrets;
mod signing_keys;

use std::collections::HashSet;
use std::fmt;
use std::str::FromStr;

use thiserror::Error;

pub use jwks::{Jwk, Jwks};
pub use keyring::{Keyring, KeyringFault, KeyringSource};
pub use kid::{InvalidKid, Kid};
pub use lifetime::{KeyLifetimes, retires_at};
pub use master_key::{InvalidMasterKey, MasterKey, SealFault};
pub use record::{KeyFault, KeyMaterial, KeyRecord};
pub use shared_secrets::{SharedSecretFault, SharedSecrets};
pub(crate) use signing_keys::SigningKey;
pub use signing_keys::{CookieSigningKey, RefreshKey};

/// The one thing that a key is for.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Debug)]
pub enum KeyUse {
    /// Signs access tokens.
    Access,
    /// Signs refresh tokens and makes their successors.
    Refresh,
    /// Signs cookie values.
    Cookie,
}

impl KeyUse {
    /// Every use.
    pub const ALL: [Self; 3] = [Self::Access, Self::Refresh, Self::Cookie];

    /// The word for it in a store and in a table.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Access => "access",
            Self::Refresh => "refresh",
            Self::Cookie => "cookie",
        }
    }

    /// The algorithm of a key that we make for this use. Access tokens are verified by others, who must not be able to
    /// sign them; everything else only we verify.
    #[must_use]
    pub const fn algorithm(self) -> Algorithm {
        match self {
            Self::Access => Algorithm::Es256,
            Self::Refresh | Self::Cookie => Algorithm::Hs256,
        }
    }
}

/// How a key signs.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Debug)]
pub enum Algorithm {
    /// ECDSA on P-256 with SHA-256 (RFC 7518, section 3.4).
    Es256,
    /// HMAC with SHA-256 (RFC 7518, section 3.2).
    Hs256,
}

impl Algorithm {
    /// Its name as a token's `alg`.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Es256 => "ES256",
            Self::Hs256 => "HS256",
        }
    }
}

/// The word is no key's use, or no algorithm of ours.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Error)]
#[error("not a word for a key's use or algorithm")]
pub struct UnknownKeyAttribute;

impl FromStr for KeyUse {
    type Err = UnknownKeyAttribute;

    fn from_str(word: &str) -> Result<Self, UnknownKeyAttribute> {
        Self::ALL.into_iter().find(|usage| usage.as_str() == word).ok_or(UnknownKeyAttribute)
    }
}

impl FromStr for Algorithm {
    type Err = UnknownKeyAttribute;

    fn from_str(word: &str) -> Result<Self, UnknownKeyAttribute> {
        [Self::Es256, Self::Hs256].into_iter().find(|name| name.as_str() == word).ok_or(UnknownKeyAttribute)
    }
}

impl fmt::Display for KeyUse {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

impl fmt::Display for Algorithm {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

/// Whether 32 bytes or more have fewer than eight different ones among them, as no random ones do.
fn is_pattern(bytes: &[u8]) -> bool {
    bytes.iter().collect::<HashSet<_>>().len() < 8
}

#[cfg(test)]
mod tests;
