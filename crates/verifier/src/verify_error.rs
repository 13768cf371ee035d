//! Why a credential is not accepted.

use std::time::Duration;

use portcullis_core::token::TokenFault;
use thiserror::Error;

/// Why a credential is not accepted. An outage is never a rejection: only [`VerifyError::Unavailable`] is 503, and all
/// others are 401.
#[derive(Clone, PartialEq, Eq, Debug, Error)]
pub enum VerifyError {
    /// The request shows no credential.
    #[error("no credential was shown")]
    Missing,
    /// The token is not valid.
    #[error(transparent)]
    Invalid(#[from] TokenFault),
    /// The token is of a tenant or a strategy that this verifier does not accept.
    #[error("the token is of a tenant that is not accepted here")]
    OtherTenant,
    /// The session has ended, the user was disabled, the tenant suspended, or the key compromised.
    #[error("the credential has been revoked")]
    Revoked,
    /// The server does not accept it.
    #[error("the server does not accept the credential")]
    Refused,
    /// Whether it counts cannot be known now: 503, with `Retry-After`.
    #[error("whether the credential counts cannot be known now")]
    Unavailable {
        /// When to try again.
        retry_after: Duration,
    },
}

impl VerifyError {
    /// An outage; it is worth trying again in a second.
    pub(crate) const UNAVAILABLE: Self = Self::Unavailable { retry_after: Duration::from_secs(1) };

    /// The status of the answer: 503 in an outage, else 401.
    #[must_use]
    pub const fn status(&self) -> u16 {
        if matches!(self, Self::Unavailable { .. }) { 503 } else { 401 }
    }
}
