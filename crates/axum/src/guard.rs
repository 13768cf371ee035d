//! The layer that lets only signed-in callers through.

use std::convert::Infallible;
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll};

use axum::extract::{MatchedPath, Request};
use axum::response::Response;
use http::header::{CACHE_CONTROL, HeaderMap, HeaderValue, SET_COOKIE};
use http::request::Parts;
use portcullis_api::refusal::{Code, Refusal};
use portcullis_core::clock::Timestamp;
use portcullis_core::engine::{AuthenticationError, Engine, Identity, RenewedCredential};
use portcullis_core::strategy::{Carrier, StrategyName};
use tower::{Layer, Service, ServiceExt as _};

use crate::{
    Authority, CurrentUser, IntoAuthority, Origins, OtherSessions, RefusalContext, SessionCookie,
    tenant_named,
};

/// Lets only requests through that have a valid credential, and gives handlers a [`CurrentUser`].
///
/// A session cookie counts for a request that can change something only if no page of another site made the browser
/// send it (`Sec-Fetch-Site`, `Origin`): other requests are answered 403. A WebSocket counts as such a request.
#[derive(Clone, Debug)]
pub struct Guard(Arc<GuardConfig>);

#[derive(Clone, Debug)]
pub(crate) struct GuardConfig {
    authority: Authority,
    cookie: SessionCookie,
    /// The origins whose pages may send requests with a cookie that change something.
    origins: Origins,
    requires_tenant: bool,
    /// Whether several live sessions are let in, because all of them are to end.
    ends_sessions: bool,
    /// The routes that need no credential, as the router spells them.
    public: Vec<String>,
}

/// A request that is not let in.
struct Denial {
    refusal: Refusal,
    /// Whether the request has the cookies of several sessions.
    is_ambiguous: bool,
}

impl<E: Into<Refusal>> From<E> for Denial {
    fn from(error: E) -> Self {
        Self { refusal: error.into(), is_ambiguous: false }
    }
}

impl Guard {
    /// A guard for a service on plain http.
    #[must_use]
    pub fn new(engine: Engine, strategy: StrategyName) -> Self {
        Self::with(engine, strategy, SessionCookie::over(false), false)
    }

    /// A guard that looks for this cookie. If it requires a tenant, a request without `x-tenant-id` is refused.
    #[must_use]
    pub fn with(
        engine: Engine,
        strategy: StrategyName,
        cookie: SessionCookie,
        requires_tenant: bool,
    ) -> Self {
        Self::made_of(Authority::Engine { engine, strategy }, cookie, requires_tenant)
    }

    /// A guard for a service on plain http, made of an engine and its strategy, or of a verifier.
    #[must_use]
    pub fn of(authority: impl IntoAuthority) -> Self {
        Self::made_of(authority.into_authority(), SessionCookie::over(false), false)
    }

    fn made_of(authority: Authority, cookie: SessionCookie, requires_tenant: bool) -> Self {
        let (origins, public) = (Origins::default(), Vec::new());
        let config =
            GuardConfig { authority, cookie, origins, requires_tenant, ends_sessions: false, public };
        Self(Arc::new(config))
    }

    /// Looks for this cookie. A guard of a verifier looks for the one that the verifier's builder names.
    #[must_use]
    pub fn cookie(self, cookie: SessionCookie) -> Self {
        Self(Arc::new(GuardConfig { cookie, ..GuardConfig::clone(&self.0) }))
    }

    /// Lets pages of these origins use a session cookie to change something, such as `["https://app.example.com"]`.
    /// Pages of the service's own host may always do so, if the service sees the `Host` that browsers ask for.
    #[must_use]
    pub fn origins(self, origins: impl Into<Origins>) -> Self {
        Self(Arc::new(GuardConfig { origins: origins.into(), ..GuardConfig::clone(&self.0) }))
    }

    /// Lets requests for these routes through without a credential; with one, handlers get a [`CurrentUser`]. Each is
    /// spelled as in `Router::route`, such as `/health` or `/items/{id}`. For a guard of a whole router, which is added
    /// with `Router::layer`: every other route is protected, and so is what no route matches.
    #[must_use]
    pub fn public(self, routes: impl IntoIterator<Item = impl Into<String>>) -> Self {
        let public = routes.into_iter().map(Into::into).collect();
        Self(Arc::new(GuardConfig { public, ..GuardConfig::clone(&self.0) }))
    }

    /// The guard of a route that ends sessions. It lets a request in that has the cookies of several live sessions;
    /// handlers get the first as the [`CurrentUser`], and the others as [`OtherSessions`].
    #[must_use]
    pub fn for_sign_out(self) -> Self {
        Self(Arc::new(GuardConfig { ends_sessions: true, ..GuardConfig::clone(&self.0) }))
    }

    /// The session of a request, and the others of one that ends sessions: what the layer finds, for a service that
    /// calls its handlers itself and then [renews](Self::renew) the cookie.
    ///
    /// # Errors
    /// The answer to a request that is not let in.
    pub async fn admit(&self, parts: &Parts) -> Result<(Identity, OtherSessions), Response> {
        self.0.authenticate(parts).await.map_err(|denial| self.0.deny(&denial, parts))
    }

    /// Sends the cookie again if its expiry has moved, as the [admitted](Self::admit) identity says.
    pub fn renew(&self, renewed: Option<&RenewedCredential>, response: &mut Response) {
        if let Some(renewed) = renewed {
            self.0.renew_cookie(renewed, response);
        }
    }
}

impl GuardConfig {
    /// The session of a request, and the others of one that ends sessions.
    async fn authenticate(&self, request: &Parts) -> Result<(Identity, OtherSessions), Denial> {
        let (identity, others) = self.identify(&request.headers).await?;
        let is_sent_by_itself = identity.strategy.strategy().carrier() == Carrier::Cookie;
        if is_sent_by_itself && !self.origins.let_cookies_count(request) {
            return Err(Refusal::plain(Code::CrossSite).into());
        }
        Ok((identity, others))
    }

    async fn identify(&self, headers: &HeaderMap) -> Result<(Identity, OtherSessions), Denial> {
        let tenant = tenant_named(headers, self.requires_tenant)?;
        match self.authority.identify(tenant, headers, &self.cookie).await {
            Ok(identity) => Ok((identity, OtherSessions::default())),
            Err(AuthenticationError::SeveralSessions(mut several)) if self.ends_sessions => {
                let refusal = || AuthenticationError::SeveralSessions(Vec::new()).into();
                let identity =
                    several.pop().ok_or_else(|| Denial { refusal: refusal(), is_ambiguous: true })?;
                Ok((identity, OtherSessions(several)))
            }
            Err(error) => {
                let is_ambiguous = matches!(error, AuthenticationError::SeveralSessions(_));
                Err(Denial { refusal: error.into(), is_ambiguous })
            }
        }
    }

    /// Refuses a request. Cookies of several sessions are taken away, so that the next sign-in works.
    fn deny(&self, denial: &Denial, parts: &Parts) -> Response {
        let mut response = self.refuse(&denial.refusal, parts);
        if denial.is_ambiguous {
            let cleared = self.cookie.clear_everywhere(&parts.headers).unwrap_or_default();
            response.headers_mut().extend(cleared.into_iter().map(|set| (SET_COOKIE, set)));
        }
        response
    }

    /// Sends the cookie again, because its expiry has moved.
    fn renew_cookie(&self, renewed: &RenewedCredential, response: &mut Response) {
        // An invalid name: no cookie was ever set, so there is none to renew.
        let Ok(set) = self.cookie.set(renewed.credential.reveal(), renewed.expires) else { return };
        let headers = response.headers_mut();
        // A handler that has set the cookie itself, as sign-out does, is not overruled.
        if !headers.contains_key(SET_COOKIE) {
            headers.append(SET_COOKIE, set);
            headers.insert(CACHE_CONTROL, HeaderValue::from_static("no-store"));
        }
    }
}

impl<S> Layer<S> for Guard {
    type Service = Guarded<S>;

    fn layer(&self, inner: S) -> Guarded<S> {
        Guarded { guard: self.clone(), inner: Arc::new(inner) }
    }
}

/// A service behind a [`Guard`].
#[derive(Debug)]
pub struct Guarded<S> {
    guard: Guard,
    /// Shared, because axum copies a service for each request: this one is copied once, when it is called.
    inner: Arc<S>,
}

impl<S> Clone for Guarded<S> {
    fn clone(&self) -> Self {
        Self { guard: self.guard.clone(), inner: self.inner.clone() }
    }
}

impl<S> Service<Request> for Guarded<S>
where
    S: Service<Request, Response = Response, Error = Infallible> + Clone + Send + Sync + 'static,
    S::Future: Send,
{
    type Response = Response;
    type Error = Infallible;
    type Future = Pin<Box<dyn Future<Output = Result<Response, Infallible>> + Send>>;

    /// Always ready: what waits until the inner service is ready is the request.
    fn poll_ready(&mut self, _: &mut Context<'_>) -> Poll<Result<(), Infallible>> {
        Poll::Ready(Ok(()))
    }

    fn call(&mut self, request: Request) -> Self::Future {
        let Self { guard, inner } = self.clone();
        Box::pin(async move {
            let (mut parts, body) = request.into_parts();
            let (identity, others) = match guard.admit(&parts).await {
                Ok(admitted) => admitted,
                Err(_) if guard.0.is_public(&parts) => {
                    parts.extensions.remove::<CurrentUser>();
                    return S::clone(&inner).oneshot(Request::from_parts(parts, body)).await;
                }
                Err(refusal) => return Ok(refusal),
            };
            let renewed = identity.renewed.clone();
            parts.extensions.insert(CurrentUser(Arc::new(identity)));
            // An inner layer that refuses renders it the same way.
            parts.extensions.insert(guard.0.clone());
            if others.0.is_empty() {
                // Those of an outer guard are of another credential.
                parts.extensions.remove::<OtherSessions>();
            } else {
                parts.extensions.insert(others);
            }
            let mut response = S::clone(&inner).oneshot(Request::from_parts(parts, body)).await?;
            guard.renew(renewed.as_ref(), &mut response);
            Ok(response)
        })
    }
}

impl GuardConfig {
    pub(crate) fn refuse(&self, refusal: &Refusal, parts: &Parts) -> Response {
        RefusalContext::of(parts).render(refusal, self.now())
    }

    pub(crate) fn now(&self) -> Timestamp {
        self.authority.now()
    }

    fn is_public(&self, parts: &Parts) -> bool {
        let route = parts.extensions.get::<MatchedPath>().map(MatchedPath::as_str);
        route.is_some_and(|route| self.public.iter().any(|public| public == route))
    }
}

#[cfg(test)]
mod tests;
