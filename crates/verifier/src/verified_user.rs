//! The user behind a credential that was accepted.

use std::sync::Arc;
use std::time::Duration;

use portcullis_core::clock::Timestamp;
use portcullis_core::engine::Identity;
use portcullis_core::id::{SessionId, TenantId, TokenId, UserId, UserKey};
use portcullis_core::key::Kid;
use portcullis_core::session::Epochs;
use portcullis_core::strategy::{Check, SessionClaim, StrategyName};
use portcullis_core::token::access::PublishedAccess;
use portcullis_core::user::{Role, UserProfile};

/// The user behind a credential that was accepted.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct VerifiedUser {
    /// The tenant.
    pub tenant: TenantId,
    /// The user's id.
    pub id: UserId,
    /// The session that a revocation would name: the token's `jti` under `hybrid`; `None` under `jwt`, which has none.
    pub session: Option<SessionId>,
    /// The token's own id (`jti`); `None` for a cookie.
    pub token: Option<TokenId>,
    /// The session that the token names (`sid`), under `jwt` too; `None` for a cookie.
    pub sid: Option<SessionId>,
    /// What the user may do: as the feed or the server says where they do, otherwise as the token says.
    pub role: Option<Role>,
    /// The strategy under which the user signed in.
    pub strategy: StrategyName,
    /// When the user signed in (`auth_time`); `None` where the server was asked about a cookie.
    pub signed_in: Option<Timestamp>,
    /// When the token expires; `None` for a cookie, whose end the server knows alone.
    pub expires: Option<Timestamp>,
    /// The key that signed the token; `None` for a cookie.
    pub kid: Option<Kid>,
    /// The epochs of the credential.
    pub epochs: Epochs,
    /// Address and name, as the token has them; `None` for a cookie.
    pub profile: Option<Arc<UserProfile>>,
    /// Whether the user gave a code after the password (`amr`); `None` for a cookie.
    pub gave_code: Option<bool>,
    /// How old the proof was, when the credential was verified, that no revocation is missing.
    pub age: Duration,
}

impl VerifiedUser {
    /// The same as the engine of a server would say it; `None` if no session is known. Of a cookie's user the server
    /// tells the ids and the role: address and name are empty, and when the user signed in is not known.
    #[must_use]
    pub fn identity(&self) -> Option<Identity> {
        Some(Identity {
            user: UserKey { tenant: self.tenant.clone(), id: self.id },
            session: self.sid.or(self.session)?,
            strategy: self.strategy,
            token: self.token,
            profile: self.profile.clone().unwrap_or_else(|| Arc::new(UserProfile::unknown())),
            role: self.role,
            signed_in: self.signed_in,
            renewed: None,
        })
    }

    /// The user of a token, for whom nothing is proven yet; `None` if no strategy has the name that the token gives.
    pub(crate) fn of_token(access: &PublishedAccess) -> Option<Self> {
        let claims = &access.claims;
        let strategy: StrategyName = claims.strategy.parse().ok()?;
        let details = claims.details.as_ref();
        Some(Self {
            tenant: claims.tid.clone(),
            id: claims.sub,
            session: session_of(strategy, access),
            token: Some(claims.jti),
            sid: Some(claims.sid),
            role: claims.role,
            strategy,
            signed_in: details.map(|details| details.signed_in),
            expires: Some(claims.exp),
            kid: Some(access.kid.clone()),
            epochs: details.map(|details| details.epochs).unwrap_or_default(),
            profile: Some(claims.profile.clone()),
            gave_code: details.map(|details| details.gave_code),
            age: Duration::MAX,
        })
    }
}

/// The session that a revocation would name.
fn session_of(strategy: StrategyName, access: &PublishedAccess) -> Option<SessionId> {
    let strategy = strategy.strategy();
    match strategy.check() {
        Check::SignedAndLive(SessionClaim::Jti) => Some(SessionId::from_uuid(access.claims.jti.as_uuid())),
        _ => Some(access.claims.sid).filter(|_| strategy.keeps_session()),
    }
}
