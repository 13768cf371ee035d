//! Secrets, plain and hashed, as different types.
//!
//! A plain secret exists where it is made and where a client presents it. Its `Debug` prints its type name, and its
//! memory is wiped. Only a [`SecretHash`] reaches a store. These secrets are long and random, so one SHA-256 is enough.
//! Passwords are short and chosen by users: see [`password`](crate::password).

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use zeroize::Zeroizing;

use crate::random::{self, Random};
use crate::shown::shown_by_name;

/// A secret in plain: 256 random bits in unpadded base64url, or the text that a client presents as one.
#[derive(Clone, PartialEq, Eq)]
pub struct PlainSecret(Zeroizing<String>);

impl PlainSecret {
    /// A new secret: 43 characters.
    pub fn generate(random: &dyn Random) -> Self {
        let bytes: Zeroizing<[u8; 32]> = Zeroizing::new(random::bytes(random));
        Self(Zeroizing::new(URL_SAFE_NO_PAD.encode(*bytes)))
    }

    /// The text that a client presents; not verified.
    #[must_use]
    pub fn presented(text: &str) -> Self {
        Self(Zeroizing::new(text.to_owned()))
    }

    /// The secret itself, to be sent to its owner.
    #[must_use]
    pub fn reveal(&self) -> &str {
        &self.0
    }

    /// The hash to store. It covers the purpose and the owner, so that it matches for no other purpose or owner.
    #[must_use]
    pub fn hash(&self, purpose: &str, owner: &[u8]) -> SecretHash {
        SecretHash::of(&[purpose.as_bytes(), owner, self.0.as_bytes()])
    }
}

shown_by_name!(PlainSecret, SecretHash);

/// The SHA-256 of a secret, its purpose and its owner.
///
/// Comparing two of them in variable time is harmless: an attacker cannot choose either side bit by bit without
/// inverting the hash.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct SecretHash([u8; 32]);

impl SecretHash {
    /// The hash of all parts, each with its length in front, so that two lists of parts never give the same bytes.
    #[must_use]
    pub fn of(parts: &[&[u8]]) -> Self {
        let mut context = ring::digest::Context::new(&ring::digest::SHA256);
        for part in parts {
            context.update(&(part.len() as u64).to_be_bytes());
            context.update(part);
        }
        let mut bytes = [0; 32];
        bytes.copy_from_slice(context.finish().as_ref());
        Self(bytes)
    }

    /// The hash of these stored bytes.
    #[must_use]
    pub const fn from_bytes(bytes: [u8; 32]) -> Self {
        Self(bytes)
    }

    /// The bytes to store.
    #[must_use]
    pub const fn as_bytes(&self) -> &[u8; 32] {
        &self.0
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::machine::SystemRandom;

    // ASVS-map: OP6
    #[test]
    fn a_secret_does_not_show_itself() {
        let secret = PlainSecret::presented("hunter2");
        assert_eq!(format!("{secret:?} {:?}", secret.hash("test", b"")), "PlainSecret SecretHash");
    }

    // ASVS-map: SE1, RC1
    #[test]
    fn generated_secrets_have_256_bits_and_do_not_repeat() {
        let secrets: std::collections::HashSet<String> =
            (0..1000).map(|_| PlainSecret::generate(&SystemRandom).reveal().to_owned()).collect();
        assert_eq!(secrets.len(), 1000);
        assert!(secrets.iter().all(|secret| secret.len() == 43));
    }

    #[test]
    fn a_hash_depends_on_purpose_owner_and_secret_and_on_where_one_ends() {
        let hash =
            |purpose, owner: &str, secret| PlainSecret::presented(secret).hash(purpose, owner.as_bytes());
        let hashes = [hash("a", "b", "c"), hash("ab", "", "c"), hash("a", "bc", ""), hash("a", "b", "d")];
        let distinct: std::collections::HashSet<_> = hashes.iter().collect();
        assert_eq!(distinct.len(), hashes.len());
    }
}
