//! Secrets that the operator shares with other services: `JWT_SECRET` and `SESSION_SECRET`.

use std::fmt;

use thiserror::Error;
use zeroize::Zeroizing;

use super::{KeyUse, is_pattern};

/// As long as the hash, as RFC 7518, section 3.2 demands of a key for HS256.
const MIN_LENGTH: usize = 32;

/// Parts of the secrets that manuals and templates show. Long enough, and the first that anybody tries.
const PLACEHOLDERS: [&str; 13] = [
    "changeme",
    "change-me",
    "change_me",
    "change-this",
    "change_this",
    "replace-me",
    "replace_me",
    "your-secret",
    "your_secret",
    "your-super-secret",
    "your_super_secret",
    "a-string-secret-at-least-256-bits-long",
    "a-valid-string-secret-that-is-at-least-512-bits-long",
];

/// The shared secrets, none by default. They are used as the UTF-8 bytes that they are written as, because the other
/// services do the same.
#[derive(Clone, Default)]
pub struct SharedSecrets {
    jwt: Option<Zeroizing<String>>,
    cookie: Option<Zeroizing<String>>,
}

/// Why a shared secret is refused. Its value is not repeated here.
#[derive(Clone, PartialEq, Eq, Debug, Error)]
pub enum SharedSecretFault {
    /// Shorter than the hash: it could be found by trying.
    #[error(
        "{name} has {length} bytes, and HS256 needs at least {MIN_LENGTH} (RFC 7518, section 3.2): a shorter one can be \
         found by trying, from any one token. Make a new one with `openssl rand -base64 48` and give it to every \
         service that shares it"
    )]
    TooShort {
        /// Which secret.
        name: &'static str,
        /// Its length in bytes.
        length: usize,
    },
    /// Long enough, and still guessable.
    #[error(
        "{name} is a repeated pattern or an example from a manual. Make a new one with `openssl rand -base64 48` and \
         give it to every service that shares it"
    )]
    Guessable {
        /// Which secret.
        name: &'static str,
    },
    /// The same secret for both: a service that signs a cookie of somebody's choice would sign a token of their choice.
    #[error("JWT_SECRET and SESSION_SECRET are the same; a key has one use: choose two different secrets")]
    SameTwice,
}

impl SharedSecrets {
    /// Takes `JWT_SECRET` and `SESSION_SECRET`, where they are configured.
    ///
    /// # Errors
    ///
    /// [`SharedSecretFault`] where a secret could be guessed, or serves two uses.
    pub fn new(jwt: Option<&str>, cookie: Option<&str>) -> Result<Self, SharedSecretFault> {
        if jwt.is_some() && jwt == cookie {
            return Err(SharedSecretFault::SameTwice);
        }
        let taken = |name, secret: Option<&str>| secret.map(|secret| take(name, secret)).transpose();
        Ok(Self { jwt: taken("JWT_SECRET", jwt)?, cookie: taken("SESSION_SECRET", cookie)? })
    }

    /// Whether one of them signs instead of the tenant's own keys of this use.
    #[must_use]
    pub fn signs(&self, usage: KeyUse) -> bool {
        match usage {
            KeyUse::Access => self.jwt().is_some(),
            KeyUse::Cookie => self.cookie().is_some(),
            KeyUse::Refresh => false,
        }
    }

    pub(super) fn jwt(&self) -> Option<&str> {
        self.jwt.as_ref().map(|secret| secret.as_str())
    }

    pub(super) fn cookie(&self) -> Option<&str> {
        self.cookie.as_ref().map(|secret| secret.as_str())
    }
}

impl fmt::Debug for SharedSecrets {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("SharedSecrets")
    }
}

fn take(name: &'static str, secret: &str) -> Result<Zeroizing<String>, SharedSecretFault> {
    let length = secret.len();
    if length < MIN_LENGTH {
        return Err(SharedSecretFault::TooShort { name, length });
    }
    let lower = Zeroizing::new(secret.to_lowercase());
    if is_pattern(secret.as_bytes()) || PLACEHOLDERS.iter().any(|part| lower.contains(part)) {
        return Err(SharedSecretFault::Guessable { name });
    }
    Ok(Zeroizing::new(secret.to_owned()))
}
