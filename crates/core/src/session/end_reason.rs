//! When and why a session ended.

use serde::{Serialize, Serializer};
use thiserror::Error;

use crate::clock::Timestamp;
use crate::word_enum::word_enum;

/// When and why a session ended.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Ending {
    /// When.
    pub at: Timestamp,
    /// Why.
    pub reason: EndReason,
}

/// Why a session ended, in the words its owner is shown.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug)]
pub enum EndReason {
    /// Its user signed out of it.
    Logout,
    /// Its user signed out everywhere.
    LogoutAll,
    /// A spent refresh token was presented: somebody holds a copy.
    RefreshReuse,
    /// The password was changed elsewhere.
    PasswordChange,
    /// It was not used for too long.
    Idle,
    /// It reached its greatest age.
    Absolute,
    /// The user signed in on more devices than allowed.
    Limit,
    /// An administrator ended it, or disabled the user.
    Admin,
    /// The tenant was suspended.
    Tenant,
}

/// No reason has this name.
#[derive(Clone, PartialEq, Eq, Debug, Error)]
#[error("no session ends for the reason {0:?}")]
pub struct UnknownEndReason(pub String);

impl EndReason {
    /// All of them.
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

    /// The word for it.
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
