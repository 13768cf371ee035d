//! The session that an opaque id opens, and which of the session cookies of a request counts.

use std::sync::Arc;

use super::{AuthenticationError, EngineCore, Identity, Tenant};
use crate::liveness::{CachedSession, CachedUser};
use crate::strategy::{Carrier, StrategyName};

/// The most session cookies of one request that are looked at.
pub(super) const MOST_COOKIES: usize = 8;

/// A live session, and the credential that has opened it.
pub(super) struct OpenedSession<'a> {
    pub(super) credential: &'a str,
    pub(super) seen: Arc<CachedSession>,
    user: Arc<CachedUser>,
}

impl OpenedSession<'_> {
    pub(super) fn identity(&self) -> Identity {
        let session = self.seen.session();
        Identity {
            user: self.user.user.key.clone(),
            session: session.key.id,
            strategy: session.strategy,
            token: None,
            profile: self.user.profile.clone(),
            role: Some(self.user.user.role),
            signed_in: Some(session.created),
            renewed: None,
        }
    }
}

impl EngineCore {
    /// The live session of an opaque id, which must be of this strategy; without one, of any that the tenant offers
    /// with a cookie.
    pub(super) async fn opened_by<'a>(
        &self,
        tenant: &Tenant,
        strategy: Option<StrategyName>,
        credential: &'a str,
    ) -> Result<OpenedSession<'a>, AuthenticationError> {
        let key = self.verified_cookie(tenant, credential)?;
        let seen =
            tenant.stores.view.session_of_cookie(&key).await?.ok_or(AuthenticationError::NotLive(None))?;
        let name = seen.session().strategy;
        let has_cookie = || tenant.strategy(name).is_some_and(|of| of.carrier() == Carrier::Cookie);
        if !strategy.map_or_else(has_cookie, |strategy| strategy == name) {
            return Err(AuthenticationError::OtherStrategy);
        }
        let user = self.live_user(&tenant.stores, seen.session(), None).await?;
        Ok(OpenedSession { credential, seen, user })
    }

    /// The same of the cookies of a request. The one good session cookie counts, whatever other cookies of the name
    /// stand beside it: another site of the domain can plant any, and a browser that was given one under another domain
    /// or path sends both.
    pub(super) async fn opened_by_cookies<'a>(
        &self,
        tenant: &Tenant,
        strategy: Option<StrategyName>,
        cookies: &[&'a str],
    ) -> Result<OpenedSession<'a>, AuthenticationError> {
        match cookies {
            [] => Err(AuthenticationError::Missing),
            [only] => self.opened_by(tenant, strategy, only).await,
            cookies if cookies.len() > MOST_COOKIES => Err(AuthenticationError::SeveralSessions(Vec::new())),
            cookies => Box::pin(self.opened_by_one_of(tenant, strategy, cookies)).await,
        }
    }

    async fn opened_by_one_of<'a>(
        &self,
        tenant: &Tenant,
        strategy: Option<StrategyName>,
        cookies: &[&'a str],
    ) -> Result<OpenedSession<'a>, AuthenticationError> {
        let mut good: Vec<OpenedSession<'a>> = Vec::new();
        for cookie in cookies {
            match self.opened_by(tenant, strategy, cookie).await {
                Ok(found) if good.iter().any(|known| known.is_of(&found)) => (),
                Ok(found) => good.push(found),
                Err(error) if error.is_outage() => return Err(error),
                Err(_) => (),
            }
        }
        match <[OpenedSession<'a>; 1]>::try_from(good) {
            Ok([only]) => Ok(only),
            Err(none) if none.is_empty() => Err(AuthenticationError::Invalid),
            Err(several) => Err(AuthenticationError::SeveralSessions(
                several.iter().map(OpenedSession::identity).collect(),
            )),
        }
    }
}

impl OpenedSession<'_> {
    fn is_of(&self, other: &OpenedSession<'_>) -> bool {
        self.seen.session().key.id == other.seen.session().key.id
    }
}

impl AuthenticationError {
    /// Whether it says nothing of the credential.
    const fn is_outage(&self) -> bool {
        matches!(self, Self::Issue(_) | Self::Tenant(_) | Self::Store(_))
    }
}
