//! What clients see of each error of the engine. The matches are exhaustive.

use std::error::Error;
use std::time::Duration;

use portcullis_core::engine::{
    AuthenticationError, ChangePasswordError, DeviceSignInError, FeedError, IssueError, PasswordSignInError,
    RefreshError, RegisterError, ResendCodeError, ResetError, TenantError, UnlockError, UserAdminError,
    VerifyCodeError,
};
use portcullis_core::password::{HashRefused, WeakPassword};
use portcullis_core::revocation::wire::InvalidFeedQuery;
use portcullis_core::store::StoreError;
use portcullis_core::strategy::SessionClaim;
use portcullis_core::ticket::TicketPurpose;

use super::{Code, Reason, Refusal};
use crate::request::fault_of;

/// How long a client should wait for a store that is away.
const RETRY: Duration = Duration::from_secs(1);

/// Declares what clients see of errors. Of the variants that an error passes on, they see what is inside.
macro_rules! refusals {
    ($($error:ident $(passes on $($inner:ident),+)? {$(
        $($variant:ident $(($($tuple:pat),+))? $({ $($member:tt)+ })?)|+ => $refusal:expr;
    )+})+) => {$(
        impl From<$error> for Refusal {
            fn from(error: $error) -> Self {
                match error {
                    $($($error::$variant $(($($tuple),+))? $({ $($member)+ })?)|+ => $refusal,)+
                    $($($error::$inner(error) => error.into(),)+)?
                }
            }
        }
    )+};
}

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
            TenantError::Keys(_) => server_fault(&error),
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

impl From<InvalidFeedQuery> for Refusal {
    fn from(fault: InvalidFeedQuery) -> Self {
        let faults = vec![fault.to_string()];
        Self { reason: Reason::Faults(faults), ..Self::plain(Code::ValidationFailed) }
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

refusals! {
    RegisterError passes on Weak, Busy, Tenant, Store {
        Taken => Refusal::plain(Code::UserExists);
        NotOffered => Refusal::no_route();
    }

    PasswordSignInError passes on Busy, Issue, Tenant, Store {
        InvalidCredentials => Refusal::plain(Code::InvalidCredentials);
        Locked => Refusal::plain(Code::AccountLocked);
        NotOffered => Refusal::no_route();
    }

    AuthenticationError passes on Issue, Store {
        Missing => Refusal::plain(Code::Unauthorized);
        Invalid | SeveralSessions(_) | Token(_) | OtherStrategy | NotLive(None | Some(SessionClaim::Sid))
        | UserGone => bad_token(Refusal::plain(Code::Unauthorized));
        OtherTenant => bad_token(Refusal::plain(Code::TenantMismatch));
        NotLive(Some(SessionClaim::Jti)) =>
            bad_token(Refusal::because(Code::Unauthorized, "Token is not whitelisted"));
        Revoked => bad_token(Refusal::because(Code::Unauthorized, "Token revoked"));
        NotOffered => Refusal::no_route();
        Tenant(error) => of_credentials_tenant(error);
    }

    RefreshError passes on Issue, Tenant, Store {
        Invalid | Stale | Reused | SessionGone(_) | Tenant(TenantError::Suspended) =>
            bad_token(Refusal::plain(Code::InvalidRefreshToken));
        OtherTenant => bad_token(Refusal::because(Code::TenantMismatch, "Invalid refresh token"));
        NotOffered => Refusal::no_route();
    }

    ChangePasswordError passes on Busy, Store {
        WrongPassword => Refusal::plain(Code::WrongPassword);
        TooManyGuesses { wait } => Refusal::too_many_attempts(wait);
        Reused => Refusal::plain(Code::PasswordReused);
        UserGone => bad_token(Refusal::plain(Code::Unauthorized));
        Contended => Refusal::plain(Code::Conflict);
        Weak(error) => weak("newPassword", &error);
        Tenant(error) => of_credentials_tenant(error);
    }

    DeviceSignInError passes on Password {
        TooManyCodes { wait } => Refusal::too_many_attempts(wait);
    }

    VerifyCodeError passes on Issue, Tenant, Store {
        Wrong => Refusal::plain(Code::InvalidOtp);
        Expired => Refusal::plain(Code::OtpExpired);
        // At most: earlier attempts leave the window sooner, and the client may ask for another code at once.
        TooMany => Refusal::too_many_attempts(TicketPurpose::Code.limits().within);
        NotOffered => Refusal::no_route();
    }

    ResendCodeError passes on Tenant, Store {
        Over => Refusal::plain(Code::InvalidOtp);
        TooMany { wait } => Refusal::too_many_attempts(wait);
        NotOffered => Refusal::no_route();
    }

    UnlockError passes on Tenant, Store {
        InvalidToken => Refusal::plain(Code::InvalidUnlockToken);
    }

    ResetError passes on Busy, Tenant, Account, Store {
        // A link may outlive its user; then it is like an unknown one.
        InvalidToken | Account(UserAdminError::NotFound) => Refusal::plain(Code::InvalidResetToken);
        Reused => Refusal::plain(Code::PasswordReused);
        Weak(error) | Account(UserAdminError::Weak(error)) => weak("newPassword", &error);
        Account(UserAdminError::Tenant(error)) => error.into();
    }

    FeedError passes on Store {
        TooOld => Refusal::plain(Code::SnapshotNeeded);
        Cursor => Refusal::because(Code::BadRequest, "The parameter cursor was not made by this server");
        Busy => Refusal::plain(Code::Busy).later(RETRY);
    }

    UserAdminError passes on Weak, Busy, Store {
        NotFound => Refusal::plain(Code::UserNotFound);
        Taken => Refusal::plain(Code::UserExists);
        Contended => Refusal::plain(Code::Conflict);
        // The caller of an admin operation is signed in.
        Tenant(error) => of_credentials_tenant(error);
    }
}
