//! Decrypted keys that sign and verify. Their `Debug` shows their ids alone.

use std::fmt;

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use ring::hkdf::{HKDF_SHA256, Salt};
use ring::hmac;
use ring::signature::{
    ECDSA_P256_SHA256_FIXED, ECDSA_P256_SHA256_FIXED_SIGNING, EcdsaKeyPair, KeyPair as _, UnparsedPublicKey,
};
use zeroize::Zeroizing;

use super::{Algorithm, Jwk, Kid, VerifyingKey};
use crate::machine;
use crate::secret::SecretHash;
use crate::shown::shown_by_name;
use crate::token::SignFault;

/// A key that signs and verifies JSON Web Signatures, with its one algorithm (RFC 7518, sections 3.2 and 3.4).
///
/// `ring` makes the nonce of an ES256 signature from the private key, the message and fresh randomness together, so
/// neither a weak random source nor a repeated message gives the key away; it is not the deterministic RFC 6979, and
/// two signatures over one message differ.
pub(crate) struct SigningKey {
    kid: Kid,
    secret: SecretKey,
}

/// The secret, ready to sign: to read a key pair costs as much as a signature.
enum SecretKey {
    Es256(Box<EcdsaKeyPair>),
    Hs256(Box<hmac::Key>),
}

impl SigningKey {
    pub(crate) fn hs256(kid: Kid, secret: &[u8]) -> Self {
        Self { kid, secret: SecretKey::Hs256(Box::new(hmac::Key::new(hmac::HMAC_SHA256, secret))) }
    }

    pub(crate) const fn kid(&self) -> &Kid {
        &self.kid
    }

    /// Signs `message`; the signature is in base64url.
    pub(crate) fn sign(&self, message: &[u8]) -> Result<String, SignFault> {
        Ok(match &self.secret {
            SecretKey::Es256(pair) => {
                let signed = pair.sign(&machine::ring_random(), message);
                URL_SAFE_NO_PAD.encode(signed.map_err(|_| SignFault::Refused)?)
            }
            SecretKey::Hs256(key) => URL_SAFE_NO_PAD.encode(hmac::sign(key, message)),
        })
    }
}

impl VerifyingKey for SigningKey {
    fn algorithm(&self) -> Algorithm {
        match self.secret {
            SecretKey::Es256(_) => Algorithm::Es256,
            SecretKey::Hs256(_) => Algorithm::Hs256,
        }
    }

    /// `ring` compares in constant time.
    fn verify(&self, message: &[u8], signature: &str) -> bool {
        let Ok(signature) = URL_SAFE_NO_PAD.decode(signature) else { return false };
        match &self.secret {
            SecretKey::Es256(pair) => {
                let public = UnparsedPublicKey::new(&ECDSA_P256_SHA256_FIXED, pair.public_key());
                public.verify(message, &signature).is_ok()
            }
            SecretKey::Hs256(key) => hmac::verify(key, message, &signature).is_ok(),
        }
    }
}

impl fmt::Debug for SigningKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "SigningKey({})", self.kid)
    }
}

/// A key pair for access tokens, with its public half as a JWK.
#[derive(Debug)]
pub(super) struct AccessKey {
    pub(super) signing: SigningKey,
    pub(super) jwk: Jwk,
}

impl AccessKey {
    /// Reads PKCS#8. `None` for anything else, and for a public half that does not belong to the private one.
    pub(super) fn es256(kid: &Kid, pkcs8: &[u8]) -> Option<Self> {
        let random = machine::ring_random();
        let pair = EcdsaKeyPair::from_pkcs8(&ECDSA_P256_SHA256_FIXED_SIGNING, pkcs8, &random).ok()?;
        let jwk = Jwk::of_point(kid, pair.public_key().as_ref())?;
        Some(Self { signing: SigningKey { kid: kid.clone(), secret: SecretKey::Es256(Box::new(pair)) }, jwk })
    }
}

/// A key for refresh tokens: two keys derived from one, for the MAC and for the chain of successors.
pub struct RefreshKey {
    mac: SigningKey,
    chain: hmac::Key,
}

impl RefreshKey {
    /// Derives both keys. `None` unless there are 32 bytes.
    pub(super) fn new(kid: &Kid, bytes: &[u8]) -> Option<Self> {
        let bytes: &[u8; 32] = bytes.try_into().ok()?;
        let derived = Salt::new(HKDF_SHA256, b"portcullis refresh key").extract(bytes);
        let mut mac = Zeroizing::new([0; 32]);
        derived.expand(&[b"mac"], HKDF_SHA256).ok()?.fill(mac.as_mut_slice()).ok()?;
        let chain = derived.expand(&[b"chain"], hmac::HMAC_SHA256).ok()?.into();
        Some(Self { mac: SigningKey::hs256(kid.clone(), mac.as_slice()), chain })
    }

    /// The id of the key.
    #[must_use]
    pub const fn kid(&self) -> &Kid {
        self.mac.kid()
    }

    pub(crate) const fn mac(&self) -> &SigningKey {
        &self.mac
    }

    pub(crate) const fn chain(&self) -> &hmac::Key {
        &self.chain
    }
}

impl fmt::Debug for RefreshKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "RefreshKey({})", self.kid())
    }
}

/// A key under which codes and the secrets in links are hashed.
pub struct CodeKey {
    kid: Kid,
    mac: hmac::Key,
}

impl CodeKey {
    /// `None` unless there are 32 bytes.
    pub(super) fn new(kid: &Kid, bytes: &[u8]) -> Option<Self> {
        (bytes.len() == 32).then(|| Self { kid: kid.clone(), mac: hmac::Key::new(hmac::HMAC_SHA256, bytes) })
    }

    /// The id of the key.
    #[must_use]
    pub const fn kid(&self) -> &Kid {
        &self.kid
    }

    #[cfg(test)]
    pub(crate) fn of_bytes(bytes: &[u8; 32]) -> Self {
        Self::new(&Kid::of_secret(bytes), bytes).unwrap()
    }

    /// The hash of a secret that no holder of the stored hash can try out without this key.
    #[must_use]
    pub fn hash(&self, plain: SecretHash) -> SecretHash {
        let mut bytes = [0; 32];
        bytes.copy_from_slice(hmac::sign(&self.mac, plain.as_bytes()).as_ref());
        SecretHash::from_bytes(bytes)
    }
}

impl fmt::Debug for CodeKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "CodeKey({})", self.kid)
    }
}

/// A key for the signatures of cookie values.
pub struct CookieSigningKey(hmac::Key);

impl CookieSigningKey {
    /// A key of the secret's bytes, as Node's `cookie-signature` uses them. `None` for an empty secret.
    pub(super) fn new(secret: &[u8]) -> Option<Self> {
        let key = || Self(hmac::Key::new(hmac::HMAC_SHA256, secret));
        (!secret.is_empty()).then(key)
    }

    pub(crate) const fn mac(&self) -> &hmac::Key {
        &self.0
    }
}

shown_by_name!(CookieSigningKey);

#[cfg(test)]
mod tests {
    use super::*;

    const PAYLOAD: &str =
        "eyJpc3MiOiJqb2UiLA0KICJleHAiOjEzMDA4MTkzODAsDQogImh0dHA6Ly9leGFtcGxlLmNvbS9pc19yb290Ijp0cnVlfQ";

    fn kid() -> Kid {
        Kid::of_secret(b"a key")
    }

    fn bytes(base64url: &str) -> Vec<u8> {
        URL_SAFE_NO_PAD.decode(base64url).unwrap()
    }

    /// RFC 7515, appendix A.1.
    #[test]
    fn hs256_signs_as_the_standard_shows() {
        let secret = "AyM1SysPpbyDfgZld3umj1qzKObwVMkoqQ-EstJQLr_T-1qS0gZH75aKtMN3Yj0iPS4hcgUuTwjAzZr1Z9CAow";
        let key = SigningKey::hs256(kid(), &bytes(secret));
        let signed = format!("eyJ0eXAiOiJKV1QiLA0KICJhbGciOiJIUzI1NiJ9.{PAYLOAD}");
        let signature = key.sign(signed.as_bytes()).unwrap();
        assert_eq!(signature, "dBjftJeZ4CVP-mB92K27uhbUJU1p1r_wW1gFWFOEjXk");
        assert!(key.verify(signed.as_bytes(), &signature));
    }

    /// RFC 7515, appendix A.3.
    #[test]
    fn es256_verifies_the_signature_that_the_standard_shows_and_its_own() {
        let secret = bytes("jpsQnnGQmL-YBIffH1136cspYG6-0iY7X1fCE9-E9LI");
        let x = bytes("f83OJ3D2xF1Bg8vub9tLe1gHMzV76e8Tus9uPHvRVEU");
        let y = bytes("x_FEzRu9m36HLN_tue659LNpXW6pCyStikYjKIWI5a0");
        let point = [&[4], x.as_slice(), y.as_slice()].concat();
        let pair = EcdsaKeyPair::from_private_key_and_public_key(
            &ECDSA_P256_SHA256_FIXED_SIGNING,
            &secret,
            &point,
            &machine::ring_random(),
        );
        let key = SigningKey { kid: kid(), secret: SecretKey::Es256(Box::new(pair.unwrap())) };
        let signed = format!("eyJhbGciOiJFUzI1NiJ9.{PAYLOAD}");
        let shown = "DtEhU3ljbEg8L38VWAfUAqOyKAM6-Xx-F4GawxaepmXFCgfTjDxw5djxLa8ISlSApmWQxfKTUJqPP3-Kg6NU1Q";
        assert!(key.verify(signed.as_bytes(), shown));
        assert!(key.verify(signed.as_bytes(), &key.sign(signed.as_bytes()).unwrap()));
        assert!(!key.verify(PAYLOAD.as_bytes(), shown));
    }
}
