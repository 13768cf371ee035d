//! Refresh token rotation: redeeming a refresh token for its successor.
//!
//! What is decided about a presented token is the pure [`Session::rotate`](crate::session::Session::rotate), which a
//! store applies in one step. Here the token is verified before any query, the user is read anew, and the answer is
//! made: the same bytes for every request that is entitled to them.

use std::sync::Arc;

use thiserror::Error;

use super::device_proof::{PresentedDevice, bare};
use super::issue::TokenSignIn;
use super::session_cookies::MOST_COOKIES;
use super::tenant_stores::TenantStores;
use super::{EngineCore, EngineTask, IssueError, Tenant, TenantError};
use crate::event::{Event, EventKind};
use crate::id::{SessionKey, TenantId};
use crate::queued_mail::MailKind;
use crate::secret::PlainSecret;
use crate::session::{DeviceProof, RotationOutcome, RotationRequest, Session, SessionState};
use crate::store::{StoreError, UserHandle};
use crate::strategy::{Renewal, Strategy, StrategyName};
use crate::token::refresh::{ChainSecret, RefreshClaims, decode, next_secret};
use crate::token::{ExpectedClaims, TokenFault, claimed_tenant};
use crate::user::User;

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

/// A refresh token whose signature is right, and its successor.
pub(super) struct VerifiedRefreshToken {
    pub(super) tenant: Arc<Tenant>,
    pub(super) claims: RefreshClaims,
    successor: ChainSecret,
}

/// The device proof that came along.
struct PresentedProof {
    secret: PlainSecret,
    /// Whether a session that holds none yet is to hold it from now on.
    pins: bool,
}

impl EngineTask {
    pub(super) async fn refresh(&self, request: Refresh) -> Result<Refreshed, RefreshError> {
        let presented = self.authentic(&request).await?;
        let has_expired = presented.claims.expires <= self.clock.now();
        match self.refresh_with(&request, presented).await {
            // What the client is told of an expired token does not depend on whether the record is still there.
            Err(RefreshError::SessionGone(_)) if has_expired => Err(RefreshError::Invalid),
            answer => answer,
        }
    }

    async fn refresh_with(
        &self,
        request: &Refresh,
        presented: VerifiedRefreshToken,
    ) -> Result<Refreshed, RefreshError> {
        let tenant = &presented.tenant;
        let key = SessionKey { tenant: tenant.id.clone(), id: presented.claims.session };
        let (session, user) = self.refreshable(tenant, &key, request.strategy).await?;
        let strategy = tenant.strategy(session.strategy).ok_or(RefreshError::NotOffered)?;
        let device = self.device_of(request, &session, &user).await?;
        let redemption = self.redemption(&presented, strategy, &key, device.as_ref())?;

        let had_shown = session.proof.is_some_and(|proof| proof.shown);
        let device = device.filter(|_| !had_shown).map(|came| came.secret);
        let session = self.redeem(tenant, &key, redemption, device).await?;
        let rotation = session.rotation.as_ref().ok_or(RefreshError::Invalid)?;
        let refresh = self.refresh_token(tenant, &key, rotation, presented.successor)?;
        let end = strategy.expiries(self.clock.now()).credential.min(session.absolute_expires);
        let access =
            self.access_token(tenant, session.strategy, strategy, &user, &TokenSignIn::of(&session), end)?;
        Ok(Refreshed { access, refresh, session: key })
    }
}

impl EngineCore {
    /// Verifies the token before anything is looked up by what it says.
    pub(super) async fn authentic(&self, request: &Refresh) -> Result<VerifiedRefreshToken, RefreshError> {
        if let Some(named) = &request.tenant {
            // A client that misspells the name of the tenant must not be told that the token is wrong.
            let named = self.any_tenant(named).await?;
            named.strategy(request.strategy).ok_or(RefreshError::NotOffered)?;
        }
        let owner = claimed_tenant(&request.token).map_err(|_| RefreshError::Invalid)?;
        if request.tenant.as_ref().is_some_and(|named| *named != owner) {
            return Err(RefreshError::OtherTenant);
        }
        let tenant =
            self.any_tenant(&owner).await.map_err(|refused| refused.or_unknown(RefreshError::Invalid))?;
        tenant.strategy(request.strategy).ok_or(RefreshError::NotOffered)?;
        let authentic = match self.read_refresh(&tenant, &request.token) {
            Err(TokenFault::UnknownKey { .. }) => {
                let tenant = self.reloaded(&tenant).await?;
                self.read_refresh(&tenant, &request.token)
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

    fn read_refresh(&self, tenant: &Arc<Tenant>, token: &str) -> Result<VerifiedRefreshToken, TokenFault> {
        let expected =
            ExpectedClaims { issuer: &self.issuer, audience: tenant.audience(), tenant: &tenant.id };
        let (claims, key) = decode(&tenant.keyring, token, self.clock.now(), &expected)?;
        let successor = next_secret(key, &claims.r);
        Ok(VerifiedRefreshToken { tenant: tenant.clone(), claims, successor })
    }
}

impl EngineTask {
    /// The session and its user, read from the store: disabled, role and epochs as they are now.
    async fn refreshable(
        &self,
        tenant: &Tenant,
        key: &SessionKey,
        route: StrategyName,
    ) -> Result<(Session, User), RefreshError> {
        let gone = || RefreshError::SessionGone(key.clone());
        let TenantStores { records: stores, view, .. } = &*tenant.stores;
        let seen = view.session(key).await?.ok_or_else(gone)?;
        let session = seen.session();
        if session.strategy != route {
            return Err(RefreshError::Invalid);
        }
        let user_key = session.user_key();
        let epochs = stores.epochs.read(&user_key).await?;
        let user = stores.users.find(&UserHandle::Id(user_key)).await?.ok_or_else(gone)?;
        if user.disabled.is_some() || session.state != SessionState::Live {
            return Err(gone());
        }
        if session.state_at(self.clock.now(), epochs) == SessionState::Live {
            return Ok((session.clone(), user));
        }
        // The view may not know yet that a password change has moved this session into a new epoch.
        let (session, standing) = view.reread(session).await?.ok_or_else(gone)?;
        let is_live = session.session().state_at(self.clock.now(), standing.epochs) == SessionState::Live;
        if is_live { Ok((session.session().clone(), user)) } else { Err(gone()) }
    }

    /// The device proof that came along. A cookie counts only under a strategy that sets one.
    async fn device_of(
        &self,
        request: &Refresh,
        session: &Session,
        user: &User,
    ) -> Result<Option<PresentedProof>, RefreshError> {
        if let Some(secret) = &request.device_secret {
            return Ok(Some(PresentedProof { secret: bare(secret), pins: false }));
        }
        if !request.strategy.has_second_step() || request.cookies.len() > MOST_COOKIES {
            return Ok(None);
        }
        // A session with a proof compares the secret whatever its signature; a session without takes on a signed one
        // only. Any other cookie may be planted.
        let of_session = |secret: &PlainSecret| {
            session.proof.is_some_and(|proof| proof.hash == DeviceProof::hash_of(secret, &session.key))
        };
        if let Some(secret) = request.cookies.iter().map(bare).find(of_session) {
            return Ok(Some(PresentedProof { secret, pins: true }));
        }
        let shown = PresentedDevice { cookies: request.cookies.clone(), ..PresentedDevice::default() };
        let signed = self.shown_secrets(&shown).await?;
        let meant = match request.cookies.as_slice() {
            [only] if signed.0.is_empty() => {
                return Ok(Some(PresentedProof { secret: bare(only), pins: false }));
            }
            _ => signed.meant(|secret| self.knows_device(user, secret).is_some()),
        };
        Ok(meant.map(|meant| PresentedProof { secret: meant.secret, pins: true }))
    }

    fn redemption(
        &self,
        presented: &VerifiedRefreshToken,
        strategy: Strategy,
        key: &SessionKey,
        device: Option<&PresentedProof>,
    ) -> Result<RotationRequest, RefreshError> {
        let Renewal::Rotating { refresh, grace, .. } = strategy.renewal() else {
            return Err(RefreshError::Invalid);
        };
        let now = self.clock.now();
        let keyring = &presented.tenant.keyring;
        let kid = keyring.refresh_signer(now).ok_or(IssueError::NoKey("refresh"))?.kid().clone();
        Ok(RotationRequest {
            generation: presented.claims.generation,
            presented: presented.claims.r.hash(),
            issued: presented.claims.issued,
            expires: presented.claims.expires,
            successor: presented.successor.hash(),
            kid,
            proof: device.map(|device| DeviceProof::hash_of(&device.secret, key)),
            pins: device.is_some_and(|device| device.pins),
            now,
            lifetime: refresh,
            grace,
        })
    }

    /// Redeems the token, and remembers a device that has proven itself.
    async fn redeem(
        &self,
        tenant: &Arc<Tenant>,
        key: &SessionKey,
        redemption: RotationRequest,
        device: Option<PlainSecret>,
    ) -> Result<Session, RefreshError> {
        let rotated = tenant.stores.view.rotate(key, &redemption).await?;
        let session = self.judge(tenant, rotated, key).await?;
        if let Some(device) = device.filter(|_| session.proof.is_some_and(|proof| proof.shown)) {
            // The next sign-in on it is not news.
            self.remember_proven_device(&session, &device).await;
        }
        Ok(session)
    }

    /// Reports the outcome, and returns the session if it may go on.
    async fn judge(
        &self,
        tenant: &Tenant,
        rotated: RotationOutcome,
        key: &SessionKey,
    ) -> Result<Session, RefreshError> {
        let (session, what, verdict) = match rotated {
            RotationOutcome::Won(session) => (session, EventKind::Refreshed, None),
            RotationOutcome::Replayed(session) => (session, EventKind::RefreshRepeated, None),
            RotationOutcome::RolledBack(session) => (session, EventKind::StoreRolledBack, None),
            RotationOutcome::Stale(session) => (session, EventKind::RefreshStale, Some(RefreshError::Stale)),
            RotationOutcome::Shared(session) => {
                (session, EventKind::RefreshShared, Some(RefreshError::Stale))
            }
            RotationOutcome::Reused(session) => {
                (session, EventKind::RefreshReused, Some(RefreshError::Reused))
            }
            RotationOutcome::Expired => return Err(RefreshError::Invalid),
            RotationOutcome::Gone => return Err(RefreshError::SessionGone(key.clone())),
        };
        self.report(&Event::of_session(&session, what));
        let news = match what {
            EventKind::RefreshReused => Some(MailKind::RefreshReused),
            EventKind::RefreshShared => Some(MailKind::RefreshShared),
            _ => None,
        };
        if let Some(about) = news {
            self.send_news(&tenant.stores, &session.user_key(), about, Some(&session.device)).await;
        }
        verdict.map_or(Ok(session), Err)
    }
}
