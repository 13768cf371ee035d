//! Every error of the engine, of every variant.

use std::collections::BTreeSet;
use std::fmt::Debug;
use std::io;
use std::sync::Arc;
use std::time::Duration;

use portcullis_core::engine::{
    AuthenticationError, ChangePasswordError, DeviceSignInError, IssueError, PasswordSignInError,
    RefreshError, RegisterError, ResendCodeError, ResetError, TenantError, UnlockError, UserAdminError,
    VerifyCodeError,
};
use portcullis_core::id::{SessionId, SessionKey, TenantId};
use portcullis_core::key::KeyringFault;
use portcullis_core::password::{HashRefused, WeakPassword};
use portcullis_core::store::StoreError;
use portcullis_core::strategy::SessionClaim;
use portcullis_core::token::{SignFault, TokenFault};
use uuid::Uuid;

use super::super::Refusal;

const WAIT: Duration = Duration::from_secs(3);

/// The errors, of which every variant must be there: one that is new does not compile until it is listed.
macro_rules! every_variant {
    ($errors:expr, $($variant:pat),+ $(,)?) => {{
        let errors: Vec<_> = $errors.into_iter().flatten().collect();
        let seen: BTreeSet<&str> = errors.iter().map(|error| match error { $($variant => stringify!($variant)),+ }).collect();
        assert_eq!(seen, BTreeSet::from([$(stringify!($variant)),+]));
        errors
    }};
}

pub(super) fn away() -> StoreError {
    StoreError::unavailable("find a session", io::Error::other("connection refused by 10.0.0.7"))
}

fn stores() -> [StoreError; 3] {
    [away(), StoreError::Overloaded, StoreError::corrupt("session", &"0f", "kid")]
}

fn tenants() -> Vec<TenantError> {
    let kid = "k1".parse().unwrap();
    let keys = TenantError::Keys(Arc::new(KeyringFault::Foreign { kid }));
    let unknown = TenantError::Unknown("acme".parse().unwrap());
    every_variant!(
        [vec![unknown, TenantError::Suspended, keys], all(TenantError::Store, stores())],
        TenantError::Unknown(_),
        TenantError::Suspended,
        TenantError::Keys(_),
        TenantError::Store(_),
    )
}

fn hashing() -> [HashRefused; 2] {
    [HashRefused::Busy { retry_after: WAIT }, HashRefused::Stopped]
}

fn issuing() -> [IssueError; 2] {
    [IssueError::Sign(SignFault::NoKey), IssueError::NoKey("refresh")]
}

fn weak() -> [WeakPassword; 3] {
    [
        WeakPassword::TooShort { min_length: 15 },
        WeakPassword::Common,
        WeakPassword::ContainsContext { word: "acme".to_owned() },
    ]
}

fn all<E, T>(wrap: impl Fn(T) -> E, inner: impl IntoIterator<Item = T>) -> Vec<E> {
    inner.into_iter().map(wrap).collect()
}

fn register_errors() -> Vec<RegisterError> {
    use RegisterError::{Busy, NotOffered, Store, Taken, Tenant, Weak};
    every_variant!(
        [
            vec![Taken, NotOffered],
            all(Weak, weak()),
            all(Busy, hashing()),
            all(Tenant, tenants()),
            all(Store, stores())
        ],
        Taken,
        NotOffered,
        Weak(_),
        Busy(_),
        Tenant(_),
        Store(_),
    )
}

fn sign_in_errors() -> Vec<PasswordSignInError> {
    use PasswordSignInError::{Busy, InvalidCredentials, Issue, Locked, NotOffered, Store, Tenant};
    every_variant!(
        [
            vec![InvalidCredentials, Locked, NotOffered],
            all(Busy, hashing()),
            all(Issue, issuing()),
            all(Tenant, tenants()),
            all(Store, stores()),
        ],
        InvalidCredentials,
        Locked,
        NotOffered,
        Busy(_),
        Issue(_),
        Tenant(_),
        Store(_),
    )
}

pub(super) fn unauthenticated() -> Vec<AuthenticationError> {
    use AuthenticationError::{
        Invalid, Issue, Missing, NotLive, NotOffered, OtherStrategy, OtherTenant, Revoked, SeveralSessions,
        Store, Tenant, Token, UserGone,
    };
    let claims = [None, Some(SessionClaim::Sid), Some(SessionClaim::Jti)];
    let faults = [TokenFault::Expired, TokenFault::BadSignature, TokenFault::WrongTenant];
    every_variant!(
        [
            vec![Missing, Invalid, OtherStrategy, OtherTenant, UserGone, Revoked, NotOffered],
            all(SeveralSessions, [Vec::new()]),
            all(Token, faults),
            all(NotLive, claims),
            all(Issue, issuing()),
            all(Tenant, tenants()),
            all(Store, stores()),
        ],
        Missing,
        Invalid,
        OtherStrategy,
        OtherTenant,
        UserGone,
        Revoked,
        NotOffered,
        SeveralSessions(_),
        Token(_),
        NotLive(_),
        Issue(_),
        Tenant(_),
        Store(_),
    )
}

pub(super) fn refresh_errors() -> Vec<RefreshError> {
    use RefreshError::{Invalid, Issue, NotOffered, OtherTenant, Reused, SessionGone, Stale, Store, Tenant};
    let session =
        SessionKey { tenant: TenantId::default_tenant(), id: SessionId::from_uuid(Uuid::from_u128(7)) };
    every_variant!(
        [
            vec![Invalid, OtherTenant, Stale, Reused, SessionGone(session), NotOffered],
            all(Issue, issuing()),
            all(Tenant, tenants()),
            all(Store, stores()),
        ],
        Invalid,
        OtherTenant,
        Stale,
        Reused,
        SessionGone(_),
        NotOffered,
        Issue(_),
        Tenant(_),
        Store(_),
    )
}

pub(super) fn change_password_errors() -> Vec<ChangePasswordError> {
    use ChangePasswordError::{
        Busy, Contended, Reused, Store, Tenant, TooManyGuesses, UserGone, Weak, WrongPassword,
    };
    every_variant!(
        [
            vec![WrongPassword, TooManyGuesses { wait: WAIT }, Reused, UserGone, Contended],
            all(Weak, weak()),
            all(Busy, hashing()),
            all(Tenant, tenants()),
            all(Store, stores()),
        ],
        WrongPassword,
        TooManyGuesses { .. },
        Reused,
        UserGone,
        Contended,
        Weak(_),
        Busy(_),
        Tenant(_),
        Store(_),
    )
}

fn device_sign_in_errors() -> Vec<DeviceSignInError> {
    use DeviceSignInError::{Password, TooManyCodes};
    let too_many = TooManyCodes { wait: WAIT };
    every_variant!([vec![too_many], all(Password, sign_in_errors())], TooManyCodes { .. }, Password(_))
}

fn verify_errors() -> Vec<VerifyCodeError> {
    use VerifyCodeError::{Expired, Issue, NotOffered, Store, Tenant, TooMany, Wrong};
    every_variant!(
        [
            vec![Wrong, Expired, TooMany, NotOffered],
            all(Issue, issuing()),
            all(Tenant, tenants()),
            all(Store, stores()),
        ],
        Wrong,
        Expired,
        TooMany,
        NotOffered,
        Issue(_),
        Tenant(_),
        Store(_),
    )
}

fn resend_errors() -> Vec<ResendCodeError> {
    use ResendCodeError::{NotOffered, Over, Store, Tenant, TooMany};
    every_variant!(
        [vec![Over, TooMany { wait: WAIT }, NotOffered], all(Tenant, tenants()), all(Store, stores())],
        Over,
        TooMany { .. },
        NotOffered,
        Tenant(_),
        Store(_),
    )
}

fn unlock_errors() -> Vec<UnlockError> {
    use UnlockError::{InvalidToken, Store, Tenant};
    every_variant!(
        [vec![InvalidToken], all(Tenant, tenants()), all(Store, stores())],
        InvalidToken,
        Tenant(_),
        Store(_),
    )
}

pub(super) fn reset_errors() -> Vec<ResetError> {
    use ResetError::{Account, Busy, InvalidToken, Reused, Store, Tenant, Weak};
    every_variant!(
        [
            vec![InvalidToken, Reused],
            all(Weak, weak()),
            all(Busy, hashing()),
            all(Tenant, tenants()),
            all(Account, account_errors()),
            all(Store, stores()),
        ],
        InvalidToken,
        Reused,
        Weak(_),
        Busy(_),
        Tenant(_),
        Account(_),
        Store(_),
    )
}

pub(super) fn account_errors() -> Vec<UserAdminError> {
    use UserAdminError::{Busy, Contended, NotFound, Store, Taken, Tenant, Weak};
    every_variant!(
        [
            vec![NotFound, Taken, Contended],
            all(Weak, weak()),
            all(Busy, hashing()),
            all(Tenant, tenants()),
            all(Store, stores()),
        ],
        NotFound,
        Taken,
        Contended,
        Weak(_),
        Busy(_),
        Tenant(_),
        Store(_),
    )
}

/// Every error of the engine, how it is called, and what becomes of it.
pub(super) fn table() -> Vec<(String, Refusal)> {
    fn rows<E: Debug + Into<Refusal>>(kind: &str, errors: Vec<E>) -> Vec<(String, Refusal)> {
        errors.into_iter().map(|error| (format!("{kind}::{error:?}"), error.into())).collect()
    }
    [
        rows("RegisterError", register_errors()),
        rows("PasswordSignInError", sign_in_errors()),
        rows("AuthenticationError", unauthenticated()),
        rows("RefreshError", refresh_errors()),
        rows("ChangePasswordError", change_password_errors()),
        rows("DeviceSignInError", device_sign_in_errors()),
        rows("VerifyError", verify_errors()),
        rows("ResendError", resend_errors()),
        rows("UnlockError", unlock_errors()),
        rows("ResetError", reset_errors()),
        rows("AccountError", account_errors()),
    ]
    .concat()
}
