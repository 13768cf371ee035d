//! Refresh tokens (`rt+jwt`): how they are written, read and chained.
//!
//! A token names its session, its generation and a random [`ChainSecret`] *r*. The next generation's *r* is derived
//! from this one's and the key that signed this one ([`next_secret`]), and [`encode`] writes the same claims as the
//! same bytes. So a client that repeats a refresh gets the successor that was lost, and stores keep hashes only. This
//! module does not decide whether a token is current, repeated or reused: see
//! [`Session::rotate`](crate::session::Session::rotate).
//!
//! The MAC key and the chain key are derived separately from one refresh key (HKDF, RFC 5869), so a signature reveals
//! nothing about a successor.

use std::sync::Arc;

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use ring::hmac;
use serde::Serialize;
use zeroize::Zeroizing;

use super::claims::Claims;
use super::jws::{self, Jws, UnverifiedToken};
use super::{ExpectedClaims, SignFault, TokenFault};
use crate::clock::Timestamp;
use crate::id::{SessionId, TenantId};
use crate::key::{Keyring, RefreshKey};
use crate::random::{self, Random};
use crate::secret::SecretHash;
use crate::session::REPEAT_AFTER_EXPIRY;
use crate::shown::shown_by_name;

const TYPE: &str = "rt+jwt";

/// The secret of one generation of a refresh token: 256 random bits. Compare hashes, not secrets: `==` is not constant
/// in time.
#[derive(Clone, PartialEq, Eq)]
pub struct ChainSecret(Zeroizing<[u8; 32]>);

impl ChainSecret {
    /// The hash to store.
    #[must_use]
    pub fn hash(&self) -> SecretHash {
        SecretHash::of(&[b"refresh token", self.0.as_slice()])
    }

    fn encoded(&self) -> Zeroizing<String> {
        Zeroizing::new(URL_SAFE_NO_PAD.encode(self.0.as_slice()))
    }

    fn decoded(text: &str) -> Option<Self> {
        let bytes = Zeroizing::new(URL_SAFE_NO_PAD.decode(text).ok()?);
        Some(Self(Zeroizing::new(bytes.as_slice().try_into().ok()?)))
    }
}

shown_by_name!(ChainSecret);

/// Draws the secret of a session's first generation.
#[must_use]
pub fn first_secret(random: &dyn Random) -> ChainSecret {
    ChainSecret(Zeroizing::new(random::bytes(random)))
}

/// The secret of the generation after `r`. `key` must be the one that signed the token with `r`, even if another signs
/// now, so that a retry after a key rotation gives the same successor.
#[must_use]
pub fn next_secret(key: &RefreshKey, r: &ChainSecret) -> ChainSecret {
    let mut next = Zeroizing::new([0; 32]);
    next.copy_from_slice(hmac::sign(key.chain(), r.0.as_slice()).as_ref());
    ChainSecret(next)
}

/// The claims of a refresh token. A token carries whole seconds: fractions are dropped.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct RefreshClaims {
    /// `iss`: the issuer.
    pub issuer: Arc<str>,
    /// `aud`: the audience of the access tokens that come with it.
    pub audience: Arc<str>,
    /// `tid`: the tenant.
    pub tenant: TenantId,
    /// `sid`: the session.
    pub session: SessionId,
    /// `gen`: how many refreshes of the session came before this token.
    pub generation: u64,
    /// `r`: the secret of this generation.
    pub r: ChainSecret,
    /// `iat`: when the token was issued.
    pub issued: Timestamp,
    /// `exp`: when the token expires; from this second on it is invalid.
    pub expires: Timestamp,
}

/// Writes a refresh token. The same key and claims always give the same bytes.
///
/// # Errors
///
/// [`SignFault::TooLong`] if issuer or audience make the token exceed the maximum length.
pub fn encode(key: &RefreshKey, claims: &RefreshClaims) -> Result<String, SignFault> {
    let r = claims.r.encoded();
    let wire = RefreshPayload {
        iss: &claims.issuer,
        aud: &claims.audience,
        tid: claims.tenant.as_str(),
        sid: claims.session,
        generation: claims.generation,
        r: &r,
        iat: claims.issued.as_seconds(),
        exp: claims.expires.as_seconds(),
    };
    jws::sign_compact(TYPE, key.mac(), &wire)
}

/// Verifies a refresh token, and returns its claims and the key that signed it, which [`next_secret`] needs.
///
/// A token up to [`REPEAT_AFTER_EXPIRY`] past its `exp` is returned:
/// [`Session::rotate`](crate::session::Session::rotate) decides what it is still good for. An `iat` in the future is
/// no reason to refuse: clocks are set back.
///
/// # Errors
///
/// [`TokenFault`]. The MAC is verified before any claim counts. [`TokenFault::Expired`] means that the token is valid
/// in every other way.
pub fn decode<'k>(
    keys: &'k Keyring,
    token: &UnverifiedToken<'_>,
    now: Timestamp,
    expected: &ExpectedClaims<'_>,
) -> Result<(RefreshClaims, &'k RefreshKey), TokenFault> {
    let jws = Jws::read(token.text, TYPE)?;
    let Some(key) = keys.refresh_key(jws.kid(), now) else {
        return Err(TokenFault::UnknownKey { kid: jws.kid().clone() });
    };
    jws.verify_signature(Some(key.mac()))?;
    let claims = Claims::new(&token.members);
    expected.check(claims)?;
    let claims = read(claims, expected.tenant)?;
    let is_over = now >= claims.expires.plus(REPEAT_AFTER_EXPIRY);
    if is_over { Err(TokenFault::Expired) } else { Ok((claims, key)) }
}

fn read(claims: Claims<'_>, tenant: &TenantId) -> Result<RefreshClaims, TokenFault> {
    Ok(RefreshClaims {
        issuer: claims.text("iss")?.into(),
        audience: claims.text("aud")?.into(),
        tenant: tenant.clone(),
        session: claims.parsed("sid")?,
        generation: claims.integer("gen")?,
        r: ChainSecret::decoded(claims.text("r")?).ok_or(TokenFault::BadClaim("r"))?,
        issued: claims.time("iat")?,
        expires: claims.time("exp")?,
    })
}

/// The claims as JSON, in this order, without anything that can change between a refresh and its retry.
#[derive(Serialize)]
struct RefreshPayload<'a> {
    iss: &'a str,
    aud: &'a str,
    tid: &'a str,
    sid: SessionId,
    #[serde(rename = "gen")]
    generation: u64,
    r: &'a str,
    iat: i64,
    exp: i64,
}
