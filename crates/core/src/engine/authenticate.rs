//! Authentication: what every request of a signed-in client goes through.
//!
//! This is the hot path: the credential is found, hashed, looked up among the verified ones, and its session is
//! looked up in the view. There is no I/O unless something is new, or the view cannot prove that it is complete.

use std::sync::Arc;

use thiserror::Error;

use super::session_cookies::OpenedSession;
use super::{EngineCore, Identity, IssueError, Tenant, TenantError};
use crate::id::{SessionKey, TenantId, UserKey};
use crate::store::StoreError;
use crate::strategy::{Carrier, Check, PresentedCredentials, SessionClaim, Strategy, StrategyName};
use crate::token::access::AccessClaims;
use crate::token::{TokenFault, claimed_tenant};

/// The credentials of a request, and what the route asks for.
#[derive(Clone, Debug)]
pub struct AuthenticationRequest<'a> {
    /// The tenant that the request names; `None` where it names none.
    pub tenant: Option<TenantId>,
    /// The strategy that the route is for.
    pub strategy: StrategyName,
    /// The parts of the request that may carry a credential.
    pub envelope: PresentedCredentials<'a>,
}

impl AuthenticationRequest<'_> {
    fn shows_nothing(&self) -> bool {
        matches!(self.strategy.strategy().carrier().find(&self.envelope), Ok(None))
    }
}

/// Why a request is not authenticated.
#[derive(Clone, Debug, Error)]
pub enum AuthenticationError {
    /// The request presents no credential.
    #[error("no credential was shown")]
    Missing,
    /// The request presents two credentials, or one that this installation did not make.
    #[error("the credential is not one of ours")]
    Invalid,
    /// The request presents the cookies of several live sessions; of none if it has too many cookies to look at.
    #[error("the request carries the cookies of several sessions")]
    SeveralSessions(Vec<Identity>),
    /// The token is not valid.
    #[error(transparent)]
    Token(#[from] TokenFault),
    /// A credential of another strategy than the route's.
    #[error("the credential is of another strategy")]
    OtherStrategy,
    /// A credential of another tenant than the request names.
    #[error("the credential is of another tenant")]
    OtherTenant,
    /// The session is not live. The claim is the one that named it; `None` for a cookie.
    #[error("the session has ended")]
    NotLive(Option<SessionClaim>),
    /// The user was deleted or disabled.
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
            // A request that names no tenant means that of its token, whatever the default tenant offers.
            return match attempt.strategy.strategy().carrier().find(&attempt.envelope) {
                Ok(Some(token)) if attempt.tenant.is_none() && claimed_tenant(token).is_ok() => {
                    self.by_token(attempt, tenant, token).await
                }
                _ => Err(AuthenticationError::NotOffered),
            };
        };
        if strategy.check() == Check::Stored && strategy.carrier() == Carrier::Cookie {
            let opened =
                self.opened_by_cookies(&tenant, Some(attempt.strategy), attempt.envelope.cookies).await?;
            return self.used(&tenant, strategy, &opened).await;
        }
        let found = strategy.carrier().find(&attempt.envelope).map_err(|_| AuthenticationError::Invalid)?;
        let credential = found.ok_or(AuthenticationError::Missing)?;
        match strategy.check() {
            Check::Stored => {
                let opened = self.opened_by(&tenant, Some(attempt.strategy), credential).await?;
                self.used(&tenant, strategy, &opened).await
            }
            _ => self.by_token(attempt, tenant, credential).await,
        }
    }

    /// The session that a credential of this strategy opens; `None` if it opens none.
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

    /// The user and the session that a credential has opened, which slides if its strategy does.
    async fn used(
        &self,
        tenant: &Tenant,
        strategy: Strategy,
        opened: &OpenedSession<'_>,
    ) -> Result<Identity, AuthenticationError> {
        let session = opened.seen.session();
        let now = self.clock.now();
        let renewed = self.slide(tenant, strategy, session, opened.credential, now).await?;
        tenant.stores.note_use(&opened.seen, now);
        Ok(Identity { renewed, ..opened.identity() })
    }

    async fn by_token(
        &self,
        attempt: &AuthenticationRequest<'_>,
        tenant: Arc<Tenant>,
        token: &str,
    ) -> Result<Identity, AuthenticationError> {
        let (tenant, claims) = self.verified_claims(attempt.tenant.as_ref(), Some(tenant), token).await?;
        if claims.strategy != attempt.strategy.as_str() {
            return Err(AuthenticationError::OtherStrategy);
        }
        // By the policy of the token's tenant: it may be another one than the path means.
        let strategy = tenant.strategy(attempt.strategy).ok_or(AuthenticationError::NotOffered)?;
        self.checked(&tenant, attempt.strategy, strategy, &claims).await
    }

    /// The user and the session of a verified token, as the check of its strategy finds them.
    pub(super) async fn checked(
        &self,
        tenant: &Tenant,
        name: StrategyName,
        strategy: Strategy,
        claims: &AccessClaims,
    ) -> Result<Identity, AuthenticationError> {
        let role = match strategy.check() {
            Check::Signed => claims.role,
            Check::SignedAndLive(claim) => {
                Some(self.check_allowlist(&tenant.stores, claims, strategy, claim).await?)
            }
            Check::SignedUnlessRevoked => Some(self.check_denylist(&tenant.stores, claims).await?),
            Check::Stored => return Err(AuthenticationError::OtherStrategy),
        };
        Ok(Identity {
            user: UserKey { tenant: claims.tid.clone(), id: claims.sub },
            session: claims.sid,
            strategy: name,
            token: Some(claims.jti),
            profile: claims.profile.clone(),
            role,
            signed_in: claims.details.as_ref().map(|details| details.signed_in),
            renewed: None,
        })
    }
}
