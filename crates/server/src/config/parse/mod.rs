//! Parsers of the server's own settings, beside those that every configuration has.
//!
//! Each takes the text that a flag, a variable or the file states. It returns the value, or one sentence that says what
//! is wrong and what would be right. The sentence repeats the text, unless that may hold a secret.

mod mail;
mod secret;
mod store;
mod tls;

pub(super) use portcullis_config::parse::{
    LONGEST_NAME, Listen, Parsed, PublicUrl, TcpListen, WebOrigin, boolean, choice, cookie_domain,
    cookie_name, display_name, duration, is_loopback, list, listen, log_level, network, node_duration,
    number, path, plain, public_url, size, socket, socket_path, tcp_listen, web_host, web_origin, web_page,
};
use portcullis_core::tenant::TenantSettings;
pub use portcullis_stores::Sessions;

pub use mail::{MailTransport, SmtpSecurity, SmtpServer};
pub(super) use mail::{language, mail_password, mail_transport, sender};
pub(super) use secret::{jwt_secret, master_key, session_secret};
pub(super) use store::{database, database_without_password, sessions};
pub use tls::Tls;
pub(super) use tls::{authorities, certificate, private_key};

/// Parses a `client_id`.
pub(super) fn client_id(text: &str) -> Parsed<String> {
    TenantSettings::client_id(text).map(str::to_owned).map_err(|fault| format!("{text:?}: {fault}"))
}
