//! Letters to users: put into words, and delivered by SMTP or to a folder.
//!
//! A [`OutgoingMail`] comes from the core and says what to tell; here it gets its sentences in the language of its tenant, as
//! text and as HTML, the headers of a message, and a way out. Links in it lead to the configured public URL, whatever a
//! request said of itself. When a letter is sent and how often it is tried is the queue's business; this is one attempt.
//!
//! [`OutgoingMail`]: portcullis_core::outgoing_mail::Letter

mod compose;
mod facts;
mod fault;
mod inert;
mod kind;
mod language;
mod links;
mod opened;
mod outbox;
mod sample;
mod smtp;
mod sources;
mod templates;

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
use thiserror::Error;
use uuid::Uuid;

use crate::startup_message::local_url;
use compose::Composer;
pub(crate) use compose::mailbox;
pub use fault::Fault;
use links::Links;
pub use opened::Opened;
pub use outbox::{OutboxNotifier, messages};
pub use smtp::SmtpNotifier;
use templates::Templates;

use crate::config::{Config, MailTransport};

/// Mail cannot be sent as it is configured.
#[derive(Debug, Error)]
pub enum CannotMail {
    /// Something is wrong with texts or layouts: all of it.
    #[error("{}", .0.iter().map(ToString::to_string).collect::<Vec<_>>().join("; "))]
    Templates(Vec<Fault>),
    /// There are no texts in the configured language.
    #[error(
        "mail.language: there are no texts in {0:?}; a folder with {0}.toml in it, named by mail.templates, brings them"
    )]
    Language(String),
    /// The file of the authority that the mail server's certificate is judged by.
    #[error("mail.ca: {}: {fault}", path.display())]
    Authority {
        /// The file.
        path: PathBuf,
        /// What is wrong with it.
        fault: String,
    },
    /// TLS cannot be set up.
    #[error("TLS to the mail server cannot be set up: {0}")]
    Tls(String),
    /// Links cannot be made of this.
    #[error("links in letters cannot begin with {0:?}: {1}")]
    Base(String, url::ParseError),
}

/// Whoever delivers letters as `config` says. Links in them begin with `base_url`: the public URL, or in development mode
/// the first address that is listened on.
///
/// # Errors
/// What is wrong with texts, layouts or certificates.
pub fn notifier(config: &Config, base_url: &str) -> Result<Arc<dyn Notifier>, CannotMail> {
    Ok(match Mailer::new(config, base_url)? {
        Mailer::Outbox(outbox) => Arc::new(outbox),
        Mailer::Smtp(smtp) => Arc::new(smtp),
    })
}

/// The URL that links in letters begin with where nothing listens: that of the configuration.
#[must_use]
pub fn base_url(config: &Config) -> String {
    let addresses: Vec<SocketAddr> = config.listen.iter().map(|listen| listen.address).collect();
    let public = config.public_url.as_ref().map(|url| url.as_str().to_owned());
    public.or_else(|| local_url(&addresses)).unwrap_or_else(|| "http://localhost".to_owned())
}

/// The folder that messages are put into where none are sent.
#[must_use]
pub fn outbox(config: &Config) -> PathBuf {
    config.data_dir.join("outbox")
}

/// Sends a message that shows that mail arrives, and returns where it went.
///
/// # Errors
/// What is in the way.
pub async fn test(mailer: &Mailer, id: Uuid, to: &Email, at: Timestamp) -> Result<String, DeliveryError> {
    let composed = mailer.composer().compose_test(id, to, at)?;
    match mailer {
        Mailer::Outbox(outbox) => Ok(outbox.put(composed).await?.display().to_string()),
        Mailer::Smtp(smtp) => smtp.send(&composed).await,
    }
}

/// Whether there is somebody to take a message: nothing is sent, and nothing is looked at where messages go to a folder.
///
/// # Errors
/// What is in the way.
pub async fn reach(mailer: &Mailer) -> Result<(), DeliveryError> {
    match mailer {
        Mailer::Outbox(_) => Ok(()),
        Mailer::Smtp(smtp) => smtp.reach().await,
    }
}

/// One of the two ways out.
pub enum Mailer {
    /// To a folder.
    Outbox(OutboxNotifier),
    /// By SMTP.
    Smtp(SmtpNotifier),
}

impl Mailer {
    /// As [`notifier`].
    ///
    /// # Errors
    /// As [`notifier`].
    pub fn new(config: &Config, base_url: &str) -> Result<Self, CannotMail> {
        let composer = composer(config, base_url)?;
        Ok(match &config.mail.transport {
            MailTransport::Outbox => Self::Outbox(OutboxNotifier::new(composer, outbox(config))),
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

fn composer(config: &Config, base_url: &str) -> Result<Composer, CannotMail> {
    let templates = Templates::load(config.mail.templates.as_deref()).map_err(CannotMail::Templates)?;
    let language = config.mail.language.clone();
    if !templates.has(&language) {
        return Err(CannotMail::Language(language));
    }
    let links = Links::new(base_url).map_err(|fault| CannotMail::Base(base_url.to_owned(), fault))?;
    let from = config.mail.from.clone().unwrap_or_else(nobody);
    Ok(Composer { templates, links, from, language })
}

/// Who sends what never leaves this machine.
fn nobody() -> Mailbox {
    Mailbox::new(Some("Portcullis".to_owned()), Address::new_dangerous("portcullis", "localhost"))
}
