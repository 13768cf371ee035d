//! Session checks: whether the session behind a credential is live, and how it slides.

use std::sync::Arc;

use super::tenant_stores::TenantStores;
use super::{AuthenticationError, EngineCore, IssueError, RenewedCredential, Tenant};
use crate::clock::Timestamp;
use crate::id::{SessionId, SessionKey};
use crate::liveness::{CachedSession, CachedUser};
use crate::session::{Session, SessionState};
use crate::store::Stored;
use crate::strategy::{Renewal, SessionClaim, Strategy};
use crate::token::access::AccessClaims;
use crate::user::Role;

impl EngineCore {
    /// Checks a token of an allowlist, or of a session over JWT: the session that the claim names must be live.
    pub(super) async fn check_allowlist(
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
        let seen = session_of(stores, claims, id).await?.ok_or(gone.clone())?;
        let session = seen.session();
        let standing =
            self.live_user(stores, session, Some(claim)).await.map_err(|refused| match (claim, refused) {
                // A token that is off the allowlist gets one answer, whatever the reason.
                (SessionClaim::Jti, AuthenticationError::UserGone) => gone,
                (_, other) => other,
            })?;
        let now = self.clock.now();
        if let Some(end) = slid_to(strategy, session, now) {
            // The view has proven that the session is live. If the store is out of reach, it slides at the next
            // request. Boxed, as whatever is rare in a check: its state would make the future of every check large.
            let _ = Box::pin(stores.view.touch(&session.key, now, Some(end))).await;
        }
        stores.note_use(&seen, now);
        Ok(standing.user.role)
    }

    /// Checks a token against a denylist. The entries are tombstones, and a missing record denies as well.
    pub(super) async fn check_denylist(
        &self,
        stores: &TenantStores,
        claims: &AccessClaims,
    ) -> Result<Role, AuthenticationError> {
        let seen = session_of(stores, claims, claims.sid).await?.ok_or(AuthenticationError::Revoked)?;
        let standing =
            self.live_user(stores, seen.session(), None).await.map_err(|refused| match refused {
                AuthenticationError::NotLive(_) | AuthenticationError::UserGone => {
                    AuthenticationError::Revoked
                }
                other => other,
            })?;
        stores.note_use(&seen, self.clock.now());
        Ok(standing.user.role)
    }

    /// The user of a session that is live.
    pub(super) async fn live_user(
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
        // The store announces a session and its user one after the other. Between the two, a session that a password
        // change kept looks ended, and a user who was enabled looks disabled. Neither is refused for that.
        let reread = Box::pin(stores.view.reread(session)).await?;
        let (session, standing) = reread.ok_or(gone.clone())?;
        if self.may_be_signed_in(session.session(), &standing) {
            Ok(standing)
        } else if standing.user.disabled.is_some() {
            Err(AuthenticationError::UserGone)
        } else {
            Err(gone)
        }
    }

    fn may_be_signed_in(&self, session: &Session, standing: &CachedUser) -> bool {
        let state = standing.state_of(session, self.clock.now());
        state == SessionState::Live && standing.user.disabled.is_none()
    }

    /// Prolongs a sliding session, and renews its cookie, once a tenth of its idle timeout is gone.
    pub(super) async fn slide(
        &self,
        tenant: &Tenant,
        strategy: Strategy,
        session: &Session,
        credential: &str,
        now: Timestamp,
    ) -> Result<Option<RenewedCredential>, AuthenticationError> {
        let Some(end) = slid_to(strategy, session, now) else { return Ok(None) };
        match Box::pin(tenant.stores.view.touch(&session.key, now, Some(end))).await {
            Ok(true) => (),
            Ok(false) => return Err(AuthenticationError::NotLive(None)),
            // The view has proven that the session is live. It slides once the store is back.
            Err(_) => return Ok(None),
        }
        let signer = tenant.keyring.cookie_signer(now).ok_or(IssueError::NoKey("cookie"))?;
        let opaque = self.opaque_id(tenant, credential).ok_or(AuthenticationError::Invalid)?;
        Ok(Some(RenewedCredential { credential: opaque.signed(signer), expires: end }))
    }
}

/// The session that a token names, if the record is of the token's user and strategy. A record outlives the tokens of
/// its session: where there is none, it was taken away.
async fn session_of(
    stores: &TenantStores,
    claims: &AccessClaims,
    id: SessionId,
) -> Stored<Option<Arc<CachedSession>>> {
    let seen = stores.view.session(&SessionKey { tenant: claims.tid.clone(), id }).await?;
    Ok(seen.filter(|seen| {
        let session = seen.session();
        session.user == claims.sub && session.strategy.as_str() == claims.strategy
    }))
}

/// The new end of a sliding session; `None` until a tenth of its idle timeout is gone.
fn slid_to(strategy: Strategy, session: &Session, now: Timestamp) -> Option<Timestamp> {
    let Renewal::Sliding { idle, .. } = strategy.renewal() else { return None };
    let end = now.plus(idle).min(session.absolute_expires);
    (end.since(session.idle_expires) >= idle / 10).then_some(end)
}
