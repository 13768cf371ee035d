//! Verifying a refresh token, before anything is looked up by what it says. `redeem.rs` decides what follows.

use std::sync::Arc;

use thiserror::Error;

use super::device_proof::bare;
use super::{EngineCore, IssueError, Tenant, TenantError};
use crate::id::{SessionKey, TenantId};
use crate::secret::PlainSecret;
use crate::session::DeviceProof;
use crate::store::StoreError;
use crate::strategy::StrategyName;
use crate::token::refresh::{ChainSecret, RefreshClaims, decode, next_secret};
use crate::token::{ExpectedClaims, TokenFault, UnverifiedToken};

/// A request to redeem a refresh token.
#[derive(Clone, Debug)]
pub struct Refresh {
    /// The tenant that the request names; `None` where it names none.
    pub tenant: Option<TenantId>,
    /// The strategy that the route is for.
    pub strategy: StrategyName,
    /// The refresh token.
    pub token: String,
    /// The device secret of an app; `None` where none came along.
    pub device_secret: Option<PlainSecret>,
    /// The device cookies that came along.
    pub cookies: Vec<PlainSecret>,
}

impl Refresh {
    /// A refresh by a token alone, which says of which tenant it is.
    #[must_use]
    pub fn new(strategy: StrategyName, token: &PlainSecret) -> Self {
        let (tenant, token, device_secret, cookies) = (None, token.reveal().to_owned(), None, Vec::new());
        Self { tenant, strategy, token, device_secret, cookies }
    }
}

/// The next pair of tokens.
#[derive(Clone, Debug)]
pub struct Refreshed {
    /// The next access token.
    pub access: PlainSecret,
    /// The next refresh token.
    pub refresh: PlainSecret,
    /// The session.
    pub session: SessionKey,
}

/// Why a refresh is refused.
#[derive(Clone, Debug, Error)]
pub enum RefreshError {
    /// It is not a valid refresh token of this strategy. Nothing was ended.
    #[error("the refresh token is not valid")]
    Invalid,
    /// A refresh token of another tenant than the request names. Nothing was ended.
    #[error("the refresh token is of another tenant")]
    OtherTenant,
    /// A token that the same device used long ago, or that two clients share. Nothing was ended.
    #[error("the refresh token was used long ago")]
    Stale,
    /// A used token, or one without its device proof. The session was ended.
    #[error("the refresh token was used twice: the session was ended")]
    Reused,
    /// The session has ended, or there is none.
    #[error("the session has ended")]
    SessionGone(SessionKey),
    /// The tenant does not offer the strategy.
    #[error("the strategy is not on offer")]
    NotOffered,
    /// No credential could be issued.
    #[error(transparent)]
    Issue(#[from] IssueError),
    /// The tenant.
    #[error(transparent)]
    Tenant(#[from] TenantError),
    /// The store: an outage, not a refusal.
    #[error(transparent)]
    Store(#[from] StoreError),
}

impl RefreshError {
    /// Whether the store has not answered: to ask it again makes that worse.
    pub(super) const fn is_outage(&self) -> bool {
        matches!(self, Self::Store(_) | Self::Tenant(TenantError::Store(_)))
    }
}

/// A request to refresh whose token was verified: a valid token, or why it is refused.
#[derive(Debug)]
pub struct VerifiedRefresh {
    pub(super) request: Refresh,
    pub(super) token: Result<VerifiedRefreshToken, RefreshError>,
}

impl VerifiedRefresh {
    /// The session that the token says it is of, live or not. Nothing says that the token is the current one of it.
    ///
    /// # Errors
    /// A [`RefreshError`]: the token is not valid.
    pub fn session(&self) -> Result<SessionKey, RefreshError> {
        self.token.as_ref().map(VerifiedRefreshToken::session).map_err(Clone::clone)
    }

    /// Whether the token says that it is of this session. One that is not valid is of none.
    ///
    /// # Errors
    /// The store's: it is not known whether the token is valid.
    pub fn is_of(&self, session: &SessionKey) -> Result<bool, RefreshError> {
        match self.session() {
            Ok(of) => Ok(of == *session),
            Err(outage) if outage.is_outage() => Err(outage),
            Err(_) => Ok(false),
        }
    }
}

/// A refresh token whose signature is right, and its successor.
#[derive(Debug)]
pub(super) struct VerifiedRefreshToken {
    pub(super) tenant: Arc<Tenant>,
    pub(super) claims: RefreshClaims,
    pub(super) successor: ChainSecret,
}

impl VerifiedRefreshToken {
    pub(super) fn session(&self) -> SessionKey {
        SessionKey { tenant: self.tenant.id.clone(), id: self.claims.session }
    }
}

impl EngineCore {
    pub(super) async fn verify_refresh(&self, request: Refresh) -> VerifiedRefresh {
        let token = self.authentic(&request).await;
        VerifiedRefresh { request, token }
    }

    pub(super) async fn proven_session(&self, refresh: &VerifiedRefresh) -> Option<SessionKey> {
        let VerifiedRefresh { request, token: Ok(token) } = refresh else { return None };
        let key = token.session();
        let seen = token.tenant.stores.view.session(&key).await.ok()??;
        let held = seen.session().proof?;
        let cookies = request.cookies.iter().filter(|_| request.strategy.has_second_step());
        let mut shown = request.device_secret.iter().chain(cookies);
        shown.any(|secret| DeviceProof::hash_of(&bare(secret), &key) == held.hash).then_some(key)
    }

    /// Verifies the token before anything is looked up by what it says.
    pub(super) async fn authentic(&self, request: &Refresh) -> Result<VerifiedRefreshToken, RefreshError> {
        if let Some(named) = &request.tenant {
            // A client that misspells the name of the tenant must not be told that the token is wrong.
            let named = self.any_tenant(named).await?;
            named.strategy(request.strategy).ok_or(RefreshError::NotOffered)?;
        }
        let token = UnverifiedToken::read(&request.token).map_err(|_| RefreshError::Invalid)?;
        let owner = token.tenant().map_err(|_| RefreshError::Invalid)?;
        if request.tenant.as_ref().is_some_and(|named| *named != owner) {
            return Err(RefreshError::OtherTenant);
        }
        let tenant =
            self.any_tenant(&owner).await.map_err(|refused| refused.or_unknown(RefreshError::Invalid))?;
        tenant.strategy(request.strategy).ok_or(RefreshError::NotOffered)?;
        let authentic = match self.read_refresh(&tenant, &token) {
            Err(TokenFault::UnknownKey { .. }) => {
                let tenant = self.reloaded(&tenant).await?;
                self.read_refresh(&tenant, &token)
            }
            read => read,
        };
        let authentic = authentic.map_err(|_| RefreshError::Invalid)?;
        if authentic.tenant.record.suspended.is_some() {
            let id = authentic.claims.session;
            return Err(RefreshError::SessionGone(SessionKey { tenant: owner, id }));
        }
        Ok(authentic)
    }

    fn read_refresh(
        &self,
        tenant: &Arc<Tenant>,
        token: &UnverifiedToken<'_>,
    ) -> Result<VerifiedRefreshToken, TokenFault> {
        let expected =
            ExpectedClaims { issuer: &self.issuer, audience: tenant.audience(), tenant: &tenant.id };
        let (claims, key) = decode(&tenant.keyring, token, self.clock.now(), &expected)?;
        let successor = next_secret(key, &claims.r);
        Ok(VerifiedRefreshToken { tenant: tenant.clone(), claims, successor })
    }
}
