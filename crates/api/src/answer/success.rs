//! The envelope of success: `{"message", "data", "meta", "ts"}`.
//!
//! ```
//! use portcullis_api::answer::Success;
//! use portcullis_core::clock::Timestamp;
//!
//! let reply = Success::PASSWORD_CHANGED.reply((), Timestamp::from_millis(0));
//! assert_eq!(
//!     serde_json::to_string(&reply).unwrap(),
//!     r#"{"message":"Password changed successfully.","data":null,"meta":{"status":"success","code":"PASSWORD_CHANGED"},"ts":"1970-01-01T00:00:00.000Z"}"#
//! );
//! ```

use portcullis_core::clock::Timestamp;
use serde::Serialize;
use uuid::Uuid;

/// Code and sentence of an operation of the device-session surface that succeeded.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Success {
    /// What client programs branch on.
    pub code: &'static str,
    /// The sentence that people read.
    pub message: &'static str,
}

/// The envelope of success.
#[derive(Clone, PartialEq, Eq, Debug, Serialize)]
pub struct SuccessEnvelope<T> {
    message: &'static str,
    data: T,
    meta: SuccessMeta,
    ts: Timestamp,
}

#[derive(Clone, PartialEq, Eq, Debug, Serialize)]
#[serde(untagged)]
enum SuccessMeta {
    Whole { status: &'static str, code: &'static str },
    Page { status: &'static str, code: &'static str, next: Option<Uuid> },
}

const fn success(code: &'static str, message: &'static str) -> Success {
    Success { code, message }
}

/// What operations answer, named after what has happened.
#[expect(missing_docs, reason = "code and message say what each means")]
impl Success {
    pub const SIGNED_UP: Self = success("SIGNUP_SUCCESS", "Signup successful.");
    pub const OTP_SENT: Self = success("OTP_SENT", "OTP sent successfully.");
    pub const LOGGED_IN: Self = success("LOGIN_SUCCESS", "Login successful.");
    pub const ACCOUNT_UNLOCKED: Self = success("ACCOUNT_UNLOCKED", "Account unlocked successfully.");
    pub const PASSWORD_CHANGED: Self = success("PASSWORD_CHANGED", "Password changed successfully.");
    pub const PROFILE: Self = success("PROFILE_RETRIEVED", "Profile retrieved successfully.");
    pub const SESSIONS: Self = success("SESSIONS_RETRIEVED", "Active login sessions retrieved successfully.");
    pub const ENDED_SESSIONS: Self =
        success("SESSIONS_RETRIEVED", "Ended login sessions retrieved successfully.");
    pub const SESSION_RENAMED: Self = success("SESSION_RENAMED", "Session has been renamed successfully.");
    pub const SESSION_REVOKED: Self = success("SESSION_REVOKED", "Session has been revoked successfully.");
    pub const ALL_SESSIONS_REVOKED: Self =
        success("ALL_SESSIONS_REVOKED", "All sessions have been revoked successfully.");
    pub const DEVICES: Self = success("DEVICES_RETRIEVED", "Known devices retrieved successfully.");
    pub const DEVICE_FORGOTTEN: Self = success("DEVICE_FORGOTTEN", "Device has been forgotten successfully.");
    pub const TOKENS_REFRESHED: Self =
        success("TOKENS_REFRESHED", "Access and refresh tokens have been renewed successfully.");
    pub const RESET_REQUESTED: Self =
        success("PASSWORD_RESET_REQUESTED", "If the account exists, a password reset link has been sent.");
    pub const PASSWORD_RESET: Self = success("PASSWORD_RESET", "Password reset successfully.");
    pub const USERS: Self = success("USERS_RETRIEVED", "Users retrieved successfully.");
    pub const USER_CREATED: Self = success("USER_CREATED", "User created successfully.");
    pub const USER: Self = success("USER_RETRIEVED", "User retrieved successfully.");
    pub const USER_DISABLED: Self = success("USER_DISABLED", "User disabled successfully.");
    pub const USER_ENABLED: Self = success("USER_ENABLED", "User enabled successfully.");
    pub const USER_UNLOCKED: Self = success("USER_UNLOCKED", "User unlocked successfully.");
    pub const ROLE_CHANGED: Self = success("ROLE_CHANGED", "Role changed successfully.");
    pub const RESET_SENT: Self = success("PASSWORD_RESET_REQUESTED", "A password reset link has been sent.");
}

impl Success {
    /// The envelope with its data; `()` where there is none.
    #[must_use]
    pub const fn reply<T>(self, data: T, at: Timestamp) -> SuccessEnvelope<T> {
        let Self { code, message } = self;
        SuccessEnvelope { message, data, meta: SuccessMeta::Whole { status: "success", code }, ts: at }
    }

    /// The envelope with a page of a list; `next` is the cursor of the next page, if there is one.
    #[must_use]
    pub const fn page<T>(self, data: T, next: Option<Uuid>, at: Timestamp) -> SuccessEnvelope<T> {
        let Self { code, message } = self;
        SuccessEnvelope { message, data, meta: SuccessMeta::Page { status: "success", code, next }, ts: at }
    }
}
