//! The typed values of a [`Config`](super::Config), one struct for each table of the file.

use std::net::SocketAddr;
use std::num::NonZeroU32;
use std::path::PathBuf;
use std::time::Duration;

use http::HeaderName;
use lettre::message::Mailbox;
use portcullis_axum::SameSite;
use portcullis_core::secret::PlainSecret;
use portcullis_core::tenant::SecondStep;
use tracing::Level;

use super::parse::{MailTransport, TcpListen, Tls, WebOrigin};

/// The session cookie.
#[derive(Clone, Debug)]
pub struct Cookie {
    /// The cookie's name.
    pub name: String,
    /// Its `SameSite` attribute.
    pub same_site: SameSite,
    /// Its `Domain` attribute; `None` sends the cookie to the host that set it alone.
    pub domain: Option<String>,
}

/// Cross-origin requests (CORS).
#[derive(Clone, Default, Debug)]
pub struct Cors {
    /// The allowed origins. Development mode also allows every port of `localhost` and `127.0.0.1` over http.
    pub origins: Vec<WebOrigin>,
    /// Request headers that their pages may send, beside those that are always allowed.
    pub headers: Vec<HeaderName>,
}

/// How requests name their tenant.
#[derive(Clone, Default, Debug)]
pub struct Tenants {
    /// Whether a request must name its tenant; otherwise it means the tenant `default`.
    pub require_header: bool,
}

/// Sign-in, unless a tenant overrides it.
#[derive(Clone, Debug)]
pub struct SigningIn {
    /// Whether there is a second step.
    pub otp: SecondStep,
    /// Brute-force lockout.
    pub lockout: Lockout,
    /// The most sessions of a user; 0 is no limit.
    pub session_cap: u32,
    /// Whether a sign-up hides that an address already has an account.
    pub hide_existence: bool,
}

/// Brute-force lockout.
#[derive(Clone, Default, Debug)]
pub struct Lockout {
    /// Wrong passwords in a row that lock an account.
    pub after: u32,
    /// How long the account stays locked.
    pub lasts: Duration,
}

/// The rules for new passwords.
#[derive(Clone, Default, Debug)]
pub struct Passwords {
    /// Minimum length in characters, where the password is the only step.
    pub shortest: usize,
}

/// Mails to users.
#[derive(Clone, Default, Debug)]
pub struct Mail {
    /// How mail is delivered.
    pub transport: MailTransport,
    /// The sender, unless a tenant has its own; never `None` with SMTP.
    pub from: Option<Mailbox>,
    /// The user name for the mail server; `None` sends without login.
    pub username: Option<String>,
    /// The password for the mail server.
    pub password: Option<PlainSecret>,
    /// The certificate of the one authority that is trusted for the mail server; `None` trusts those of the machine.
    pub ca: Option<PathBuf>,
    /// How long the delivery of one mail may take.
    pub timeout: Duration,
    /// The folder of texts and layouts that replace the built-in ones.
    pub templates: Option<PathBuf>,
    /// The language, unless a tenant has its own.
    pub language: String,
}

/// The pool that hashes passwords.
#[derive(Clone, Default, Debug)]
pub struct Hashing {
    /// Threads; `None` is one per processor.
    pub threads: Option<usize>,
    /// How long a hash may wait; one that would wait longer is answered 503.
    pub max_wait: Duration,
}

/// Limits of HTTP clients.
#[derive(Clone, Default, Debug)]
pub struct HttpLimits {
    /// Largest body of a request, in bytes.
    pub body: usize,
    /// Largest headers of a request together, in bytes.
    pub headers: usize,
    /// Most open connections.
    pub connections: usize,
    /// Public requests a minute that one address may send to one tenant; `None` is no limit.
    pub rate: Option<NonZeroU32>,
    /// Public requests a minute of all addresses of one tenant; `None` is no limit.
    pub rate_tenant: Option<NonZeroU32>,
}

/// How long the server waits for HTTP clients.
#[derive(Clone, Default, Debug)]
pub struct HttpTimeouts {
    /// For the headers of a request, from the first byte.
    pub headers: Duration,
    /// For the body of a request.
    pub body: Duration,
    /// For requests in flight once the server stops.
    pub shutdown: Duration,
    /// For a request on a connection without one, once the server stops.
    pub drain: Duration,
}

/// The TCP transport for microservices.
#[derive(Clone, Default, Debug)]
pub struct Tcp {
    /// Where it listens; `None` is off.
    pub listen: Option<TcpListen>,
    /// Its certificates; `None` is plain TCP.
    pub tls: Option<Tls>,
    /// Whether the user that a payload names is trusted.
    pub trust_gateway: bool,
    /// Limits of a client.
    pub limits: TcpLimits,
    /// How long the server waits for a client.
    pub timeouts: TcpTimeouts,
}

/// Limits of a client of the TCP transport.
#[derive(Clone, Default, Debug)]
pub struct TcpLimits {
    /// Largest JSON text of a packet, in bytes.
    pub frame: usize,
    /// Most open connections.
    pub connections: usize,
    /// Most requests of one connection that run at once.
    pub in_flight: usize,
}

/// How long the server waits for a client of the TCP transport.
#[derive(Clone, Default, Debug)]
pub struct TcpTimeouts {
    /// For anything at all on an idle connection.
    pub idle: Duration,
    /// For the rest of a packet, for a TLS handshake, and for the client to read any of its answers.
    pub packet: Duration,
}

/// Where metrics are served.
#[derive(Clone, Default, Debug)]
pub struct Metrics {
    /// Their own listen address; `None` serves them to loopback on the main one, in development mode.
    pub listen: Option<SocketAddr>,
}

/// The log.
#[derive(Clone, Debug)]
pub struct Log {
    /// The format of a line.
    pub format: LogFormat,
    /// The least severe level that is logged.
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
