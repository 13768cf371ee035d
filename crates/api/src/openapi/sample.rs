//! The sample user of all examples.
//!
//! The functions return `None` where a sample is invalid; a test shows that every example is there.

use std::sync::Arc;

use portcullis_core::clock::Timestamp;
use portcullis_core::email::Email;
use portcullis_core::engine::{CompletedSignIn, Grant, Identity, Refreshed};
use portcullis_core::id::{SessionId, SessionKey, TenantId, TokenId, UserId, UserKey};
use portcullis_core::mobile::Mobile;
use portcullis_core::secret::PlainSecret;
use portcullis_core::session::EndReason;
use portcullis_core::strategy::StrategyName;
use portcullis_core::user::{PersonName, Role, User, UserProfile};
use portcullis_core::username::Username;
use uuid::Uuid;

use crate::answer::device::{DeviceLogin, DeviceUser, SessionSummary};

/// JWS by their form, valid for no user.
const ACCESS_TOKEN: &str = "eyJ0eXAiOiJhdCtqd3QifQ.e30.AA";
const REFRESH_TOKEN: &str = "eyJ0eXAiOiJydCtqd3QifQ.e30.AA";
const DEVICE_SECRET: &str = "AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA";

/// The time of all examples.
pub(super) const NOW: Timestamp = Timestamp::from_millis(1_769_638_376_311);
pub(super) const USER: Uuid = Uuid::from_u128(0x019c_06aa_b377_7a3e_8c51_5b7d_1f0e_9a42);
pub(super) const SESSION: Uuid = Uuid::from_u128(0x019c_06aa_b377_7c04_9e2f_6a1d_83b5_c770);

pub(super) fn user() -> Option<User> {
    let key = UserKey { tenant: TenantId::default_tenant(), id: UserId::from_uuid(USER) };
    let name = PersonName::from_parts("Ann", "Droid").ok()?;
    let user = User::new(key, Email::parse("ann@example.com").ok()?, Some(name), Role::User, NOW);
    let (username, mobile) = (Username::parse("ann").ok()?, Mobile::parse("+491701234567").ok()?);
    Some(User { username: Some(username), mobile: Some(mobile), ..user })
}

/// The sample user signed in, with a device proof if `native`.
pub(super) fn signed_in(strategy: StrategyName, native: bool) -> Option<CompletedSignIn> {
    let rotates = strategy.strategy().rotates();
    let grant = Grant {
        credential: PlainSecret::presented(ACCESS_TOKEN),
        carrier: strategy.strategy().carrier(),
        expires: strategy.strategy().expiries(NOW).credential,
        refresh: rotates.then(|| PlainSecret::presented(REFRESH_TOKEN)),
        device_secret: (rotates && native).then(|| PlainSecret::presented(DEVICE_SECRET)),
    };
    Some(CompletedSignIn { user: user()?, session: SessionId::from_uuid(SESSION), grant })
}

/// A session of the sample user, live or ended.
pub(super) fn session(ended: bool) -> SessionSummary {
    SessionSummary {
        session_id: SessionId::from_uuid(SESSION),
        device_name: "Firefox on Linux".to_owned(),
        ip: "203.0.113.7".to_owned(),
        ua: "Mozilla/5.0 (X11; Linux x86_64; rv:140.0) Gecko/20100101 Firefox/140.0".to_owned(),
        created_at: NOW,
        last_seen: NOW,
        current: !ended,
        ended_at: ended.then_some(NOW),
        reason: ended.then_some(EndReason::Logout.as_str()),
    }
}

/// The answer to the sample user's sign-in on the device-session surface.
pub(super) fn device_login(native: bool) -> Option<DeviceLogin> {
    let Refreshed { access, refresh, session } = refreshed();
    let secret = native.then(|| PlainSecret::presented(DEVICE_SECRET));
    let user = DeviceUser::of(&user()?);
    Some(DeviceLogin::new((&access, &refresh), session.id, user, secret.as_ref()))
}

pub(super) fn refreshed() -> Refreshed {
    Refreshed {
        access: PlainSecret::presented(ACCESS_TOKEN),
        refresh: PlainSecret::presented(REFRESH_TOKEN),
        session: SessionKey { tenant: TenantId::default_tenant(), id: SessionId::from_uuid(SESSION) },
    }
}

pub(super) fn identity(strategy: StrategyName) -> Option<Identity> {
    let user = user()?;
    let profile = Arc::new(UserProfile::of(&user));
    Some(Identity {
        user: user.key,
        session: SessionId::from_uuid(SESSION),
        strategy,
        token: Some(TokenId::from_uuid(SESSION)),
        profile,
        role: Some(user.role),
        signed_in: None,
        renewed: None,
    })
}
