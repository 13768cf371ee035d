//! A configuration that is being read.

use std::path::PathBuf;
use std::time::Duration;

use http::Method;
use portcullis_config::parse::{ForwardAuth, Parsed, PublicUrl, WebOrigin};
use portcullis_core::id::TenantId;
use portcullis_core::secret::PlainSecret;
use portcullis_core::user::Role;
use portcullis_transport::proxies::TrustedProxies;
use portcullis_verifier::OnStale;
use tracing::Level;

use super::GatewayProcess;
use crate::routes::{RouteAccess, RouteTimeouts, UpstreamPool};

/// What the keys outside the routes fill.
pub(super) struct GatewayDraft {
    pub(super) process: GatewayProcess,
    pub(super) server: Option<PublicUrl>,
    pub(super) feed_key: Option<PlainSecret>,
    pub(super) feed_key_file: Option<PathBuf>,
    pub(super) tenants: Vec<TenantId>,
    pub(super) stream_grace: Duration,
    pub(super) origins: Vec<WebOrigin>,
    pub(super) proxies: TrustedProxies,
    pub(super) timeouts: RouteTimeouts,
    pub(super) session_cookies: Option<Vec<String>>,
    pub(super) forward_auth: ForwardAuth,
    /// Whether the gateway answers `/auth/verify`, where that is stated.
    pub(super) answers_proxies: Option<bool>,
}

impl GatewayDraft {
    /// What the gateway answers proxies; `None` if it does not.
    pub(super) fn answered_proxies(&mut self) -> Option<ForwardAuth> {
        let stated = std::mem::take(&mut self.forward_auth);
        let is_stated = !stated.hosts.is_empty() || !stated.policies.is_empty();
        self.answers_proxies.unwrap_or(is_stated).then_some(stated)
    }

    /// Nothing is stated yet, not even a default.
    pub(super) fn blank() -> Self {
        Self {
            process: blank_process(),
            server: None,
            feed_key: None,
            feed_key_file: None,
            tenants: Vec::new(),
            stream_grace: Duration::ZERO,
            origins: Vec::new(),
            proxies: TrustedProxies::default(),
            timeouts: RouteTimeouts {
                connect: Duration::ZERO,
                first_byte: Duration::ZERO,
                idle: Duration::ZERO,
            },
            session_cookies: None,
            forward_auth: ForwardAuth::default(),
            answers_proxies: None,
        }
    }
}

fn blank_process() -> GatewayProcess {
    GatewayProcess {
        listen: Vec::new(),
        server: None,
        max_staleness: Duration::ZERO,
        connections: 0,
        client_idle: Duration::ZERO,
        shutdown: Duration::ZERO,
        drain: Duration::ZERO,
        metrics: None,
        log_json: false,
        log_level: Level::INFO,
        log_requests: true,
    }
}

/// What the keys of a route fill.
#[expect(clippy::struct_excessive_bools, reason = "each is a key of the file")]
pub(super) struct RouteDraft {
    pub(super) path: String,
    pub(super) methods: Vec<Method>,
    pub(super) upstream: UpstreamPool,
    pub(super) ca_file: Option<PathBuf>,
    pub(super) is_public: bool,
    pub(super) roles: Option<Vec<Role>>,
    pub(super) on_stale: OnStale,
    pub(super) is_exact: bool,
    pub(super) keeps_encoded: bool,
    pub(super) forwards_token: bool,
    pub(super) asserts: bool,
    pub(super) body_limit: u64,
    pub(super) timeouts: RouteTimeouts,
}

impl RouteDraft {
    /// Nothing is stated yet but the timeouts of all routes.
    pub(super) const fn blank(timeouts: RouteTimeouts) -> Self {
        Self {
            path: String::new(),
            methods: Vec::new(),
            upstream: UpstreamPool { urls: Vec::new(), authorities: None, health: None },
            ca_file: None,
            is_public: false,
            roles: None,
            on_stale: OnStale::Ask,
            is_exact: false,
            keeps_encoded: false,
            forwards_token: false,
            asserts: false,
            body_limit: 0,
            timeouts,
        }
    }

    /// Who may pass, or a sentence about what contradicts itself.
    pub(super) fn access(&self) -> Parsed<RouteAccess> {
        match (self.is_public, &self.roles) {
            (false, None) => Ok(RouteAccess::SignedIn),
            (true, None) => Ok(RouteAccess::Public),
            (false, Some(roles)) if !roles.is_empty() => Ok(RouteAccess::Roles(roles.clone())),
            (false, Some(_)) => {
                Err("names no role: leave it out, and every user who is signed in may pass".to_owned())
            }
            (true, Some(_)) => {
                Err("stands beside public = true, which lets everyone pass: leave one out".to_owned())
            }
        }
    }
}

/// Parses a feed key; a message does not repeat it.
pub(super) fn feed_key(text: &str) -> Parsed<PlainSecret> {
    let is_plain = !text.is_empty() && text.bytes().all(|byte| byte.is_ascii_graphic());
    is_plain
        .then(|| PlainSecret::presented(text))
        .ok_or_else(|| "is no feed key: write it as `portcullis feed key create` printed it".to_owned())
}
