//! The words of the device-session surface.

use portcullis_core::engine::{DeviceSignInError, ResendCodeError};
use portcullis_core::id::SessionId;

use super::errors::unauthenticated;
use super::*;
use crate::operation::{
    AdminOperation, DEVICE_OPERATIONS, DeviceOperation, DeviceRow, OwnOperation, PublicOperation,
};

fn row(kind: impl Into<DeviceOperation>) -> DeviceRow {
    let kind = kind.into();
    DEVICE_OPERATIONS.into_iter().find(|row| row.kind == kind).unwrap()
}

fn enveloped(refusal: Refusal, operation: impl Into<DeviceOperation>) -> serde_json::Value {
    let body = text(&refusal.worded_for(row(operation).texts), Rendering::Envelope, &SESSIONS);
    serde_json::from_str(&body).unwrap()
}

/// What four operations say of what may befall any of them, and what all others do.
const WORDS: [(DeviceOperation, &str, &str, &str, &str); 5] = [
    (
        DeviceOperation::Own(OwnOperation::Sessions),
        "Unable to fetch sessions because tenant environment is not initialized.",
        "Failed to retrieve sessions due to a system error. Please try again later.",
        "Session request failed: user identity missing in the request payload.",
        "User not found for the current tenant.",
    ),
    (
        DeviceOperation::Own(OwnOperation::LogoutSession),
        "Logout failed because tenant environment is not initialized.",
        "Logout failed due to a system error. Please try again later.",
        "Logout request missing user identity.",
        "User not found.",
    ),
    (
        DeviceOperation::Own(OwnOperation::LogoutAll),
        "Unable to perform logout-all because tenant environment is not initialized.",
        "Logout-all failed due to a system error. Please try again later.",
        "Logout-all request missing user identity.",
        "User not found.",
    ),
    (
        DeviceOperation::Public(PublicOperation::Refresh),
        "Token refresh failed because tenant environment is not initialized.",
        "Token refresh failed due to a system error. Please try again later.",
        "Request missing user identity.",
        "User not found.",
    ),
    (
        DeviceOperation::Own(OwnOperation::Me),
        "Tenant connection not available",
        "Request failed due to a system error. Please try again later.",
        "Request missing user identity.",
        "User not found.",
    ),
];

#[test]
fn four_operations_have_words_of_their_own_for_what_may_befall_any() {
    let own: Vec<_> = WORDS.iter().map(|row| row.0).collect();
    for operation in DEVICE_OPERATIONS.map(|operation| operation.kind) {
        let like = if own.contains(&operation) { operation } else { OwnOperation::Me.into() };
        let (_, tenant, fault, user_id, user) = WORDS.into_iter().find(|words| words.0 == like).unwrap();
        let said = |code| enveloped(Refusal::plain(code), operation)["message"].clone();
        assert_eq!(said(Code::TenantConnectionMissing), tenant, "{operation:?}");
        assert_eq!(said(Code::InternalError), fault, "{operation:?}");
        assert_eq!(said(Code::StoreUnavailable), fault, "{operation:?}");
        assert_eq!(said(Code::UserIdMissing), user_id, "{operation:?}");
        assert_eq!(said(Code::UserGone), user, "{operation:?}");
        assert_eq!(said(Code::UserNotFound), "User not found.", "{operation:?}");
    }
}

#[test]
fn codes_have_their_status_and_their_text() {
    for (code, word, status, message) in [
        (Code::InvalidOtp, "INVALID_OTP", 401, "Invalid OTP. Please try again."),
        (Code::OtpExpired, "OTP_EXPIRED", 401, "OTP has expired. Please log in again."),
        (Code::TooManyAttempts, "TOO_MANY_ATTEMPTS", 429, "Too many attempts. Please try again later."),
        (
            Code::AccountLocked,
            "ACCOUNT_LOCKED",
            423,
            "Account locked. Please follow the link in the mail we sent you, or try again later.",
        ),
        (Code::InvalidUnlockToken, "INVALID_UNLOCK_TOKEN", 400, "The unlock link is invalid or has expired."),
        (
            Code::InvalidResetToken,
            "INVALID_RESET_TOKEN",
            400,
            "The password reset link is invalid or has expired.",
        ),
        (Code::DeviceNotFound, "DEVICE_NOT_FOUND", 404, "Device not found or already forgotten."),
        (Code::SessionNotFound, "SESSION_NOT_FOUND", 404, "Session not found or already logged out."),
        (Code::SessionOver, "SESSION_NOT_FOUND", 401, "Session not found or expired. Please log in again."),
        (
            Code::InvalidRefreshToken,
            "INVALID_REFRESH_TOKEN",
            401,
            "The provided refresh token is invalid or has expired. Please log in again.",
        ),
        (
            Code::InvalidRefreshHash,
            "INVALID_REFRESH_HASH",
            401,
            "Invalid refresh token. Please log in again to continue.",
        ),
        (Code::UserGone, "USER_NOT_FOUND", 401, "User not found."),
        (Code::UserNotFound, "USER_NOT_FOUND", 404, "User not found."),
        (Code::UserIdMissing, "USER_ID_MISSING", 400, "Request missing user identity."),
        (Code::TenantSuspended, "TENANT_SUSPENDED", 403, "Tenant is suspended"),
        (
            Code::SystemError,
            "INTERNAL_ERROR",
            503,
            "Request failed due to a system error. Please try again later.",
        ),
        (
            Code::InternalError,
            "INTERNAL_ERROR",
            500,
            "Request failed due to a system error. Please try again later.",
        ),
    ] {
        let value = enveloped(Refusal::plain(code), PublicOperation::Login);
        assert_eq!((&value["message"], &value["meta"]["code"]), (&message.into(), &word.into()));
        assert_eq!(code.status(), status, "{code:?}");
        assert_eq!(value["statusCode"].is_number(), [401, 403].contains(&status), "{code:?}");
    }
    assert_eq!(Code::AccountLocked.title(), "Locked");
    assert_eq!(Code::TooManyAttempts.title(), "Too Many Requests");
}

fn said_of_another_code() -> [(Refusal, DeviceOperation, &'static str, u16, &'static str); 2] {
    [
        (
            ResendCodeError::Over.into(),
            PublicOperation::ResendCode.into(),
            "INVALID_OTP",
            401,
            "Invalid OTP. Please try again.",
        ),
        (
            ResendCodeError::TooMany { wait: Duration::from_mins(15) }.into(),
            PublicOperation::ResendCode.into(),
            "TOO_MANY_ATTEMPTS",
            429,
            "Too many attempts. Please try again later.",
        ),
    ]
}

/// What the engine refuses, and how the surface says it: operation, code, status and text.
fn said() -> Vec<(Refusal, DeviceOperation, &'static str, u16, &'static str)> {
    use PublicOperation::{Login, Signup, VerifyLogin};
    vec![
        (RegisterError::Taken.into(), Signup.into(), "USER_EXISTS", 409, "User already exists"),
        (
            UserAdminError::Taken.into(),
            AdminOperation::CreateUser.into(),
            "USER_EXISTS",
            409,
            "User already exists",
        ),
        (RegisterError::NotOffered.into(), Signup.into(), "NOT_FOUND", 404, "Cannot GET /auth/sessions"),
        (PasswordSignInError::NotOffered.into(), Login.into(), "NOT_FOUND", 404, "Cannot GET /auth/sessions"),
        (
            VerifyCodeError::NotOffered.into(),
            VerifyLogin.into(),
            "NOT_FOUND",
            404,
            "Cannot GET /auth/sessions",
        ),
        (
            PasswordSignInError::InvalidCredentials.into(),
            Login.into(),
            "INVALID_CREDENTIALS",
            401,
            "Invalid credentials",
        ),
        (
            DeviceSignInError::Password(PasswordSignInError::Locked).into(),
            Login.into(),
            "ACCOUNT_LOCKED",
            423,
            "Account locked. Please follow the link in the mail we sent you, or try again later.",
        ),
        (
            DeviceSignInError::TooManyCodes { wait: Duration::from_mins(15) }.into(),
            Login.into(),
            "TOO_MANY_ATTEMPTS",
            429,
            "Too many attempts. Please try again later.",
        ),
        (
            VerifyCodeError::Wrong.into(),
            VerifyLogin.into(),
            "INVALID_OTP",
            401,
            "Invalid OTP. Please try again.",
        ),
        (
            VerifyCodeError::Expired.into(),
            VerifyLogin.into(),
            "OTP_EXPIRED",
            401,
            "OTP has expired. Please log in again.",
        ),
        (
            VerifyCodeError::TooMany.into(),
            VerifyLogin.into(),
            "TOO_MANY_ATTEMPTS",
            429,
            "Too many attempts. Please try again later.",
        ),
        (
            ChangePasswordError::WrongPassword.into(),
            OwnOperation::Password.into(),
            "WRONG_PASSWORD",
            403,
            "Current password is wrong",
        ),
        (
            ChangePasswordError::Reused.into(),
            OwnOperation::Password.into(),
            "PASSWORD_REUSED",
            400,
            "Cannot reuse previous password",
        ),
        (
            Refusal::of_device_credential(AuthenticationError::UserGone),
            OwnOperation::Sessions.into(),
            "USER_NOT_FOUND",
            401,
            "User not found for the current tenant.",
        ),
        (
            Refusal::of_device_password(ChangePasswordError::UserGone),
            OwnOperation::Password.into(),
            "USER_NOT_FOUND",
            401,
            "User not found.",
        ),
        (TenantError::Suspended.into(), Signup.into(), "TENANT_SUSPENDED", 403, "Tenant is suspended"),
    ]
}

#[test]
fn what_the_engine_refuses_is_said_in_the_words_of_this_surface() {
    for (refusal, operation, code, status, message) in said().into_iter().chain(said_of_another_code()) {
        assert_eq!(refusal.code.status(), status, "{operation:?} {code}");
        let value = enveloped(refusal, operation);
        assert_eq!((&value["message"], &value["meta"]["code"]), (&message.into(), &code.into()));
        assert_eq!((&value["data"], &value["meta"]["status"]), (&serde_json::Value::Null, &"error".into()));
    }
}

#[test]
fn a_user_who_is_gone_is_named_here_and_nothing_else_of_a_credential_is() {
    let gone = Refusal::of_device_credential(AuthenticationError::UserGone);
    assert_eq!((gone.code, gone.invalid_token), (Code::UserGone, true));
    for error in unauthenticated().into_iter().filter(|error| !matches!(error, AuthenticationError::UserGone))
    {
        assert_eq!(Refusal::of_device_credential(error.clone()), error.into());
    }
}

#[test]
fn another_tenants_user_and_one_who_never_was_get_the_same_bytes() {
    for operation in DEVICE_OPERATIONS.iter().filter(|row| row.is_administration()) {
        let refusal = Refusal::from(UserAdminError::NotFound).worded_for(operation.texts);
        assert_eq!((refusal.code.status(), refusal.session, &refusal.tenant), (404, None, &None));
        assert_eq!(
            text(&refusal, Rendering::Envelope, &SESSIONS),
            r#"{"message":"User not found.","data":null,"meta":{"status":"error","code":"USER_NOT_FOUND"},"ts":"2026-01-28T22:12:56.311Z"}"#
        );
    }
}

// ASVS-map: RV3
#[test]
fn an_outage_keeps_its_status_and_its_time_to_wait_whatever_it_is_called() {
    for DeviceRow { texts, .. } in DEVICE_OPERATIONS {
        let before: Refusal = away().into();
        let after = before.clone().worded_for(texts);
        assert_eq!((after.code.as_str(), after.code.status()), ("INTERNAL_ERROR", 503));
        assert_eq!((after.retry_after, after.retry_after.is_some()), (before.retry_after, true));
        let busy = Refusal::from(HashRefused::Stopped).worded_for(texts);
        assert_eq!((busy.code, busy.retry_after.is_some()), (Code::Busy, true));
    }
}

#[test]
fn no_words_change_a_status_a_challenge_or_what_a_guard_says() {
    for (error, refusal) in table() {
        for DeviceRow { texts, .. } in DEVICE_OPERATIONS {
            let worded = refusal.clone().worded_for(texts);
            assert_eq!(worded.code.status(), refusal.code.status(), "{error}");
            assert_eq!(worded.invalid_token, refusal.invalid_token, "{error}");
            assert_eq!(worded.clone().worded_for(texts), worded, "{error}");
        }
    }
    let value = enveloped(AuthenticationError::Missing.into(), OwnOperation::Sessions);
    assert_eq!((&value["message"], &value["meta"]["code"]), (&"Unauthorized".into(), &"UNAUTHORIZED".into()));
    let value = enveloped(AuthenticationError::OtherTenant.into(), OwnOperation::Sessions);
    assert_eq!(value["meta"]["code"], "TENANT_MISMATCH");
}

#[test]
fn every_400_for_a_body_has_its_faults_in_an_array() {
    let value = enveloped(NotJson.into(), PublicOperation::Login);
    assert_eq!(value["message"], "Request body is not valid JSON");
    let details = serde_json::json!(["Request body is not valid JSON"]);
    assert_eq!((&value["meta"]["code"], &value["meta"]["details"]), (&"VALIDATION_FAILED".into(), &details));
    let value = enveloped(faults(), PublicOperation::Login);
    assert_eq!(value["meta"]["details"].as_array().unwrap().len(), 2);
}

#[test]
fn details_name_the_tenant_and_meta_the_session() {
    let unknown = TenantError::Unknown("acme".parse().unwrap());
    let refusal = Refusal::from(unknown).worded_for(row(OwnOperation::LogoutSession).texts);
    assert_eq!(
        text(&refusal, Rendering::Envelope, &SESSIONS),
        r#"{"message":"Logout failed because tenant environment is not initialized.","data":null,"meta":{"status":"error","code":"TENANT_CONNECTION_MISSING","details":{"tenantId":"acme"}},"ts":"2026-01-28T22:12:56.311Z"}"#
    );
    let no_tenant = enveloped(Refusal::plain(Code::TenantConnectionMissing), PublicOperation::Login);
    assert_eq!(no_tenant["meta"]["details"], serde_json::json!({"tenantId": null}));
    let session = SessionId::from_uuid(Uuid::from_u128(7));
    let refusal = Refusal::plain(Code::SessionNotFound).about_session(session);
    assert_eq!(
        text(&refusal.worded_for(row(OwnOperation::LogoutSession).texts), Rendering::Envelope, &SESSIONS),
        r#"{"message":"Session not found or already logged out.","data":null,"meta":{"status":"error","code":"SESSION_NOT_FOUND","sessionId":"00000000-0000-0000-0000-000000000007"},"ts":"2026-01-28T22:12:56.311Z"}"#
    );
}

#[test]
fn a_refused_refresh_says_which_of_three_it_was() {
    let codes: Vec<_> = refresh_errors()
        .into_iter()
        .map(Refusal::of_device_refresh)
        .filter(|refusal| refusal.code.status() == 401)
        .map(|refusal| (refusal.code, refusal.session.is_some(), refusal.invalid_token))
        .collect();
    assert_eq!(
        codes,
        [
            (Code::InvalidRefreshToken, false, true),
            (Code::TenantMismatch, false, true),
            (Code::InvalidRefreshToken, false, true),
            (Code::InvalidRefreshHash, false, true),
            (Code::SessionOver, true, true),
            (Code::InvalidRefreshToken, false, true),
        ]
    );
    let outage = Refusal::of_device_refresh(RefreshError::Store(away()));
    assert_eq!((outage.code.status(), outage.retry_after.is_some()), (503, true));
}
