use std::collections::BTreeSet;
use std::fmt::Write as _;

use portcullis_core::clock::Timestamp;
use portcullis_core::engine::{
    AuthenticationError, ChangePasswordError, PasswordSignInError, RefreshError, RegisterError, ResetError,
    TenantError, UnlockError, UserAdminError, VerifyCodeError,
};
use portcullis_core::password::{HashRefused, WeakPassword};
use portcullis_core::strategy::SessionClaim;
use portcullis_core::user::Role;
use uuid::Uuid;

use self::errors::{away, refresh_errors, table};
use super::*;
use crate::request::{Body, LoginBody};

mod device;
mod errors;
mod rendering;

const AT: Timestamp = Timestamp::from_millis(1_769_638_376_311);
const LOGIN: RefusedRequest<'_> = RefusedRequest { method: "POST", path: "/auth/jwt/login", at: AT };
const SESSIONS: RefusedRequest<'_> = RefusedRequest { method: "GET", path: "/auth/sessions", at: AT };

fn text(refusal: &Refusal, rendering: Rendering, request: &RefusedRequest<'_>) -> String {
    String::from_utf8(refusal.render(rendering, request)).unwrap()
}

fn plain(refusal: impl Into<Refusal>) -> String {
    text(&refusal.into(), Rendering::Plain, &LOGIN)
}

fn faults() -> Refusal {
    LoginBody::read(&Body::parse(b"{}").unwrap()).unwrap_err().into()
}

#[test]
fn every_error_of_the_engine_has_a_code_a_status_and_a_body() {
    let mut written = String::new();
    for (error, refusal) in table() {
        let (code, status) = (refusal.code.as_str(), refusal.code.status());
        writeln!(written, "{error}\n    {status} {code} {}", plain(refusal.clone())).unwrap();
        if let Some(wait) = refusal.retry_after {
            writeln!(written, "    retry after {wait:?}").unwrap();
        }
        if refusal.invalid_token {
            writeln!(written, "    invalid token").unwrap();
        }
    }
    insta::assert_snapshot!("engine_errors", written);
}

// ASVS-map: RV3
#[test]
fn an_outage_and_a_full_queue_are_503_with_a_time_to_wait_and_never_a_refusal_of_the_credential() {
    let mut outages = 0;
    for (error, refusal) in table() {
        let is_outage = ["store could not", "too much at once", "Busy {", "Stopped"]
            .iter()
            .any(|name| error.contains(name));
        let is_fault =
            ["has a corrupt", "Keys(", "Issue(", "Settings("].iter().any(|name| error.contains(name));
        outages += usize::from(is_outage);
        assert_eq!(refusal.code.status() == 503, is_outage, "{error}");
        let is_throttled = refusal.code.status() == 429;
        assert_eq!(refusal.retry_after.is_some(), is_outage || is_throttled, "{error}");
        assert_eq!(refusal.code.status() == 500, is_fault, "{error}");
        assert!(!refusal.invalid_token || refusal.code.status() == 401, "{error}");
    }
    assert!(outages >= 20, "{outages}");
}

// ASVS-map: LG3
#[test]
fn what_went_wrong_inside_stays_inside() {
    for (error, refusal) in table() {
        for rendering in [Rendering::Plain, Rendering::Envelope, Rendering::Problem] {
            let body = text(&refusal, rendering, &LOGIN);
            for detail in ["10.0.0.7", "corrupt", "session has", "kid", "k1", "key", "signature", "expired"] {
                assert!(!body.contains(detail), "{error}: {body}");
            }
        }
    }
}

#[test]
fn whoever_cannot_sign_in_is_not_told_why() {
    assert_eq!(
        plain(PasswordSignInError::InvalidCredentials),
        r#"{"message":"Invalid credentials","error":"Unauthorized","statusCode":401}"#
    );
}

#[test]
fn the_bodies_that_clients_were_written_against_are_these() {
    for (refusal, body) in [
        (AuthenticationError::Missing.into(), r#"{"message":"Unauthorized","statusCode":401}"#),
        (AuthenticationError::OtherStrategy.into(), r#"{"message":"Unauthorized","statusCode":401}"#),
        (
            AuthenticationError::NotLive(Some(SessionClaim::Jti)).into(),
            r#"{"message":"Token is not whitelisted","error":"Unauthorized","statusCode":401}"#,
        ),
        (AuthenticationError::UserGone.into(), r#"{"message":"Unauthorized","statusCode":401}"#),
        (
            AuthenticationError::Revoked.into(),
            r#"{"message":"Token revoked","error":"Unauthorized","statusCode":401}"#,
        ),
        (
            RegisterError::Taken.into(),
            r#"{"message":"Email already registered","error":"Conflict","statusCode":409}"#,
        ),
        (
            PasswordSignInError::Locked.into(),
            r#"{"message":"Account locked","error":"Locked","statusCode":423}"#,
        ),
        (
            RefreshError::Invalid.into(),
            r#"{"message":"Invalid refresh token","error":"Unauthorized","statusCode":401}"#,
        ),
        (
            ChangePasswordError::WrongPassword.into(),
            r#"{"message":"Current password is wrong","error":"Forbidden","statusCode":403}"#,
        ),
        (
            ChangePasswordError::Reused.into(),
            r#"{"message":"Cannot reuse previous password","error":"Bad Request","statusCode":400}"#,
        ),
        (
            NotJson.into(),
            r#"{"message":"Request body is not valid JSON","error":"Bad Request","statusCode":400}"#,
        ),
        (
            Refusal::no_route(),
            r#"{"message":"Cannot POST /auth/jwt/login","error":"Not Found","statusCode":404}"#,
        ),
        (
            faults(),
            r#"{"message":["email must be an email","password should not be empty"],"error":"Bad Request","statusCode":400}"#,
        ),
        (Refusal::plain(Code::StoreUnavailable), r#"{"message":"Service Unavailable","statusCode":503}"#),
    ] {
        let refusal: Refusal = refusal;
        assert_eq!(plain(refusal), body);
    }
}

#[test]
fn a_client_cannot_tell_from_a_refused_refresh_whether_a_session_was_there() {
    let refused = refresh_errors().into_iter().map(Refusal::from);
    let (of_others, refusals): (Vec<_>, Vec<_>) = refused
        .filter(|refusal| refusal.code.status() == 401)
        .partition(|refusal| refusal.code == Code::TenantMismatch);
    // Four that are refused for themselves, and one because its tenant is suspended.
    assert_eq!((refusals.len(), of_others.len()), (5, 1));
    assert!(refusals.iter().all(|refusal| *refusal == refusals[0]));
    // That header and token name two tenants the client knows without us; where nothing asks for a code, nothing says
    // so.
    assert_eq!(plain(of_others[0].clone()), plain(refusals[0].clone()));
}

#[test]
fn a_suspended_tenant_says_so_to_strangers_and_believes_no_credential() {
    let suspended = || TenantError::Suspended;
    for stranger in [
        Refusal::from(RegisterError::Tenant(suspended())),
        PasswordSignInError::Tenant(suspended()).into(),
        VerifyCodeError::Tenant(suspended()).into(),
        UnlockError::Tenant(suspended()).into(),
        ResetError::Tenant(suspended()).into(),
        ResetError::Account(UserAdminError::Tenant(suspended())).into(),
    ] {
        assert_eq!((stranger.code, stranger.invalid_token), (Code::TenantSuspended, false));
    }
    for signed_in in [
        Refusal::from(AuthenticationError::Tenant(suspended())),
        ChangePasswordError::Tenant(suspended()).into(),
        UserAdminError::Tenant(suspended()).into(),
    ] {
        assert_eq!(signed_in, AuthenticationError::Invalid.into());
    }
    assert_eq!(Refusal::from(RefreshError::Tenant(suspended())), RefreshError::Invalid.into());
}

#[test]
fn a_link_to_choose_a_password_is_not_good_once_its_user_is_gone() {
    let gone: Refusal = ResetError::Account(UserAdminError::NotFound).into();
    assert_eq!(gone, ResetError::InvalidToken.into());
}

#[test]
fn a_weak_password_is_called_by_the_member_it_came_in() {
    let message = |refusal: Refusal| match refusal.reason {
        Reason::Faults(faults) => faults.concat(),
        other => panic!("{other:?}"),
    };
    assert_eq!(
        message(RegisterError::Weak(WeakPassword::Common).into()),
        "password must not be a commonly used one"
    );
    for weak in [
        Refusal::from(ChangePasswordError::Weak(WeakPassword::Common)),
        ResetError::Weak(WeakPassword::Common).into(),
        ResetError::Account(UserAdminError::Weak(WeakPassword::Common)).into(),
    ] {
        assert_eq!(message(weak), "newPassword must not be a commonly used one");
    }
}

#[test]
fn the_envelope_has_its_members_in_order_and_on_401_and_403_those_of_the_plain_shape_too() {
    let enveloped = |refusal: Refusal| text(&refusal, Rendering::Envelope, &SESSIONS);
    assert_eq!(
        enveloped(AuthenticationError::Missing.into()),
        r#"{"message":"Unauthorized","data":null,"meta":{"status":"error","code":"UNAUTHORIZED"},"ts":"2026-01-28T22:12:56.311Z","statusCode":401,"error":"Unauthorized"}"#
    );
    assert_eq!(
        enveloped(ChangePasswordError::WrongPassword.into()),
        r#"{"message":"Current password is wrong","data":null,"meta":{"status":"error","code":"WRONG_PASSWORD"},"ts":"2026-01-28T22:12:56.311Z","statusCode":403,"error":"Forbidden"}"#
    );
    assert_eq!(
        enveloped(Refusal::no_route()),
        r#"{"message":"Cannot GET /auth/sessions","data":null,"meta":{"status":"error","code":"NOT_FOUND"},"ts":"2026-01-28T22:12:56.311Z"}"#
    );
    assert_eq!(
        enveloped(faults()),
        r#"{"message":"email must be an email; password should not be empty","data":null,"meta":{"status":"error","code":"VALIDATION_FAILED","details":["email must be an email","password should not be empty"]},"ts":"2026-01-28T22:12:56.311Z"}"#
    );
}

#[test]
fn whose_role_is_wrong_is_told_the_right_ones_in_the_order_in_which_they_were_named() {
    assert_eq!(
        plain(Refusal::plain(Code::MissingRole)),
        r#"{"message":"Missing role","error":"Forbidden","statusCode":403}"#
    );
    let refusal = Refusal::insufficient_role(&[Role::Manager, Role::Admin]);
    assert_eq!(
        plain(refusal.clone()),
        r#"{"message":"Insufficient role. Required: manager, admin","error":"Forbidden","statusCode":403}"#
    );
    assert_eq!(
        text(&refusal, Rendering::Envelope, &SESSIONS),
        r#"{"message":"Insufficient role. Required: manager, admin","data":null,"meta":{"status":"error","code":"INSUFFICIENT_ROLE"},"ts":"2026-01-28T22:12:56.311Z","statusCode":403,"error":"Forbidden"}"#
    );
}

#[test]
fn whoever_asks_too_often_is_told_so_and_for_how_long() {
    let refusal = Refusal::too_many_requests(Duration::from_secs(7));
    assert_eq!(refusal.retry_after, Some(Duration::from_secs(7)));
    assert_eq!(
        plain(refusal),
        r#"{"message":"Too many requests, please try again later.","error":"Too Many Requests","statusCode":429}"#
    );
}

#[test]
fn problem_details_have_their_members_in_order() {
    let problem = |refusal: Refusal| text(&refusal, Rendering::Problem, &LOGIN);
    assert_eq!(
        problem(PasswordSignInError::InvalidCredentials.into()),
        r#"{"type":"about:blank","title":"Unauthorized","status":401,"detail":"Invalid credentials","code":"INVALID_CREDENTIALS","instance":"/auth/jwt/login"}"#
    );
    assert_eq!(
        problem(away().into()),
        r#"{"type":"about:blank","title":"Service Unavailable","status":503,"detail":"Service Unavailable","code":"STORE_UNAVAILABLE","instance":"/auth/jwt/login"}"#
    );
    assert_eq!(
        problem(faults()),
        r#"{"type":"about:blank","title":"Bad Request","status":400,"detail":"email must be an email; password should not be empty","code":"VALIDATION_FAILED","instance":"/auth/jwt/login"}"#
    );
}

#[test]
fn a_hostile_path_does_not_break_out_of_its_string() {
    let path = "/auth/\",\"statusCode\":200,\"x\":\"\r\n\u{2028}</script>";
    let request = RefusedRequest { method: "GET", path, at: AT };
    for rendering in [Rendering::Plain, Rendering::Envelope, Rendering::Problem] {
        let body = text(&Refusal::no_route(), rendering, &request);
        let value: serde_json::Value = serde_json::from_str(&body).unwrap();
        let shown = value.get("message").or_else(|| value.get("detail")).unwrap();
        assert_eq!(shown, &format!("Cannot GET {path}"));
        assert_ne!(value["statusCode"], 200);
        assert!(!body.contains(['\r', '\n']), "{body}");
    }
}

#[test]
fn codes_are_words_of_their_own_and_titles_those_of_the_status() {
    let codes: BTreeSet<Code> = table().into_iter().map(|(_, refusal)| refusal.code).collect();
    let words: BTreeSet<&str> = codes.iter().map(|code| code.as_str()).collect();
    assert_eq!(words.len(), codes.len());
    for (code, status, title) in [
        (Code::MethodNotAllowed, 405, "Method Not Allowed"),
        (Code::RequestTimeout, 408, "Request Timeout"),
        (Code::SnapshotNeeded, 410, "Gone"),
        (Code::PayloadTooLarge, 413, "Payload Too Large"),
        (Code::UnsupportedMediaType, 415, "Unsupported Media Type"),
        (Code::TooManyRequests, 429, "Too Many Requests"),
        (Code::HeadersTooLarge, 431, "Request Header Fields Too Large"),
        (Code::InternalError, 500, "Internal Server Error"),
        (Code::Busy, 503, "Service Unavailable"),
    ] {
        assert_eq!((code.status(), code.title()), (status, title));
    }
}
