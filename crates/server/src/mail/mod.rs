//! Mails to users: put into words, and delivered by SMTP or to a folder.
//!
//! An [`OutgoingMail`] comes from core and says what to tell a user. Here it gets sentences in the language of its
//! tenant, as text and as HTML, the headers of a message, and a transport. Its links lead to the configured public URL,
//! whatever a request claimed. The queue decides when a mail is sent and how often it is tried; this is one attempt.
//!
//! [`OutgoingMail`]: portcullis_core::outgoing_mail::OutgoingMail

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
use std::sync::Arc;

use lettre::Address;
use lettre::message::Mailbox;
use portcullis_core::clock::Timestamp;
use portcullis_core::email::Email;
use portcullis_core::outgoing_mail::{DeliveryError, Notifier};
use uuid::Uuid;

use crate::local_url::local_url;
use compose::Composer;
pub(crate) use compose::mailbox;
use links::MailLinks;
pub use outbox::{OutboxNotifier, mail_files};
pub use parsed_message::ParsedMessage;
pub use setup_error::MailSetupError;
pub use smtp::SmtpNotifier;

use crate::config::{Config, MailTransport};
use crate::templates::TemplateSet;

/// The transport that `config` names. Links begin with `base_url`: the public URL, or in development mode the first
/// address that the server listens on.
///
/// # Errors
/// What is wrong with texts, layouts or certificates.
pub fn notifier(config: &Config, base_url: &str) -> Result<Arc<dyn Notifier>, MailSetupError> {
    Ok(match Mailer::new(config, base_url)? {
        Mailer::Outbox(outbox) => Arc::new(outbox),
        Mailer::Smtp(smtp) => Arc::new(smtp),
    })
}

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

/// Sends a test mail, and returns its file or the reply of the mail server.
///
/// # Errors
/// Why it was not delivered.
pub async fn send_test(
    mailer: &Mailer,
    id: Uuid,
    to: &Email,
    at: Timestamp,
) -> Result<String, DeliveryError> {
    let composed = mailer.composer().compose_test(id, to, at)?;
    match mailer {
        Mailer::Outbox(outbox) => Ok(outbox.put(composed).await?.display().to_string()),
        Mailer::Smtp(smtp) => smtp.send(&composed).await,
    }
}

/// Connects to the mail server and signs in there, without sending a mail. An outbox needs no server.
///
/// # Errors
/// Why the mail server would not take a mail.
pub async fn reach(mailer: &Mailer) -> Result<(), DeliveryError> {
    match mailer {
        Mailer::Outbox(_) => Ok(()),
        Mailer::Smtp(smtp) => smtp.reach().await,
    }
}

/// One of the two transports.
pub enum Mailer {
    /// To a folder.
    Outbox(OutboxNotifier),
    /// By SMTP.
    Smtp(SmtpNotifier),
}

impl Mailer {
    /// The transport that `config` names, as for [`notifier`].
    ///
    /// # Errors
    /// As for [`notifier`].
    pub fn new(config: &Config, base_url: &str) -> Result<Self, MailSetupError> {
        let composer = composer(config, base_url)?;
        Ok(match &config.mail.transport {
            MailTransport::Outbox => Self::Outbox(OutboxNotifier::new(composer, outbox_folder(config))),
            MailTransport::Smtp(server) => Self::Smtp(SmtpNotifier::new(composer, server, config)?),
        })
    }

    const fn composer(&self) -> &Composer {
        match self {
            Self::Outbox(outbox) => outbox.composer(),
            Self::Smtp(smtp) => smtp.composer(),
        }
    }
}

fn composer(config: &Config, base_url: &str) -> Result<Composer, MailSetupError> {
    Ok(Composer {
        templates: TemplateSet::load(&config.mail, check::faults)?,
        links: MailLinks::new(base_url).map_err(|fault| MailSetupError::Base(base_url.to_owned(), fault))?,
        from: config.mail.from.clone().unwrap_or_else(local_sender),
        language: config.mail.language.clone(),
        tenant_name: config.branding.name.clone(),
    })
}

/// The sender of mails that never leave this machine.
fn local_sender() -> Mailbox {
    Mailbox::new(Some("Portcullis".to_owned()), Address::new_dangerous("portcullis", "localhost"))
}
