//! Secrets that an operator configures.
//!
//! The core decides which ones are good enough. No message repeats any part of a secret.

use portcullis_core::key::{MasterKey, SharedSecrets};
use zeroize::Zeroizing;

use super::Parsed;

/// Parses the secret that signs access tokens.
pub(in super::super) fn jwt_secret(text: &str) -> Parsed<Zeroizing<String>> {
    kept(text, SharedSecrets::even_guessable(Some(text), None))
}

/// Parses the secret that signs the session cookie.
pub(in super::super) fn session_secret(text: &str) -> Parsed<Zeroizing<String>> {
    kept(text, SharedSecrets::even_guessable(None, Some(text)))
}

fn kept<E: ToString>(text: &str, judged: Result<SharedSecrets, E>) -> Parsed<Zeroizing<String>> {
    judged.map(|_| Zeroizing::new(text.to_owned())).map_err(|fault| fault.to_string())
}

/// Parses the key that encrypts private keys and secrets in the database.
pub(in super::super) fn master_key(text: &str) -> Parsed<MasterKey> {
    MasterKey::parse(text).map_err(|fault| fault.to_string())
}
