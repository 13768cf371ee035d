//! One line of the log for each request, and its count.
//!
//! The line has the route and not the path: a path may hold what is confidential, and a client can make up any.

use std::net::IpAddr;

use axum::extract::Request;
use http::{Method, StatusCode};
use portcullis_core::clock::{Clock, Ticks};
use portcullis_core::id::{TenantId, UserId};
use portcullis_transport::http::{AnswerCounter, known_method};
use portcullis_transport::listener::Peer;
use portcullis_transport::proxies::client_address;
use tracing::info;

use super::state::GatewayState;
use crate::upstream::UpstreamUrl;

/// The target of the lines.
pub(crate) const ACCESS: &str = "portcullis::access";

/// In place of a status where there is no answer: its client has hung up. Others know this number, too.
const CLIENT_LEFT: u16 = 499;

/// What is known of a request. It is written once the request is answered; or when the record is dropped before that,
/// because the client has hung up: what the request did at the upstream is done.
pub(super) struct AccessRecord<'c> {
    clock: &'c dyn Clock,
    is_written: bool,
    method: Method,
    client: Option<IpAddr>,
    begun: Ticks,
    has_line: bool,
    user: Option<(TenantId, UserId)>,
    upstream: Option<&'c UpstreamUrl>,
    /// What counts the answers of its route; `None` while no route takes it.
    route: Option<&'c AnswerCounter>,
    unmatched: &'c AnswerCounter,
}

impl<'c> AccessRecord<'c> {
    pub(super) fn begin(
        state: &'c GatewayState,
        request: &Request,
        peer: Peer,
        clock: &'c dyn Clock,
    ) -> Self {
        Self {
            clock,
            is_written: false,
            method: request.method().clone(),
            client: peer.ip().map(|ip| client_address(ip, request.headers(), &state.proxies)),
            begun: clock.ticks(),
            has_line: state.logs_requests,
            user: None,
            upstream: None,
            route: None,
            unmatched: &state.unmatched,
        }
    }

    /// Notes the route, by what counts its answers.
    pub(super) fn takes(&mut self, route: Option<&'c AnswerCounter>) {
        self.route = route;
    }

    pub(super) fn is_of(&mut self, user: Option<(&TenantId, UserId)>) {
        self.user = user.map(|(tenant, id)| (tenant.clone(), id));
    }

    pub(super) fn went_to(&mut self, upstream: &'c UpstreamUrl) {
        self.upstream = Some(upstream);
    }

    /// Counts the answer and writes the line.
    pub(super) fn answered(&mut self, status: StatusCode) {
        self.is_written = true;
        self.route.unwrap_or(self.unmatched).answered(&self.method, status);
        if self.has_line {
            self.log(status);
        }
    }

    fn log(&self, status: StatusCode) {
        info!(
            target: ACCESS,
            status = status.as_u16(),
            method = known_method(&self.method),
            route = self.route.map(AnswerCounter::route),
            client = self.client.map(display),
            tenant = self.user.as_ref().map(|(tenant, _)| display(tenant)),
            user = self.user.as_ref().map(|(_, user)| display(user)),
            upstream = self.upstream.map(display),
            micros = u64::try_from(self.clock.ticks().since(self.begun).as_micros()).unwrap_or(u64::MAX),
            "request"
        );
    }
}

impl Drop for AccessRecord<'_> {
    fn drop(&mut self) {
        if !self.is_written
            && let Ok(status) = StatusCode::from_u16(CLIENT_LEFT)
        {
            self.answered(status);
        }
    }
}
