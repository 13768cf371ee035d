//! Tokens: what is signed, how it is read, and when it is believed.
//!
//! Three kinds exist, and none is accepted where another is expected: [`access`] tokens (`at+jwt`), [`refresh`] tokens
//! (`rt+jwt`) and signed [`cookie`] values. All of it is pure: text, keys and the time go in, claims or a [`TokenFault`]
//! come out. Whether the session behind a token still lives is asked elsewhere.

pub mod access;
mod claims;
pub mod cookie;
pub mod crypto_provider;
mod jws;
pub mod refresh;
mod strict_json;

use std::time::Duration;

use thiserror::Error;

pub use jws::{MAX_LENGTH, claimed_tenant};

use self::claims::Claims;
use crate::id::TenantId;
use crate::key::Kid;

/// The leeway for clocks that disagree, on `exp`, `nbf` and `iat` of access tokens: the default, and the most that can
/// be asked for.
pub const LEEWAY: Duration = Duration::from_mins(1);

/// What a token must say to be meant for us.
#[derive(Clone, Copy, Debug)]
pub struct ExpectedClaims<'a> {
    /// `iss`, compared character by character (RFC 7519, section 4.1.1).
    pub issuer: &'a str,
    /// `aud`, compared character by character. A list is never accepted, not even one that contains this.
    pub audience: &'a str,
    /// `tid`.
    pub tenant: &'a TenantId,
}

impl ExpectedClaims<'_> {
    fn check(&self, claims: Claims<'_>) -> Result<(), TokenFault> {
        // The tenant first: where two tenants share a secret, this is the answer that says what happened.
        claims.exactly("tid", self.tenant.as_str(), TokenFault::WrongTenant)?;
        claims.exactly("iss", self.issuer, TokenFault::WrongIssuer)?;
        claims.exactly("aud", self.audience, TokenFault::WrongAudience)
    }
}

/// Why a token was not believed.
///
/// The text of a fault is for logs and metrics: it contains nothing that the sender chose, but for a [`Kid`], which is
/// short and plain. A client is told only that its token is no good.
#[derive(Clone, PartialEq, Eq, Debug, Error)]
pub enum TokenFault {
    /// Longer than [`MAX_LENGTH`]; nothing of it was read.
    #[error("the token is longer than {MAX_LENGTH} bytes")]
    TooLong,
    /// Not a compact JWS of strict base64url and JSON (RFC 7515, section 7.1).
    #[error("the token is malformed: {0}")]
    Malformed(&'static str),
    /// The header has a `crit` member: it demands something that nobody here understands (RFC 7515, section 4.1.11).
    #[error("the token demands an extension")]
    UnknownExtension,
    /// `typ` says that this token is for something else.
    #[error("the token is of another kind")]
    WrongType,
    /// No key of this name and use. It may be newer than the key ring: loading the keys again, at most once in a while,
    /// is worth it.
    #[error("no key is called {kid}")]
    UnknownKey {
        /// What the token calls its key.
        kid: Kid,
    },
    /// `alg` is not the algorithm of the key.
    #[error("the token's algorithm is not the key's")]
    WrongAlgorithm,
    /// The signature, or the MAC, is not by that key over these bytes.
    #[error("the signature does not fit")]
    BadSignature,
    /// `exp` is past.
    #[error("the token has expired")]
    Expired,
    /// `nbf`, or `iat`, is still to come.
    #[error("the token is not valid yet")]
    NotYetValid,
    /// `iss` is somebody else.
    #[error("the token is another issuer's")]
    WrongIssuer,
    /// `aud` is somebody else.
    #[error("the token is for another audience")]
    WrongAudience,
    /// `tid` is another tenant.
    #[error("the token is another tenant's")]
    WrongTenant,
    /// A claim that this kind of token always has is not there.
    #[error("the token has no claim {0}")]
    MissingClaim(&'static str),
    /// A claim is there, and is of another type or out of range.
    #[error("the token's claim {0} is not what it should be")]
    BadClaim(&'static str),
}

/// Why a token could not be made.
#[derive(Clone, PartialEq, Eq, Debug, Error)]
pub enum SignFault {
    /// No key of this use is active yet: a tenant's first key needs an `active_from` that is past on every node.
    #[error("no signing key is active")]
    NoKey,
    /// The claims are so long that nobody would accept the token, ourselves included.
    #[error("the token would be longer than {MAX_LENGTH} bytes")]
    TooLong,
    /// The claims cannot be written.
    #[error("the claims cannot be written as JSON")]
    Unwritable,
    /// The key did not sign.
    #[error("signing failed")]
    Refused(#[from] jsonwebtoken::errors::Error),
}

#[cfg(test)]
mod tests;
