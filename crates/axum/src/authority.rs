//! Who says whose a request is: an engine in this process, or a verifier that follows the feed of a server elsewhere.

use http::header::HeaderMap;
use portcullis_core::clock::Timestamp;
use portcullis_core::engine::{AuthenticationError, AuthenticationRequest, Engine, Identity};
use portcullis_core::id::TenantId;
use portcullis_core::strategy::StrategyName;

use crate::{RequestCredentials, SessionCookie};

/// Who says whose a request is.
#[derive(Clone, Debug)]
pub enum Authority {
    /// An engine in this process, for the credentials of one strategy.
    Engine {
        /// The engine.
        engine: Engine,
        /// The strategy.
        strategy: StrategyName,
    },
    /// A verifier, for access tokens of every strategy, and for session cookies.
    #[cfg(feature = "verifier")]
    Verifier {
        /// The verifier.
        verifier: portcullis_verifier::Verifier,
        /// What happens while its knowledge is too old.
        on_stale: portcullis_verifier::OnStale,
    },
}

/// What a [`Guard`](crate::Guard) can be made of.
#[diagnostic::on_unimplemented(
    message = "`{Self}` cannot say whose a request is",
    label = "a guard is made of an engine or of a verifier",
    note = "pass `(engine, StrategyName::SessionJwt)`, or a `Verifier` (feature `verifier` of portcullis-axum)"
)]
pub trait IntoAuthority {
    /// The same as an authority.
    fn into_authority(self) -> Authority;
}

impl IntoAuthority for Authority {
    fn into_authority(self) -> Authority {
        self
    }
}

impl IntoAuthority for (Engine, StrategyName) {
    fn into_authority(self) -> Authority {
        Authority::Engine { engine: self.0, strategy: self.1 }
    }
}

/// While its knowledge is too old, the server is asked.
#[cfg(feature = "verifier")]
impl IntoAuthority for portcullis_verifier::Verifier {
    fn into_authority(self) -> Authority {
        Authority::Verifier { verifier: self, on_stale: portcullis_verifier::OnStale::Ask }
    }
}

#[cfg(feature = "verifier")]
impl IntoAuthority for (portcullis_verifier::Verifier, portcullis_verifier::OnStale) {
    fn into_authority(self) -> Authority {
        Authority::Verifier { verifier: self.0, on_stale: self.1 }
    }
}

impl Authority {
    /// Whose the request with these headers is. `tenant` is the one that it names.
    pub(crate) async fn identify(
        &self,
        tenant: Option<TenantId>,
        headers: &HeaderMap,
        cookie: &SessionCookie,
    ) -> Result<Identity, AuthenticationError> {
        match self {
            Self::Engine { engine, strategy } => {
                let shown = RequestCredentials::in_headers(headers, cookie);
                let envelope = shown.envelope();
                let attempt = AuthenticationRequest { tenant, strategy: *strategy, envelope };
                engine.authenticate(&attempt).await
            }
            #[cfg(feature = "verifier")]
            Self::Verifier { verifier, on_stale } => {
                let user = verified::identify(verifier, *on_stale, headers).await?;
                let is_other = tenant.is_some_and(|named| named != user.user.tenant);
                if is_other { Err(AuthenticationError::OtherTenant) } else { Ok(user) }
            }
        }
    }

    /// The time now.
    pub(crate) fn now(&self) -> Timestamp {
        match self {
            Self::Engine { engine, .. } => engine.now(),
            #[cfg(feature = "verifier")]
            Self::Verifier { verifier, .. } => verifier.now(),
        }
    }
}

#[cfg(feature = "verifier")]
mod verified {
    //! What a verifier says, in the words of an engine.

    use std::io;

    use http::header::HeaderMap;
    use portcullis_core::engine::{AuthenticationError, Identity};
    use portcullis_core::store::StoreError;
    use portcullis_core::strategy::Carrier;
    use portcullis_verifier::{OnStale, SentCredential, Verifier, VerifyError};

    use crate::RequestCredentials;
    use crate::cookie::values_named;

    pub(super) async fn identify(
        verifier: &Verifier,
        on_stale: OnStale,
        headers: &HeaderMap,
    ) -> Result<Identity, AuthenticationError> {
        let shown = RequestCredentials::without_cookies(headers);
        let shown = shown.envelope();
        let line;
        // A client sends a token on purpose, and a browser sends cookies by itself.
        let token = Carrier::Bearer.find(&shown).map_err(|_| AuthenticationError::Invalid)?;
        let credential = if let Some(token) = token {
            SentCredential::Bearer(token)
        } else {
            let pairs = session_cookies(verifier.cookie_names(), headers);
            line = pairs.ok_or(AuthenticationError::Missing)?;
            SentCredential::Cookie(&line)
        };
        let user = verifier.verify(credential, on_stale).await.map_err(refused)?;
        user.identity().ok_or(AuthenticationError::Invalid)
    }

    /// The session cookies as a header of their own: those of others may hold any bytes. `None` if there is none.
    fn session_cookies(names: &[String], headers: &HeaderMap) -> Option<String> {
        let of_name =
            |name| values_named(name, headers).into_iter().map(move |value| format!("{name}={value}"));
        let pairs: Vec<String> = names.iter().map(String::as_str).flat_map(of_name).collect();
        (!pairs.is_empty()).then(|| pairs.join("; "))
    }

    /// An outage stays one.
    fn refused(error: VerifyError) -> AuthenticationError {
        match error {
            VerifyError::Missing => AuthenticationError::Missing,
            VerifyError::Invalid(fault) => AuthenticationError::Token(fault),
            VerifyError::OtherTenant => AuthenticationError::OtherTenant,
            VerifyError::Revoked => AuthenticationError::Revoked,
            VerifyError::Refused => AuthenticationError::Invalid,
            VerifyError::Unavailable { .. } => {
                StoreError::unavailable("verify a token", io::Error::other("the feed is not followed")).into()
            }
        }
    }
}

#[cfg(all(test, feature = "verifier"))]
mod tests {
    use std::sync::Arc;

    use portcullis_core::clock::{Clock, Ticks};
    use portcullis_verifier::Verifier;

    use super::*;

    struct Stopped;

    impl Clock for Stopped {
        fn now(&self) -> Timestamp {
            Timestamp::from_seconds(7)
        }

        fn ticks(&self) -> Ticks {
            Ticks::START
        }
    }

    /// Otherwise a sign-in would be recent by another clock than the one by which its token has not expired.
    #[tokio::test]
    async fn a_guard_of_a_verifier_goes_by_the_time_of_the_verifier() {
        let verifier = Verifier::builder("http://127.0.0.1:1").feed_key("key").clock(Arc::new(Stopped));
        let authority = verifier.build().unwrap().into_authority();
        assert_eq!(authority.now(), Timestamp::from_seconds(7));
    }
}
