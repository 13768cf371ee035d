//! The parts of a [`Config`](super::Config), one for each table of the file.

use std::net::SocketAddr;
use std::num::NonZeroU32;
use std::path::PathBuf;
use std::time::Duration;

use lettre::message::Mailbox;
use portcullis_axum::SameSite;
use portcullis_core::secret::PlainSecret;
use portcullis_core::tenant::SecondStep;
use tracing::Level;

use super::parse::{MailTransport, TcpListen, Tls, WebOrigin};

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

/// What users see of a tenant that sets nothing else.
#[derive(Clone, Debug)]
pub struct Branding {
    /// The name that mails and pages show.
    pub name: String,
    /// The URL of the logo that pages show; `None` shows the name.
    pub logo_url: Option<String>,
    /// The URL that pages link to; `None` is no link.
    pub home_url: Option<String>,
}

/// Signing in, where a tenant says nothing else.
#[derive(Clone, Debug)]
pub struct SigningIn {
    /// Whether there is a second step.
    pub otp: SecondStep,
    /// What wrong passwords do.
    pub lockout: Lockout,
    /// The most sessions of a user; 0 is any number.
    pub session_cap: u32,
    /// Whether a sign-up does not tell that an address has an account.
    pub hide_existence: bool,
}

/// What wrong passwords do.
#[derive(Clone, Debug)]
pub struct Lockout {
    /// So many in a row lock an account.
    pub after: u32,
    /// It is locked for so long.
    pub lasts: Duration,
}

/// Passwords, where one is set.
#[derive(Clone, Debug)]
pub struct Passwords {
    /// The least number of characters, where the password is the only step.
    pub shortest: usize,
}

/// Mails to users.
#[derive(Clone, Debug)]
pub struct Mail {
    /// Where they go.
    pub transport: MailTransport,
    /// Whom they are from, where the tenant says nothing else; with SMTP there is one.
    pub from: Option<Mailbox>,
    /// Our name at the mail server.
    pub username: Option<String>,
    /// Our password at the mail server.
    pub password: Option<PlainSecret>,
    /// The certificate of the one authority that may vouch for the mail server.
    pub ca: Option<PathBuf>,
    /// How long the delivery of one may take.
    pub timeout: Duration,
    /// A folder of texts and layouts that replace those of the binary.
    pub templates: Option<PathBuf>,
    /// The language, where the tenant says nothing else.
    pub language: String,
}

/// The pool that hashes passwords.
#[derive(Clone, Debug)]
pub struct Hashing {
    /// How many threads; `None` is one for each processor.
    pub threads: Option<usize>,
    /// How many hashes may wait, more are refused with 503; `None` is six for each thread.
    pub queue: Option<usize>,
}

/// How old a node's view of the sessions may be.
#[derive(Clone, Debug)]
pub struct Liveness {
    /// An older view is not believed: the store is asked.
    pub max_staleness: Duration,
}

/// Sizes and numbers that a client cannot exceed.
#[derive(Clone, Debug)]
pub struct HttpLimits {
    /// A request's body, in bytes.
    pub body: usize,
    /// A request's headers together, in bytes.
    pub headers: usize,
    /// Open connections.
    pub connections: usize,
    /// Requests a minute of one address in one tenant, of those that anybody may send to change something.
    pub rate: Option<NonZeroU32>,
    /// The same of one tenant.
    pub rate_tenant: Option<NonZeroU32>,
}

/// How long is waited.
#[derive(Clone, Debug)]
pub struct HttpTimeouts {
    /// For a request's headers, from the first byte.
    pub headers: Duration,
    /// For a request's body.
    pub body: Duration,
    /// For requests in flight, when the server is told to stop.
    pub shutdown: Duration,
}

/// The transport of microservices.
#[derive(Clone, Debug)]
pub struct Tcp {
    /// Where it listens; without anything it is off.
    pub listen: Option<TcpListen>,
    /// What it shows and asks for; without it nothing is encrypted.
    pub tls: Option<Tls>,
    /// Whether a payload's own claim of who the user is is believed.
    pub trust_gateway: bool,
    /// What a peer cannot exceed.
    pub limits: TcpLimits,
    /// How long a peer is waited for.
    pub timeouts: TcpTimeouts,
}

/// What a peer of the TCP transport cannot exceed.
#[derive(Clone, Debug)]
pub struct TcpLimits {
    /// The JSON text of a packet, in bytes.
    pub frame: usize,
    /// Open connections.
    pub connections: usize,
    /// Requests of one connection that run at once.
    pub in_flight: usize,
}

/// How long a peer of the TCP transport is waited for.
#[derive(Clone, Debug)]
pub struct TcpTimeouts {
    /// To say anything.
    pub idle: Duration,
    /// To finish a packet that it began, or a TLS handshake, and to take any of the answers that wait for it.
    pub packet: Duration,
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
