use portcullis_core::clock::Timestamp;
use portcullis_core::email::Email;
use portcullis_core::id::{SessionId, SessionKey, TenantId, UserKey};
use portcullis_core::mobile::Mobile;
use portcullis_core::password::{Argon2Cost, Hasher, Password};
use portcullis_core::secret::PlainSecret;
use portcullis_core::session::{Device, DeviceProof, EndReason, Ending, Epochs, Session, SessionState};
use portcullis_core::strategy::StrategyName;
use portcullis_core::user::{PersonName, Role, User};
use portcullis_core::username::Username;
use serde::Serialize;
use uuid::Uuid;

use super::*;
use crate::answer::{AUTH_HEALTH_OVER_TCP, Success};
use crate::operation::{AdminOperation, DEVICE_OPERATIONS, DeviceOperation, OwnOperation, PublicOperation};

const CREATED: Timestamp = Timestamp::from_millis(1_769_638_376_311);
const UPDATED: Timestamp = Timestamp::from_millis(1_769_638_400_000);
const USER: &str = "019c06aa-b377-7a3e-8c51-5b7d1f0e9a42";
const SESSION: &str = "019c06aa-b377-7c04-9e2f-6a1d83b5c770";

fn ann() -> User {
    let key = UserKey { tenant: TenantId::default_tenant(), id: USER.parse().unwrap() };
    let name = PersonName::from_parts("Ann", "Droid").unwrap();
    let user = User::new(key, Email::parse("Ann@Example.com").unwrap(), Some(name), Role::Manager, CREATED);
    let (username, mobile) = (Username::parse("Ann").ok(), Mobile::parse("+49 170 1234567").ok());
    let user = User { username, mobile, ..user };
    let hash =
        Hasher::new(Argon2Cost::MINIMUM).hash(&Password::new("vexed quilt").unwrap(), [7; 16]).unwrap();
    user.with_password(hash, UPDATED)
}

fn session_id() -> SessionId {
    SESSION.parse().unwrap()
}

/// A session with everything that must not be shown.
fn session() -> Session {
    let key = SessionKey { tenant: TenantId::default_tenant(), id: session_id() };
    let secret = PlainSecret::presented("vexed");
    Session {
        proof: Some(DeviceProof { hash: DeviceProof::hash_of(&secret, &key), shown: true }),
        key,
        user: USER.parse().unwrap(),
        strategy: StrategyName::Session,
        device: Device {
            name: "Firefox on Linux".to_owned(),
            address: "203.0.113.7".to_owned(),
            user_agent: "Mozilla/5.0".to_owned(),
        },
        created: CREATED,
        last_seen: UPDATED,
        idle_expires: UPDATED,
        absolute_expires: UPDATED,
        epochs: Epochs::default(),
        password_epoch: 0,
        gave_code: false,
        cookie: Some(secret.hash("cookie", b"")),
        rotation: None,
        state: SessionState::Live,
        version: 0,
    }
}

fn json(answer: &impl Serialize) -> String {
    serde_json::to_string(answer).unwrap()
}

const ANN: &str = r#"{"id":"019c06aa-b377-7a3e-8c51-5b7d1f0e9a42","username":"Ann","email":"Ann@Example.com","mobile":"+491701234567","name":"Ann Droid","role":"manager","createdAt":"2026-01-28T22:12:56.311Z","updatedAt":"2026-01-28T22:13:20.000Z"}"#;

#[test]
fn a_user_is_shown_with_eight_members_and_no_others_and_null_where_one_is_absent() {
    assert_eq!(json(&DeviceUser::of(&ann())), ANN);
    let nameless = User { username: None, mobile: None, name: None, ..ann() };
    let expected = [r#""Ann""#, r#""+491701234567""#, r#""Ann Droid""#]
        .iter()
        .fold(ANN.to_owned(), |text, member| text.replace(member, "null"));
    assert_eq!(json(&DeviceUser::of(&nameless)), expected);
}

#[test]
fn an_administrator_sees_since_when_a_user_is_disabled_and_until_when_locked_too() {
    let ann_and = |rest: &str| format!("{}{rest}}}", ANN.strip_suffix('}').unwrap());
    assert_eq!(json(&AdminUser::of(&ann(), None)), ann_and(r#","disabled":null,"lockedUntil":null"#));
    let disabled = User { disabled: Some(CREATED), ..ann() };
    assert_eq!(
        json(&AdminUser::of(&disabled, Some(UPDATED))),
        ann_and(r#","disabled":"2026-01-28T22:12:56.311Z","lockedUntil":"2026-01-28T22:13:20.000Z""#)
    );
}

#[test]
fn a_login_that_waits_names_itself_its_channel_and_its_end() {
    let login = Uuid::from_u128(0x6b1d_7f0e_9a42_4a3e_8c51_5b7d_1f0e_9a42);
    assert_eq!(
        json(&PendingLogin::by_mail(login, UPDATED)),
        r#"{"loginId":"6b1d7f0e-9a42-4a3e-8c51-5b7d1f0e9a42","channel":"email","expiresAt":"2026-01-28T22:13:20.000Z"}"#
    );
}

#[test]
fn a_login_gives_two_tokens_the_session_and_the_user_and_a_native_client_its_device_proof() {
    let (access, refresh) = (PlainSecret::presented("ACCESS"), PlainSecret::presented("REFRESH"));
    let login = |secret: Option<&PlainSecret>| {
        json(&DeviceLogin::new((&access, &refresh), session_id(), DeviceUser::of(&ann()), secret))
    };
    let expected = |proof: &str| {
        format!(
            r#"{{"accessToken":"ACCESS","refreshToken":"REFRESH","sessionId":"{SESSION}","user":{ANN}{proof}}}"#
        )
    };
    assert_eq!(login(None), expected(""));
    let proof = PlainSecret::presented("PROOF");
    assert_eq!(login(Some(&proof)), expected(r#","deviceSecret":"PROOF""#));
    assert_eq!(
        json(&TokenPair::new(&access, &refresh)),
        r#"{"accessToken":"ACCESS","refreshToken":"REFRESH"}"#
    );
}

const LIVE: &str = r#"{"sessionId":"019c06aa-b377-7c04-9e2f-6a1d83b5c770","deviceName":"Firefox on Linux","ip":"203.0.113.7","ua":"Mozilla/5.0","createdAt":"2026-01-28T22:12:56.311Z","lastSeen":"2026-01-28T22:13:20.000Z","current":true}"#;

// ASVS-map: SE9
#[test]
fn a_session_is_shown_without_token_and_hash_and_says_whether_it_is_the_one_that_asks() {
    assert_eq!(json(&SessionSummary::of(&session(), SessionState::Live, Some(session_id()))), LIVE);
    let other = LIVE.replace(r#""current":true"#, r#""current":false"#);
    let another: SessionId = USER.parse().unwrap();
    for asking in [None, Some(another)] {
        assert_eq!(json(&SessionSummary::of(&session(), SessionState::Live, asking)), other);
    }
}

#[test]
fn an_ended_session_says_when_and_why() {
    for reason in EndReason::ALL {
        let ended = SessionState::Ended(Ending { at: UPDATED, reason });
        let shown = json(&SessionSummary::of(&session(), ended, None));
        let ending = format!(r#""current":false,"endedAt":"2026-01-28T22:13:20.000Z","reason":"{reason}"}}"#);
        assert!(shown.ends_with(&ending), "{shown}");
    }
}

#[test]
fn a_profile_is_a_user_and_a_session() {
    let profile = DeviceProfile {
        user: DeviceUser::of(&ann()),
        session: SessionSummary::of(&session(), SessionState::Live, Some(session_id())),
    };
    assert_eq!(json(&profile), format!(r#"{{"user":{ANN},"session":{LIVE}}}"#));
}

#[test]
fn what_has_ended_or_was_renamed_is_named() {
    assert_eq!(json(&RevokedSession { session_id: session_id() }), format!(r#"{{"sessionId":"{SESSION}"}}"#));
    assert_eq!(json(&RevokedSessions { revoked_count: 3 }), r#"{"revokedCount":3}"#);
    let renamed = RenamedSession { session_id: session_id(), device_name: "Ann's".to_owned() };
    assert_eq!(json(&renamed), format!(r#"{{"sessionId":"{SESSION}","deviceName":"Ann's"}}"#));
}

#[test]
fn the_envelope_has_its_members_in_order() {
    let data = RevokedSessions { revoked_count: 3 };
    assert_eq!(
        json(&Success::ALL_SESSIONS_REVOKED.reply(data, CREATED)),
        r#"{"message":"All sessions have been revoked successfully.","data":{"revokedCount":3},"meta":{"status":"success","code":"ALL_SESSIONS_REVOKED"},"ts":"2026-01-28T22:12:56.311Z"}"#
    );
    assert_eq!(
        json(&Success::SIGNED_UP.reply((), CREATED)),
        r#"{"message":"Signup successful.","data":null,"meta":{"status":"success","code":"SIGNUP_SUCCESS"},"ts":"2026-01-28T22:12:56.311Z"}"#
    );
}

#[test]
fn a_page_says_where_to_go_on_and_the_last_one_that_there_is_nothing_more() {
    let page = |next| json(&Success::USERS.page([(); 0], next, CREATED));
    let expected = |next: &str| {
        format!(
            r#"{{"message":"Users retrieved successfully.","data":[],"meta":{{"status":"success","code":"USERS_RETRIEVED","next":{next}}},"ts":"2026-01-28T22:12:56.311Z"}}"#
        )
    };
    assert_eq!(page(Some(USER.parse().unwrap())), expected(&format!("\"{USER}\"")));
    assert_eq!(page(None), expected("null"));
}

/// The codes that clients branch on, and the texts that some show, written down a second time.
const SAID: [(DeviceOperation, &str, &str); 28] = [
    (DeviceOperation::Public(PublicOperation::Signup), "SIGNUP_SUCCESS", "Signup successful."),
    (DeviceOperation::Public(PublicOperation::Login), "OTP_SENT", "OTP sent successfully."),
    (DeviceOperation::Public(PublicOperation::VerifyLogin), "LOGIN_SUCCESS", "Login successful."),
    (DeviceOperation::Public(PublicOperation::ResendCode), "OTP_SENT", "OTP sent successfully."),
    (
        DeviceOperation::Public(PublicOperation::UnlockPage),
        "ACCOUNT_UNLOCKED",
        "Account unlocked successfully.",
    ),
    (DeviceOperation::Public(PublicOperation::Unlock), "ACCOUNT_UNLOCKED", "Account unlocked successfully."),
    (DeviceOperation::Own(OwnOperation::Password), "PASSWORD_CHANGED", "Password changed successfully."),
    (DeviceOperation::Own(OwnOperation::Me), "PROFILE_RETRIEVED", "Profile retrieved successfully."),
    (
        DeviceOperation::Own(OwnOperation::Sessions),
        "SESSIONS_RETRIEVED",
        "Active login sessions retrieved successfully.",
    ),
    (
        DeviceOperation::Own(OwnOperation::RenameSession),
        "SESSION_RENAMED",
        "Session has been renamed successfully.",
    ),
    (
        DeviceOperation::Own(OwnOperation::Devices),
        "DEVICES_RETRIEVED",
        "Known devices retrieved successfully.",
    ),
    (
        DeviceOperation::Own(OwnOperation::ForgetDevice),
        "DEVICE_FORGOTTEN",
        "Device has been forgotten successfully.",
    ),
    (
        DeviceOperation::Own(OwnOperation::LogoutSession),
        "SESSION_REVOKED",
        "Session has been revoked successfully.",
    ),
    (
        DeviceOperation::Own(OwnOperation::LogoutAll),
        "ALL_SESSIONS_REVOKED",
        "All sessions have been revoked successfully.",
    ),
    (
        DeviceOperation::Public(PublicOperation::Refresh),
        "TOKENS_REFRESHED",
        "Access and refresh tokens have been renewed successfully.",
    ),
    (
        DeviceOperation::Public(PublicOperation::ForgotPassword),
        "PASSWORD_RESET_REQUESTED",
        "If the account exists, a password reset link has been sent.",
    ),
    (
        DeviceOperation::Public(PublicOperation::ResetPassword),
        "PASSWORD_RESET",
        "Password reset successfully.",
    ),
    (DeviceOperation::Admin(AdminOperation::Users), "USERS_RETRIEVED", "Users retrieved successfully."),
    (DeviceOperation::Admin(AdminOperation::CreateUser), "USER_CREATED", "User created successfully."),
    (DeviceOperation::Admin(AdminOperation::User), "USER_RETRIEVED", "User retrieved successfully."),
    (DeviceOperation::Admin(AdminOperation::DisableUser), "USER_DISABLED", "User disabled successfully."),
    (DeviceOperation::Admin(AdminOperation::EnableUser), "USER_ENABLED", "User enabled successfully."),
    (DeviceOperation::Admin(AdminOperation::UnlockUser), "USER_UNLOCKED", "User unlocked successfully."),
    (DeviceOperation::Admin(AdminOperation::SetRole), "ROLE_CHANGED", "Role changed successfully."),
    (
        DeviceOperation::Admin(AdminOperation::ResetUser),
        "PASSWORD_RESET_REQUESTED",
        "A password reset link has been sent.",
    ),
    (
        DeviceOperation::Admin(AdminOperation::UserSessions),
        "SESSIONS_RETRIEVED",
        "Active login sessions retrieved successfully.",
    ),
    (
        DeviceOperation::Admin(AdminOperation::EndUserSession),
        "SESSION_REVOKED",
        "Session has been revoked successfully.",
    ),
    (
        DeviceOperation::Admin(AdminOperation::EndUserSessions),
        "ALL_SESSIONS_REVOKED",
        "All sessions have been revoked successfully.",
    ),
];

#[test]
fn every_operation_has_its_code_and_its_text_but_health_which_is_bare_and_a_page() {
    for (operation, code, message) in SAID {
        let row = DEVICE_OPERATIONS.into_iter().find(|row| row.kind == operation).unwrap();
        assert_eq!(row.success, Some(Success { code, message }));
    }
    let silent: Vec<_> =
        DEVICE_OPERATIONS.iter().filter(|row| row.success.is_none()).map(|row| row.kind).collect();
    assert_eq!(
        silent,
        [
            DeviceOperation::Public(PublicOperation::Health),
            DeviceOperation::Public(PublicOperation::ResetPage)
        ]
    );
    assert_eq!(SAID.len() + silent.len(), DEVICE_OPERATIONS.len());
}

#[test]
fn health_names_the_transport() {
    assert_eq!(json(&AUTH_HEALTH_OVER_TCP), r#"{"ok":true,"service":"auth-service","mode":"TCP"}"#);
}
