//! Signing keys, their rotation, and the master key. A key has one tenant, one use and one algorithm.
//!
//! A store keeps [`KeyRecord`]s, which are encrypted under a [`MasterKey`] outside development mode. A [`Keyring`]
//! holds the decrypted keys of one tenant and says which one signs, which verify, and which are published. It never
//! changes: when the records change, the caller makes a new one.
//!
//! A key is published before it is used (its `active_from` is later than its `created`), signs until a newer one is
//! active, and verifies until the last thing that it signed has expired.

mod assertion_key;
mod generation;
mod jwks;
mod keyring;
mod kid;
mod lifetime;
mod master_key;
mod public_keys;
mod record;
mod shared_secrets;
mod signing_keys;

use std::collections::HashSet;

use thiserror::Error;

use crate::word_enum::word_enum;

pub use assertion_key::AssertionKey;
pub(crate) use generation::generation;
pub use jwks::{Jwk, Jwks};
pub use keyring::{Keyring, KeyringFault, KeyringSource};
pub use kid::{InvalidKid, Kid};
pub(crate) use lifetime::seniority;
pub use lifetime::{KeyLifetimes, retires_at};
pub use master_key::{InvalidMasterKey, MasterKey, SealFault};
pub use public_keys::{JwksFault, PublicKeySet};
pub use record::{KeyFault, KeyMaterial, KeyRecord};
pub use shared_secrets::{SharedSecretFault, SharedSecrets};
pub(crate) use signing_keys::SigningKey;
pub use signing_keys::{CodeKey, CookieSigningKey, RefreshKey};

word_enum! {
    /// The one purpose a key serves. The word stands in stores and in the output of commands.
    #[derive(PartialOrd, Ord, Hash)]
    pub enum KeyUse or UnknownKeyAttribute {
        /// Signs access tokens.
        Access = "access",
        /// Signs refresh tokens and derives their successors.
        Refresh = "refresh",
        /// Signs cookie values.
        Cookie = "cookie",
        /// Hashes codes and the secrets in links, so that no table of hashes opens them.
        Code = "code",
    }
}

impl KeyUse {
    /// The algorithm of keys for this use. Other services verify access tokens and must not be able to sign them, so
    /// those keys are asymmetric. Portcullis alone verifies the rest.
    #[must_use]
    pub const fn algorithm(self) -> Algorithm {
        match self {
            Self::Access => Algorithm::Es256,
            Self::Refresh | Self::Cookie | Self::Code => Algorithm::Hs256,
        }
    }
}

word_enum! {
    /// A signature algorithm of JSON Web Signatures. The word is the value of a token's `alg`.
    #[derive(PartialOrd, Ord, Hash)]
    pub enum Algorithm or UnknownKeyAttribute {
        /// ECDSA on P-256 with SHA-256 (RFC 7518, section 3.4).
        Es256 = "ES256",
        /// HMAC with SHA-256 (RFC 7518, section 3.2).
        Hs256 = "HS256",
    }
}

/// A key that verifies signatures, with its one algorithm.
pub(crate) trait VerifyingKey {
    /// The algorithm.
    fn algorithm(&self) -> Algorithm;

    /// Whether the holder of this key made `signature`, in base64url, over `message`.
    fn verify(&self, message: &[u8], signature: &str) -> bool;
}

/// The word is neither a key's use nor a supported algorithm.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Error)]
#[error("not a word for a key's use or algorithm")]
pub struct UnknownKeyAttribute;

/// Whether 32 bytes or more have fewer than eight distinct values, as random bytes practically never do.
fn is_repetitive(bytes: &[u8]) -> bool {
    bytes.iter().collect::<HashSet<_>>().len() < 8
}

#[cfg(test)]
mod tests;
