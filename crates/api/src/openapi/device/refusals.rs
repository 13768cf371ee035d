//! What operations answer when they do not do what they were asked, in the words of this surface.

use std::time::Duration;

use portcullis_core::engine::{
    AuthenticationError, ChangePasswordError, DeviceSignInError, PasswordSignInError, RefreshError,
    RegisterError, ResetError, TenantError, UnlockError, UserAdminError, VerifyCodeError,
};
use portcullis_core::id::{SessionId, SessionKey, TenantId};
use portcullis_core::password::{HashRefused, PasswordPolicy};
use utoipa::openapi::RefOr;
use utoipa::openapi::response::Response;

use super::answers::{has_page, page};
use super::{Row, takes_tenant};
use crate::openapi::refusals::{Example, documented, malformed, of_every_operation};
use crate::openapi::sample::SESSION;
use crate::operation::{Access, DeviceOperation, Method};
use crate::refusal::{Code, Refusal};
use crate::request::device::{
    CreateUser, EndSession, Forgot, ListUsers, LogIn, OneSession, OneUser, OwnSessions, Refresh, Rename,
    Reset, SetRole, SignUp, Unlock, UserSessions, VerifyLogin,
};
use crate::request::{Body, ChangePassword, Faults};

const WAIT: Duration = Duration::from_secs(1);

/// The answers of refusal, by status.
pub(super) fn responses(row: &Row) -> impl Iterator<Item = (String, Response)> {
    let refusals = if row.kind == DeviceOperation::Health { Vec::new() } else { of_operation(row) };
    let worded = refusals.into_iter().map(|(name, refusal)| (name, refusal.worded_for(row.kind)));
    documented(worded.collect(), row.method, row.route).map(|(status, mut response)| {
        if row.kind == DeviceOperation::ResetPage && status == "400" {
            // Of a link that is not complete, whoever asks.
            response.content.clear();
        }
        if has_page(row) {
            response.content.insert("text/html".to_owned(), RefOr::T(page()));
        }
        (status, response)
    })
}

fn of_operation(row: &Row) -> Vec<Example> {
    let mut refusals = of_every_operation();
    // A link that names no tenant of ours is as good as none.
    refusals.retain(|(name, _)| takes_tenant(row.kind) || *name != "unknownTenant");
    refusals.push(("notOffered", Refusal::no_route()));
    if row.method != Method::Get {
        refusals.extend(malformed());
        refusals.push(("crossSite", Refusal::plain(Code::CrossSite)));
    }
    refusals.extend(faults(row.kind).map(|faults| ("validationFailed", faults.into())));
    refusals.extend(of_access(row));
    if row.limited {
        refusals.push(("tooManyRequests", Refusal::too_many_requests(WAIT)));
    }
    refusals.extend(of_kind(row.kind));
    refusals
}

/// What somebody meets who may not ask.
fn of_access(row: &Row) -> Vec<Example> {
    let mut refusals = vec![
        ("unauthorized", AuthenticationError::Missing.into()),
        ("otherTenant", AuthenticationError::OtherTenant.into()),
        ("userGone", Refusal::of_device_credential(AuthenticationError::UserGone)),
    ];
    match row.access {
        // A refresh shows a credential of its own kind.
        Access::Public if row.kind == DeviceOperation::Refresh => Vec::new(),
        Access::Public => vec![("suspended", TenantError::Suspended.into())],
        Access::SignedIn => refusals,
        Access::Role(role) => {
            refusals.push(("missingRole", Refusal::missing_role()));
            refusals.push(("insufficientRole", Refusal::insufficient_role(&[role])));
            refusals
        }
    }
}

/// The faults of a body whose members are missing, and of a path and a query that are none.
fn faults(kind: DeviceOperation) -> Option<Faults> {
    let policy = PasswordPolicy::DEVELOPMENT;
    let bad = Body::of_form(b"limit=0&ended=maybe").with_path([("userId", "7"), ("sessionId", "7")]);
    match kind {
        DeviceOperation::Signup => SignUp::read(&bad, &policy).err(),
        DeviceOperation::Login => LogIn::read(&bad).err(),
        DeviceOperation::VerifyLogin => VerifyLogin::read(&bad).err(),
        DeviceOperation::UnlockPage | DeviceOperation::Unlock | DeviceOperation::ResetPage => {
            Unlock::read(&bad).err()
        }
        DeviceOperation::Password => ChangePassword::read(&bad, &policy).err(),
        DeviceOperation::Sessions => OwnSessions::read(&bad).err(),
        DeviceOperation::RenameSession => Rename::read(&bad).err(),
        DeviceOperation::LogoutSession => EndSession::read(&bad).err(),
        DeviceOperation::Refresh => Refresh::read(&bad).err(),
        DeviceOperation::ForgotPassword => Forgot::read(&bad).err(),
        DeviceOperation::ResetPassword => Reset::read(&bad).err(),
        DeviceOperation::Users => ListUsers::read(&bad).err(),
        DeviceOperation::CreateUser => CreateUser::read(&bad).err(),
        DeviceOperation::SetRole => SetRole::read(&bad).err(),
        DeviceOperation::UserSessions => UserSessions::read(&bad).err(),
        DeviceOperation::EndUserSession => OneSession::read(&bad).err(),
        DeviceOperation::User
        | DeviceOperation::DisableUser
        | DeviceOperation::EnableUser
        | DeviceOperation::UnlockUser
        | DeviceOperation::ResetUser
        | DeviceOperation::EndUserSessions => OneUser::read(&bad).err(),
        DeviceOperation::Me | DeviceOperation::LogoutAll | DeviceOperation::Health => None,
    }
}

fn of_kind(kind: DeviceOperation) -> Vec<Example> {
    let busy = || HashRefused::Busy { retry_after: WAIT };
    let user_not_found = || ("userNotFound", UserAdminError::NotFound.into());
    let session = SessionId::from_uuid(SESSION);
    let not_found = || ("sessionNotFound", Refusal::plain(Code::SessionNotFound).about_session(session));
    match kind {
        DeviceOperation::Signup => {
            vec![("taken", RegisterError::Taken.into()), ("hashingBusy", busy().into())]
        }
        DeviceOperation::Login => vec![
            ("invalidCredentials", PasswordSignInError::InvalidCredentials.into()),
            ("accountLocked", PasswordSignInError::Locked.into()),
            ("tooManyAttempts", DeviceSignInError::TooManyCodes { wait: WAIT }.into()),
            ("hashingBusy", busy().into()),
        ],
        DeviceOperation::VerifyLogin => {
            vec![
                ("invalidOtp", VerifyCodeError::Wrong.into()),
                ("otpExpired", VerifyCodeError::Expired.into()),
                ("tooManyAttempts", VerifyCodeError::TooMany.into()),
            ]
        }
        DeviceOperation::UnlockPage | DeviceOperation::Unlock => {
            vec![("invalidUnlockToken", UnlockError::InvalidToken.into())]
        }
        DeviceOperation::Password => of_password(),
        DeviceOperation::RenameSession | DeviceOperation::LogoutSession => vec![not_found()],
        DeviceOperation::Refresh => of_refresh(session),
        DeviceOperation::ResetPassword => vec![
            ("invalidResetToken", ResetError::InvalidToken.into()),
            ("reused", ResetError::Reused.into()),
            ("contended", ResetError::Account(UserAdminError::Contended).into()),
            ("hashingBusy", busy().into()),
        ],
        DeviceOperation::CreateUser => vec![("taken", UserAdminError::Taken.into())],
        DeviceOperation::EndUserSession => vec![user_not_found(), not_found()],
        DeviceOperation::DisableUser | DeviceOperation::EnableUser | DeviceOperation::SetRole => {
            vec![user_not_found(), ("contended", UserAdminError::Contended.into())]
        }
        DeviceOperation::ResetUser => {
            vec![user_not_found(), ("tooManyAttempts", Refusal::too_many_attempts(WAIT))]
        }
        DeviceOperation::User
        | DeviceOperation::UnlockUser
        | DeviceOperation::UserSessions
        | DeviceOperation::EndUserSessions => vec![user_not_found()],
        DeviceOperation::Me
        | DeviceOperation::Sessions
        | DeviceOperation::LogoutAll
        | DeviceOperation::Health
        | DeviceOperation::ForgotPassword
        | DeviceOperation::ResetPage
        | DeviceOperation::Users => Vec::new(),
    }
}

fn of_password() -> Vec<Example> {
    vec![
        ("wrongPassword", ChangePasswordError::WrongPassword.into()),
        ("tooManyGuesses", ChangePasswordError::TooManyGuesses { wait: WAIT }.into()),
        ("reused", ChangePasswordError::Reused.into()),
        ("contended", ChangePasswordError::Contended.into()),
        ("hashingBusy", HashRefused::Busy { retry_after: WAIT }.into()),
    ]
}

fn of_refresh(session: SessionId) -> Vec<Example> {
    let gone = SessionKey { tenant: TenantId::default_tenant(), id: session };
    vec![
        ("invalidRefreshToken", Refusal::of_device_refresh(RefreshError::Invalid)),
        ("sessionOver", Refusal::of_device_refresh(RefreshError::SessionGone(gone))),
        ("spent", Refusal::of_device_refresh(RefreshError::Reused)),
        ("otherTenant", Refusal::of_device_refresh(RefreshError::OtherTenant)),
    ]
}
