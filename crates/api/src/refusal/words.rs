//! How the device-session surface says it: existing clients show some of these sentences to people.
//!
//! What a refusal is, the engine's error has decided already; here only its words are chosen, by operation where the
//! surface has always said it differently. Nothing becomes milder or harsher by it, and no status changes.

use std::borrow::Cow;

use portcullis_core::engine::{AuthenticationError, ChangePasswordError, RefreshError};

use super::{Code, Reason, Refusal};
use crate::operation::DeviceOperation;

/// What an operation says of what may befall any of them.
struct Words {
    /// There is no such tenant.
    no_tenant: &'static str,
    /// A store or the server failed.
    fault: &'static str,
    /// A gateway did not name the user.
    no_user_id: &'static str,
    /// The user that was named is gone.
    no_user: &'static str,
}

const OTHERS: Words = Words {
    no_tenant: "Tenant connection not available",
    fault: "Request failed due to a system error. Please try again later.",
    no_user_id: "Request missing user identity.",
    no_user: "User not found.",
};

const SESSIONS: Words = Words {
    no_tenant: "Unable to fetch sessions because tenant environment is not initialized.",
    fault: "Failed to retrieve sessions due to a system error. Please try again later.",
    no_user_id: "Session request failed: user identity missing in the request payload.",
    no_user: "User not found for the current tenant.",
};

const LOGOUT_SESSION: Words = Words {
    no_tenant: "Logout failed because tenant environment is not initialized.",
    fault: "Logout failed due to a system error. Please try again later.",
    no_user_id: "Logout request missing user identity.",
    ..OTHERS
};

const LOGOUT_ALL: Words = Words {
    no_tenant: "Unable to perform logout-all because tenant environment is not initialized.",
    fault: "Logout-all failed due to a system error. Please try again later.",
    no_user_id: "Logout-all request missing user identity.",
    ..OTHERS
};

const REFRESH: Words = Words {
    no_tenant: "Token refresh failed because tenant environment is not initialized.",
    fault: "Token refresh failed due to a system error. Please try again later.",
    ..OTHERS
};

const fn words_of(operation: DeviceOperation) -> Words {
    match operation {
        DeviceOperation::Sessions => SESSIONS,
        DeviceOperation::LogoutSession => LOGOUT_SESSION,
        DeviceOperation::LogoutAll => LOGOUT_ALL,
        DeviceOperation::Refresh => REFRESH,
        _ => OTHERS,
    }
}

/// What this surface says of a code, where that does not depend on the engine's error.
const fn sentence_of(code: Code, operation: DeviceOperation) -> Option<&'static str> {
    let words = words_of(operation);
    Some(match code {
        Code::TenantConnectionMissing => words.no_tenant,
        Code::InternalError | Code::SystemError => words.fault,
        Code::UserIdMissing => words.no_user_id,
        Code::UserGone => words.no_user,
        Code::UserNotFound => OTHERS.no_user,
        Code::TenantSuspended => "Tenant is suspended",
        Code::UserExists => "User already exists",
        Code::InvalidCredentials => "Invalid credentials",
        Code::InvalidOtp => "Invalid OTP. Please try again.",
        Code::OtpExpired => "OTP has expired. Please log in again.",
        Code::TooManyAttempts => "Too many attempts. Please try again later.",
        Code::AccountLocked => {
            "Account locked. Please follow the link in the mail we sent you, or try again later."
        }
        Code::InvalidUnlockToken => "The unlock link is invalid or has expired.",
        Code::InvalidResetToken => "The password reset link is invalid or has expired.",
        Code::SessionNotFound => "Session not found or already logged out.",
        Code::SessionOver => "Session not found or expired. Please log in again.",
        Code::InvalidRefreshToken => {
            "The provided refresh token is invalid or has expired. Please log in again."
        }
        Code::InvalidRefreshHash => "Invalid refresh token. Please log in again to continue.",
        _ => return None,
    })
}

/// A credential was shown, and this is why it is not believed.
const fn refused(code: Code) -> Refusal {
    let mut refusal = Refusal::plain(code);
    refusal.invalid_token = true;
    refusal
}

impl Refusal {
    /// The refusal in the words of the device-session surface. An outage has the word of a fault there, and keeps its
    /// status and the time to wait; a body that cannot be read is one that is not valid.
    #[must_use]
    pub fn worded_for(self, operation: DeviceOperation) -> Self {
        match (self.code, self.reason) {
            (Code::StoreUnavailable, reason) => {
                Self { code: Code::SystemError, reason, ..self }.said(operation)
            }
            (Code::BadRequest, Reason::Text(text)) => {
                let reason = Reason::Faults(vec![text.into_owned()]);
                Self { code: Code::ValidationFailed, reason, ..self }
            }
            (_, reason) => Self { reason, ..self }.said(operation),
        }
    }

    fn said(self, operation: DeviceOperation) -> Self {
        match sentence_of(self.code, operation) {
            Some(text) => Self { reason: Reason::Text(Cow::Borrowed(text)), ..self },
            None => self,
        }
    }

    /// A credential that is not believed, as the device-session surface tells it: there a client learns that the user whom
    /// a good token names is gone.
    #[must_use]
    pub fn of_device_credential(error: AuthenticationError) -> Self {
        match error {
            AuthenticationError::UserGone => refused(Code::UserGone),
            error => error.into(),
        }
    }

    /// A refused change of password, as the device-session surface tells it.
    #[must_use]
    pub fn of_device_password(error: ChangePasswordError) -> Self {
        match error {
            ChangePasswordError::UserGone => refused(Code::UserGone),
            error => error.into(),
        }
        .worded_for(DeviceOperation::Password)
    }

    /// A refused refresh, as the device-session surface tells it: there a client learns whether its token was never good,
    /// its session is over, or the token was spent before.
    #[must_use]
    pub fn of_device_refresh(error: RefreshError) -> Self {
        let refusal = match error {
            RefreshError::SessionGone(session) => refused(Code::SessionOver).about_session(session.id),
            RefreshError::Reused => refused(Code::InvalidRefreshHash),
            RefreshError::OtherTenant => refused(Code::TenantMismatch),
            // Everything else is the same on every surface, and told apart where all of it is.
            error => error.into(),
        };
        refusal.worded_for(DeviceOperation::Refresh)
    }
}
