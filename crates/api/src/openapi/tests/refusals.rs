//! What the document says of refusals.

use super::*;
use crate::refusal::Code;

#[test]
fn every_refusal_states_the_status_under_which_it_stands_in_both_renderings() {
    let document = written();
    let mut renderings = [0, 0];
    let mut shown = BTreeSet::new();
    for (place, status, media, _, value) in examples(&document) {
        let number: u16 = status.parse().unwrap();
        if number < 400 {
            continue;
        }
        let is_problem = media == "application/problem+json";
        let stated = if is_problem { &value["status"] } else { &value["statusCode"] };
        // The envelope repeats its status where guards have answered the plain shape.
        let is_repeated = value.get("meta").is_none() || [401, 403].contains(&number);
        assert_eq!(*stated, serde_json::json!(is_repeated.then_some(number)), "{place}");
        renderings[usize::from(is_problem)] += 1;
        if is_problem {
            let code = value["code"].as_str().unwrap();
            let stands_for = |known: &Code| known.as_str() == code && known.status() == number;
            let known = ALL_CODES.into_iter().find(stands_for).expect(&place);
            assert_eq!(known.title(), value["title"], "{place}");
            shown.insert(known);
        }
    }
    assert_eq!(renderings[0], renderings[1]);
    assert_eq!(shown, BTreeSet::from(ALL_CODES));
}

/// The codes of the refusals that a documented operation may answer.
const ALL_CODES: [Code; 35] = [
    Code::BadRequest,
    Code::ValidationFailed,
    Code::PasswordReused,
    Code::TenantConnectionMissing,
    Code::Unauthorized,
    Code::InvalidCredentials,
    Code::TenantMismatch,
    Code::InvalidRefreshToken,
    Code::WrongPassword,
    Code::CrossSite,
    Code::NotFound,
    Code::UserExists,
    Code::Conflict,
    Code::TooManyRequests,
    Code::SnapshotNeeded,
    Code::PayloadTooLarge,
    Code::UnsupportedMediaType,
    Code::Busy,
    Code::StoreUnavailable,
    Code::SystemError,
    Code::TenantSuspended,
    Code::MissingRole,
    Code::InsufficientRole,
    Code::TooManyAttempts,
    Code::AccountLocked,
    Code::InvalidOtp,
    Code::OtpExpired,
    Code::InvalidUnlockToken,
    Code::InvalidResetToken,
    Code::InvalidRefreshHash,
    Code::SessionOver,
    Code::SessionNotFound,
    Code::DeviceNotFound,
    Code::UserGone,
    Code::UserNotFound,
];

// ASVS-map: TN4
#[test]
fn whatever_needs_a_role_says_what_happens_without_it() {
    let document = written();
    for (path, _, operation) in operations(&document) {
        let refused = names(operation, "403");
        let of_roles = ["missingRole", "insufficientRole"].map(|name| refused.contains(name));
        let needs_role = path.starts_with("/admin/") || path.starts_with("/auth/verify");
        assert_eq!(of_roles, [needs_role; 2], "{path}");
    }
    let users = &document["paths"]["/admin/users"]["get"]["responses"]["403"];
    let body = &users["content"]["application/json"]["examples"]["insufficientRole"]["value"];
    assert_eq!(body["message"], "Insufficient role. Required: admin");
}

#[test]
fn every_sign_in_says_that_an_account_may_be_locked() {
    let document = written();
    let locked: Vec<_> = operations(&document)
        .into_iter()
        .filter(|(_, _, operation)| names(operation, "423").contains("accountLocked"))
        .map(|(path, ..)| path)
        .collect();
    assert_eq!(
        locked,
        [
            "/auth/denylist/login",
            "/auth/hybrid/login",
            "/auth/jwt/login",
            "/auth/login",
            "/auth/refresh/login",
            "/auth/session-jwt/login",
            "/auth/session/login",
        ]
    );
}

#[test]
fn a_401_says_how_to_be_let_in_and_a_429_and_a_503_when_to_try_again() {
    let document = written();
    for (path, _, operation) in operations(&document) {
        for (status, response) in operation["responses"].as_object().unwrap() {
            let has = |name: &str| response["headers"].get(name).is_some();
            assert_eq!(has("WWW-Authenticate"), status == "401", "{path} {status}");
            assert_eq!(has("Retry-After"), ["429", "503"].contains(&status.as_str()), "{path} {status}");
        }
    }
}

#[test]
fn refusals_of_the_device_session_surface_stand_in_its_envelope() {
    let document = written();
    let mut enveloped = 0;
    for (place, status, media, _, value) in examples(&document) {
        if status.starts_with('2') || media != "application/json" {
            continue;
        }
        let is_device = rows().iter().any(|(path, _, tag, ..)| {
            place.starts_with(&format!("{path} ")) && ["device", "admin"].contains(tag)
        });
        assert_eq!(value["meta"]["status"] == "error", is_device, "{place}");
        enveloped += usize::from(is_device);
    }
    assert!(enveloped > 200, "{enveloped}");
}
