//! The cryptographic backend of `jsonwebtoken`: `ring`, which the TLS stack uses as well.
//!
//! It supports ES256 and HS256 (RFC 7518, sections 3.4 and 3.2) and refuses every other algorithm, whatever the key.
//! Without a backend `jsonwebtoken` panics at run time, so everything that signs or verifies calls [`install`] first.
//!
//! `ring` makes the nonce of an ES256 signature from the private key, the message and fresh randomness together, so
//! neither a weak random source nor a repeated message gives the key away; it is not the deterministic RFC 6979, and
//! two signatures over one message differ.

use std::sync::Once;

use jsonwebtoken::crypto::{CryptoProvider, JwtSigner, JwtVerifier, KeyUtils};
use jsonwebtoken::errors::{Error, ErrorKind};
use jsonwebtoken::signature::{Error as Rejected, Signer, Verifier};
use jsonwebtoken::{Algorithm, AlgorithmFamily, DecodingKey, EncodingKey};
use ring::hmac;
use ring::signature::{
    ECDSA_P256_SHA256_FIXED, ECDSA_P256_SHA256_FIXED_SIGNING, EcdsaKeyPair, UnparsedPublicKey,
};

use crate::machine;

/// The backend. A program that uses `jsonwebtoken` itself may install this or another one before the first token is
/// made: [`install`] does not replace it.
pub static RING: CryptoProvider = CryptoProvider {
    signer_factory: signer,
    verifier_factory: verifier,
    key_utils: KeyUtils {
        rsa_pub_components_from_private_key: |_| Err(unsupported()),
        rsa_pub_components_from_public_key: |_| Err(unsupported()),
        ec_pub_components_from_private_key: |_, _| Err(unsupported()),
        ed_pub_components_from_private_key: |_, _| Err(unsupported()),
        compute_digest: |_, _| Err(unsupported()),
    },
};

/// Installs [`RING`] in this process, unless another backend is installed.
pub fn install() {
    static INSTALLED: Once = Once::new();
    INSTALLED.call_once(|| {
        if RING.install_default().is_err() {
            tracing::debug!("another jsonwebtoken provider is installed already and stays");
        }
    });
}

fn unsupported() -> Error {
    ErrorKind::UnsupportedAlgorithm.into()
}

#[expect(clippy::trivially_copy_pass_by_ref, reason = "the type that jsonwebtoken asks for")]
fn signer(algorithm: &Algorithm, key: &EncodingKey) -> Result<Box<dyn JwtSigner>, Error> {
    match (algorithm, key.family()) {
        (Algorithm::ES256, AlgorithmFamily::Ec) => Ok(Box::new(Es256Signer::new(key)?)),
        (Algorithm::HS256, AlgorithmFamily::Hmac) => Ok(Box::new(Hs256(mac_key(key.as_bytes())))),
        (Algorithm::ES256 | Algorithm::HS256, _) => Err(ErrorKind::InvalidKeyFormat.into()),
        _ => Err(unsupported()),
    }
}

#[expect(clippy::trivially_copy_pass_by_ref, reason = "the type that jsonwebtoken asks for")]
fn verifier(algorithm: &Algorithm, key: &DecodingKey) -> Result<Box<dyn JwtVerifier>, Error> {
    let bytes = key.try_get_as_bytes()?;
    match (algorithm, key.family()) {
        (Algorithm::ES256, AlgorithmFamily::Ec) => Ok(Box::new(Es256Verifier::new(bytes))),
        (Algorithm::HS256, AlgorithmFamily::Hmac) => Ok(Box::new(Hs256(mac_key(bytes)))),
        (Algorithm::ES256 | Algorithm::HS256, _) => Err(ErrorKind::InvalidKeyFormat.into()),
        _ => Err(unsupported()),
    }
}

fn mac_key(secret: &[u8]) -> hmac::Key {
    hmac::Key::new(hmac::HMAC_SHA256, secret)
}

struct Hs256(hmac::Key);

impl Signer<Vec<u8>> for Hs256 {
    fn try_sign(&self, message: &[u8]) -> Result<Vec<u8>, Rejected> {
        Ok(hmac::sign(&self.0, message).as_ref().to_vec())
    }
}

impl Verifier<Vec<u8>> for Hs256 {
    fn verify(&self, message: &[u8], tag: &Vec<u8>) -> Result<(), Rejected> {
        // `ring` compares in constant time.
        hmac::verify(&self.0, message, tag).map_err(|_| Rejected::new())
    }
}

impl JwtSigner for Hs256 {
    fn algorithm(&self) -> Algorithm {
        Algorithm::HS256
    }
}

impl JwtVerifier for Hs256 {
    fn algorithm(&self) -> Algorithm {
        Algorithm::HS256
    }
}

struct Es256Signer(EcdsaKeyPair);

impl Es256Signer {
    fn new(key: &EncodingKey) -> Result<Self, Error> {
        let random = machine::ring_random();
        EcdsaKeyPair::from_pkcs8(&ECDSA_P256_SHA256_FIXED_SIGNING, key.as_bytes(), &random)
            .map(Self)
            .map_err(|_| ErrorKind::InvalidEcdsaKey.into())
    }
}

impl Signer<Vec<u8>> for Es256Signer {
    fn try_sign(&self, message: &[u8]) -> Result<Vec<u8>, Rejected> {
        let signature = self.0.sign(&machine::ring_random(), message).map_err(|_| Rejected::new())?;
        Ok(signature.as_ref().to_vec())
    }
}

impl JwtSigner for Es256Signer {
    fn algorithm(&self) -> Algorithm {
        Algorithm::ES256
    }
}

struct Es256Verifier(UnparsedPublicKey<Vec<u8>>);

impl Es256Verifier {
    fn new(point: &[u8]) -> Self {
        Self(UnparsedPublicKey::new(&ECDSA_P256_SHA256_FIXED, point.to_vec()))
    }
}

impl Verifier<Vec<u8>> for Es256Verifier {
    fn verify(&self, message: &[u8], signature: &Vec<u8>) -> Result<(), Rejected> {
        // `ring` also refuses a point that is not on the curve.
        self.0.verify(message, signature).map_err(|_| Rejected::new())
    }
}

impl JwtVerifier for Es256Verifier {
    fn algorithm(&self) -> Algorithm {
        Algorithm::ES256
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    // ASVS-map: JW1, JW2
    #[test]
    fn an_algorithm_takes_only_a_key_of_its_own_family() {
        let shared = EncodingKey::from_secret(&[7; 32]);
        let private = EncodingKey::from_ec_der(&[7; 32]);
        assert!(signer(&Algorithm::HS256, &shared).is_ok());
        assert!(signer(&Algorithm::HS256, &private).is_err());
        assert!(signer(&Algorithm::ES256, &shared).is_err());

        let shared = DecodingKey::from_secret(&[4; 65]);
        let point = DecodingKey::from_ec_der(&[4; 65]);
        assert!(verifier(&Algorithm::HS256, &point).is_err());
        assert!(verifier(&Algorithm::ES256, &shared).is_err());
    }

    // ASVS-map: JW1
    #[test]
    fn algorithms_other_than_es256_and_hs256_are_refused() {
        let shared = EncodingKey::from_secret(&[7; 64]);
        for algorithm in [Algorithm::HS384, Algorithm::HS512, Algorithm::RS256, Algorithm::EdDSA] {
            assert_eq!(signer(&algorithm, &shared).err(), Some(unsupported()), "{algorithm:?}");
            let verified = verifier(&algorithm, &DecodingKey::from_secret(&[7; 64]));
            assert_eq!(verified.err(), Some(unsupported()), "{algorithm:?}");
        }
    }

    // ASVS-map: JW10
    #[test]
    fn a_point_off_the_curve_verifies_nothing() {
        let mut point = [4; 65];
        point[64] = 5;
        let off_curve = verifier(&Algorithm::ES256, &DecodingKey::from_ec_der(&point)).unwrap();
        assert!(off_curve.verify(b"message", &vec![1; 64]).is_err());
        assert!(Es256Signer::new(&EncodingKey::from_ec_der(&[1; 138])).is_err());
    }
}
