//! How people stay signed in: three closed choices, and the table of the ones that have a name.
//!
//! A [`Strategy`] is data. The engine asks it what to do and never which one it is; this module is the only place that
//! knows the names apart. Combinations that contradict themselves cannot be built.
//!
//! ```
//! use std::time::Duration;
//! use portcullis_core::strategy::{Carrier, Check, Contradiction, Renewal, Strategy};
//!
//! let sliding = Renewal::Sliding { idle: Duration::from_secs(60), max: Duration::from_secs(600) };
//! assert!(Strategy::new(Carrier::Cookie, Check::Stored, sliding).is_ok());
//! // Nothing is kept of a signed token, so there is nothing that could slide.
//! assert_eq!(Strategy::new(Carrier::Bearer, Check::Signed, sliding), Err(Contradiction::NothingSlides));
//! ```

mod carrier;
mod name;

use std::time::Duration;

use thiserror::Error;

pub use carrier::{AmbiguousCredential, Carrier, PresentedCredentials};
pub use name::{StrategyName, UnknownStrategy};

use crate::clock::Timestamp;

/// How a credential is believed.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Check {
    /// An opaque id: its session is live.
    Stored,
    /// A signed token: the signature is right and it has not expired. Nothing else is asked.
    Signed,
    /// A signed token whose session is live, too: an allowlist, and a session over JWT.
    SignedAndLive(SessionClaim),
    /// A signed token whose session has not been ended: a denylist.
    SignedUnlessRevoked,
}

/// The claim by which a [`Check::SignedAndLive`] token names its session.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum SessionClaim {
    /// The token's own id is the session's: the store is an allowlist of tokens.
    Jti,
    /// The session's id.
    Sid,
}

/// What keeps somebody signed in for longer than the first credential lasts.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Renewal {
    /// Nothing.
    Fixed {
        /// From sign-in to the end.
        lifetime: Duration,
    },
    /// Use.
    Sliding {
        /// From the last use to the end.
        idle: Duration,
        /// From sign-in to the end, used or not.
        max: Duration,
    },
    /// A refresh token that is spent when it is used.
    Rotating {
        /// Life of an access token.
        access: Duration,
        /// Life of a refresh token, from its own issue.
        refresh: Duration,
        /// From sign-in to the end, refreshed or not.
        max: Duration,
        /// How long after a rotation its spent token, with the device proof, is answered with the same successor.
        grace: Duration,
    },
}

/// A way to stay signed in.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Strategy {
    carrier: Carrier,
    check: Check,
    renewal: Renewal,
}

/// The three choices contradict each other.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Error)]
pub enum InvalidStrategy {
    /// A check that does not read the session cannot follow one that slides.
    #[error(
        "a token that is believed without its session cannot slide: choose Fixed or Rotating, or a check that reads the session"
    )]
    SlidesWithoutSession,
    /// An opaque id is renewed by use or not at all; there is no second token beside it.
    #[error(
        "an opaque session id is not renewed by a refresh token: choose Fixed or Sliding, or a signed check"
    )]
    RotatesOpaqueId,
    /// A lifetime is zero, or one that must lie within another does not.
    #[error("lifetimes must be over zero and nest: access within refresh, refresh and idle within max")]
    Lifetimes,
}

/// When the things that a sign-in hands out come to their end.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Expiries {
    /// The credential that is shown with each request.
    pub credential: Timestamp,
    /// The session, if nothing renews it.
    pub idle: Timestamp,
    /// The session, whatever renews it.
    pub absolute: Timestamp,
}

impl Strategy {
    /// The strategy made of these three.
    ///
    /// # Errors
    /// A [`InvalidStrategy`] between them.
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

    /// How the credential travels.
    #[must_use]
    pub const fn carrier(&self) -> Carrier {
        self.carrier
    }

    /// How it is believed.
    #[must_use]
    pub const fn check(&self) -> Check {
        self.check
    }

    /// How it is renewed.
    #[must_use]
    pub const fn renewal(&self) -> Renewal {
        self.renewal
    }

    /// The same strategy with other lifetimes.
    ///
    /// # Errors
    /// A [`InvalidStrategy`]: the new renewal does not suit the check, or its lifetimes do not nest.
    pub const fn with_renewal(self, renewal: Renewal) -> Result<Self, InvalidStrategy> {
        Self::new(self.carrier, self.check, renewal)
    }

    /// Whether anything is kept of a session: without it there is nothing to list and nothing to end.
    #[must_use]
    pub const fn keeps_session(&self) -> bool {
        !matches!((self.check, self.renewal), (Check::Signed, Renewal::Fixed { .. }))
    }

    /// Whether a refresh token comes with it.
    #[must_use]
    pub const fn rotates(&self) -> bool {
        matches!(self.renewal, Renewal::Rotating { .. })
    }

    /// The ends of what is handed out at `now`.
    #[must_use]
    pub fn ends(&self, now: Timestamp) -> Expiries {
        match self.renewal {
            Renewal::Fixed { lifetime } => {
                let end = now.plus(lifetime);
                Expiries { credential: end, idle: end, absolute: end }
            }
            Renewal::Sliding { idle, max } => {
                let absolute = now.plus(max);
                // A cookie is sent again when it slides; a token is not, and must last as long as its session may.
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
