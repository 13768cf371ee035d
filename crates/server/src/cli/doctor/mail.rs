//! Mail: whether the server signs us in, or the outbox can be written to, how many mails wait, and the templates.

use std::time::Duration;

use portcullis_core::outgoing_mail::DeliveryError;
use tokio::time::timeout;

use super::{Finding, Stopwatch, directory};
use crate::cli::output::counted;
use crate::config::{Config, MailTransport};
use crate::mail::{self, Mailer};

const NAME: &str = "mail server";

/// How long the mail server may take to answer; shorter than `mail.timeout`.
const TIMEOUT: Duration = Duration::from_secs(10);

pub(super) async fn examine(config: &Config) -> Finding {
    let MailTransport::Smtp(server) = &config.mail.transport else {
        return directory::examine("outbox", &mail::outbox_folder(config));
    };
    let mailer = match Mailer::new(config, &mail::base_url(config)) {
        Ok(mailer) => mailer,
        Err(fault) => return Finding::broken(NAME, fault.to_string()),
    };
    let watch = Stopwatch::start();
    let finding = match timeout(TIMEOUT, mailer.reach()).await {
        Ok(Ok(())) => Finding::ok(NAME, format!("{server} accepts the login, and would take a mail")),
        Ok(Err(DeliveryError::Later(cause) | DeliveryError::Never(cause))) => Finding::broken(NAME, cause),
        Err(_) => Finding::broken(NAME, format!("{server} does not answer")),
    };
    finding.took(watch.elapsed())
}

/// Whether the server could start with the operator's own templates of mails and pages; `None` if there are none.
pub(super) fn templates(config: &Config) -> Option<Finding> {
    let folder = config.mail.templates.as_ref()?;
    let checked = crate::serve::check(config);
    Some(match checked {
        Ok(()) => Finding::ok("templates", format!("mails and pages are rendered from {}", folder.display())),
        Err(fault) => Finding::broken("templates", fault.to_string()),
    })
}

/// The finding for this many mails that wait.
pub(super) fn waiting(mails: u64) -> Finding {
    let mails = counted(mails, "mail");
    Finding::ok("mail queue", format!("{mails} waiting to be sent; a running server sends them"))
}
