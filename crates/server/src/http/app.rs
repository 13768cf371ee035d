//! What the handlers of the server use, as a configuration has it.

use std::ops::Deref;
use std::sync::Arc;

use portcullis_axum::forward_auth::ForwardAuthRules;
use portcullis_axum::{Origins, SessionCookie};
use portcullis_core::engine::Engine;
use portcullis_http::AuthApp;
use portcullis_http::answer::AnswerHeaders;
use portcullis_http::operations::OperationDispatcher;
use portcullis_http::pages::{PageSettings, Pages};
use portcullis_http::rate_limit::{RateLimit, RateLimits};
use portcullis_http::templates::TemplateError;

use super::{Recorder, forward_auth_rules};
use crate::config::Config;

/// What the handlers of the server use: beside what is theirs alone, what those of `portcullis-http` use.
#[derive(Clone)]
pub struct App {
    /// What the handlers of sign-in, sessions and users use.
    pub auth: Arc<AuthApp>,
    /// The public URL without a slash at its end; `None` in development mode.
    pub public_url: Option<String>,
    /// What forward-auth requires.
    pub forward_auth: Arc<ForwardAuthRules>,
    /// Whether the documentation is public.
    pub docs: bool,
    /// The metrics; `None` where the main listener does not show them to this machine.
    pub metrics: Option<Recorder>,
}

impl Deref for App {
    type Target = AuthApp;

    fn deref(&self) -> &AuthApp {
        &self.auth
    }
}

/// What the handlers need, as it is configured. Without a recorder there are no metrics.
///
/// # Errors
/// What is wrong with the templates of pages.
pub fn app(config: &Config, engine: Engine, recorder: Option<&Recorder>) -> Result<App, TemplateError> {
    let development = config.is_development();
    let rates = Arc::new(rates(config, &engine));
    let operations = OperationDispatcher {
        engine: engine.clone(),
        requires_tenant: config.tenants.require_header,
        rates: rates.clone(),
    };
    let auth = AuthApp {
        engine,
        operations,
        cookie: SessionCookie {
            name: config.cookie.name.clone(),
            secure: config.is_https(),
            same_site: config.cookie.same_site,
            domain: config.cookie.domain.clone(),
            host: config.public_url.as_ref().map(|url| url.host().to_owned()),
        },
        requires_tenant: config.tenants.require_header,
        largest_body: config.limits.body,
        largest_headers: config.limits.headers,
        body_timeout: config.timeouts.body,
        proxies: config.proxies.clone(),
        rates,
        pages: Arc::new(configured_pages(config)?),
        origins: origins(config),
        cors_headers: config.cors.headers.clone(),
        https: config.is_https(),
        headers: AnswerHeaders::over(config.is_https()),
    };
    Ok(App {
        auth: Arc::new(auth),
        public_url: config.public_url.as_ref().map(|url| url.as_str().trim_end_matches('/').to_owned()),
        forward_auth: Arc::new(forward_auth_rules(config)),
        docs: development,
        metrics: recorder.filter(|_| development && config.metrics.listen.is_none()).cloned(),
    })
}

/// The pages that links in mails lead to.
///
/// # Errors
/// What is wrong with their templates.
pub(crate) fn configured_pages(config: &Config) -> Result<Pages, TemplateError> {
    Pages::load(PageSettings {
        templates: config.mail.templates.clone(),
        language: config.mail.language.clone(),
        branding: config.branding.clone(),
    })
}

fn rates(config: &Config, engine: &Engine) -> RateLimits {
    let limits = &config.limits;
    let allowance = RateLimit {
        address: limits.rate,
        tenant: limits.rate_tenant,
        spares_loopback: config.is_development(),
    };
    RateLimits::new(allowance, &engine.clock())
}

/// The configured ones, and our own: behind a proxy the `Host` we see need not be the one that the browser asked for.
fn origins(config: &Config) -> Origins {
    let own = config.public_url.iter().map(|url| url.as_str().trim_end_matches('/').to_owned());
    let others = config.cors.origins.iter().map(|origin| origin.as_str().to_owned());
    Origins { listed: own.chain(others).collect(), any_local_port: config.is_development() }
}
