//! Where mail goes, and whom it is from.
//!
//! No sentence repeats the address of a server: somebody may have put a password into it.

use std::fmt;
use std::net::IpAddr;

use lettre::message::Mailbox;
use portcullis_core::secret::PlainSecret;
use url::{Host, Url};

use super::{Parsed, address};
use crate::mail;

/// Where mail goes.
#[derive(Clone, PartialEq, Eq, Debug)]
pub enum MailTransport {
    /// To the folder `outbox` of the data directory, a file a message.
    Outbox,
    /// To a server.
    Smtp(SmtpServer),
}

/// A mail server.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct SmtpServer {
    /// Its name, which its certificate must bear, or its address.
    pub host: String,
    /// Its port.
    pub port: u16,
    /// How the connection is kept from others.
    pub security: SmtpSecurity,
}

/// How a connection to a mail server is kept from others.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum SmtpSecurity {
    /// By STARTTLS; a server that does not offer it gets nothing.
    StartTls,
    /// By TLS from the first byte.
    Tls,
    /// Not at all.
    None,
}

impl SmtpServer {
    /// Whether what is said to the server stays on this machine.
    #[must_use]
    pub fn is_loopback(&self) -> bool {
        let host = self.host.trim_start_matches('[').trim_end_matches(']');
        self.host == "localhost" || host.parse::<IpAddr>().is_ok_and(address::is_loopback)
    }
}

/// `mail.example.com:587`
impl fmt::Display for SmtpServer {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if self.host.contains(':') {
            write!(f, "[{}]:{}", self.host, self.port)
        } else {
            write!(f, "{}:{}", self.host, self.port)
        }
    }
}

const WRITE: &str = "write smtp://mail.example.com:587, smtps://mail.example.com:465, smtp://127.0.0.1:1025?tls=none or outbox";

/// `outbox`, or the URL of a server.
pub(in super::super) fn mail_transport(text: &str) -> Parsed<MailTransport> {
    if text == "outbox" {
        return Ok(MailTransport::Outbox);
    }
    let url = Url::parse(text).ok().filter(|_| text.contains("://") && !text.contains(char::is_whitespace));
    let url = url.ok_or_else(|| format!("is no transport: {WRITE}"))?;
    if !url.username().is_empty() || url.password().is_some() {
        return Err("holds a user name or password: state them as mail.username and mail.password".to_owned());
    }
    if !matches!(url.path(), "" | "/") || url.fragment().is_some() {
        return Err(format!("has more than scheme, host and port: {WRITE}"));
    }
    let (security, default) = security(&url)?;
    // The parser does not look at the host of a scheme that it does not know.
    let host = url.host_str().and_then(|host| Host::parse(host).ok());
    let host = match host.ok_or_else(|| format!("names no host: {WRITE}"))? {
        Host::Domain(name) => name,
        Host::Ipv4(ip) => ip.to_string(),
        Host::Ipv6(ip) => ip.to_string(),
    };
    Ok(MailTransport::Smtp(SmtpServer { host, port: url.port().unwrap_or(default), security }))
}

/// How it is kept from others, and the port where none is stated.
fn security(url: &Url) -> Parsed<(SmtpSecurity, u16)> {
    match (url.scheme(), url.query()) {
        ("smtps", None) => Ok((SmtpSecurity::Tls, 465)),
        ("smtp", None | Some("tls=required")) => Ok((SmtpSecurity::StartTls, 587)),
        ("smtp", Some("tls=none")) => Ok((SmtpSecurity::None, 25)),
        ("smtp", Some("tls=opportunistic")) => {
            Err("leaves it to whoever is on the way whether there is TLS: leave tls out, or write tls=none"
                .to_owned())
        }
        ("smtp" | "smtps", Some(_)) => Err(format!("has parameters that are none: {WRITE}")),
        _ => Err(format!("is no transport: {WRITE}")),
    }
}

/// Whom mail is from.
pub(in super::super) fn sender(text: &str) -> Parsed<Mailbox> {
    mail::mailbox(text).ok_or_else(|| format!("{text:?} is no mailbox: write Example <no-reply@example.com>"))
}

/// The password at the mail server. One that was read from a file ends where its line does.
pub(in super::super) fn mail_password(text: &str) -> Parsed<PlainSecret> {
    let password = text.trim_end_matches(['\r', '\n']);
    if password.is_empty() || password.contains(char::is_control) {
        return Err("is empty or holds control characters".to_owned());
    }
    Ok(PlainSecret::presented(password))
}

/// A language's tag: `en`, `pt-br`.
pub(in super::super) fn language(text: &str) -> Parsed<String> {
    let part = |part: &str| (1..=8).contains(&part.len()) && part.bytes().all(|c| c.is_ascii_alphanumeric());
    if text.split('-').all(part) {
        return Ok(text.to_ascii_lowercase());
    }
    Err(format!("{text:?} is no language: write en, de or pt-br"))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn server(text: &str) -> SmtpServer {
        match mail_transport(text) {
            Ok(MailTransport::Smtp(server)) => server,
            other => panic!("{text}: {other:?}"),
        }
    }

    #[test]
    fn a_server_is_a_url_whose_scheme_says_how_it_is_kept_from_others() {
        for (text, shown, security) in [
            ("smtp://mail.example.com", "mail.example.com:587", SmtpSecurity::StartTls),
            ("smtp://Mail.Example.com:2525/", "mail.example.com:2525", SmtpSecurity::StartTls),
            ("smtp://mail.example.com?tls=required", "mail.example.com:587", SmtpSecurity::StartTls),
            ("smtps://mail.example.com", "mail.example.com:465", SmtpSecurity::Tls),
            ("smtp://127.0.0.1:1025?tls=none", "127.0.0.1:1025", SmtpSecurity::None),
            ("smtp://[::1]?tls=none", "[::1]:25", SmtpSecurity::None),
        ] {
            let server = server(text);
            assert_eq!((server.to_string().as_str(), server.security), (shown, security), "{text}");
        }
        assert_eq!(mail_transport("outbox"), Ok(MailTransport::Outbox));
    }

    #[test]
    fn what_is_no_transport_is_refused_with_the_cure_and_without_its_password() {
        for (bad, why) in [
            ("mail.example.com:587", "is no transport"),
            ("sendmail", "is no transport"),
            ("http://mail.example.com", "is no transport"),
            ("smtp://", "no host"),
            ("smtp:///x", "more than scheme"),
            ("smtp://me:hunter2@mail.example.com", "mail.username"),
            ("smtp://mail.example.com/hunter2", "more than scheme"),
            ("smtp://mail.example.com?tls=opportunistic", "whoever is on the way"),
            ("smtp://mail.example.com?tls=nine", "parameters"),
            ("smtps://mail.example.com?tls=none", "parameters"),
        ] {
            let message = mail_transport(bad).unwrap_err();
            assert!(message.contains(why) && !message.contains("hunter2"), "{bad}: {message}");
        }
    }

    #[test]
    fn loopback_is_what_stays_on_this_machine() {
        for (text, loopback) in [
            ("smtp://localhost", true),
            ("smtp://127.0.0.2", true),
            ("smtp://[::1]", true),
            ("smtp://10.0.0.1", false),
            ("smtp://localhost.example.com", false),
        ] {
            assert_eq!(server(text).is_loopback(), loopback, "{text}");
        }
    }

    #[test]
    fn a_sender_is_an_address_with_or_without_a_name() {
        for text in ["no-reply@example.com", "Example <no-reply@example.com>", "\"A, B\" <a@bücher.example>"]
        {
            assert!(sender(text).is_ok(), "{text}");
        }
        for bad in ["", "Example", "a@", "@b", "a@b\nBcc: c@d", "a@b>, <c@d"] {
            assert!(sender(bad).is_err(), "{bad}");
        }
    }

    #[test]
    fn a_language_is_a_tag() {
        assert_eq!(language("pt-BR"), Ok("pt-br".to_owned()));
        for bad in ["", "../en", "en.toml", "en_GB", "-"] {
            assert!(language(bad).is_err(), "{bad}");
        }
    }
}
