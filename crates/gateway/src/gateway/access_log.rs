//! One line of the log for each request, and its count.
//!
//! The line has the route and not the path: a path may hold what is confidential, and a client can make up any.

use std::net::IpAddr;
use std::sync::Arc;

use axum::extract::Request;
use axum::response::Response;
use http::Method;
use portcullis_core::clock::{Clock, Ticks};
use portcullis_core::id::{TenantId, UserId};
use portcullis_transport::http::{AnswerCounter, known_method};
use portcullis_transport::listener::Peer;
use portcullis_transport::proxies::client_address;
use portcullis_verifier::VerifiedUser;
use tracing::info;

use super::state::{GatewayState, ServedRoute};
use crate::upstream::UpstreamUrl;

/// The target of the lines.
pub(crate) const ACCESS: &str = "portcullis::access";

/// What is known of a request, until it is answered.
pub(super) struct AccessRecord {
    method: Method,
    client: Option<IpAddr>,
    begun: Ticks,
    has_line: bool,
    route: Option<String>,
    user: Option<(TenantId, UserId)>,
    upstream: Option<UpstreamUrl>,
    answers: Arc<AnswerCounter>,
}

impl AccessRecord {
    pub(super) fn begin(state: &GatewayState, request: &Request, peer: Peer, clock: &dyn Clock) -> Self {
        Self {
            method: request.method().clone(),
            client: peer.ip().map(|ip| client_address(ip, request.headers(), &state.proxies)),
            begun: clock.ticks(),
            has_line: state.logs_requests,
            route: None,
            user: None,
            upstream: None,
            answers: state.unmatched.clone(),
        }
    }

    pub(super) fn takes(&mut self, served: &ServedRoute) {
        self.route = Some(served.route.path.to_string());
        self.answers = served.answers.clone();
    }

    pub(super) fn is_of(&mut self, user: Option<&VerifiedUser>) {
        self.user = user.map(|user| (user.tenant.clone(), user.id));
    }

    pub(super) fn went_to(&mut self, upstream: &UpstreamUrl) {
        self.upstream = Some(upstream.clone());
    }

    /// Counts the answer and writes the line.
    pub(super) fn finish(self, response: &Response, clock: &dyn Clock) {
        self.answers.answered(&self.method, response.status());
        if self.has_line {
            self.log(response, clock);
        }
    }

    fn log(&self, response: &Response, clock: &dyn Clock) {
        info!(
            target: ACCESS,
            status = response.status().as_u16(),
            method = known_method(&self.method),
            route = self.route.as_deref(),
            client = self.client.map(display),
            tenant = self.user.as_ref().map(|(tenant, _)| display(tenant)),
            user = self.user.as_ref().map(|(_, user)| display(user)),
            upstream = self.upstream.as_ref().map(display),
            micros = u64::try_from(clock.ticks().since(self.begun).as_micros()).unwrap_or(u64::MAX),
            "request"
        );
    }
}
