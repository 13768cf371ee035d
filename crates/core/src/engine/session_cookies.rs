//! Which of the session cookies of a request counts.

use super::authenticate::{AuthenticationError, AuthenticationRequest};
use super::identity::Identity;
use super::{EngineCore, Tenant};
use crate::strategy::Strategy;

/// The most session cookies of one request that are looked at.
pub(super) const MOST_COOKIES: usize = 8;

impl EngineCore {
    /// The one good session cookie counts, whatever other cookies of the name stand beside it: another site of the
    /// domain can plant any, and a browser that was given one under another domain or path sends both.
    pub(super) async fn by_cookies(
        &self,
        tenant: &Tenant,
        attempt: &AuthenticationRequest<'_>,
        strategy: Strategy,
    ) -> Result<Identity, AuthenticationError> {
        let cookies = match attempt.envelope.cookies {
            [] => return Err(AuthenticationError::Missing),
            [only] => return self.by_opaque_id(tenant, attempt.strategy, strategy, only).await,
            cookies if cookies.len() > MOST_COOKIES => {
                return Err(AuthenticationError::SeveralSessions(Vec::new()));
            }
            cookies => cookies,
        };
        let mut good: Vec<Identity> = Vec::new();
        for cookie in cookies {
            match self.by_opaque_id(tenant, attempt.strategy, strategy, cookie).await {
                Ok(found) if good.iter().any(|known| known.session == found.session) => (),
                Ok(found) => good.push(found),
                Err(error) if error.is_outage() => return Err(error),
                Err(_) => (),
            }
        }
        match <[Identity; 1]>::try_from(good) {
            Ok([only]) => Ok(only),
            Err(none) if none.is_empty() => Err(AuthenticationError::Invalid),
            Err(several) => Err(AuthenticationError::SeveralSessions(several)),
        }
    }
}

impl AuthenticationError {
    /// Whether it says nothing of the credential.
    const fn is_outage(&self) -> bool {
        matches!(self, Self::Issue(_) | Self::Tenant(_) | Self::Store(_))
    }
}
