//! The one thing that says somebody is signed in.
//!
//! A [`Session`] is the same type for every strategy, every store and every transport. It changes by the transitions
//! in this module and in [`rotation`](self), which take it by value and the time as an argument, ask nobody and cannot
//! fail half-way. No transition leads out of [`State::Ended`].

mod device;
mod ended;
mod rotation;

use crate::clock::Timestamp;
use crate::id::{SessionKey, UserId, UserKey};
use crate::secret::SecretHash;
use crate::strategy::StrategyName;

pub use device::{Device, KNOWN_DEVICE, Proof};
pub use ended::{EndReason, Ending, NotAReason};
pub use rotation::{Previous, Redemption, Rotated, Rotation};

use std::time::Duration;

/// How long a record outlives its use, so that clocks that differ and people who look back still find it.
pub const KEPT_LONGER: Duration = Duration::from_hours(1);

/// Somebody, signed in on one device.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Session {
    /// Tenant and public id.
    pub key: SessionKey,
    /// Who is signed in.
    pub user: UserId,
    /// Under which strategy.
    pub strategy: StrategyName,
    /// On what.
    pub device: Device,
    /// The sign-in.
    pub created: Timestamp,
    /// The last use that was written down; up to a minute behind.
    pub last_seen: Timestamp,
    /// The end, if nothing renews it.
    pub idle_expires: Timestamp,
    /// The end, whatever renews it.
    pub absolute_expires: Timestamp,
    /// The epochs it was made under.
    pub epochs: Epochs,
    /// Hash of the opaque id, where a cookie carries one.
    pub cookie: Option<SecretHash>,
    /// The refresh token, where one rotates.
    pub rotation: Option<Rotation>,
    /// The device proof, where one was given out.
    pub proof: Option<Proof>,
    /// Whether it still stands.
    pub state: State,
}

/// Whether a session still stands.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum State {
    /// It does, until one of its expiries.
    Live,
    /// It does not, and never will again.
    Ended(Ending),
}

/// The counters under which a session was made. Ending all sessions of a user, a tenant or of everyone counts one of
/// them up; a session with a lower number is over.
#[derive(Clone, Copy, PartialEq, Eq, Default, Debug)]
pub struct Epochs {
    /// Of the user.
    pub user: u64,
    /// Of the tenant.
    pub tenant: u64,
    /// Of everyone.
    pub everyone: u64,
}

impl Session {
    /// Tenant and user.
    #[must_use]
    pub fn user_key(&self) -> UserKey {
        UserKey { tenant: self.key.tenant.clone(), id: self.user }
    }

    /// How it stands at `now` under the epochs of that time: an expiry and an epoch end it as surely as a sign-out.
    #[must_use]
    pub fn state_at(&self, now: Timestamp, epochs: Epochs) -> State {
        match self.state {
            State::Live if self.epochs.user < epochs.user => ended(now, EndReason::LogoutAll),
            State::Live if self.epochs.tenant < epochs.tenant => ended(now, EndReason::Tenant),
            State::Live if self.epochs.everyone < epochs.everyone => ended(now, EndReason::Admin),
            // Whichever came first, however late one looks.
            State::Live if self.idle_expires.min(self.absolute_expires) <= now => {
                if self.idle_expires < self.absolute_expires {
                    ended(self.idle_expires, EndReason::Idle)
                } else {
                    ended(self.absolute_expires, EndReason::Absolute)
                }
            }
            state => state,
        }
    }

    /// The session with the expiries of `now` written into its state.
    #[must_use]
    pub fn judged(self, now: Timestamp) -> Self {
        let state = self.state_at(now, self.epochs);
        Self { state, ..self }
    }

    /// Ends it. A session that has ended keeps the first reason.
    #[must_use]
    pub fn end(self, ending: Ending) -> Self {
        match self.state {
            State::Live => Self { state: State::Ended(ending), ..self },
            State::Ended(_) => self,
        }
    }

    /// Writes down a use, and the idle expiry that follows from it; neither ever moves back or past the absolute end.
    #[must_use]
    pub fn touch(self, seen: Timestamp, idle_expires: Option<Timestamp>) -> Self {
        let slid = idle_expires.map_or(self.idle_expires, |end| end.min(self.absolute_expires));
        Self { last_seen: self.last_seen.max(seen), idle_expires: self.idle_expires.max(slid), ..self }
    }

    /// When the record may go: nothing that was issued under it can be valid any more.
    #[must_use]
    pub fn kept_until(&self) -> Timestamp {
        let last_use = match self.state {
            State::Live => self.idle_expires.min(self.absolute_expires),
            State::Ended(_) => self.absolute_expires,
        };
        last_use.plus(KEPT_LONGER)
    }
}

const fn ended(at: Timestamp, reason: EndReason) -> State {
    State::Ended(Ending { at, reason })
}

#[cfg(test)]
pub(crate) mod tests;
