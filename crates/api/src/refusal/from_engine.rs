//! What clients see of each error of the engine.

use std::error::Error;
use std::time::Duration;

use portcullis_core::engine::{
    AccountError, ChangePasswordError, IssueError, LogInError, RefreshError, RegisterError, ResetError,
    SignInError, TenantError, Unauthenticated, UnlockError, VerifyError,
};
use portcullis_core::password::{HashRefused, WeakPassword};
use portcullis_core::store::StoreError;
use portcullis_core::strategy::LiveClaim;
use portcullis_core::ticket::Purpose;
use tracing::{error, warn};

use super::{Code, Reason, Refusal};
use crate::request::fault_of;

/// How long to wait for what is away.
const RETRY: Duration = Duration::from_secs(1);

/// The client learns nothing of it, so this is the last place that knows the cause.
fn fault_of_ours(cause: &dyn Error) -> Refusal {
    error!(%cause, "a request was answered 500");
    Refusal::plain(Code::InternalError)
}

impl From<StoreError> for Refusal {
    fn from(error: StoreError) -> Self {
        match error {
            StoreError::Unavailable { .. } => {
                warn!(cause = %error, "a request was answered 503");
                Self::plain(Code::StoreUnavailable).later(RETRY)
            }
            StoreError::Overloaded => Self::plain(Code::Busy).later(RETRY),
            StoreError::Corrupt { .. } => fault_of_ours(&error),
        }
    }
}

impl From<TenantError> for Refusal {
    fn from(error: TenantError) -> Self {
        match error {
            TenantError::Unknown(tenant) => {
                Self::because(Code::TenantConnectionMissing, "Unknown tenant").about_tenant(tenant.as_str())
            }
            TenantError::Suspended => Self::because(Code::TenantSuspended, "Tenant is suspended"),
            TenantError::Keys(_) | TenantError::Settings(_) => fault_of_ours(&error),
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
            IssueError::Sign(_) | IssueError::NoKey(_) => fault_of_ours(&error),
        }
    }
}

impl From<WeakPassword> for Refusal {
    fn from(error: WeakPassword) -> Self {
        weak("password", &error)
    }
}

/// A password that is too easy to guess, in this member of the body.
fn weak(member: &str, error: &WeakPassword) -> Refusal {
    let fault = format!("{member} {}", fault_of(error));
    Refusal { reason: Reason::Faults(vec![fault]), ..Refusal::plain(Code::ValidationFailed) }
}

impl From<RegisterError> for Refusal {
    fn from(error: RegisterError) -> Self {
        match error {
            RegisterError::Taken => Self::because(Code::UserExists, "Email already registered"),
            RegisterError::NotOffered => Self::no_route(),
            RegisterError::Weak(error) => error.into(),
            RegisterError::Busy(error) => error.into(),
            RegisterError::Tenant(error) => error.into(),
            RegisterError::Store(error) => error.into(),
        }
    }
}

impl From<SignInError> for Refusal {
    fn from(error: SignInError) -> Self {
        match error {
            SignInError::InvalidCredentials => Self::because(Code::InvalidCredentials, "Invalid credentials"),
            SignInError::Locked => Self::because(Code::AccountLocked, "Account locked"),
            SignInError::NotOffered => Self::no_route(),
            SignInError::Busy(error) => error.into(),
            SignInError::Issue(error) => error.into(),
            SignInError::Tenant(error) => error.into(),
            SignInError::Store(error) => error.into(),
        }
    }
}

/// A token was shown, and not believed.
fn bad_token(refusal: Refusal) -> Refusal {
    Refusal { invalid_token: true, ..refusal }
}

/// What the tenant of a credential has to say. While it is suspended its sessions are over, and so is everything that
/// stands for one.
fn of_credentials_tenant(error: TenantError) -> Refusal {
    match error {
        TenantError::Suspended => bad_token(Refusal::plain(Code::Unauthorized)),
        error => error.into(),
    }
}

impl From<Unauthenticated> for Refusal {
    fn from(error: Unauthenticated) -> Self {
        match error {
            Unauthenticated::Missing => Self::plain(Code::Unauthorized),
            Unauthenticated::Invalid
            | Unauthenticated::Token(_)
            | Unauthenticated::OtherStrategy
            | Unauthenticated::NotLive(None | Some(LiveClaim::Sid)) => {
                bad_token(Self::plain(Code::Unauthorized))
            }
            Unauthenticated::UserGone => bad_token(Self::plain(Code::Unauthorized)),
            Unauthenticated::OtherTenant => bad_token(Self::plain(Code::TenantMismatch)),
            Unauthenticated::NotLive(Some(LiveClaim::Jti)) => {
                bad_token(Self::because(Code::Unauthorized, "Token is not whitelisted"))
            }
            Unauthenticated::Revoked => bad_token(Self::because(Code::Unauthorized, "Token revoked")),
            Unauthenticated::NotOffered => Self::no_route(),
            Unauthenticated::Issue(error) => error.into(),
            Unauthenticated::Tenant(error) => of_credentials_tenant(error),
            Unauthenticated::Store(error) => error.into(),
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
                bad_token(Self::because(Code::InvalidRefreshToken, "Invalid refresh token"))
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

fn contended() -> Refusal {
    let text = "The account was changed by another request at the same time, please try again";
    Refusal::because(Code::Conflict, text)
}

impl From<ChangePasswordError> for Refusal {
    fn from(error: ChangePasswordError) -> Self {
        match error {
            ChangePasswordError::WrongPassword => {
                Self::because(Code::WrongPassword, "Current password is wrong")
            }
            ChangePasswordError::TooManyGuesses { wait } => Self::too_many_attempts(wait),
            ChangePasswordError::Reused => {
                Self::because(Code::PasswordReused, "Cannot reuse previous password")
            }
            ChangePasswordError::UserGone => bad_token(Self::plain(Code::Unauthorized)),
            ChangePasswordError::Contended => contended(),
            ChangePasswordError::Weak(error) => weak("newPassword", &error),
            ChangePasswordError::Busy(error) => error.into(),
            ChangePasswordError::Tenant(error) => of_credentials_tenant(error),
            ChangePasswordError::Store(error) => error.into(),
        }
    }
}

impl From<LogInError> for Refusal {
    fn from(error: LogInError) -> Self {
        match error {
            LogInError::SignIn(error) => error.into(),
            LogInError::TooManyCodes { wait } => Self::too_many_attempts(wait),
        }
    }
}

impl From<VerifyError> for Refusal {
    fn from(error: VerifyError) -> Self {
        match error {
            VerifyError::Wrong => Self::plain(Code::InvalidOtp),
            VerifyError::Expired => Self::plain(Code::OtpExpired),
            // At most: other tries may have been longer ago, and another code may be asked for at once.
            VerifyError::TooMany => Self::too_many_attempts(Purpose::Code.limits().within),
            VerifyError::NotOffered => Self::no_route(),
            VerifyError::Issue(error) => error.into(),
            VerifyError::Tenant(error) => error.into(),
            VerifyError::Store(error) => error.into(),
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
            // A link outlives its user, and then is as good as none.
            ResetError::InvalidToken | ResetError::Account(AccountError::NotFound) => {
                Self::plain(Code::InvalidResetToken)
            }
            ResetError::Reused => Self::because(Code::PasswordReused, "Cannot reuse previous password"),
            ResetError::Weak(error) | ResetError::Account(AccountError::Weak(error)) => {
                weak("newPassword", &error)
            }
            ResetError::Busy(error) => error.into(),
            ResetError::Tenant(error) | ResetError::Account(AccountError::Tenant(error)) => error.into(),
            ResetError::Account(error) => error.into(),
            ResetError::Store(error) => error.into(),
        }
    }
}

impl From<AccountError> for Refusal {
    fn from(error: AccountError) -> Self {
        match error {
            AccountError::NotFound => Self::plain(Code::UserNotFound),
            AccountError::Taken => Self::because(Code::UserExists, "User already exists"),
            AccountError::Weak(error) => error.into(),
            AccountError::Contended => contended(),
            AccountError::Busy(error) => error.into(),
            // Accounts are seen to by those who are signed in.
            AccountError::Tenant(error) => of_credentials_tenant(error),
            AccountError::Store(error) => error.into(),
        }
    }
}
