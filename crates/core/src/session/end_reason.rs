//! When and why a session ended.

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

word_enum! {
    /// Why a session ended, in the words that its user sees and that stand in stores.
    #[derive(Hash)]
    pub enum EndReason or UnknownEndReason(String) {
        /// The user signed out of this session.
        Logout = "logout",
        /// The user signed out of all sessions.
        LogoutAll = "logout_all",
        /// A used refresh token was presented, so a thief may hold a copy.
        RefreshReuse = "refresh_reuse",
        /// The password was changed in another session or by a reset.
        PasswordChange = "password_change",
        /// The session reached its idle timeout.
        Idle = "idle",
        /// The session reached its absolute timeout.
        Absolute = "absolute",
        /// The user signed in more often than the tenant's session cap allows.
        Limit = "limit",
        /// An administrator or operator ended the session or disabled the user.
        Admin = "admin",
        /// The tenant was suspended.
        Tenant = "tenant",
    }
}

/// The word is not a reason for which sessions end.
#[derive(Clone, PartialEq, Eq, Debug, Error)]
#[error("no session ends for the reason {0:?}")]
pub struct UnknownEndReason(pub String);
