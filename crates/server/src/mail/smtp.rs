//! Delivery to a mail server by SMTP (RFC 5321): over TLS from the start, over TLS by STARTTLS, or plain if configured.
//!
//! Each mail has a connection of its own: mails are few, and servers close connections that are kept. Until the server
//! has let us in, a failure is about the server or about us, and the mail may be delivered later. From then on a
//! rejection (5xx) is about this mail, and is final.

use std::time::Duration;

use lettre::transport::smtp::Error;
use lettre::transport::smtp::authentication::{Credentials, Mechanism};
use lettre::transport::smtp::client::{AsyncSmtpConnection, Certificate, CertificateStore, TlsParameters};
use lettre::transport::smtp::extension::ClientId;
use portcullis_core::outgoing_mail::DeliveryError;

use super::compose::ComposedMail;
use super::defang::single_line;
use super::setup_error::MailSetupError;
use crate::config::{Config, Mail, PublicUrl, SmtpSecurity, SmtpServer};

/// The most characters of a reply that are shown.
const LONGEST_REPLY: usize = 300;
/// The server requires a login before it takes any mail (RFC 4954, section 6).
const AUTHENTICATION_REQUIRED: u16 = 530;
/// The first line of a certificate in PEM (RFC 7468, section 5.1).
const PEM_HEADER: &[u8] = b"-----BEGIN CERTIFICATE-----";
/// How long the server may take to answer QUIT.
const QUIT_TIMEOUT: Duration = Duration::from_secs(2);

/// Delivers by SMTP.
pub(super) struct SmtpClient {
    server: SmtpServer,
    tls: Option<TlsParameters>,
    credentials: Option<Credentials>,
    hello: ClientId,
    /// For the whole delivery, without QUIT.
    timeout: Duration,
}

impl SmtpClient {
    pub(super) fn new(server: &SmtpServer, config: &Config) -> Result<Self, MailSetupError> {
        let Mail { username, password, timeout, .. } = &config.mail;
        let credentials = username.clone().zip(password.as_ref());
        Ok(Self {
            tls: tls(server, &config.mail)?,
            server: server.clone(),
            credentials: credentials.map(|(name, secret)| Credentials::new(name, secret.reveal().to_owned())),
            hello: hello(config.public_url.as_ref()),
            timeout: *timeout,
        })
    }

    /// Sends a mail, and returns the reply of the server.
    pub(super) async fn send(&self, composed: &ComposedMail) -> Result<String, DeliveryError> {
        self.in_time(async {
            let mut connection = self.connect().await.map_err(|error| self.later(&error))?;
            let (envelope, bytes) = (composed.mime.envelope(), composed.mime.formatted());
            let reply = connection.send(envelope, &bytes).await.map_err(|error| self.classified(&error))?;
            let lines: Vec<&str> = reply.message().collect();
            let reply = format!("{} {}", reply.code(), lines.join(" "));
            Ok((single_line(&reply, LONGEST_REPLY), connection))
        })
        .await
    }

    /// Connects and signs in as for a mail, and sends none.
    pub(super) async fn reach(&self) -> Result<(), DeliveryError> {
        self.in_time(async { Ok(((), self.connect().await.map_err(|error| self.later(&error))?)) }).await
    }

    /// Waits for the server no longer than configured, then ends the connection.
    async fn in_time<T>(
        &self,
        conversation: impl Future<Output = Result<(T, AsyncSmtpConnection), DeliveryError>>,
    ) -> Result<T, DeliveryError> {
        let ended = tokio::time::timeout(self.timeout, conversation).await;
        let (result, mut connection) = ended.map_err(|_| {
            DeliveryError::Later(format!("{} did not answer within {:?}", self.server, self.timeout))
        })??;
        // The server has the mail now: a QUIT that fails must not make us send it again.
        let _ = tokio::time::timeout(QUIT_TIMEOUT, connection.quit()).await;
        Ok(result)
    }

    async fn connect(&self) -> Result<AsyncSmtpConnection, Error> {
        let implicit = self.tls.clone().filter(|_| self.server.security == SmtpSecurity::Tls);
        let place = (self.server.host.as_str(), self.server.port);
        let mut connection =
            AsyncSmtpConnection::connect_tokio1(place, Some(self.timeout), &self.hello, implicit, None)
                .await?;
        if let Some(tls) = self.tls.clone().filter(|_| self.server.security == SmtpSecurity::StartTls) {
            connection.starttls(tls, &self.hello).await?;
        }
        if let Some(credentials) = &self.credentials {
            connection.auth(&[Mechanism::Plain, Mechanism::Login], credentials).await?;
        }
        Ok(connection)
    }

    fn classified(&self, error: &Error) -> DeliveryError {
        let needs_login = error.status().is_some_and(|code| u16::from(code) == AUTHENTICATION_REQUIRED);
        // The library itself rejects an address that this server cannot take.
        if (error.is_permanent() || error.is_client()) && !needs_login {
            DeliveryError::Never(self.described(error))
        } else {
            self.later(error)
        }
    }

    fn later(&self, error: &Error) -> DeliveryError {
        DeliveryError::Later(self.described(error))
    }

    /// In one line, because a server may send anything.
    fn described(&self, error: &Error) -> String {
        format!("{}: {}", self.server, single_line(&error.to_string(), LONGEST_REPLY))
    }
}

/// Trusts the certificate authorities of the machine, or only the configured one.
fn tls(server: &SmtpServer, mail: &Mail) -> Result<Option<TlsParameters>, MailSetupError> {
    if server.security == SmtpSecurity::None {
        return Ok(None);
    }
    let mut tls = TlsParameters::builder(server.host.clone());
    if let Some(path) = &mail.ca {
        let unusable = |fault: String| MailSetupError::Authority { path: path.clone(), fault };
        let pem = std::fs::read(path).map_err(|fault| unusable(fault.to_string()))?;
        // The library accepts an empty file.
        if !pem.windows(PEM_HEADER.len()).any(|bytes| bytes == PEM_HEADER) {
            return Err(unusable("holds no certificate in PEM".to_owned()));
        }
        let authority = Certificate::from_pem(&pem).map_err(|fault| unusable(fault.to_string()))?;
        tls = tls.certificate_store(CertificateStore::None).add_root_certificate(authority);
    }
    tls.build().map(Some).map_err(|fault| MailSetupError::Tls(fault.to_string()))
}

fn hello(public_url: Option<&PublicUrl>) -> ClientId {
    let host = public_url
        .map(PublicUrl::host)
        .filter(|host| host.contains(char::is_alphabetic) && !host.contains(':'));
    host.map_or_else(ClientId::default, |host| ClientId::Domain(host.to_owned()))
}
