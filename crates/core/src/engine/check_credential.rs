//! Checking a credential for a proxy or another program that asks on behalf of a service.
//!
//! It is the check that every request goes through, of whatever strategy: the credential says which, and of which
//! tenant. The answer also says what a revocation of it would name, and how old the proof is that there was none, so
//! that the asker can tell how long the answer counts.

use std::time::Duration;

use super::{AuthenticationError, EngineCore, Identity};
use crate::clock::{Ticks, Timestamp};
use crate::id::{SessionId, TenantId};
use crate::session::Epochs;
use crate::strategy::{Carrier, PresentedCredentials, StrategyName};

/// A credential that is valid.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct CheckedCredential {
    /// Whose it is.
    pub identity: Identity,
    /// How it was sent.
    pub carrier: Carrier,
    /// The session with whose end it ends; `None` if its strategy keeps none.
    pub ends_with: Option<SessionId>,
    /// The epochs that it was issued under: an end of all sessions names a higher one.
    pub epochs: Epochs,
    /// When the token expires; `None` for a cookie, whose end moves.
    pub expires: Option<Timestamp>,
    /// How long ago it was proven that no revocation is missing from this answer.
    pub age: Duration,
}

impl EngineCore {
    /// A bearer token counts before cookies: a client sends it on purpose, and a browser sends cookies by itself.
    pub(super) async fn check_credential(
        &self,
        shown: &PresentedCredentials<'_>,
    ) -> Result<CheckedCredential, AuthenticationError> {
        // Read before anything is looked up: what is found is complete up to this time at least.
        let proven = self.directory.registry.shared.view.proven_at();
        match Carrier::Bearer.find(shown).map_err(|_| AuthenticationError::Invalid)? {
            Some(token) => self.check_token(token, proven).await,
            None if shown.cookies.is_empty() => Err(AuthenticationError::Missing),
            None => self.check_cookies(shown.cookies, proven).await,
        }
    }

    async fn check_token(
        &self,
        token: &str,
        proven: Ticks,
    ) -> Result<CheckedCredential, AuthenticationError> {
        let (tenant, claims) = self.verified_claims(None, None, token).await?;
        let name: StrategyName = claims.strategy.parse().map_err(|_| AuthenticationError::Invalid)?;
        let strategy = tenant.strategy(name).filter(|strategy| strategy.carrier() == Carrier::Bearer);
        let strategy = strategy.ok_or(AuthenticationError::OtherStrategy)?;
        let proven = proven.min(tenant.stores.view.proven_at());
        let identity = self.checked(&tenant, name, strategy, &claims).await?;
        Ok(CheckedCredential {
            ends_with: strategy.keeps_session().then_some(identity.session),
            identity,
            carrier: Carrier::Bearer,
            epochs: claims.details.as_ref().map(|details| details.epochs).unwrap_or_default(),
            expires: Some(claims.exp),
            age: self.clock.ticks().since(proven),
        })
    }

    /// The session does not slide: the browser would have to be sent its cookie again, and the asker's answer cannot
    /// do that. A session that slid unseen would also keep its own routes from sending it.
    async fn check_cookies(
        &self,
        cookies: &[&str],
        proven: Ticks,
    ) -> Result<CheckedCredential, AuthenticationError> {
        let tenant = self.tenant(&TenantId::default_tenant()).await?;
        let proven = proven.min(tenant.stores.view.proven_at());
        let opened = self.opened_by_cookies(&tenant, None, cookies).await?;
        tenant.stores.note_use(&opened.seen, self.clock.now());
        let identity = opened.identity();
        Ok(CheckedCredential {
            ends_with: Some(identity.session),
            identity,
            carrier: Carrier::Cookie,
            epochs: opened.seen.session().epochs,
            expires: None,
            age: self.clock.ticks().since(proven),
        })
    }
}
