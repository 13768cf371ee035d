//! Mail transport, sender and language.
//!
//! No message repeats the address of a server: an operator may have put a password into it.

use std::fmt;
use std::net::IpAddr;

use lettre::message::Mailbox;
use portcullis_core::secret::PlainSecret;
use url::{Host, Url};

use super::{Parsed, is_loopback};
use crate::mail;

/// How mail is delivered.
#[derive(Clone, PartialEq, Eq, Default, Debug)]
pub enum MailTransport {
    /// Into the folder `outbox` of the data directory, one file per mail.
    #[default]
    Outbox,
    /// Over SMTP.
    Smtp(SmtpServer),
}

/// A mail server.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct SmtpServer {
    /// Its host name, which its certificate must name, or its IP address.
    pub host: String,
    /// Its port.
    pub port: u16,
    /// The encryption of the connection.
    pub security: SmtpSecurity,
}

/// The encryption of a connection to a mail server.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum SmtpSecurity {
    /// STARTTLS. It is required: a server that does not offer it gets no mail.
    StartTls,
    /// TLS from the first byte.
    Tls,
    /// None.
    None,
}

impl SmtpServer {
    /// Whether the server is on this machine.
    #[must_use]
    pub fn is_loopback(&self) -> bool {
        let host = self.host.trim_start_matches('[').trim_end_matches(']');
        self.host == "localhost" || host.parse::<IpAddr>().is_ok_and(is_loopback)
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

/// Parses `outbox`, or the URL of a server.
pub(in super::super) fn mail_transport(text: &str) -> Parsed<MailTransport> {
    if text == "outbox" {
        return Ok(MailTransport::Outbox);
    }
    let url = Url::parse(text).ok().filter(|_| text.contains("://") && !text.contains(char::is_whitespace));
    let url = url.ok_or_else(|| format!("is not a mail transport: {WRITE}"))?;
    if !url.username().is_empty() || url.password().is_some() {
        return Err("holds a user name or password: state them as mail.username and mail.password".to_owned());
    }
    if !matches!(url.path(), "" | "/") || url.fragment().is_some() {
        return Err(format!("has more than scheme, host and port: {WRITE}"));
    }
    let (security, default) = security(&url)?;
    // The parser does not check the host of a scheme that it does not know.
    let host = url.host_str().and_then(|host| Host::parse(host).ok());
    let host = match host.ok_or_else(|| format!("names no host: {WRITE}"))? {
        Host::Domain(name) => name,
        Host::Ipv4(ip) => ip.to_string(),
        Host::Ipv6(ip) => ip.to_string(),
    };
    Ok(MailTransport::Smtp(SmtpServer { host, port: url.port().unwrap_or(default), security }))
}

/// The encryption, and the default port.
fn security(url: &Url) -> Parsed<(SmtpSecurity, u16)> {
    match (url.scheme(), url.query()) {
        ("smtps", None) => Ok((SmtpSecurity::Tls, 465)),
        ("smtp", None | Some("tls=required")) => Ok((SmtpSecurity::StartTls, 587)),
        ("smtp", Some("tls=none")) => Ok((SmtpSecurity::None, 25)),
        ("smtp", Some("tls=opportunistic")) => {
            Err("lets an attacker on the network switch TLS off: leave tls out, or write tls=none".to_owned())
        }
        ("smtp" | "smtps", Some(_)) => Err(format!("has an unknown parameter: {WRITE}")),
        _ => Err(format!("is not a mail transport: {WRITE}")),
    }
}

/// Parses the sender of mails.
pub(in super::super) fn sender(text: &str) -> Parsed<Mailbox> {
    mail::mailbox(text)
        .ok_or_else(|| format!("{text:?} is not a mailbox: write Example <no-reply@example.com>"))
}

/// Parses the password for the mail server, without the line end of a file.
pub(in super::super) fn mail_password(text: &str) -> Parsed<PlainSecret> {
    let password = text.trim_end_matches(['\r', '\n']);
    if password.is_empty() || password.contains(char::is_control) {
        return Err("is empty or holds control characters".to_owned());
    }
    Ok(PlainSecret::presented(password))
}

/// Parses a language tag: `en`, `pt-br`.
pub(in super::super) fn language(text: &str) -> Parsed<String> {
    let part = |part: &str| (1..=8).contains(&part.len()) && part.bytes().all(|c| c.is_ascii_alphanumeric());
    if text.split('-').all(part) {
        return Ok(text.to_ascii_lowercase());
    }
    Err(format!("{text:?} is not a language tag: write en, de or pt-br"))
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
    fn the_scheme_of_a_mail_servers_url_says_how_the_connection_is_encrypted() {
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
    fn an_invalid_mail_transport_is_refused_with_the_cure_and_without_its_password() {
        for (bad, why) in [
            ("mail.example.com:587", "is not a mail transport"),
            ("sendmail", "is not a mail transport"),
            ("http://mail.example.com", "is not a mail transport"),
            ("smtp://", "no host"),
            ("smtp:///x", "more than scheme"),
            ("smtp://me:hunter2@mail.example.com", "mail.username"),
            ("smtp://mail.example.com/hunter2", "more than scheme"),
            ("smtp://mail.example.com?tls=opportunistic", "an attacker on the network"),
            ("smtp://mail.example.com?tls=nine", "parameter"),
            ("smtps://mail.example.com?tls=none", "parameter"),
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
