//! The JWK Set (RFC 7517), from which other services read the public keys.

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use serde::Serialize;

use super::Kid;

/// A JWK Set (RFC 7517, section 5). It holds public keys only, because a [`Jwk`] cannot hold others.
#[derive(Clone, PartialEq, Eq, Debug, Serialize)]
pub struct Jwks {
    /// The keys, newest first.
    pub keys: Vec<Jwk>,
}

/// A public key on P-256 that verifies access tokens (RFC 7518, section 6.2.1). It has no member for a private key.
#[derive(Clone, PartialEq, Eq, Debug, Serialize)]
pub struct Jwk {
    kty: &'static str,
    crv: &'static str,
    x: String,
    y: String,
    #[serde(rename = "use")]
    usage: &'static str,
    alg: &'static str,
    kid: Kid,
}

impl Jwk {
    /// The key of an uncompressed point (SEC 1, section 2.3.3): 4, x, y. `None` for other bytes.
    pub(super) fn of_point(kid: &Kid, point: &[u8]) -> Option<Self> {
        let (4, coordinates) = point.split_first()? else {
            return None;
        };
        let (x, y) = coordinates.split_at_checked(32).filter(|(_, y)| y.len() == 32)?;
        let encode = |coordinate| URL_SAFE_NO_PAD.encode(coordinate);
        Some(Self {
            kty: "EC",
            crv: "P-256",
            x: encode(x),
            y: encode(y),
            usage: "sig",
            alg: "ES256",
            kid: kid.clone(),
        })
    }

    /// The id of the key.
    #[must_use]
    pub const fn kid(&self) -> &Kid {
        &self.kid
    }
}
