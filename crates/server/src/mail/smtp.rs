//! Delivery to a mail server by SMTP (RFC 5321): over TLS from the start, over TLS by STARTTLS, or plain where that is
//! configured.
//!
//! A connection a message: letters are few, and a connection that was kept has often been closed at the other end. Until
//! the server has been greeted and has let us in, whatever goes wrong is about the server or about us, and the letter may
//! be delivered later; from then on a refusal (5xx) is about this letter and is final.

use std::time::Duration;

use async_trait::async_trait;
use lettre::transport::smtp::Error;
use lettre::transport::smtp::authentication::{Credentials, Mechanism};
use lettre::transport::smtp::client::{AsyncSmtpConnection, Certificate, CertificateStore, TlsParameters};
use lettre::transport::smtp::extension::ClientId;
use portcullis_core::outgoing_mail::{DeliveryError, Notifier, OutgoingMail};

use super::CannotMail;
use super::compose::{Composed, Composer};
use super::inert::line;
use crate::config::{Config, Mail, PublicUrl, SmtpSecurity, SmtpServer};

/// The most characters of what a server says.
const LONGEST_REPLY: usize = 300;
/// The server wants to know who we are before it looks at the letter (RFC 4954, section 6).
const AUTHENTICATION_REQUIRED: u16 = 530;
/// What a certificate in PEM begins with (RFC 7468, section 5.1).
const MARK: &[u8] = b"-----BEGIN CERTIFICATE-----";
/// How long the server may take to say goodbye.
const GOODBYE: Duration = Duration::from_secs(2);

/// Delivers by SMTP.
pub struct SmtpNotifier {
    composer: Composer,
    server: SmtpServer,
    tls: Option<TlsParameters>,
    credentials: Option<Credentials>,
    hello: ClientId,
    /// For everything together but the goodbye.
    timeout: Duration,
}

impl SmtpNotifier {
    pub(super) fn new(composer: Composer, server: &SmtpServer, config: &Config) -> Result<Self, CannotMail> {
        let Mail { username, password, timeout, .. } = &config.mail;
        let credentials = username.clone().zip(password.as_ref());
        Ok(Self {
            composer,
            tls: tls(server, &config.mail)?,
            server: server.clone(),
            credentials: credentials.map(|(name, secret)| Credentials::new(name, secret.reveal().to_owned())),
            hello: hello(config.public_url.as_ref()),
            timeout: *timeout,
        })
    }

    pub(super) const fn composer(&self) -> &Composer {
        &self.composer
    }

    /// Sends a message, and returns what the server said to it.
    pub(super) async fn send(&self, composed: &Composed) -> Result<String, DeliveryError> {
        let handed_over = tokio::time::timeout(self.timeout, self.hand_over(composed)).await;
        let (reply, mut connection) = handed_over.map_err(|_| {
            DeliveryError::Later(format!("{} did not answer within {:?}", self.server, self.timeout))
        })??;
        // The message is theirs now: a goodbye that fails must not make us send it again.
        let _ = tokio::time::timeout(GOODBYE, connection.quit()).await;
        Ok(reply)
    }

    /// Connects to the server, and is let in, as it would be to send a message.
    pub(super) async fn reach(&self) -> Result<(), DeliveryError> {
        let connected = tokio::time::timeout(self.timeout, self.connect()).await;
        let mut connection = connected
            .map_err(|_| {
                DeliveryError::Later(format!("{} did not answer within {:?}", self.server, self.timeout))
            })?
            .map_err(|error| DeliveryError::Later(self.told(&error)))?;
        let _ = tokio::time::timeout(GOODBYE, connection.quit()).await;
        Ok(())
    }

    async fn hand_over(&self, composed: &Composed) -> Result<(String, AsyncSmtpConnection), DeliveryError> {
        let mut connection = self.connect().await.map_err(|error| DeliveryError::Later(self.told(&error)))?;
        let (envelope, bytes) = (composed.mime.envelope(), composed.mime.formatted());
        let reply = connection.send(envelope, &bytes).await.map_err(|error| self.judged(&error))?;
        let lines: Vec<&str> = reply.message().collect();
        Ok((line(&format!("{} {}", reply.code(), lines.join(" ")), LONGEST_REPLY), connection))
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

    fn judged(&self, error: &Error) -> DeliveryError {
        let about_us = error.status().is_some_and(|code| u16::from(code) == AUTHENTICATION_REQUIRED);
        // What the library itself refuses to send is an address that this server cannot take.
        if (error.is_permanent() || error.is_client()) && !about_us {
            DeliveryError::Never(self.told(error))
        } else {
            DeliveryError::Later(self.told(error))
        }
    }

    /// One line: a server may say anything.
    fn told(&self, error: &Error) -> String {
        format!("{}: {}", self.server, line(&error.to_string(), LONGEST_REPLY))
    }
}

#[async_trait]
impl Notifier for SmtpNotifier {
    async fn deliver(&self, mail: &OutgoingMail) -> Result<(), DeliveryError> {
        self.send(&self.composer.compose(mail)?).await.map(drop)
    }
}

/// Trusts the authorities of the machine, or the one that is configured and no other.
fn tls(server: &SmtpServer, mail: &Mail) -> Result<Option<TlsParameters>, CannotMail> {
    if server.security == SmtpSecurity::None {
        return Ok(None);
    }
    let mut tls = TlsParameters::builder(server.host.clone());
    if let Some(path) = &mail.ca {
        let unusable = |fault: String| CannotMail::Authority { path: path.clone(), fault };
        let pem = std::fs::read(path).map_err(|fault| unusable(fault.to_string()))?;
        // The library takes a file with nothing in it for an authority that vouches for nobody.
        if !pem.windows(MARK.len()).any(|bytes| bytes == MARK) {
            return Err(unusable("holds no certificate in PEM".to_owned()));
        }
        let authority = Certificate::from_pem(&pem).map_err(|fault| unusable(fault.to_string()))?;
        tls = tls.certificate_store(CertificateStore::None).add_root_certificate(authority);
    }
    tls.build().map(Some).map_err(|fault| CannotMail::Tls(fault.to_string()))
}

fn hello(public_url: Option<&PublicUrl>) -> ClientId {
    let host = public_url
        .map(PublicUrl::host)
        .filter(|host| host.contains(char::is_alphabetic) && !host.contains(':'));
    host.map_or_else(ClientId::default, |host| ClientId::Domain(host.to_owned()))
}
