//! Mails to users: put into words, and delivered by SMTP or to a folder.
//!
//! An [`OutgoingMail`] comes from core and says what to tell a user. Here it gets sentences in the language of its
//! tenant, as text and as HTML, the headers of a message, and a transport. Its links lead to the configured public URL,
//! whatever a request claimed. The queue decides when a mail is sent and how often it is tried; this is one attempt.

mod check;
mod compose;
mod defang;
mod links;
mod outbox;
mod parsed_message;
mod render;
mod setup_error;
mod smtp;
mod variables;

#[cfg(test)]
mod tests;

use std::net::SocketAddr;
use std::path::PathBuf;

use async_trait::async_trait;
use lettre::Address;
use lettre::message::Mailbox;
use portcullis_core::clock::Timestamp;
use portcullis_core::email::Email;
use portcullis_core::outgoing_mail::{DeliveryError, Notifier, OutgoingMail};
use uuid::Uuid;

use crate::local_url::local_url;
pub(crate) use compose::mailbox;
use compose::{ComposedMail, Composer};
use links::MailLinks;
pub use outbox::mail_files;
pub use parsed_message::ParsedMessage;
pub use setup_error::MailSetupError;
use smtp::SmtpClient;

use crate::config::{Config, MailTransport};
use portcullis_http::templates::TemplateSet;

/// The URL that links begin with if this process listens on no address: the one of the configuration.
#[must_use]
pub fn base_url(config: &Config) -> String {
    let addresses: Vec<SocketAddr> = config.listen.iter().map(|listen| listen.address).collect();
    let public = config.public_url.as_ref().map(|url| url.as_str().to_owned());
    public.or_else(|| local_url(&addresses)).unwrap_or_else(|| "http://localhost".to_owned())
}

/// The folder for mails that go to no mail server.
#[must_use]
pub fn outbox_folder(config: &Config) -> PathBuf {
    config.data_dir.join("outbox")
}

/// Puts mails into words and delivers them.
pub struct Mailer {
    composer: Composer,
    destination: MailDestination,
}

enum MailDestination {
    /// This folder.
    Outbox(PathBuf),
    Server(SmtpClient),
}

impl Mailer {
    /// Mails as `config` says. Links begin with `base_url`: the public URL, or in development mode the first address
    /// that the server listens on.
    ///
    /// # Errors
    /// What is wrong with texts, layouts or certificates.
    pub fn new(config: &Config, base_url: &str) -> Result<Self, MailSetupError> {
        let composer = composer(config, base_url)?;
        let destination = match &config.mail.transport {
            MailTransport::Outbox => MailDestination::Outbox(outbox_folder(config)),
            MailTransport::Smtp(server) => MailDestination::Server(SmtpClient::new(server, config)?),
        };
        Ok(Self { composer, destination })
    }

    /// Sends a test mail, and returns its file or the reply of the mail server.
    ///
    /// # Errors
    /// Why it was not delivered.
    pub async fn send_test(&self, id: Uuid, to: &Email, at: Timestamp) -> Result<String, DeliveryError> {
        self.send(self.composer.compose_test(id, to, at)?).await
    }

    /// Connects to the mail server and signs in there, without sending a mail. An outbox needs no server.
    ///
    /// # Errors
    /// Why the mail server would not take a mail.
    pub async fn reach(&self) -> Result<(), DeliveryError> {
        match &self.destination {
            MailDestination::Outbox(_) => Ok(()),
            MailDestination::Server(server) => server.reach().await,
        }
    }

    async fn send(&self, composed: ComposedMail) -> Result<String, DeliveryError> {
        match &self.destination {
            MailDestination::Outbox(folder) => Ok(outbox::put(folder, composed).await?.display().to_string()),
            MailDestination::Server(server) => server.send(&composed).await,
        }
    }
}

#[async_trait]
impl Notifier for Mailer {
    async fn deliver(&self, mail: &OutgoingMail) -> Result<(), DeliveryError> {
        self.send(self.composer.compose(mail)?).await.map(drop)
    }
}

fn composer(config: &Config, base_url: &str) -> Result<Composer, MailSetupError> {
    let links = MailLinks::new(base_url).map_err(|fault| MailSetupError::Base(base_url.to_owned(), fault))?;
    Ok(Composer {
        templates: TemplateSet::load(config.mail.templates.as_deref(), &config.mail.language, |templates| {
            check::faults(templates, &links)
        })?,
        links,
        from: config.mail.from.clone().unwrap_or_else(local_sender),
        language: config.mail.language.clone(),
        tenant_name: config.branding.name.clone(),
    })
}

/// The sender of mails that never leave this machine.
fn local_sender() -> Mailbox {
    Mailbox::new(Some("Portcullis".to_owned()), Address::new_dangerous("portcullis", "localhost"))
}
