//! Tokens: how they are signed, read and verified.
//!
//! Three kinds exist, and none is accepted in place of another: [`access`] tokens (`at+jwt`), [`refresh`] tokens
//! (`rt+jwt`) and signed [`cookie`] values. The functions are pure: they take text, keys and the time, and return
//! claims or a [`TokenFault`]. They do not check that the session of a token is live.

pub mod access;
mod claims;
pub mod cookie;
mod jws;
pub mod refresh;
mod verified_credentials;

use std::time::Duration;

use thiserror::Error;

pub(crate) use jws::JwsForm;
pub use jws::{MAX_LENGTH, UnverifiedToken, claimed_session, claimed_tenant};
pub use verified_credentials::VerifiedCredentials;

use self::claims::Claims;
use crate::id::TenantId;
use crate::key::Kid;

/// The leeway for clocks that differ, on `exp` and `nbf` of access tokens: the default and the maximum.
pub const LEEWAY: Duration = Duration::from_mins(1);

/// The claims that a token must have to be accepted here.
#[derive(Clone, Copy, Debug)]
pub struct ExpectedClaims<'a> {
    /// `iss`, compared character by character (RFC 7519, section 4.1.1).
    pub issuer: &'a str,
    /// `aud`, compared character by character. A list is never accepted, not even one that contains this value.
    pub audience: &'a str,
    /// `tid`, the tenant's id.
    pub tenant: &'a TenantId,
}

impl ExpectedClaims<'_> {
    fn check(&self, claims: Claims<'_>) -> Result<(), TokenFault> {
        // The tenant first: if two tenants share a secret, this fault names the cause.
        claims.exactly("tid", self.tenant.as_str(), TokenFault::WrongTenant)?;
        claims.exactly("iss", self.issuer, TokenFault::WrongIssuer)?;
        claims.exactly("aud", self.audience, TokenFault::WrongAudience)
    }

    /// The same for a token under a shared secret, which may have no `aud`: every service that shares the secret can
    /// write one, so it proves nothing. A wrong one is refused.
    fn check_of_shared_secret(&self, claims: Claims<'_>) -> Result<(), TokenFault> {
        match self.check(claims) {
            Err(TokenFault::MissingClaim("aud")) => Ok(()),
            checked => checked,
        }
    }
}

/// Why a token was refused.
///
/// The text of a fault is for logs and metrics. It contains nothing that the client chose, except a [`Kid`], which is
/// short and plain. A client learns only that its token is invalid.
#[derive(Clone, PartialEq, Eq, Debug, Error)]
pub enum TokenFault {
    /// Longer than [`MAX_LENGTH`]; it was not parsed.
    #[error("the token is longer than {MAX_LENGTH} bytes")]
    TooLong,
    /// Not a compact JWS of strict base64url and JSON (RFC 7515, section 7.1).
    #[error("the token is malformed: {0}")]
    Malformed(&'static str),
    /// The header has a `crit` member: it requires an extension, and none is supported (RFC 7515, section 4.1.11).
    #[error("the token demands an extension")]
    UnknownExtension,
    /// `typ` names another kind of token.
    #[error("the token is of another kind")]
    WrongType,
    /// No key has this id and use. It may be newer than the key ring, so the caller should load the keys again, at most
    /// once in a while.
    #[error("no key has the id {kid}")]
    UnknownKey {
        /// The `kid` of the token.
        kid: Kid,
    },
    /// `alg` is not the algorithm of the key.
    #[error("the token's algorithm is not the key's")]
    WrongAlgorithm,
    /// The key did not make this signature or MAC over these bytes.
    #[error("the signature does not fit")]
    BadSignature,
    /// `exp` is past.
    #[error("the token has expired")]
    Expired,
    /// `nbf` is in the future.
    #[error("the token is not valid yet")]
    NotYetValid,
    /// `iss` is another issuer.
    #[error("the token is another issuer's")]
    WrongIssuer,
    /// `aud` is another audience.
    #[error("the token is for another audience")]
    WrongAudience,
    /// `tid` is another tenant.
    #[error("the token is another tenant's")]
    WrongTenant,
    /// A claim that this kind of token must have is missing.
    #[error("the token has no claim {0}")]
    MissingClaim(&'static str),
    /// A claim has the wrong type or is out of range.
    #[error("the token's claim {0} has a wrong type or value")]
    BadClaim(&'static str),
}

/// Why a token could not be made.
#[derive(Clone, PartialEq, Eq, Debug, Error)]
pub enum SignFault {
    /// There is no key for this use.
    #[error("there is no signing key")]
    NoKey,
    /// The claims are so long that no verifier would accept the token.
    #[error("the token would be longer than {MAX_LENGTH} bytes")]
    TooLong,
    /// The claims cannot be serialized.
    #[error("the claims cannot be written as JSON")]
    Unwritable,
    /// The cryptographic library refused to sign.
    #[error("signing failed")]
    Refused,
}

#[cfg(test)]
mod tests;
