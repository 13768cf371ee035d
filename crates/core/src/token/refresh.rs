//! Refresh tokens: a session's right to go on, one generation at a time.
//!
//! A token names its session, its generation and a random [`ChainSecret`] *r*. The next generation's *r* follows from
//! this one's and from the key that signed this one ([`next_secret`]), and [`encode`] always writes the same claims as the
//! same bytes: so whoever repeats a refresh gets the successor that was lost, and nothing but hashes has to be stored.
//! What it means that a token is current, repeated or stolen is decided elsewhere.
//!
//! The MAC key and the chain key are derived apart from one refresh key (HKDF, RFC 5869): neither a signature nor a
//! successor says anything about the other.

use std::fmt;
use std::sync::Arc;

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use ring::hmac;
use serde::Serialize;
use zeroize::Zeroizing;

use super::claims::Claims;
use super::jws::{self, Jws};
use super::{ExpectedClaims, LEEWAY, SignFault, TokenFault};
use crate::clock::Timestamp;
use crate::id::{SessionId, TenantId};
use crate::key::{Keyring, RefreshKey};
use crate::random::{self, Random};
use crate::secret::SecretHash;

const TYPE: &str = "rt+jwt";

/// What makes one generation of a refresh token unguessable: 256 bits. Compare hashes, not secrets: `==` takes a time
/// that depends on both.
#[derive(Clone, PartialEq, Eq)]
pub struct ChainSecret(Zeroizing<[u8; 32]>);

impl ChainSecret {
    /// What may be stored.
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

impl fmt::Debug for ChainSecret {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("ChainSecret")
    }
}

/// The secret of a session's first generation.
#[must_use]
pub fn first_secret(random: &dyn Random) -> ChainSecret {
    ChainSecret(Zeroizing::new(random::bytes(random)))
}

/// The secret of the generation after `r`. `key` is the one that signed the token with `r`, whichever signs now: so a
/// retry gives the same successor, even across a change of keys.
#[must_use]
pub fn next_secret(key: &RefreshKey, r: &ChainSecret) -> ChainSecret {
    let mut next = Zeroizing::new([0; 32]);
    next.copy_from_slice(hmac::sign(key.chain(), r.0.as_slice()).as_ref());
    ChainSecret(next)
}

/// What a refresh token says. Times have whole seconds in a token: a fraction is dropped.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct RefreshClaims {
    /// `iss`: who issued it.
    pub issuer: Arc<str>,
    /// `aud`: whom it is for.
    pub audience: Arc<str>,
    /// `tid`: the tenant.
    pub tenant: TenantId,
    /// `sid`: the session.
    pub session: SessionId,
    /// `gen`: how many times the session's token was renewed before this one.
    pub generation: u64,
    /// `r`: what makes it unguessable.
    pub r: ChainSecret,
    /// `iat`: issued at.
    pub issued: Timestamp,
    /// `exp`: expires at; from this second on it is no good.
    pub expires: Timestamp,
}

/// Writes a refresh token: the same key and claims give the same bytes, always.
///
/// # Errors
///
/// [`SignFault::TooLong`] for an issuer or an audience beyond all measure.
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

/// Reads a refresh token that one of the tenant's refresh keys has signed, and says which: [`next_secret`] wants that
/// one.
///
/// There is no leeway on `exp`. An `iat` up to [`LEEWAY`] ahead is accepted, because the node that issued the token may
/// have a faster clock.
///
/// # Errors
///
/// A [`TokenFault`]; nothing that the token says is looked at before its MAC is right. [`TokenFault::Expired`] is said
/// only of a token that is right in every other way.
pub fn decode<'k>(
    keys: &'k Keyring,
    text: &str,
    now: Timestamp,
    expected: &ExpectedClaims<'_>,
) -> Result<(RefreshClaims, &'k RefreshKey), TokenFault> {
    let jws = Jws::read(text, TYPE)?;
    let Some(key) = keys.refresh_key(jws.kid(), now) else {
        return Err(TokenFault::UnknownKey { kid: jws.kid().clone() });
    };
    let members = jws.verify(Some(key.mac()))?;
    let claims = Claims::new(&members);
    expected.check(claims)?;
    let claims = read(claims, expected.tenant)?;
    check_time(&claims, now)?;
    Ok((claims, key))
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

fn check_time(claims: &RefreshClaims, now: Timestamp) -> Result<(), TokenFault> {
    if claims.issued > now.plus(LEEWAY) {
        return Err(TokenFault::NotYetValid);
    }
    if now >= claims.expires { Err(TokenFault::Expired) } else { Ok(()) }
}

/// The claims as they are written: this order, and nothing that can change between a refresh and its retry.
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
