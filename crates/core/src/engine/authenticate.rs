//! Recognising somebody who comes back: what every request of a signed-in client goes through.
//!
//! Hot path: the credential is found, hashed, looked up among those already believed, and its session looked up in the
//! view. No I/O, unless something was never seen before or the view cannot prove that it is complete.

use std::sync::Arc;

use moka::sync::Cache;
use thiserror::Error;

use super::tenant_stores::TenantStores;
use super::{EngineCore, IssueError, Tenant, TenantError, opaque_id::OpaqueId};
use crate::clock::Timestamp;
use crate::id::{SessionId, SessionKey, TenantId, TokenId, UserId, UserKey};
use crate::liveness::CachedUser;
use crate::secret::{PlainSecret, SecretHash};
use crate::session::{Session, SessionState};
use crate::store::StoreError;
use crate::strategy::{Check, PresentedCredentials, Renewal, SessionClaim, Strategy, StrategyName};
use crate::token::access::{AccessClaims, verify_access};
use crate::token::{ExpectedClaims, TokenFault, claimed_tenant};
use crate::user::Role;

/// What somebody shows.
#[derive(Clone, Debug)]
pub struct AuthenticationRequest<'a> {
    /// The tenant that the request names.
    pub tenant: Option<TenantId>,
    /// The strategy that the route is for.
    pub strategy: StrategyName,
    /// Where to look for the credential.
    pub envelope: PresentedCredentials<'a>,
}

impl AuthenticationRequest<'_> {
    fn shows_nothing(&self) -> bool {
        matches!(self.strategy.strategy().carrier().find(&self.envelope), Ok(None))
    }
}

/// Who somebody is.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Identity {
    /// Tenant and user.
    pub user: UserKey,
    /// The session.
    pub session: SessionId,
    /// The strategy it was made under.
    pub strategy: StrategyName,
    /// The access token, where one was shown.
    pub token: Option<TokenId>,
    /// The address.
    pub email: String,
    /// The full name.
    pub name: Option<String>,
    /// The first name.
    pub given_name: Option<String>,
    /// The last name.
    pub family_name: Option<String>,
    /// What the user may do: as it is now where the session is asked, else as the token says.
    pub role: Option<Role>,
    /// The credential to hand out again because its end has moved.
    pub renewed: Option<RenewedCredential>,
}

/// A credential whose end has moved.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct RenewedCredential {
    /// The credential, as before.
    pub credential: PlainSecret,
    /// Its new end.
    pub expires: Timestamp,
}

/// Why somebody is not recognised.
#[derive(Clone, Debug, Error)]
pub enum AuthenticationError {
    /// Nothing was shown.
    #[error("no credential was shown")]
    Missing,
    /// Two credentials were shown, or one that nobody here made.
    #[error("the credential is not one of ours")]
    Invalid,
    /// A token that is not believed.
    #[error(transparent)]
    Token(#[from] TokenFault),
    /// A credential of another strategy than the route's.
    #[error("the credential is of another strategy")]
    OtherStrategy,
    /// A credential of another tenant than the request names.
    #[error("the credential is of another tenant")]
    OtherTenant,
    /// The session is not live; the claim that named it.
    #[error("the session has ended")]
    NotLive(Option<SessionClaim>),
    /// There is no such user any more, or the user is disabled.
    #[error("the user is gone or disabled")]
    UserGone,
    /// The token has been revoked.
    #[error("the token has been revoked")]
    Revoked,
    /// The tenant does not offer the strategy.
    #[error("the strategy is not on offer")]
    NotOffered,
    /// The credential could not be renewed.
    #[error(transparent)]
    Issue(#[from] IssueError),
    /// The tenant.
    #[error(transparent)]
    Tenant(#[from] TenantError),
    /// The store: an outage, not a refusal.
    #[error(transparent)]
    Store(#[from] StoreError),
}

/// Tokens whose signature was found right, by their hash. Failures are never remembered.
pub(super) struct VerifiedTokens(Cache<SecretHash, VerifiedToken>);

#[derive(Clone)]
struct VerifiedToken {
    claims: Arc<AccessClaims>,
    /// Of the key ring that believed it: another one may have dropped the key.
    generation: u64,
}

impl VerifiedTokens {
    pub(super) fn new(capacity: u64) -> Self {
        Self(Cache::new(capacity))
    }
}

impl EngineCore {
    pub(super) async fn authenticate(
        &self,
        attempt: &AuthenticationRequest<'_>,
    ) -> Result<Identity, AuthenticationError> {
        let named = attempt.tenant.clone().unwrap_or_else(TenantId::default_tenant);
        let tenant = match self.tenant(&named).await {
            Err(TenantError::Suspended) if attempt.shows_nothing() => {
                return Err(AuthenticationError::Missing);
            }
            found => found?,
        };
        let Some(strategy) = tenant.strategy(attempt.strategy) else {
            // Whoever names no tenant is meant to be of the token's, whatever is on offer elsewhere.
            return match attempt.strategy.strategy().carrier().find(&attempt.envelope) {
                Ok(Some(token)) if attempt.tenant.is_none() && claimed_tenant(token).is_ok() => {
                    self.by_token(attempt, tenant, token).await
                }
                _ => Err(AuthenticationError::NotOffered),
            };
        };
        let found = strategy.carrier().find(&attempt.envelope).map_err(|_| AuthenticationError::Invalid)?;
        let credential = found.ok_or(AuthenticationError::Missing)?;
        match strategy.check() {
            Check::Stored => self.by_opaque_id(&tenant, attempt.strategy, strategy, credential).await,
            _ => self.by_token(attempt, tenant, credential).await,
        }
    }

    /// The session that a credential of this strategy opens, if it opens one.
    pub(super) async fn session_of_credential(
        &self,
        tenant: &TenantId,
        strategy: StrategyName,
        credential: &str,
    ) -> Result<Option<SessionKey>, StoreError> {
        let envelope =
            PresentedCredentials { authorization: &[], cookies: &[credential], field: Some(credential) };
        let attempt = AuthenticationRequest { tenant: Some(tenant.clone()), strategy, envelope };
        match self.authenticate(&attempt).await {
            Ok(identity) => Ok(Some(identity.session_key())),
            Err(
                AuthenticationError::Store(fault) | AuthenticationError::Tenant(TenantError::Store(fault)),
            ) => Err(fault),
            Err(_) => Ok(None),
        }
    }

    async fn by_opaque_id(
        &self,
        tenant: &Tenant,
        name: StrategyName,
        strategy: Strategy,
        credential: &str,
    ) -> Result<Identity, AuthenticationError> {
        let opaque = OpaqueId::read(credential, &tenant.keyring.cookie_keys(self.clock.now()))
            .ok_or(AuthenticationError::Invalid)?;
        let key = opaque.key(&tenant.id).ok_or(AuthenticationError::Invalid)?;
        let seen =
            tenant.stores.view.session_of_cookie(&key).await?.ok_or(AuthenticationError::NotLive(None))?;
        let session = seen.session();
        if session.strategy != name {
            return Err(AuthenticationError::OtherStrategy);
        }
        let standing = self.live(&tenant.stores, session, None).await?;
        let now = self.clock.now();
        let renewed = self.slide(tenant, strategy, session, &opaque, now).await?;
        tenant.stores.note_use(&seen, now);
        let user = &standing.user;
        Ok(Identity {
            user: user.key.clone(),
            session: session.key.id,
            strategy: name,
            token: None,
            email: user.email.as_typed().to_owned(),
            name: user.name.as_ref().map(|name| name.full().to_owned()),
            given_name: user.name.as_ref().map(|name| name.first().to_owned()),
            family_name: user.name.as_ref().and_then(|name| name.last().map(str::to_owned)),
            role: Some(user.role),
            renewed,
        })
    }

    async fn by_token(
        &self,
        attempt: &AuthenticationRequest<'_>,
        tenant: Arc<Tenant>,
        token: &str,
    ) -> Result<Identity, AuthenticationError> {
        let (tenant, claims) = self.believe(attempt.tenant.as_ref(), tenant, token).await?;
        let name: StrategyName = claims.strategy.parse().map_err(|_| AuthenticationError::Invalid)?;
        if name != attempt.strategy {
            return Err(AuthenticationError::OtherStrategy);
        }
        // The tenant's own word for the strategy, not the path's: the token may belong to another tenant than was meant.
        let strategy = tenant.strategy(name).ok_or(AuthenticationError::NotOffered)?;
        let role = match strategy.check() {
            Check::Signed => claims.role,
            Check::SignedAndLive(claim) => Some(self.listed(&tenant.stores, &claims, strategy, claim).await?),
            Check::SignedUnlessRevoked => self.not_revoked(&tenant.stores, &claims).await?.or(claims.role),
            Check::Stored => return Err(AuthenticationError::OtherStrategy),
        };
        Ok(Identity {
            user: UserKey { tenant: claims.tid.clone(), id: claims.sub },
            session: claims.sid,
            strategy: name,
            token: Some(claims.jti),
            email: claims.email.clone(),
            name: claims.name.clone(),
            given_name: claims.given_name.clone(),
            family_name: claims.family_name.clone(),
            role,
            renewed: None,
        })
    }

    /// The claims of a token, and the tenant that it is of. A request that names no tenant gets the token's.
    async fn believe(
        &self,
        named: Option<&TenantId>,
        tenant: Arc<Tenant>,
        token: &str,
    ) -> Result<(Arc<Tenant>, Arc<AccessClaims>), AuthenticationError> {
        let hash = SecretHash::of(&[token.as_bytes()]);
        let remembered = self.verified.0.get(&hash);
        let owner = remembered
            .as_ref()
            .map_or_else(|| claimed_tenant(token), |known| Ok(known.claims.tid.clone()))?;
        if named.is_some_and(|named| *named != owner) {
            return Err(AuthenticationError::OtherTenant);
        }
        let tenant = if tenant.id == owner { tenant } else { self.tenant_of_token(&owner).await? };
        let now = self.clock.now();
        if let Some(known) = remembered.filter(|known| known.generation == tenant.keyring.generation()) {
            known.claims.check_time(now, tenant.policy.leeway)?;
            outlived_suspension(&tenant, &known.claims)?;
            return Ok((tenant, known.claims));
        }
        let (tenant, claims) = Box::pin(self.verify(tenant, token, now)).await?;
        outlived_suspension(&tenant, &claims)?;
        let claims = Arc::new(claims);
        let generation = tenant.keyring.generation();
        self.verified.0.insert(hash, VerifiedToken { claims: claims.clone(), generation });
        Ok((tenant, claims))
    }

    /// A tenant that only a token names, and that does not exist, is a bad token.
    async fn tenant_of_token(&self, owner: &TenantId) -> Result<Arc<Tenant>, AuthenticationError> {
        self.tenant(owner).await.map_err(|refused| match refused {
            TenantError::Unknown(_) => AuthenticationError::Invalid,
            other => AuthenticationError::Tenant(other),
        })
    }

    /// Verifies a token; one of a key that is not known yet, with keys that were just loaded.
    async fn verify(
        &self,
        tenant: Arc<Tenant>,
        token: &str,
        now: Timestamp,
    ) -> Result<(Arc<Tenant>, AccessClaims), AuthenticationError> {
        let verify = |tenant: &Tenant| {
            let expected =
                ExpectedClaims { issuer: &self.issuer, audience: tenant.audience(), tenant: &tenant.id };
            verify_access(&tenant.keyring, token, now, tenant.policy.leeway, &expected)
        };
        match verify(&tenant) {
            Ok(claims) => Ok((tenant, claims)),
            Err(TokenFault::UnknownKey { .. }) => {
                let tenant = self.reloaded(&tenant).await?;
                if tenant.record.suspended.is_some() {
                    return Err(TenantError::Suspended.into());
                }
                let claims = verify(&tenant)?;
                Ok((tenant, claims))
            }
            Err(fault) => Err(fault.into()),
        }
    }

    /// An allowlist, or a session over JWT: the session that the claim names is live.
    async fn listed(
        &self,
        stores: &TenantStores,
        claims: &AccessClaims,
        strategy: Strategy,
        claim: SessionClaim,
    ) -> Result<Role, AuthenticationError> {
        let id = match claim {
            SessionClaim::Jti => SessionId::from_uuid(claims.jti.as_uuid()),
            SessionClaim::Sid => claims.sid,
        };
        let gone = AuthenticationError::NotLive(Some(claim));
        let seen =
            stores.view.session(&SessionKey { tenant: claims.tid.clone(), id }).await?.ok_or(gone.clone())?;
        let session = seen.session();
        if session.user != claims.sub {
            return Err(gone);
        }
        let standing =
            self.live(stores, session, Some(claim)).await.map_err(|refused| match (claim, refused) {
                // What is off an allowlist is off it for whatever reason.
                (SessionClaim::Jti, AuthenticationError::UserGone) => gone,
                (_, other) => other,
            })?;
        let now = self.clock.now();
        if let Some(end) = slid_to(strategy, session, now) {
            // The view has proven that the session is live; where the store is away it slides the next time.
            let _ = stores.view.touch(&session.key, now, Some(end)).await;
        }
        stores.note_use(&seen, now);
        Ok(standing.user.role)
    }

    /// A denylist: what an ended session leaves behind is the entry. A session that is gone altogether denies nothing.
    async fn not_revoked(
        &self,
        stores: &TenantStores,
        claims: &AccessClaims,
    ) -> Result<Option<Role>, AuthenticationError> {
        let key = SessionKey { tenant: claims.tid.clone(), id: claims.sid };
        let Some(seen) = stores.view.session(&key).await? else { return Ok(None) };
        let standing = self.live(stores, seen.session(), None).await.map_err(|refused| match refused {
            AuthenticationError::NotLive(_) | AuthenticationError::UserGone => AuthenticationError::Revoked,
            other => other,
        })?;
        stores.note_use(&seen, self.clock.now());
        Ok(Some(standing.user.role))
    }

    /// The user of a session, if the session is live and the user may be signed in at all.
    async fn live(
        &self,
        stores: &TenantStores,
        session: &Session,
        claim: Option<SessionClaim>,
    ) -> Result<Arc<CachedUser>, AuthenticationError> {
        let gone = AuthenticationError::NotLive(claim);
        let standing = stores.view.user(&session.user_key()).await?.ok_or(AuthenticationError::UserGone)?;
        if self.may_be_signed_in(session, &standing) {
            return Ok(standing);
        }
        if session.state != SessionState::Live {
            let user_stands = standing.user.disabled.is_none();
            return Err(if user_stands { gone } else { AuthenticationError::UserGone });
        }
        // Session and user are announced one after the other. Between the two, a session that was taken over into a new
        // epoch looks ended, and a user who was let in again looks disabled: nobody is refused for that.
        let (session, standing) = stores.view.reread(session).await?.ok_or(gone.clone())?;
        if self.may_be_signed_in(session.session(), &standing) {
            Ok(standing)
        } else if standing.user.disabled.is_some() {
            Err(AuthenticationError::UserGone)
        } else {
            Err(gone)
        }
    }

    fn may_be_signed_in(&self, session: &Session, standing: &CachedUser) -> bool {
        let state = session.state_at(self.clock.now(), standing.epochs);
        state == SessionState::Live && standing.user.disabled.is_none()
    }

    /// Moves the end of a session that slides, and hands its cookie out again, once a tenth of its life is gone.
    async fn slide(
        &self,
        tenant: &Tenant,
        strategy: Strategy,
        session: &Session,
        opaque: &OpaqueId,
        now: Timestamp,
    ) -> Result<Option<RenewedCredential>, AuthenticationError> {
        let Some(end) = slid_to(strategy, session, now) else { return Ok(None) };
        match tenant.stores.view.touch(&session.key, now, Some(end)).await {
            Ok(true) => (),
            Ok(false) => return Err(AuthenticationError::NotLive(None)),
            // The view has proven that the session is live. It slides when the store is back.
            Err(_) => return Ok(None),
        }
        let signer = tenant.keyring.cookie_signer(now).ok_or(IssueError::NoKey("cookie"))?;
        Ok(Some(RenewedCredential { credential: opaque.signed(signer), expires: end }))
    }
}

/// A token that was issued before its tenant was suspended is not believed after it, whatever it is checked against.
fn outlived_suspension(tenant: &Tenant, claims: &AccessClaims) -> Result<(), AuthenticationError> {
    let worthless = tenant.record.tokens_not_before.is_some_and(|moment| claims.iat <= moment);
    if worthless { Err(AuthenticationError::NotLive(None)) } else { Ok(()) }
}

/// The new end of a session that slides, if a tenth of its idle life is gone.
fn slid_to(strategy: Strategy, session: &Session, now: Timestamp) -> Option<Timestamp> {
    let Renewal::Sliding { idle, .. } = strategy.renewal() else { return None };
    let end = now.plus(idle).min(session.absolute_expires);
    (end.since(session.idle_expires) >= idle / 10).then_some(end)
}

/// The user that a token or a session speaks of.
impl Identity {
    /// The user's id.
    #[must_use]
    pub const fn user_id(&self) -> UserId {
        self.user.id
    }

    /// The session's key.
    #[must_use]
    pub fn session_key(&self) -> SessionKey {
        SessionKey { tenant: self.user.tenant.clone(), id: self.session }
    }
}
