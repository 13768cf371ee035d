//! When and why a session ended.

use serde::{Serialize, Serializer};
use thiserror::Error;

use crate::clock::Timestamp;
use crate::word_enum::word_enum;

/// When and why a session ended.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Ending {
    /// When it ended.
    pub at: Timestamp,
    /// Why it ended.
    pub reason: EndReason,
}

/// Why a session ended, in the words that its user sees.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug)]
pub enum EndReason {
    /// The user signed out of this session.
    Logout,
    /// The user signed out of all sessions.
    LogoutAll,
    /// A used refresh token was presented, so a thief may hold a copy.
    RefreshReuse,
    /// The password was changed in another session or by a reset.
    PasswordChange,
    /// The session reached its idle timeout.
    Idle,
    /// The session reached its absolute timeout.
    Absolute,
    /// The user signed in more often than the tenant's session cap allows.
    Limit,
    /// An administrator or operator ended the session or disabled the user.
    Admin,
    /// The tenant was suspended.
    Tenant,
}

/// The word is not a reason for which sessions end.
#[derive(Clone, PartialEq, Eq, Debug, Error)]
#[error("no session ends for the reason {0:?}")]
pub struct UnknownEndReason(pub String);

impl EndReason {
    /// Every reason.
    pub const ALL: [Self; 9] = [
        Self::Logout,
        Self::LogoutAll,
        Self::RefreshReuse,
        Self::PasswordChange,
        Self::Idle,
        Self::Absolute,
        Self::Limit,
        Self::Admin,
        Self::Tenant,
    ];

    /// The word in answers and stores.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Logout => "logout",
            Self::LogoutAll => "logout_all",
            Self::RefreshReuse => "refresh_reuse",
            Self::PasswordChange => "password_change",
            Self::Idle => "idle",
            Self::Absolute => "absolute",
            Self::Limit => "limit",
            Self::Admin => "admin",
            Self::Tenant => "tenant",
        }
    }
}

word_enum!(EndReason, UnknownEndReason, |word| UnknownEndReason(word.to_owned()));

impl Serialize for EndReason {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_str(self.as_str())
    }
}
