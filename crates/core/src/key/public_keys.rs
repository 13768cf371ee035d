//! The public keys of a server, as a verifier in another process reads them from its JWK Set.

use std::collections::BTreeMap;

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use ring::signature::{ECDSA_P256_SHA256_FIXED, UnparsedPublicKey};
use serde_json::{Map, Value};
use thiserror::Error;

use super::{Algorithm, Kid, VerifyingKey};
use crate::secret::SecretHash;
use crate::strict_json;

/// The public keys that verify a tenant's access tokens.
#[derive(Clone, PartialEq, Eq, Default, Debug)]
pub struct PublicKeySet {
    keys: BTreeMap<Kid, PublicKey>,
    generation: u64,
}

/// A public key on P-256: an uncompressed point (SEC 1, section 2.3.3).
#[derive(Clone, PartialEq, Eq, Debug)]
pub(crate) struct PublicKey([u8; 65]);

/// The text is no JWK Set, or names two keys alike.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Error)]
pub enum JwksFault {
    /// Not a JSON object with a list `keys`.
    #[error("not a JWK Set (RFC 7517, section 5)")]
    NotAKeySet,
    /// Two keys have the same id.
    #[error("two keys of the JWK Set have one id")]
    Twice,
}

impl PublicKeySet {
    /// Reads a JWK Set. Keys of another kind, use or algorithm are passed over (RFC 7517, section 5): they verify no
    /// access token.
    ///
    /// # Errors
    ///
    /// [`JwksFault`] if it cannot be read as a whole.
    pub fn parse(json: &[u8]) -> Result<Self, JwksFault> {
        let members = strict_json::object(json).ok_or(JwksFault::NotAKeySet)?;
        let listed = members.get("keys").and_then(Value::as_array).ok_or(JwksFault::NotAKeySet)?;
        let mut keys = BTreeMap::new();
        for (kid, key) in listed.iter().filter_map(Value::as_object).filter_map(read) {
            if keys.insert(kid, key).is_some() {
                return Err(JwksFault::Twice);
            }
        }
        let generation = generation(&keys);
        Ok(Self { keys, generation })
    }

    /// A number that is equal for equal keys: a token that was verified under another one is verified again.
    #[must_use]
    pub const fn generation(&self) -> u64 {
        self.generation
    }

    /// Whether a key has this id.
    #[must_use]
    pub fn contains(&self, kid: &Kid) -> bool {
        self.keys.contains_key(kid)
    }

    pub(crate) fn find(&self, kid: &Kid) -> Option<&PublicKey> {
        self.keys.get(kid)
    }
}

fn generation(keys: &BTreeMap<Kid, PublicKey>) -> u64 {
    let parts = keys.iter().flat_map(|(kid, key)| [kid.as_str().as_bytes(), key.0.as_slice()]);
    let parts: Vec<&[u8]> = parts.collect();
    SecretHash::of(&parts).as_bytes().first_chunk().map_or(0, |first| u64::from_be_bytes(*first))
}

/// A key that verifies access tokens, with its id; `None` for any other.
fn read(jwk: &Map<String, Value>) -> Option<(Kid, PublicKey)> {
    let text = |name| jwk.get(name).and_then(Value::as_str);
    let is = |name, value| text(name) == Some(value);
    let may_be = |name, value| text(name).is_none_or(|stated| stated == value);
    let fits = is("kty", "EC") && is("crv", "P-256") && may_be("use", "sig") && may_be("alg", "ES256");
    let point = PublicKey::of_coordinates(text("x")?, text("y")?)?;
    fits.then_some((text("kid")?.parse().ok()?, point))
}

impl PublicKey {
    fn of_coordinates(x: &str, y: &str) -> Option<Self> {
        let decode = |text| URL_SAFE_NO_PAD.decode(text).ok().filter(|bytes| bytes.len() == 32);
        let point = [&[4], decode(x)?.as_slice(), decode(y)?.as_slice()].concat();
        point.try_into().ok().map(Self)
    }
}

impl VerifyingKey for PublicKey {
    fn algorithm(&self) -> Algorithm {
        Algorithm::Es256
    }

    /// A point that is not on the curve verifies nothing.
    fn verify(&self, message: &[u8], signature: &str) -> bool {
        let Ok(signature) = URL_SAFE_NO_PAD.decode(signature) else { return false };
        UnparsedPublicKey::new(&ECDSA_P256_SHA256_FIXED, &self.0).verify(message, &signature).is_ok()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// RFC 7515, appendix A.3.
    const X: &str = "f83OJ3D2xF1Bg8vub9tLe1gHMzV76e8Tus9uPHvRVEU";
    const Y: &str = "x_FEzRu9m36HLN_tue659LNpXW6pCyStikYjKIWI5a0";

    fn set(keys: &str) -> Result<PublicKeySet, JwksFault> {
        PublicKeySet::parse(format!(r#"{{"keys":[{keys}]}}"#).as_bytes())
    }

    fn jwk(more: &str) -> String {
        format!(r#"{{"kty":"EC","crv":"P-256","x":"{X}","y":"{Y}"{more}}}"#)
    }

    // ASVS-map: JW2
    #[test]
    fn only_keys_that_verify_access_tokens_are_taken() {
        let good = [r#","kid":"a""#, r#","kid":"a","use":"sig","alg":"ES256","later":1"#];
        for more in good {
            assert!(set(&jwk(more)).unwrap().contains(&"a".parse().unwrap()), "{more}");
        }
        let bad = [
            "",
            r#","kid":"a b""#,
            r#","kid":"a","use":"enc""#,
            r#","kid":"a","alg":"ES384""#,
            r#","kid":"a","alg":"none""#,
        ];
        let others = [
            r#"{"kty":"oct","k":"AAAA","kid":"a","alg":"HS256"}"#.to_owned(),
            r#"{"kty":"RSA","n":"AQAB","e":"AQAB","kid":"a"}"#.to_owned(),
            jwk(r#","kid":"a""#).replace("P-256", "P-384"),
            jwk(r#","kid":"a""#).replace(X, "AQAB"),
            "7".to_owned(),
        ];
        for key in bad.iter().map(|more| jwk(more)).chain(others) {
            assert_eq!(set(&key).unwrap().keys.len(), 0, "{key}");
        }
    }

    #[test]
    fn what_is_no_key_set_is_a_fault() {
        for bad in ["", "[]", "{}", r#"{"keys":{}}"#, r#"{"keys":[],"keys":[]}"#] {
            assert_eq!(PublicKeySet::parse(bad.as_bytes()), Err(JwksFault::NotAKeySet), "{bad}");
        }
        let twice = format!("{0},{0}", jwk(r#","kid":"a""#));
        assert_eq!(set(&twice), Err(JwksFault::Twice));
    }

    #[test]
    fn equal_keys_are_one_generation_in_whatever_order_they_are_listed() {
        let (one, two) = (jwk(r#","kid":"a""#), jwk(r#","kid":"b""#));
        let generation = |keys: String| set(&keys).unwrap().generation();
        assert_eq!(generation(format!("{one},{two}")), generation(format!("{two},{one}")));
        assert_ne!(generation(one.clone()), generation(two));
    }

    // ASVS-map: JW10
    #[test]
    fn a_point_that_is_not_on_the_curve_verifies_nothing() {
        let signed = "eyJhbGciOiJFUzI1NiJ9.eyJpc3MiOiJqb2UiLA0KICJleHAiOjEzMDA4MTkzODAsDQogImh0dHA6Ly9leGFtcGxlLmNvbS9pc19yb290Ijp0cnVlfQ";
        let signature =
            "DtEhU3ljbEg8L38VWAfUAqOyKAM6-Xx-F4GawxaepmXFCgfTjDxw5djxLa8ISlSApmWQxfKTUJqPP3-Kg6NU1Q";
        let verifies = |y| {
            let key = PublicKey::of_coordinates(X, y).unwrap();
            key.verify(signed.as_bytes(), signature)
        };
        assert!(verifies(Y));
        assert!(!verifies(X));
    }
}
