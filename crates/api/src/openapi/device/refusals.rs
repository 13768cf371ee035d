//! How the operations of the device-session surface refuse.

use portcullis_core::engine::{
    AuthenticationError, DeviceSignInError, RefreshError, ResendCodeError, ResetError, TenantError,
    UnlockError, UserAdminError, VerifyCodeError,
};
use portcullis_core::id::{SessionId, SessionKey, TenantId};
use utoipa::openapi::RefOr;
use utoipa::openapi::response::Response;

use super::answers::{has_page, page};
use crate::openapi::refusals::{
    Example, WAIT, documented, hashing_busy, of_any_row, of_password, of_sign_in, of_sign_up,
};
use crate::openapi::sample::SESSION;
use crate::operation::{
    Access, AdminOperation, DeviceOperation, DeviceRow, OwnOperation, PublicOperation, TenantSource,
};
use crate::refusal::{Code, Refusal};
use crate::request::{Body, RequestFaults};

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
    let mut refusals = of_any_row(row.method, row.limited, faults(row));
    // A link of an unknown tenant is refused like an invalid one.
    refusals.retain(|(name, _)| row.tenant == TenantSource::Header || *name != "unknownTenant");
    refusals.extend(of_access(row).into_iter().chain(of_names(row)).chain(of_kind(row.kind)));
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
    let bad = Body::of_form(b"limit=0&ended=maybe").with_path([
        ("userId", "7"),
        ("sessionId", "7"),
        ("deviceId", "7"),
    ]);
    (row.request?.faults)(&bad)
}

/// The refusals of a request that names a user or a session.
fn of_names(row: &DeviceRow) -> Vec<Example> {
    let members = row.request.map(|request| (request.members)()).unwrap_or_default();
    let not_found = |member| match member {
        "userId" => Some(("userNotFound", UserAdminError::NotFound.into())),
        "sessionId" => {
            let session = SessionId::from_uuid(SESSION);
            Some(("sessionNotFound", Refusal::plain(Code::SessionNotFound).about_session(session)))
        }
        "deviceId" => Some(("deviceNotFound", Refusal::plain(Code::DeviceNotFound))),
        _ => None,
    };
    members.into_iter().filter_map(|member| not_found(member.name)).collect()
}

fn of_kind(kind: DeviceOperation) -> Vec<Example> {
    use DeviceOperation::{Admin, Own, Public};
    match kind {
        Public(PublicOperation::Signup) => of_sign_up(),
        Public(PublicOperation::Login) => {
            let too_many = ("tooManyAttempts", DeviceSignInError::TooManyCodes { wait: WAIT }.into());
            of_sign_in().into_iter().chain([too_many]).collect()
        }
        Public(PublicOperation::VerifyLogin) => vec![
            ("invalidOtp", VerifyCodeError::Wrong.into()),
            ("otpExpired", VerifyCodeError::Expired.into()),
            ("tooManyAttempts", VerifyCodeError::TooMany.into()),
        ],
        Public(PublicOperation::ResendCode) => vec![
            ("invalidOtp", ResendCodeError::Over.into()),
            ("tooManyAttempts", ResendCodeError::TooMany { wait: WAIT }.into()),
        ],
        Public(PublicOperation::UnlockPage | PublicOperation::Unlock) => {
            vec![("invalidUnlockToken", UnlockError::InvalidToken.into())]
        }
        Public(PublicOperation::Refresh) => of_refresh(),
        Public(PublicOperation::ResetPassword) => vec![
            ("invalidResetToken", ResetError::InvalidToken.into()),
            ("reused", ResetError::Reused.into()),
            ("contended", ResetError::Account(UserAdminError::Contended).into()),
            hashing_busy(),
        ],
        Own(OwnOperation::Password) => of_password(),
        Admin(AdminOperation::CreateUser) => vec![("taken", UserAdminError::Taken.into())],
        Own(OwnOperation::ForgetDevice)
        | Admin(AdminOperation::DisableUser | AdminOperation::EnableUser | AdminOperation::SetRole) => {
            vec![("contended", UserAdminError::Contended.into())]
        }
        Admin(AdminOperation::ResetUser) => vec![("tooManyAttempts", Refusal::too_many_attempts(WAIT))],
        Public(PublicOperation::Health | PublicOperation::ForgotPassword | PublicOperation::ResetPage)
        | Own(
            OwnOperation::Me
            | OwnOperation::Sessions
            | OwnOperation::RenameSession
            | OwnOperation::Devices
            | OwnOperation::LogoutSession
            | OwnOperation::LogoutAll,
        )
        | Admin(
            AdminOperation::Users
            | AdminOperation::User
            | AdminOperation::UnlockUser
            | AdminOperation::UserSessions
            | AdminOperation::EndUserSession
            | AdminOperation::EndUserSessions,
        ) => Vec::new(),
    }
}

fn of_refresh() -> Vec<Example> {
    let gone = SessionKey { tenant: TenantId::default_tenant(), id: SessionId::from_uuid(SESSION) };
    vec![
        ("invalidRefreshToken", Refusal::of_device_refresh(RefreshError::Invalid)),
        ("sessionOver", Refusal::of_device_refresh(RefreshError::SessionGone(gone))),
        ("spent", Refusal::of_device_refresh(RefreshError::Reused)),
        ("otherTenant", Refusal::of_device_refresh(RefreshError::OtherTenant)),
    ]
}
