//! The named strategies, in one table.

use std::time::Duration;

use serde::{Deserialize, Deserializer};
use thiserror::Error;

use super::{Carrier, Check, Renewal, SessionClaim, Strategy};
use crate::word_enum::word_enum;

word_enum! {
    /// The name of a strategy, as tokens, paths and stores spell it, in the order of the documentation.
    #[derive(PartialOrd, Ord, Hash)]
    pub enum StrategyName or UnknownStrategy(String) {
        /// A stateless JWT.
        Jwt = "jwt",
        /// A server-side session with an opaque id in a cookie.
        Session = "session",
        /// A JWT on an allowlist.
        Hybrid = "hybrid",
        /// A short-lived JWT and a rotating refresh token.
        Refresh = "refresh",
        /// A short-lived JWT with a denylist, and a rotating refresh token.
        Denylist = "denylist",
        /// A JWT whose session must be live.
        SessionJwt = "session-jwt",
        /// A device session: a short-lived JWT whose session must be live, and a rotating refresh token.
        Device = "device",
    }
}

/// The word is not the name of a strategy.
#[derive(Clone, PartialEq, Eq, Debug, Error)]
#[error(
    "no strategy is called {0:?}: there are jwt, session, hybrid, refresh, denylist, session-jwt and device"
)]
pub struct UnknownStrategy(pub String);

const MINUTE: u64 = 60;
const HOUR: u64 = 60 * MINUTE;
const DAY: u64 = 24 * HOUR;

const ROTATING: Renewal = Renewal::Rotating {
    access: Duration::from_secs(15 * MINUTE),
    refresh: Duration::from_secs(7 * DAY),
    max: Duration::from_secs(30 * DAY),
    grace: Duration::from_secs(MINUTE),
};

const fn fixed(seconds: u64) -> Renewal {
    Renewal::Fixed { lifetime: Duration::from_secs(seconds) }
}

const SLIDING: Renewal =
    Renewal::Sliding { idle: Duration::from_secs(DAY), max: Duration::from_secs(30 * DAY) };

impl StrategyName {
    /// The strategies under `/auth/{strategy}`. Device sessions have other routes.
    pub const ROUTED: [Self; 6] =
        [Self::Jwt, Self::Session, Self::Hybrid, Self::Refresh, Self::Denylist, Self::SessionJwt];

    /// Whether a sign-in under this strategy can have a second step.
    #[must_use]
    pub const fn has_second_step(self) -> bool {
        matches!(self, Self::Device)
    }

    /// The strategy with its default lifetimes.
    #[must_use]
    pub const fn strategy(self) -> Strategy {
        let (carrier, check, renewal) = match self {
            Self::Jwt => (Carrier::Bearer, Check::Signed, fixed(HOUR)),
            Self::Session => (Carrier::Cookie, Check::Stored, SLIDING),
            Self::Hybrid => (Carrier::Bearer, Check::SignedAndLive(SessionClaim::Jti), fixed(HOUR)),
            Self::Refresh => (Carrier::Bearer, Check::Signed, ROTATING),
            Self::Denylist => (Carrier::Bearer, Check::SignedUnlessRevoked, ROTATING),
            Self::SessionJwt => (Carrier::Bearer, Check::SignedAndLive(SessionClaim::Sid), fixed(DAY)),
            Self::Device => (Carrier::Bearer, Check::SignedAndLive(SessionClaim::Sid), ROTATING),
        };
        Strategy { carrier, check, renewal }
    }
}

impl<'de> Deserialize<'de> for StrategyName {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let text = String::deserialize(deserializer)?;
        text.parse().map_err(serde::de::Error::custom)
    }
}
