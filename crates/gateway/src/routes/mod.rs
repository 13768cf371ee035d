//! Routes: which requests they take, and who may pass.

mod route_path;
mod table;

use std::time::Duration;

use http::Method;
use portcullis_core::user::Role;
use portcullis_verifier::OnStale;

pub use route_path::RoutePath;
pub use table::{FoundRoute, RoutingTable, TableFault};

use crate::upstream::UpstreamUrl;

/// The methods that a route may name. One that names none takes others, too.
pub const KNOWN_METHODS: [Method; 7] =
    [Method::GET, Method::HEAD, Method::POST, Method::PUT, Method::PATCH, Method::DELETE, Method::OPTIONS];

/// Who may pass.
#[derive(Clone, PartialEq, Eq, Debug)]
pub enum RouteAccess {
    /// Everyone; no credential is looked at.
    Public,
    /// Who is signed in.
    SignedIn,
    /// Who is signed in and has one of these roles.
    Roles(Vec<Role>),
}

impl RouteAccess {
    /// Whether a user with this role may pass.
    #[must_use]
    pub fn admits(&self, role: Option<Role>) -> bool {
        match self {
            Self::Public | Self::SignedIn => true,
            Self::Roles(roles) => role.is_some_and(|role| roles.contains(&role)),
        }
    }

    /// Whether there may be a request that passes `other` and must not pass this.
    #[must_use]
    pub fn is_stricter_than(&self, other: &Self) -> bool {
        match (self, other) {
            (Self::Public, _) | (Self::SignedIn, Self::SignedIn | Self::Roles(_)) => false,
            (Self::Roles(mine), Self::Roles(theirs)) => theirs.iter().any(|role| !mine.contains(role)),
            _ => true,
        }
    }
}

/// How long the gateway waits.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct RouteTimeouts {
    /// For a connection to an upstream.
    pub connect: Duration,
    /// For the first byte of an answer, once the upstream takes nothing more of the request.
    pub first_byte: Duration,
    /// For more of a body, or for anything on a WebSocket.
    pub idle: Duration,
}

/// The servers behind a route.
#[derive(Clone, PartialEq, Eq, Hash, Debug)]
pub struct UpstreamPool {
    /// Their URLs, at least one.
    pub urls: Vec<UpstreamUrl>,
    /// The certificates that theirs must be signed with, in place of those of the system.
    pub authorities: Option<String>,
    /// The path that is asked every five seconds.
    pub health: Option<String>,
}

/// A route.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct GatewayRoute {
    /// The path that a request's path must begin with.
    pub path: RoutePath,
    /// The methods; none is all.
    pub methods: Vec<Method>,
    /// Who may pass.
    pub access: RouteAccess,
    /// What happens while nothing is proven.
    pub on_stale: OnStale,
    /// Whether encoded slashes and percent signs, and empty segments, pass.
    pub keeps_encoded: bool,
    /// Whether the upstream sees the header `Authorization`.
    pub forwards_token: bool,
    /// Whether the upstream gets a signed assertion.
    pub asserts: bool,
    /// The most bytes of a request's body.
    pub body_limit: u64,
    /// How long the gateway waits.
    pub timeouts: RouteTimeouts,
    /// Where requests go.
    pub upstream: UpstreamPool,
}

impl GatewayRoute {
    /// Whether the route takes requests of this method. None takes `TRACE`: its answer would show the client what the
    /// upstream alone is told.
    #[must_use]
    pub fn takes(&self, method: &Method) -> bool {
        method != Method::TRACE && (self.methods.is_empty() || self.methods.contains(method))
    }

    /// The value of `Allow`.
    #[must_use]
    pub fn allow(&self) -> String {
        let methods = if self.methods.is_empty() { &KNOWN_METHODS } else { self.methods.as_slice() };
        methods.iter().map(Method::as_str).collect::<Vec<_>>().join(", ")
    }

    /// Whether there may be a request that passes `other` and must not pass this.
    #[must_use]
    pub fn is_stricter_than(&self, other: &Self) -> bool {
        let takes_less = || match other.methods.as_slice() {
            [] => !self.methods.is_empty(),
            theirs => theirs.iter().any(|method| !self.takes(method)),
        };
        let waits_less = self.on_stale == OnStale::Refuse && other.on_stale == OnStale::Ask;
        self.access.is_stricter_than(&other.access) || waits_less || takes_less()
    }
}

impl AsRef<Self> for GatewayRoute {
    fn as_ref(&self) -> &Self {
        self
    }
}

#[cfg(test)]
mod tests;
