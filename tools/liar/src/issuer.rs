//! Tokens, and the keys that sign them.

use std::sync::Arc;
use std::time::Duration;

use portcullis_core::clock::Timestamp;
use portcullis_core::id::{SessionId, TenantId, TokenId, UserId};
use portcullis_core::key::{
    Algorithm, Jwks, KeyLifetimes, KeyRecord, KeyUse, Keyring, KeyringSource, SharedSecrets,
};
use portcullis_core::machine::SystemRandom;
use portcullis_core::session::Epochs;
use portcullis_core::token::access::{AccessClaims, SignInDetails, sign_access};
use portcullis_core::user::{Role, UserProfile};
use uuid::Uuid;

/// A user of the liar.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct LiarUser {
    /// The user's id.
    pub id: UserId,
    /// The role in the user's tokens.
    pub role: Role,
}

/// A session, and the token that names it.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct LiarSession {
    /// Whose it is.
    pub user: LiarUser,
    /// The session's id.
    pub id: SessionId,
    /// The access token.
    pub token: String,
}

/// Signs tokens of tenant `default`.
pub(crate) struct LiarIssuer {
    pub(crate) name: String,
    keys: Keyring,
}

impl LiarIssuer {
    /// An issuer with a new key; `None` if none can be made.
    pub(crate) fn new(name: String, now: Timestamp) -> Option<Self> {
        let tenant = TenantId::default_tenant();
        let key =
            KeyRecord::generate(&tenant, KeyUse::Access, Algorithm::Es256, now, now, &SystemRandom).ok()?;
        let keys = Keyring::open(&KeyringSource {
            tenant: &tenant,
            generation: 1,
            records: &[key],
            master: None,
            shared: &SharedSecrets::default(),
            lifetimes: KeyLifetimes::default(),
        });
        Some(Self { name, keys: keys.ok()? })
    }

    pub(crate) fn jwks(&self, now: Timestamp) -> Jwks {
        self.keys.jwks(now)
    }

    /// A session of an hour; `None` if it cannot be signed.
    pub(crate) fn session(&self, user: LiarUser, number: u64, now: Timestamp) -> Option<LiarSession> {
        let id = SessionId::from_uuid(Uuid::from_u64_pair(1, number));
        let claims = AccessClaims {
            iss: self.name.as_str().into(),
            aud: Some("default".into()),
            sub: user.id,
            tid: TenantId::default_tenant(),
            sid: id,
            jti: TokenId::from_uuid(Uuid::from_u64_pair(2, number)),
            strategy: "session-jwt".to_owned(),
            profile: Arc::new(UserProfile {
                email: "ann@example.com".to_owned(),
                name: Some("Ann Lee".to_owned()),
                given_name: None,
                family_name: None,
            }),
            iat: now,
            exp: now.plus(Duration::from_hours(1)),
            nbf: None,
            username: None,
            role: Some(user.role),
            details: Some(SignInDetails {
                client_id: "portcullis".into(),
                gave_code: false,
                signed_in: now,
                epochs: Epochs::default(),
                email_verified: true,
            }),
        };
        Some(LiarSession { user, id, token: sign_access(&self.keys, now, &claims).ok()? })
    }
}
