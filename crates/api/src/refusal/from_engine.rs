//! What clients see of each error of the engine. The matches are exhaustive.

use std::error::Error;
use std::time::Duration;

use portcullis_core::engine::{
    AuthenticationError, ChangePasswordError, DeviceSignInError, IssueError, PasswordSignInError,
    RefreshError, RegisterError, ResetError, TenantError, UnlockError, UserAdminError, VerifyCodeError,
};
use portcullis_core::password::{HashRefused, WeakPassword};
use portcullis_core::store::StoreError;
use portcullis_core::strategy::SessionClaim;
use portcullis_core::ticket::TicketPurpose;

use super::{Code, Reason, Refusal};
use crate::request::fault_of;

/// How long a client should wait for a store that is away.
const RETRY: Duration = Duration::from_secs(1);

/// The server failed. The client does not learn the cause, but the log does.
fn server_fault(cause: &dyn Error) -> Refusal {
    Refusal::plain(Code::InternalError).caused_by(cause)
}

impl From<StoreError> for Refusal {
    fn from(error: StoreError) -> Self {
        match error {
            StoreError::Unavailable { .. } => {
                Self::plain(Code::StoreUnavailable).later(RETRY).caused_by(&error)
            }
            StoreError::Overloaded => Self::plain(Code::Busy).later(RETRY),
            StoreError::Corrupt { .. } => server_fault(&error),
        }
    }
}

impl From<TenantError> for Refusal {
    fn from(error: TenantError) -> Self {
        match error {
            TenantError::Unknown(tenant) => {
                Self::plain(Code::TenantConnectionMissing).about_tenant(tenant.as_str())
            }
            TenantError::Suspended => Self::plain(Code::TenantSuspended),
            TenantError::Keys(_) | TenantError::Settings(_) => server_fault(&error),
            TenantError::Store(error) => error.into(),
        }
    }
}

impl From<HashRefused> for Refusal {
    fn from(error: HashRefused) -> Self {
        let retry_after = match error {
            HashRefused::Busy { retry_after } => retry_after,
            HashRefused::Stopped => RETRY,
        };
        Self::plain(Code::Busy).later(retry_after)
    }
}

impl From<IssueError> for Refusal {
    fn from(error: IssueError) -> Self {
        match error {
            IssueError::Sign(_) | IssueError::NoKey(_) => server_fault(&error),
        }
    }
}

impl From<WeakPassword> for Refusal {
    fn from(error: WeakPassword) -> Self {
        weak("password", &error)
    }
}

/// A password that the policy rejects, in this member of the body.
fn weak(member: &str, error: &WeakPassword) -> Refusal {
    let fault = format!("{member} {}", fault_of(error));
    Refusal { reason: Reason::Faults(vec![fault]), ..Refusal::plain(Code::ValidationFailed) }
}

impl From<RegisterError> for Refusal {
    fn from(error: RegisterError) -> Self {
        match error {
            RegisterError::Taken => Self::plain(Code::UserExists),
            RegisterError::NotOffered => Self::no_route(),
            RegisterError::Weak(error) => error.into(),
            RegisterError::Busy(error) => error.into(),
            RegisterError::Tenant(error) => error.into(),
            RegisterError::Store(error) => error.into(),
        }
    }
}

impl From<PasswordSignInError> for Refusal {
    fn from(error: PasswordSignInError) -> Self {
        match error {
            PasswordSignInError::InvalidCredentials => Self::plain(Code::InvalidCredentials),
            PasswordSignInError::Locked => Self::plain(Code::AccountLocked),
            PasswordSignInError::NotOffered => Self::no_route(),
            PasswordSignInError::Busy(error) => error.into(),
            PasswordSignInError::Issue(error) => error.into(),
            PasswordSignInError::Tenant(error) => error.into(),
            PasswordSignInError::Store(error) => error.into(),
        }
    }
}

/// The refusal of a token that was shown.
fn bad_token(refusal: Refusal) -> Refusal {
    Refusal { invalid_token: true, ..refusal }
}

/// An error of the credential's tenant. While the tenant is suspended, no credential of it is valid.
fn of_credentials_tenant(error: TenantError) -> Refusal {
    match error {
        TenantError::Suspended => bad_token(Refusal::plain(Code::Unauthorized)),
        error => error.into(),
    }
}

impl From<AuthenticationError> for Refusal {
    fn from(error: AuthenticationError) -> Self {
        match error {
            AuthenticationError::Missing => Self::plain(Code::Unauthorized),
            AuthenticationError::Invalid
            | AuthenticationError::Token(_)
            | AuthenticationError::OtherStrategy
            | AuthenticationError::NotLive(None | Some(SessionClaim::Sid)) => {
                bad_token(Self::plain(Code::Unauthorized))
            }
            AuthenticationError::UserGone => bad_token(Self::plain(Code::Unauthorized)),
            AuthenticationError::OtherTenant => bad_token(Self::plain(Code::TenantMismatch)),
            AuthenticationError::NotLive(Some(SessionClaim::Jti)) => {
                bad_token(Self::because(Code::Unauthorized, "Token is not whitelisted"))
            }
            AuthenticationError::Revoked => bad_token(Self::because(Code::Unauthorized, "Token revoked")),
            AuthenticationError::NotOffered => Self::no_route(),
            AuthenticationError::Issue(error) => error.into(),
            AuthenticationError::Tenant(error) => of_credentials_tenant(error),
            AuthenticationError::Store(error) => error.into(),
        }
    }
}

impl From<RefreshError> for Refusal {
    fn from(error: RefreshError) -> Self {
        match error {
            RefreshError::Invalid
            | RefreshError::Stale
            | RefreshError::Reused
            | RefreshError::SessionGone(_)
            | RefreshError::Tenant(TenantError::Suspended) => {
                bad_token(Self::plain(Code::InvalidRefreshToken))
            }
            RefreshError::OtherTenant => {
                bad_token(Self::because(Code::TenantMismatch, "Invalid refresh token"))
            }
            RefreshError::NotOffered => Self::no_route(),
            RefreshError::Issue(error) => error.into(),
            RefreshError::Tenant(error) => error.into(),
            RefreshError::Store(error) => error.into(),
        }
    }
}

impl From<ChangePasswordError> for Refusal {
    fn from(error: ChangePasswordError) -> Self {
        match error {
            ChangePasswordError::WrongPassword => Self::plain(Code::WrongPassword),
            ChangePasswordError::TooManyGuesses { wait } => Self::too_many_attempts(wait),
            ChangePasswordError::Reused => Self::plain(Code::PasswordReused),
            ChangePasswordError::UserGone => bad_token(Self::plain(Code::Unauthorized)),
            ChangePasswordError::Contended => Self::plain(Code::Conflict),
            ChangePasswordError::Weak(error) => weak("newPassword", &error),
            ChangePasswordError::Busy(error) => error.into(),
            ChangePasswordError::Tenant(error) => of_credentials_tenant(error),
            ChangePasswordError::Store(error) => error.into(),
        }
    }
}

impl From<DeviceSignInError> for Refusal {
    fn from(error: DeviceSignInError) -> Self {
        match error {
            DeviceSignInError::Password(error) => error.into(),
            DeviceSignInError::TooManyCodes { wait } => Self::too_many_attempts(wait),
        }
    }
}

impl From<VerifyCodeError> for Refusal {
    fn from(error: VerifyCodeError) -> Self {
        match error {
            VerifyCodeError::Wrong => Self::plain(Code::InvalidOtp),
            VerifyCodeError::Expired => Self::plain(Code::OtpExpired),
            // At most: earlier attempts leave the window sooner, and the client may ask for another code at once.
            VerifyCodeError::TooMany => Self::too_many_attempts(TicketPurpose::Code.limits().within),
            VerifyCodeError::NotOffered => Self::no_route(),
            VerifyCodeError::Issue(error) => error.into(),
            VerifyCodeError::Tenant(error) => error.into(),
            VerifyCodeError::Store(error) => error.into(),
        }
    }
}

impl From<UnlockError> for Refusal {
    fn from(error: UnlockError) -> Self {
        match error {
            UnlockError::InvalidToken => Self::plain(Code::InvalidUnlockToken),
            UnlockError::Tenant(error) => error.into(),
            UnlockError::Store(error) => error.into(),
        }
    }
}

impl From<ResetError> for Refusal {
    fn from(error: ResetError) -> Self {
        match error {
            // A link may outlive its user; then it is like an unknown one.
            ResetError::InvalidToken | ResetError::Account(UserAdminError::NotFound) => {
                Self::plain(Code::InvalidResetToken)
            }
            ResetError::Reused => Self::plain(Code::PasswordReused),
            ResetError::Weak(error) | ResetError::Account(UserAdminError::Weak(error)) => {
                weak("newPassword", &error)
            }
            ResetError::Busy(error) => error.into(),
            ResetError::Tenant(error) | ResetError::Account(UserAdminError::Tenant(error)) => error.into(),
            ResetError::Account(error) => error.into(),
            ResetError::Store(error) => error.into(),
        }
    }
}

impl From<UserAdminError> for Refusal {
    fn from(error: UserAdminError) -> Self {
        match error {
            UserAdminError::NotFound => Self::plain(Code::UserNotFound),
            UserAdminError::Taken => Self::plain(Code::UserExists),
            UserAdminError::Weak(error) => error.into(),
            UserAdminError::Contended => Self::plain(Code::Conflict),
            UserAdminError::Busy(error) => error.into(),
            // The caller of an admin operation is signed in.
            UserAdminError::Tenant(error) => of_credentials_tenant(error),
            UserAdminError::Store(error) => error.into(),
        }
    }
}
