//! Sessions: the record that a user is signed in on one device.
//!
//! A [`Session`] is the same type for every strategy, store and transport. Its transitions are pure functions: they
//! take the session by value and the time as an argument. A transition that changes the record increments
//! [`Session::version`], which a store compares before it writes. None leads out of [`SessionState::Ended`].

mod device;
mod end_reason;
mod refresh_generation;
mod rotation;

use crate::clock::Timestamp;
use crate::id::{SessionKey, UserId, UserKey};
use crate::secret::SecretHash;
use crate::strategy::StrategyName;

pub use device::{Device, DeviceProof, KNOWN_DEVICE};
pub use end_reason::{EndReason, Ending, UnknownEndReason};
pub use refresh_generation::RefreshGeneration;
pub use rotation::{
    LateRepeats, PreviousGeneration, REPEAT_AFTER_EXPIRY, RotationOutcome, RotationRequest, RotationState,
};

use std::time::Duration;

/// How long a record is kept after its use, for nodes whose clocks differ and users who look back.
pub const RECORD_RETENTION: Duration = Duration::from_hours(24);

/// The record that a user is signed in on one device.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Session {
    /// Tenant and public id.
    pub key: SessionKey,
    /// The user who is signed in.
    pub user: UserId,
    /// The strategy under which the user signed in.
    pub strategy: StrategyName,
    /// The device on which the user signed in.
    pub device: Device,
    /// When the user signed in.
    pub created: Timestamp,
    /// The last recorded use, up to a minute behind.
    pub last_seen: Timestamp,
    /// The idle timeout: when the session ends unless it is used or refreshed.
    pub idle_expires: Timestamp,
    /// The absolute timeout: when the session ends in any case.
    pub absolute_expires: Timestamp,
    /// The epochs under which it was made.
    pub epochs: Epochs,
    /// The user's password epoch under which its password was compared. [`User`](crate::user::User) judges by it.
    pub password_epoch: u64,
    /// Whether the user gave a code after the password.
    pub gave_code: bool,
    /// Hash of the opaque id in the cookie. `None` for strategies without one.
    pub cookie: Option<SecretHash>,
    /// The state of the refresh token. `None` for strategies without one.
    pub rotation: Option<RotationState>,
    /// The device proof. `None` if none was issued.
    pub proof: Option<DeviceProof>,
    /// Whether the session is live or has ended.
    pub state: SessionState,
    /// Counts the changes of the record. A store compares it before it writes one.
    pub version: u64,
}

/// Whether a session is live or has ended.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum SessionState {
    /// Live, until one of its timeouts.
    Live,
    /// Ended for ever.
    Ended(Ending),
}

impl SessionState {
    /// How it ended, if it has.
    #[must_use]
    pub const fn ending(self) -> Option<Ending> {
        if let Self::Ended(ending) = self { Some(ending) } else { None }
    }
}

/// The counters under which a session was made. Ending all sessions of a user, of a tenant or of everyone increments
/// one of them; a session made under a lower number is over.
#[derive(Clone, Copy, PartialEq, Eq, Default, Debug)]
pub struct Epochs {
    /// The epoch of the user.
    pub user: u64,
    /// The epoch of the tenant.
    pub tenant: u64,
    /// The epoch of all users of all tenants.
    pub everyone: u64,
}

impl Session {
    /// Tenant and user.
    #[must_use]
    pub fn user_key(&self) -> UserKey {
        UserKey { tenant: self.key.tenant.clone(), id: self.user }
    }

    /// The state at `now` under the current epochs: a timeout and a higher epoch end a session as a sign-out does.
    #[must_use]
    pub fn state_at(&self, now: Timestamp, epochs: Epochs) -> SessionState {
        match self.state {
            SessionState::Live if self.epochs.user < epochs.user => ended(now, EndReason::LogoutAll),
            SessionState::Live if self.epochs.tenant < epochs.tenant => ended(now, EndReason::Tenant),
            SessionState::Live if self.epochs.everyone < epochs.everyone => ended(now, EndReason::Admin),
            // The timeout that came first gives the reason, even if both are past.
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

    /// The session, ended if one of its timeouts is past at `now`.
    #[must_use]
    pub fn with_state_at(self, now: Timestamp) -> Self {
        let state = self.state_at(now, self.epochs);
        Self { state, ..self }
    }

    /// Whether a check may see a difference to what the session was `before`: in anything but its version, its last
    /// use, its idle timeout and the generation of its refresh token. A store announces such a change, and no other.
    #[must_use]
    pub fn is_news(&self, before: &Self) -> bool {
        let Self { version, last_seen, idle_expires, .. } = *self;
        let rotation = self.rotation.clone();
        let unseen = Self { last_seen, idle_expires, rotation, version, ..before.clone() };
        unseen != *self
    }

    /// Ends the session. A session that has ended keeps its first reason.
    #[must_use]
    pub fn end(self, ending: Ending) -> Self {
        match self.state {
            SessionState::Live => Self { state: SessionState::Ended(ending), ..self }.changed(),
            SessionState::Ended(_) => self,
        }
    }

    /// Records a use and the idle timeout that follows from it. Neither moves back or past the absolute timeout.
    #[must_use]
    pub fn touch(self, seen: Timestamp, idle_expires: Option<Timestamp>) -> Self {
        let before = (self.last_seen, self.idle_expires);
        let session = self.used(seen, idle_expires);
        if (session.last_seen, session.idle_expires) == before { session } else { session.changed() }
    }

    fn used(self, seen: Timestamp, idle_expires: Option<Timestamp>) -> Self {
        let slid = idle_expires.map_or(self.idle_expires, |end| end.min(self.absolute_expires));
        Self { last_seen: self.last_seen.max(seen), idle_expires: self.idle_expires.max(slid), ..self }
    }

    fn changed(self) -> Self {
        Self { version: self.version.saturating_add(1), ..self }
    }

    /// When the record may be purged: no token issued under the session is valid any more.
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
