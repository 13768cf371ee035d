//! What every handler uses.

use std::sync::Arc;
use std::time::Duration;

use http::HeaderName;
use portcullis_axum::{Origins, SessionCookie};
use portcullis_core::engine::Engine;
use portcullis_transport::proxies::TrustedProxies;

use crate::answer::AnswerHeaders;
use crate::operations::OperationDispatcher;
use crate::pages::Pages;
use crate::rate_limit::RateLimits;

/// What every handler uses.
#[derive(Clone)]
pub struct AuthApp {
    /// The engine that handlers call.
    pub engine: Engine,
    /// The dispatcher of the device-session surface.
    pub operations: OperationDispatcher,
    /// Name and attributes of the session cookie.
    pub cookie: SessionCookie,
    /// Whether a request must name its tenant.
    pub requires_tenant: bool,
    /// The most bytes of a body.
    pub largest_body: usize,
    /// The most bytes of the headers together.
    pub largest_headers: usize,
    /// How long a client may take to send a body.
    pub body_timeout: Duration,
    /// The proxies whose headers name a client's address.
    pub proxies: TrustedProxies,
    /// The rate limit of each address.
    pub rates: Arc<RateLimits>,
    /// The pages that links in mails lead to.
    pub pages: Arc<Pages>,
    /// The origins whose pages may call from a browser.
    pub origins: Origins,
    /// What further request headers those pages may send.
    pub cors_headers: Vec<HeaderName>,
    /// Whether users reach the service over https: cookies are `Secure`, and browsers are told to insist on it.
    pub https: bool,
    /// The headers of answers.
    pub headers: AnswerHeaders,
}
