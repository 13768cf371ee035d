//! How the operations of the device-session surface refuse.

use std::time::Duration;

use portcullis_core::engine::{
    AuthenticationError, ChangePasswordError, DeviceSignInError, PasswordSignInError, RefreshError,
    RegisterError, ResetError, TenantError, UnlockError, UserAdminError, VerifyCodeError,
};
use portcullis_core::id::{SessionId, SessionKey, TenantId};
use portcullis_core::password::HashRefused;
use utoipa::openapi::RefOr;
use utoipa::openapi::response::Response;

use super::answers::{has_page, page};
use crate::openapi::refusals::{Example, documented, malformed, of_every_operation};
use crate::openapi::sample::SESSION;
use crate::operation::{
    Access, AdminOperation, DeviceOperation, DeviceRow, Method, OwnOperation, PublicOperation, TenantSource,
};
use crate::refusal::{Code, Refusal};
use crate::request::{Body, RequestFaults};

const WAIT: Duration = Duration::from_secs(1);

/// The answers of refusal, by status.
pub(super) fn responses(row: &DeviceRow) -> impl Iterator<Item = (String, Response)> {
    let refusals = if row.tenant == TenantSource::Unused { Vec::new() } else { of_operation(row) };
    let worded = refusals.into_iter().map(|(name, refusal)| (name, refusal.worded_for(row.texts)));
    documented(worded.collect(), row.method, row.route).map(|(status, mut response)| {
        if row.kind == DeviceOperation::Public(PublicOperation::ResetPage) && status == "400" {
            // The page of an incomplete link is the only answer, for a program too.
            response.content.clear();
        }
        if has_page(row) {
            response.content.insert("text/html".to_owned(), RefOr::T(page()));
        }
        (status, response)
    })
}

fn of_operation(row: &DeviceRow) -> Vec<Example> {
    let mut refusals = of_every_operation();
    // A link of an unknown tenant is refused like an invalid one.
    refusals.retain(|(name, _)| row.tenant == TenantSource::Header || *name != "unknownTenant");
    refusals.push(("notOffered", Refusal::no_route()));
    if row.method != Method::Get {
        refusals.extend(malformed());
        refusals.push(("crossSite", Refusal::plain(Code::CrossSite)));
    }
    refusals.extend(faults(row).map(|faults| ("validationFailed", faults.into())));
    refusals.extend(of_access(row));
    if row.limited {
        refusals.push(("tooManyRequests", Refusal::too_many_requests(WAIT)));
    }
    refusals.extend(of_kind(row.kind));
    refusals
}

/// The refusals of a caller without access.
fn of_access(row: &DeviceRow) -> Vec<Example> {
    let mut refusals = vec![
        ("unauthorized", AuthenticationError::Missing.into()),
        ("otherTenant", AuthenticationError::OtherTenant.into()),
        ("userGone", Refusal::of_device_credential(AuthenticationError::UserGone)),
    ];
    match row.access() {
        // A refresh shows a credential of its own kind.
        Access::Public if row.kind == DeviceOperation::Public(PublicOperation::Refresh) => Vec::new(),
        Access::Public => vec![("suspended", TenantError::Suspended.into())],
        Access::SignedIn => refusals,
        Access::Role(role) => {
            refusals.push(("missingRole", Refusal::plain(Code::MissingRole)));
            refusals.push(("insufficientRole", Refusal::insufficient_role(&[role])));
            refusals
        }
    }
}

/// The faults of a body whose members are missing, and of a path and a query that are malformed.
fn faults(row: &DeviceRow) -> Option<RequestFaults> {
    let bad = Body::of_form(b"limit=0&ended=maybe").with_path([("userId", "7"), ("sessionId", "7")]);
    (row.request?.faults)(&bad)
}

fn of_kind(kind: DeviceOperation) -> Vec<Example> {
    let busy = || HashRefused::Busy { retry_after: WAIT };
    let user_not_found = || ("userNotFound", UserAdminError::NotFound.into());
    let session = SessionId::from_uuid(SESSION);
    let not_found = || ("sessionNotFound", Refusal::plain(Code::SessionNotFound).about_session(session));
    match kind {
        DeviceOperation::Public(PublicOperation::Signup) => {
            vec![("taken", RegisterError::Taken.into()), ("hashingBusy", busy().into())]
        }
        DeviceOperation::Public(PublicOperation::Login) => vec![
            ("invalidCredentials", PasswordSignInError::InvalidCredentials.into()),
            ("accountLocked", PasswordSignInError::Locked.into()),
            ("tooManyAttempts", DeviceSignInError::TooManyCodes { wait: WAIT }.into()),
            ("hashingBusy", busy().into()),
        ],
        DeviceOperation::Public(PublicOperation::VerifyLogin) => {
            vec![
                ("invalidOtp", VerifyCodeError::Wrong.into()),
                ("otpExpired", VerifyCodeError::Expired.into()),
                ("tooManyAttempts", VerifyCodeError::TooMany.into()),
            ]
        }
        DeviceOperation::Public(PublicOperation::UnlockPage | PublicOperation::Unlock) => {
            vec![("invalidUnlockToken", UnlockError::InvalidToken.into())]
        }
        DeviceOperation::Own(OwnOperation::Password) => of_password(),
        DeviceOperation::Own(OwnOperation::RenameSession | OwnOperation::LogoutSession) => vec![not_found()],
        DeviceOperation::Public(PublicOperation::Refresh) => of_refresh(session),
        DeviceOperation::Public(PublicOperation::ResetPassword) => vec![
            ("invalidResetToken", ResetError::InvalidToken.into()),
            ("reused", ResetError::Reused.into()),
            ("contended", ResetError::Account(UserAdminError::Contended).into()),
            ("hashingBusy", busy().into()),
        ],
        DeviceOperation::Admin(AdminOperation::CreateUser) => vec![("taken", UserAdminError::Taken.into())],
        DeviceOperation::Admin(AdminOperation::EndUserSession) => vec![user_not_found(), not_found()],
        DeviceOperation::Admin(
            AdminOperation::DisableUser | AdminOperation::EnableUser | AdminOperation::SetRole,
        ) => {
            vec![user_not_found(), ("contended", UserAdminError::Contended.into())]
        }
        DeviceOperation::Admin(AdminOperation::ResetUser) => {
            vec![user_not_found(), ("tooManyAttempts", Refusal::too_many_attempts(WAIT))]
        }
        DeviceOperation::Admin(
            AdminOperation::User
            | AdminOperation::UnlockUser
            | AdminOperation::UserSessions
            | AdminOperation::EndUserSessions,
        ) => vec![user_not_found()],
        DeviceOperation::Own(OwnOperation::Me | OwnOperation::Sessions | OwnOperation::LogoutAll)
        | DeviceOperation::Public(
            PublicOperation::Health | PublicOperation::ForgotPassword | PublicOperation::ResetPage,
        )
        | DeviceOperation::Admin(AdminOperation::Users) => Vec::new(),
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
