//! The parts of a [`Config`](super::Config), one for each table of the file.

use std::net::SocketAddr;
use std::time::Duration;

use tracing::Level;

use super::parse::{SameSite, WebOrigin};

/// The session cookie.
#[derive(Clone, Debug)]
pub struct Cookie {
    /// Its name.
    pub name: String,
    /// Its `SameSite` attribute.
    pub same_site: SameSite,
    /// Its `Domain` attribute; without one the cookie goes to the host that set it and to no other.
    pub domain: Option<String>,
}

/// Who may read answers from other web pages.
#[derive(Clone, Debug)]
pub struct Cors {
    /// The origins, exactly. Development mode allows every port of `localhost` and `127.0.0.1` over http beside them.
    pub origins: Vec<WebOrigin>,
}

/// Tenants.
#[derive(Clone, Debug)]
pub struct Tenants {
    /// Whether a request must name its tenant; else one that does not means the tenant `default`.
    pub require_header: bool,
}

/// The strategies that are offered, and how long what they hand out lives. A tenant may state its own.
#[derive(Clone, Debug)]
pub struct Strategies {
    /// The names of those that are offered, as in `/auth/{strategy}`, in the order stated.
    pub enabled: Vec<&'static str>,
    /// `jwt`.
    pub jwt: Fixed,
    /// `session`.
    pub session: Sliding,
    /// `hybrid`.
    pub hybrid: Fixed,
    /// `refresh`.
    pub refresh: Rotating,
    /// `denylist`.
    pub denylist: Rotating,
    /// `session-jwt`.
    pub session_jwt: Fixed,
    /// `device`, the strategy of the device-session surface.
    pub device: Rotating,
}

/// Lifetime of a credential that nothing renews.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Fixed {
    /// From issue to expiry.
    pub access: Duration,
}

/// Lifetimes of a session that use renews.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Sliding {
    /// From the last use to the end.
    pub idle: Duration,
    /// From login to the end, whatever its use.
    pub max: Duration,
}

/// Lifetimes of a session that a refresh token renews.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Rotating {
    /// An access token's, from its issue.
    pub access: Duration,
    /// A refresh token's, from its own issue.
    pub refresh: Duration,
    /// From login to the end, whatever its use.
    pub max: Duration,
    /// How long after a refresh the token it spent is answered with the same successor, to a client that shows its
    /// device proof.
    pub grace: Duration,
}

/// Passwords, where one is set.
#[derive(Clone, Debug)]
pub struct Passwords {
    /// The least number of characters, where the password is the only step.
    pub shortest: usize,
}

/// The pool that hashes passwords.
#[derive(Clone, Debug)]
pub struct Hashing {
    /// How many threads; `None` is one for each processor.
    pub threads: Option<usize>,
    /// How many hashes may wait; more are refused with 503.
    pub queue: usize,
}

/// How old a node's view of the sessions may be.
#[derive(Clone, Debug)]
pub struct Liveness {
    /// An older view is not believed: the store is asked.
    pub max_staleness: Duration,
}

/// Sizes and numbers that a client cannot exceed.
#[derive(Clone, Debug)]
pub struct Limits {
    /// A request's body, in bytes.
    pub body: usize,
    /// A request's headers together, in bytes.
    pub headers: usize,
    /// Open connections.
    pub connections: usize,
}

/// How long is waited.
#[derive(Clone, Debug)]
pub struct Timeouts {
    /// For a request's headers, from the first byte.
    pub headers: Duration,
    /// For a request's body.
    pub body: Duration,
    /// For requests in flight, when the server is told to stop.
    pub shutdown: Duration,
}

/// Where metrics are shown.
#[derive(Clone, Debug)]
pub struct Metrics {
    /// A listener of their own; without one the main listener shows them to loopback only.
    pub listen: Option<SocketAddr>,
}

/// The log.
#[derive(Clone, Debug)]
pub struct Log {
    /// Lines for people or for programs.
    pub format: LogFormat,
    /// What is logged: this and everything graver.
    pub level: Level,
}

/// How a line of the log is written.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum LogFormat {
    /// For people.
    Text,
    /// One JSON object a line.
    Json,
}
