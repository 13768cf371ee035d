//! Strategies: how a user stays signed in. A strategy combines a carrier, a check and a renewal.
//!
//! A [`Strategy`] is data. The engine asks what to do, never which strategy it is: this module alone distinguishes
//! their names. A combination that contradicts itself cannot be built.
//!
//! ```
//! use std::time::Duration;
//! use portcullis_core::strategy::{Carrier, Check, InvalidStrategy, Renewal, Strategy};
//!
//! let sliding = Renewal::Sliding { idle: Duration::from_secs(60), max: Duration::from_secs(600) };
//! assert!(Strategy::new(Carrier::Cookie, Check::Stored, sliding).is_ok());
//! // A signed token is verified without a record, so its expiry cannot move.
//! let refused = Strategy::new(Carrier::Bearer, Check::Signed, sliding);
//! assert_eq!(refused, Err(InvalidStrategy::SlidesWithoutSession));
//! ```

mod carrier;
mod name;

use std::time::Duration;

use thiserror::Error;

pub use carrier::{AmbiguousCredential, Carrier, PresentedCredentials};
pub use name::{StrategyName, UnknownStrategy};

use crate::clock::Timestamp;

/// How a credential is verified.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Check {
    /// An opaque id: its session must be live.
    Stored,
    /// A signed token: the signature and the times must be right. No record is read.
    Signed,
    /// A signed token whose session must be live as well: an allowlist.
    SignedAndLive(SessionClaim),
    /// A signed token whose session must not have been ended: a denylist.
    SignedUnlessRevoked,
}

/// The claim by which a [`Check::SignedAndLive`] token names its session.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum SessionClaim {
    /// `jti`: the token's id is the session's id, so the store is an allowlist of tokens.
    Jti,
    /// `sid`: the session's id.
    Sid,
}

/// What extends a session beyond the lifetime of its first credential.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Renewal {
    /// Nothing: the user signs in again.
    Fixed {
        /// From sign-in to the end.
        lifetime: Duration,
    },
    /// Every use.
    Sliding {
        /// The idle timeout: from the last use to the end.
        idle: Duration,
        /// The absolute timeout: from sign-in to the end.
        max: Duration,
    },
    /// A refresh token, which rotates.
    Rotating {
        /// The lifetime of an access token.
        access: Duration,
        /// The lifetime of a refresh token, from its own issue.
        refresh: Duration,
        /// The absolute timeout: from sign-in to the end.
        max: Duration,
        /// The grace window: how long a used refresh token, with the device proof, gets the same successor.
        grace: Duration,
    },
}

/// A combination of carrier, check and renewal that does not contradict itself.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Strategy {
    carrier: Carrier,
    check: Check,
    renewal: Renewal,
}

/// Why carrier, check and renewal contradict each other.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Error)]
pub enum InvalidStrategy {
    /// A check that does not read the session cannot see a timeout that slides.
    #[error(
        "a token that is believed without its session cannot slide: choose Fixed or Rotating, or a check that reads the session"
    )]
    SlidesWithoutSession,
    /// An opaque id has no refresh token: it is renewed by use or not at all.
    #[error(
        "an opaque session id is not renewed by a refresh token: choose Fixed or Sliding, or a signed check"
    )]
    RotatesOpaqueId,
    /// A lifetime is zero, or longer than one that must contain it.
    #[error("lifetimes must be over zero and nest: access within refresh, refresh and idle within max")]
    Lifetimes,
}

/// When a session and its first credential expire.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Expiries {
    /// The expiry of the credential that the client sends with each request.
    pub credential: Timestamp,
    /// The idle timeout of the session.
    pub idle: Timestamp,
    /// The absolute timeout of the session.
    pub absolute: Timestamp,
}

impl Strategy {
    /// Combines the three choices.
    ///
    /// # Errors
    /// [`InvalidStrategy`] if they contradict each other.
    pub const fn new(carrier: Carrier, check: Check, renewal: Renewal) -> Result<Self, InvalidStrategy> {
        if !renewal.nests() {
            return Err(InvalidStrategy::Lifetimes);
        }
        match (check, renewal) {
            (Check::Signed | Check::SignedUnlessRevoked, Renewal::Sliding { .. }) => {
                Err(InvalidStrategy::SlidesWithoutSession)
            }
            (Check::Stored, Renewal::Rotating { .. }) => Err(InvalidStrategy::RotatesOpaqueId),
            _ => Ok(Self { carrier, check, renewal }),
        }
    }

    /// How the client sends its credential.
    #[must_use]
    pub const fn carrier(&self) -> Carrier {
        self.carrier
    }

    /// How the credential is verified.
    #[must_use]
    pub const fn check(&self) -> Check {
        self.check
    }

    /// What extends the session.
    #[must_use]
    pub const fn renewal(&self) -> Renewal {
        self.renewal
    }

    /// The same strategy with other lifetimes.
    ///
    /// # Errors
    /// [`InvalidStrategy`] if the new renewal does not suit the check, or its lifetimes do not nest.
    pub const fn with_renewal(self, renewal: Renewal) -> Result<Self, InvalidStrategy> {
        Self::new(self.carrier, self.check, renewal)
    }

    /// Whether a session is stored. Without one there is nothing to list and nothing to end.
    #[must_use]
    pub const fn keeps_session(&self) -> bool {
        !matches!((self.check, self.renewal), (Check::Signed, Renewal::Fixed { .. }))
    }

    /// Whether clients get a refresh token.
    #[must_use]
    pub const fn rotates(&self) -> bool {
        matches!(self.renewal, Renewal::Rotating { .. })
    }

    /// The expiries of a session that begins at `now`.
    #[must_use]
    pub fn expiries(&self, now: Timestamp) -> Expiries {
        match self.renewal {
            Renewal::Fixed { lifetime } => {
                let end = now.plus(lifetime);
                Expiries { credential: end, idle: end, absolute: end }
            }
            Renewal::Sliding { idle, max } => {
                let absolute = now.plus(max);
                // The server sends a cookie again when it slides. It does not replace a token, which must last as long
                // as the session may.
                let credential = if matches!(self.check, Check::Stored) { now.plus(idle) } else { absolute };
                Expiries { credential, idle: now.plus(idle), absolute }
            }
            Renewal::Rotating { access, refresh, max, .. } => {
                Expiries { credential: now.plus(access), idle: now.plus(refresh), absolute: now.plus(max) }
            }
        }
    }
}

impl Renewal {
    const fn nests(&self) -> bool {
        match *self {
            Self::Fixed { lifetime } => !lifetime.is_zero(),
            Self::Sliding { idle, max } => !idle.is_zero() && idle.as_nanos() <= max.as_nanos(),
            Self::Rotating { access, refresh, max, .. } => {
                !access.is_zero()
                    && access.as_nanos() <= refresh.as_nanos()
                    && refresh.as_nanos() <= max.as_nanos()
            }
        }
    }
}

#[cfg(test)]
mod tests;
