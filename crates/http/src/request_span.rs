//! The span of a request that may change something: every line of the log that the request causes says where it came
//! from, audit events above all.
//!
//! It holds nothing that a stranger typed: an address, the family of a program out of a list, and a UUID.

use std::net::IpAddr;

use portcullis_core::id::UserId;
use portcullis_core::machine::SystemRandom;
use portcullis_core::random;
use portcullis_core::strategy::StrategyName;
use tracing::field::{Empty, display};
use tracing::{Span, info_span};
use uuid::{Builder, Uuid};

use crate::device_name;

/// The target of audit events and of the spans around them.
pub const AUDIT: &str = "portcullis::audit";

/// Where a request came from, as it says itself.
pub struct RequestOrigin<'a> {
    /// The client's address.
    pub client: Option<IpAddr>,
    /// The client's program.
    pub agent: &'a str,
    /// What the client or a proxy calls the request.
    pub id: Option<&'a str>,
    /// The strategy that it is about.
    pub strategy: Option<StrategyName>,
}

impl RequestOrigin<'_> {
    /// The span.
    pub fn span(&self) -> Span {
        let span = info_span!(
            target: AUDIT,
            "request",
            client = self.client.map(display),
            device = Empty,
            request_id = Empty,
            strategy = self.strategy.map(StrategyName::as_str),
            actor = Empty
        );
        if !span.is_disabled() {
            span.record("device", device_name::family(self.agent));
            span.record("request_id", display(self.request_id()));
        }
        span
    }

    /// The client's id where it is a UUID, otherwise a new one.
    fn request_id(&self) -> Uuid {
        let sent = self.id.and_then(|id| Uuid::try_parse(id).ok());
        sent.unwrap_or_else(|| Builder::from_random_bytes(random::bytes(&SystemRandom)).into_uuid())
    }
}

/// Notes the administrator who acts in the current request.
pub fn acts(administrator: UserId) {
    Span::current().record("actor", display(administrator));
}
