//! Secrets that the operator shares with other services: `JWT_SECRET` and `SESSION_SECRET`.

use std::collections::HashSet;

use thiserror::Error;
use zeroize::Zeroizing;

use super::{KeyUse, is_repetitive};
use crate::shown::shown_by_name;

/// The minimum length in bytes: that of the hash, as RFC 7518, section 3.2 demands for HS256.
const MIN_LENGTH: usize = 32;

/// The secrets' names, and what each signs.
const JWT: (&str, &str) = ("JWT_SECRET", "token");
const COOKIE: (&str, &str) = ("SESSION_SECRET", "cookie");

/// Parts of the secrets that manuals and templates show. They are long enough, and an attacker tries them first.
const PLACEHOLDERS: [&str; 24] = [
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
    "bit-secret",
    "my-secret",
    "my_secret",
    "super-secret",
    "super_secret",
    "supersecret",
    "secret-key",
    "secret_key",
    "secretkey",
    "placeholder",
    "keyboard cat",
    "a-string-secret-at-least-256-bits-long",
    "a-valid-string-secret-that-is-at-least-512-bits-long",
];

/// The shared secrets, none by default. Their UTF-8 bytes are the key, because the other services do the same.
#[derive(Clone, Default)]
pub struct SharedSecrets {
    jwt: Option<Zeroizing<String>>,
    cookie: Option<Zeroizing<String>>,
}

/// Why a shared secret is refused. The message does not repeat its value.
#[derive(Clone, PartialEq, Eq, Debug, Error)]
pub enum SharedSecretFault {
    /// Shorter than the hash, so an attacker can find it by trying.
    #[error(
        "{name} has {length} bytes, and HMAC-SHA-256 needs at least {MIN_LENGTH} (RFC 7518, section 3.2): a shorter one \
         can be found by trying, from any one {signed}. Make a new one with `openssl rand -base64 48` and give it to \
         every service that shares it"
    )]
    TooShort {
        /// `JWT_SECRET` or `SESSION_SECRET`.
        name: &'static str,
        /// What it signs.
        signed: &'static str,
        /// Its length in bytes.
        length: usize,
    },
    /// Long enough, but made of repetitions or of a known example.
    #[error(
        "{name} is a repeated pattern or an example from a manual, so it can be guessed. Make a new one with `openssl rand -base64 48` and \
         give it to every service that shares it"
    )]
    Guessable {
        /// `JWT_SECRET` or `SESSION_SECRET`.
        name: &'static str,
    },
    /// Both secrets are the same. A client that gets a cookie value of its choice signed would get a token signed.
    #[error("JWT_SECRET and SESSION_SECRET are the same; a key has one use: choose two different secrets")]
    SameTwice,
}

impl SharedSecrets {
    /// Checks `JWT_SECRET` and `SESSION_SECRET`, each `None` if it is not configured.
    ///
    /// # Errors
    ///
    /// [`SharedSecretFault`] if a secret is guessable or serves two uses.
    pub fn new(jwt: Option<&str>, cookie: Option<&str>) -> Result<Self, SharedSecretFault> {
        let secrets = Self::even_guessable(jwt, cookie)?;
        secrets.judge()?;
        Ok(secrets)
    }

    /// The same, for development: accepts a secret that can be guessed.
    ///
    /// # Errors
    ///
    /// [`SharedSecretFault`] if a secret is too short or serves two uses.
    pub fn even_guessable(jwt: Option<&str>, cookie: Option<&str>) -> Result<Self, SharedSecretFault> {
        if jwt.is_some() && jwt == cookie {
            return Err(SharedSecretFault::SameTwice);
        }
        let long_enough = |(name, signed), secret: Option<&str>| match secret {
            Some(secret) if secret.len() < MIN_LENGTH => {
                Err(SharedSecretFault::TooShort { name, signed, length: secret.len() })
            }
            secret => Ok(secret.map(|secret| Zeroizing::new(secret.to_owned()))),
        };
        Ok(Self { jwt: long_enough(JWT, jwt)?, cookie: long_enough(COOKIE, cookie)? })
    }

    /// Refuses a secret that can be guessed.
    fn judge(&self) -> Result<(), SharedSecretFault> {
        for ((name, _), secret) in [(JWT, self.jwt()), (COOKIE, self.cookie())] {
            if secret.is_some_and(is_guessable) {
                return Err(SharedSecretFault::Guessable { name });
            }
        }
        Ok(())
    }

    /// Whether a shared secret signs instead of the tenant's own keys of this use.
    #[must_use]
    pub fn signs(&self, usage: KeyUse) -> bool {
        match usage {
            KeyUse::Access => self.jwt().is_some(),
            KeyUse::Cookie => self.cookie().is_some(),
            KeyUse::Refresh | KeyUse::Code => false,
        }
    }

    pub(super) fn jwt(&self) -> Option<&str> {
        self.jwt.as_ref().map(|secret| secret.as_str())
    }

    pub(super) fn cookie(&self) -> Option<&str> {
        self.cookie.as_ref().map(|secret| secret.as_str())
    }
}

shown_by_name!(SharedSecrets);

fn is_guessable(secret: &str) -> bool {
    let lower = Zeroizing::new(secret.to_lowercase());
    is_repetitive(secret.as_bytes())
        || repeats_itself(lower.as_bytes())
        || PLACEHOLDERS.iter().any(|part| lower.contains(part))
}

/// Whether more than three in ten of its four bytes in a row were there before, as where words are repeated. Of random
/// ones none is, or one.
fn repeats_itself(bytes: &[u8]) -> bool {
    let all = bytes.windows(4).count();
    let distinct = bytes.windows(4).collect::<HashSet<_>>().len();
    distinct * 10 < all * 7
}
