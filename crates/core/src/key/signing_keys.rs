//! Decrypted keys that sign and verify. Their `Debug` shows their ids alone.

use std::fmt;

use jsonwebtoken::{DecodingKey, EncodingKey};
use ring::hkdf::{HKDF_SHA256, Salt};
use ring::hmac;
use ring::signature::{ECDSA_P256_SHA256_FIXED_SIGNING, EcdsaKeyPair, KeyPair as _};
use zeroize::Zeroizing;

use super::{Algorithm, Jwk, Kid};
use crate::machine;
use crate::secret::SecretHash;
use crate::shown::shown_by_name;
use crate::token::crypto_provider;

/// A key that signs and verifies JSON Web Signatures, with its one algorithm.
pub(crate) struct SigningKey {
    kid: Kid,
    algorithm: Algorithm,
    encoding: EncodingKey,
    decoding: DecodingKey,
}

impl SigningKey {
    pub(crate) fn hs256(kid: Kid, secret: &[u8]) -> Self {
        let (encoding, decoding) = (EncodingKey::from_secret(secret), DecodingKey::from_secret(secret));
        Self { kid, algorithm: Algorithm::Hs256, encoding, decoding }
    }

    pub(crate) const fn kid(&self) -> &Kid {
        &self.kid
    }

    pub(crate) const fn algorithm(&self) -> Algorithm {
        self.algorithm
    }

    /// Signs `message`; the signature is in base64url.
    pub(crate) fn sign(&self, message: &[u8]) -> Result<String, jsonwebtoken::errors::Error> {
        crypto_provider::install();
        jsonwebtoken::crypto::sign(message, &self.encoding, self.library_algorithm())
    }

    /// Whether this key made `signature`, in base64url, over `message`.
    pub(crate) fn verify(&self, message: &[u8], signature: &str) -> bool {
        crypto_provider::install();
        let verified =
            jsonwebtoken::crypto::verify(signature, message, &self.decoding, self.library_algorithm());
        matches!(verified, Ok(true))
    }

    const fn library_algorithm(&self) -> jsonwebtoken::Algorithm {
        match self.algorithm {
            Algorithm::Es256 => jsonwebtoken::Algorithm::ES256,
            Algorithm::Hs256 => jsonwebtoken::Algorithm::HS256,
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
        let point = pair.public_key().as_ref();
        let signing = SigningKey {
            kid: kid.clone(),
            algorithm: Algorithm::Es256,
            encoding: EncodingKey::from_ec_der(pkcs8),
            decoding: DecodingKey::from_ec_der(point),
        };
        Some(Self { signing, jwk: Jwk::of_point(kid, point)? })
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
