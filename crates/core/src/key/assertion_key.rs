//! The key of a gateway: it signs what the gateway says of a request to the servers behind it.
//!
//! It is made anew in each process and stored nowhere. A tenant's keys verify nothing that it signed, and it nothing
//! of theirs: the types differ, and so do the ids.

use serde::Serialize;

use super::record::{KeyFault, material};
use super::signing_keys::AccessKey;
use super::{Jwks, KeyUse, Kid};
use crate::random::Random;
use crate::token::{JwsForm, MAX_LENGTH, SignFault};

/// The type of a gateway's assertions.
const FORM: JwsForm<'static> = JwsForm { typ: "gateway+jwt", longest: MAX_LENGTH };

/// A gateway's own ES256 key.
#[derive(Debug)]
pub struct AssertionKey(AccessKey);

impl AssertionKey {
    /// Makes a key.
    ///
    /// # Errors
    ///
    /// [`KeyFault::NotGenerated`] if the random source fails.
    pub fn generate(random: &dyn Random) -> Result<Self, KeyFault> {
        let pkcs8 = material(KeyUse::Access, random)?;
        AccessKey::es256(&Kid::generate(random), &pkcs8).map(Self).ok_or(KeyFault::NotGenerated)
    }

    /// The public half, for those who verify.
    #[must_use]
    pub fn jwks(&self) -> Jwks {
        Jwks { keys: vec![self.0.jwk.clone()] }
    }

    /// Signs claims as a token of the type `gateway+jwt`.
    ///
    /// # Errors
    ///
    /// [`SignFault`].
    pub fn sign(&self, claims: &impl Serialize) -> Result<String, SignFault> {
        FORM.sign(&self.0.signing, claims)
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;
    use crate::machine::SystemRandom;

    #[test]
    fn an_assertion_is_of_its_own_type_and_of_its_own_key_alone() {
        let [key, other] = [(); 2].map(|()| AssertionKey::generate(&SystemRandom).unwrap());
        let signed = key.sign(&json!({"sub": "ann"})).unwrap();
        assert_eq!(FORM.verify(&signed, &key.0.signing).unwrap()["sub"], "ann");
        assert!(FORM.verify(&signed, &other.0.signing).is_err());
        let as_access = JwsForm { typ: "at+jwt", longest: MAX_LENGTH };
        assert_eq!(as_access.verify(&signed, &key.0.signing), Err(crate::token::TokenFault::WrongType));
        assert_eq!(key.jwks().keys.len(), 1);
    }
}
