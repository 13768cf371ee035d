//! The one thing that says somebody is signed in.
//!
//! A [`Session`] is the same type for every strategy, every store and every transport. It changes by the transitions
//! in this module and in [`rotation`](self), which take it by value and the time as an argument, ask nobody and cannot
//! fail half-way. No transition leads out of [`SessionState::Ended`].

mod device;
mod end_reason;
mod rotation;

use crate::clock::Timestamp;
use crate::id::{SessionKey, UserId, UserKey};
use crate::secret::SecretHash;
use crate::strategy::StrategyName;

pub use device::{Device, DeviceProof, KNOWN_DEVICE};
pub use end_reason::{EndReason, Ending, UnknownEndReason};
pub use rotation::{PreviousGeneration, RotationOutcome, RotationRequest, RotationState};

use std::time::Duration;

/// How long a record outlives its use, so that clocks that differ and people who look back still find it.
pub const RECORD_RETENTION: Duration = Duration::from_hours(1);

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
    pub rotation: Option<RotationState>,
    /// The device proof, where one was given out.
    pub proof: Option<DeviceProof>,
    /// Whether it still stands.
    pub state: SessionState,
}

/// Whether a session still stands.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum SessionState {
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
    pub fn state_at(&self, now: Timestamp, epochs: Epochs) -> SessionState {
        match self.state {
            SessionState::Live if self.epochs.user < epochs.user => ended(now, EndReason::LogoutAll),
            SessionState::Live if self.epochs.tenant < epochs.tenant => ended(now, EndReason::Tenant),
            SessionState::Live if self.epochs.everyone < epochs.everyone => ended(now, EndReason::Admin),
            // Whichever came first, however late one looks.
            SessionState::Live if self.idle_expires.min(self.absolute_expires) <= now => {
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
    pub fn with_state_at(self, now: Timestamp) -> Self {
        let state = self.state_at(now, self.epochs);
        Self { state, ..self }
    }

    /// Ends it. A session that has ended keeps the first reason.
    #[must_use]
    pub fn end(self, ending: Ending) -> Self {
        match self.state {
            SessionState::Live => Self { state: SessionState::Ended(ending), ..self },
            SessionState::Ended(_) => self,
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
            SessionState::Live => self.idle_expires.min(self.absolute_expires),
            SessionState::Ended(_) => self.absolute_expires,
        };
        last_use.plus(RECORD_RETENTION)
    }
}

const fn ended(at: Timestamp, reason: EndReason) -> SessionState {
    SessionState::Ended(Ending { at, reason })
}

#[cfg(test)]
pub(crate) mod tests;
