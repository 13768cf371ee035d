//! What routes that a service embeds are made with.

use std::num::NonZeroU32;
use std::sync::Arc;
use std::time::Duration;

use http::HeaderName;
use portcullis_axum::{Origins, SessionCookie};
use portcullis_config::parse::{PublicUrl, public_url};
use portcullis_core::engine::Engine;
use portcullis_transport::proxies::TrustedProxies;
use thiserror::Error;

use crate::AuthApp;
use crate::answer::AnswerHeaders;
use crate::operations::OperationDispatcher;
use crate::pages::{Branding, Pages};
use crate::rate_limit::{RateLimit, RateLimits};

/// What [`strategy_routes`](crate::strategy_routes) and [`device_routes`](crate::device_routes) are made with. An
/// engine alone has the defaults, which are the server's for production: users come over https, pages of no other
/// origin may call, and each address may send 300 costly requests a minute.
///
/// Copies count requests together: make all routers of a service from one.
#[derive(Clone)]
pub struct RouteSettings {
    engine: Engine,
    public_url: Option<PublicUrl>,
    https: bool,
    cookie: Option<SessionCookie>,
    origins: Vec<String>,
    any_local_port: bool,
    cors_headers: Vec<HeaderName>,
    requires_tenant: bool,
    proxies: TrustedProxies,
    rates: Arc<RateLimits>,
    largest_body: usize,
    largest_headers: usize,
    body_timeout: Duration,
    pages: Option<Arc<Pages>>,
}

/// The text is not a public URL.
#[derive(Clone, PartialEq, Eq, Debug, Error)]
#[error("the public URL: {0}")]
pub struct InvalidPublicUrl(String);

/// Requests a minute of one address.
const RATE: NonZeroU32 = NonZeroU32::MIN.saturating_add(299);

impl RouteSettings {
    /// The defaults, for a service that users reach over https.
    #[must_use]
    pub fn new(engine: Engine) -> Self {
        let rate = RateLimit { address: Some(RATE), tenant: None, spares_loopback: false };
        Self {
            rates: counted(rate, &engine),
            engine,
            public_url: None,
            https: true,
            cookie: None,
            origins: Vec::new(),
            any_local_port: false,
            cors_headers: Vec::new(),
            requires_tenant: false,
            proxies: TrustedProxies::default(),
            largest_body: 64 * 1024,
            largest_headers: 16 * 1024,
            body_timeout: Duration::from_secs(30),
            pages: None,
        }
    }

    /// The URL under which users reach the service: https, or http on a loopback host. Behind a proxy that changes
    /// `Host`, pages of the service itself are known by it.
    ///
    /// # Errors
    /// [`InvalidPublicUrl`]: it is not such a URL, or has a path.
    pub fn public_url(self, url: &str) -> Result<Self, InvalidPublicUrl> {
        let url = public_url(url).map_err(InvalidPublicUrl)?;
        Ok(Self { https: url.is_https(), public_url: Some(url), ..self })
    }

    /// For development, over http on this machine: cookies are not `Secure`, pages of every local port may call, and
    /// this machine has no rate limit.
    #[must_use]
    pub fn for_development(self) -> Self {
        let rate = RateLimit { address: Some(RATE), tenant: None, spares_loopback: true };
        Self { https: false, any_local_port: true, rates: counted(rate, &self.engine), ..self }
    }

    /// Name and attributes of the session cookie of `session`: `__Host-connect.sid`, `SameSite=Lax`.
    #[must_use]
    pub fn cookie(self, cookie: SessionCookie) -> Self {
        Self { cookie: Some(cookie), ..self }
    }

    /// The origins whose pages may call from a browser and read answers, such as `https://app.example.com`: none but
    /// the public URL's own.
    #[must_use]
    pub fn allowed_origins(self, origins: impl IntoIterator<Item = impl Into<String>>) -> Self {
        Self { origins: origins.into_iter().map(Into::into).collect(), ..self }
    }

    /// Further request headers that pages of other origins may send.
    #[must_use]
    pub fn allowed_headers(self, headers: impl IntoIterator<Item = HeaderName>) -> Self {
        Self { cors_headers: headers.into_iter().collect(), ..self }
    }

    /// Refuses requests that do not name their tenant in `x-tenant-id`; otherwise the tenant `default` is meant.
    #[must_use]
    pub fn requires_tenant(self) -> Self {
        Self { requires_tenant: true, ..self }
    }

    /// The proxies whose header names a client's address: none. Behind a proxy that is not named here, all clients
    /// share one rate limit.
    #[must_use]
    pub fn trusted_proxies(self, proxies: TrustedProxies) -> Self {
        Self { proxies, ..self }
    }

    /// How often one client may sign up, sign in, refresh and change a password: 300 times a minute by address.
    #[must_use]
    pub fn rate_limit(self, limit: RateLimit) -> Self {
        Self { rates: counted(limit, &self.engine), ..self }
    }

    /// The most bytes of a request's body: 64 KiB.
    #[must_use]
    pub fn largest_body(self, bytes: usize) -> Self {
        Self { largest_body: bytes, ..self }
    }

    /// The most bytes of a request's headers together: 16 KiB.
    #[must_use]
    pub fn largest_headers(self, bytes: usize) -> Self {
        Self { largest_headers: bytes, ..self }
    }

    /// How long a client may take to send a body: 30 s.
    #[must_use]
    pub fn body_timeout(self, timeout: Duration) -> Self {
        Self { body_timeout: timeout, ..self }
    }

    /// The pages that links in mails lead to: built-in ones in English, with the host of the public URL as the name.
    #[must_use]
    pub fn pages(self, pages: Pages) -> Self {
        Self { pages: Some(Arc::new(pages)), ..self }
    }

    pub(crate) fn app(self) -> Arc<AuthApp> {
        let (host, own) = (self.host(), self.public_url.iter().map(|url| url.as_str().to_owned()));
        let origins = Origins {
            listed: own.chain(self.origins.clone()).collect(),
            any_local_port: self.any_local_port,
        };
        let cookie = || SessionCookie { host: host.clone(), ..SessionCookie::over(self.https) };
        let pages = || {
            let name = host.clone().unwrap_or_else(|| "Portcullis".to_owned());
            Arc::new(Pages::built_in(Branding { name, ..Branding::default() }))
        };
        let operations = OperationDispatcher {
            engine: self.engine.clone(),
            requires_tenant: self.requires_tenant,
            rates: self.rates.clone(),
        };
        Arc::new(AuthApp {
            operations,
            cookie: self.cookie.clone().unwrap_or_else(cookie),
            requires_tenant: self.requires_tenant,
            largest_body: self.largest_body,
            largest_headers: self.largest_headers,
            body_timeout: self.body_timeout,
            pages: self.pages.clone().unwrap_or_else(pages),
            origins,
            https: self.https,
            headers: AnswerHeaders::over(self.https),
            engine: self.engine,
            proxies: self.proxies,
            rates: self.rates,
            cors_headers: self.cors_headers,
        })
    }

    fn host(&self) -> Option<String> {
        self.public_url.as_ref().map(|url| url.host().to_owned())
    }
}

fn counted(limit: RateLimit, engine: &Engine) -> Arc<RateLimits> {
    Arc::new(RateLimits::new(limit, &engine.clock()))
}

impl From<Engine> for RouteSettings {
    fn from(engine: Engine) -> Self {
        Self::new(engine)
    }
}

impl From<&Self> for RouteSettings {
    fn from(settings: &Self) -> Self {
        settings.clone()
    }
}
