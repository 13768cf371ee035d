//! How the device-session surface words a refusal: existing clients show some of these sentences to people.
//!
//! The engine's error has decided what the refusal is. Only the texts are here that differ by operation; all others are
//! in the table of codes. No status changes.

use std::borrow::Cow;

use portcullis_core::engine::{AuthenticationError, ChangePasswordError, RefreshError};

use super::{Code, Reason, Refusal};

/// How an operation words what may go wrong in any of them: a column of the operations table.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct OperationTexts {
    /// The tenant does not exist.
    no_tenant: &'static str,
    /// A store or the server failed.
    fault: &'static str,
    /// A gateway did not name the user.
    no_user_id: &'static str,
    /// The user of the credential is gone.
    no_user: &'static str,
}

impl OperationTexts {
    /// The texts of an operation that has none of its own.
    pub const COMMON: Self = Self {
        no_tenant: "Tenant connection not available",
        fault: "Request failed due to a system error. Please try again later.",
        no_user_id: "Request missing user identity.",
        no_user: "User not found.",
    };

    /// The texts of the list of sessions.
    pub const SESSIONS: Self = Self {
        no_tenant: "Unable to fetch sessions because tenant environment is not initialized.",
        fault: "Failed to retrieve sessions due to a system error. Please try again later.",
        no_user_id: "Session request failed: user identity missing in the request payload.",
        no_user: "User not found for the current tenant.",
    };

    /// The texts of the end of one session.
    pub const LOGOUT_SESSION: Self = Self {
        no_tenant: "Logout failed because tenant environment is not initialized.",
        fault: "Logout failed due to a system error. Please try again later.",
        no_user_id: "Logout request missing user identity.",
        ..Self::COMMON
    };

    /// The texts of the end of all sessions.
    pub const LOGOUT_ALL: Self = Self {
        no_tenant: "Unable to perform logout-all because tenant environment is not initialized.",
        fault: "Logout-all failed due to a system error. Please try again later.",
        no_user_id: "Logout-all request missing user identity.",
        ..Self::COMMON
    };

    /// The texts of a refresh.
    pub const REFRESH: Self = Self {
        no_tenant: "Token refresh failed because tenant environment is not initialized.",
        fault: "Token refresh failed due to a system error. Please try again later.",
        ..Self::COMMON
    };

    /// What the surface says of a code; `None` where that is what the other surfaces say.
    const fn of(self, code: Code) -> Option<&'static str> {
        Some(match code {
            Code::TenantConnectionMissing => self.no_tenant,
            Code::InternalError | Code::SystemError => self.fault,
            Code::UserIdMissing => self.no_user_id,
            Code::UserGone => self.no_user,
            _ => return code.device_text(),
        })
    }
}

/// The refusal of a credential that was shown.
const fn refused(code: Code) -> Refusal {
    let mut refusal = Refusal::plain(code);
    refusal.invalid_token = true;
    refusal
}

impl Refusal {
    /// The refusal as the device-session surface words it. An outage has the code of a fault there, but keeps its
    /// status and `Retry-After`; a body that cannot be parsed counts as one with faults.
    #[must_use]
    pub fn worded_for(self, texts: OperationTexts) -> Self {
        match (self.code, self.reason) {
            (Code::StoreUnavailable, reason) => {
                Self { code: Code::SystemError, reason, ..self }.with_text(texts)
            }
            (Code::BadRequest, Reason::Text(text)) => {
                let reason = Reason::Faults(vec![text.into_owned()]);
                Self { code: Code::ValidationFailed, reason, ..self }
            }
            (_, reason) => Self { reason, ..self }.with_text(texts),
        }
    }

    fn with_text(self, texts: OperationTexts) -> Self {
        match texts.of(self.code) {
            Some(text) => Self { reason: Reason::Text(Cow::Borrowed(text)), ..self },
            None => self,
        }
    }

    /// A rejected credential, as the device-session surface tells it: there a client learns that the user of a valid
    /// token is gone.
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
    }

    /// A refused refresh, as the device-session surface tells it: there a client learns whether its token was never
    /// valid, its session has ended, or the token was used before.
    #[must_use]
    pub fn of_device_refresh(error: RefreshError) -> Self {
        match error {
            RefreshError::SessionGone(session) => refused(Code::SessionOver).about_session(session.id),
            RefreshError::Reused => refused(Code::InvalidRefreshHash),
            RefreshError::OtherTenant => refused(Code::TenantMismatch),
            error => error.into(),
        }
    }
}
