//! Mail: whether its server takes us, or its folder can be written to, and how much waits.

use std::time::Duration;

use portcullis_core::outgoing_mail::DeliveryError;
use tokio::time::timeout;

use super::{Finding, Stopwatch, directory};
use crate::cli::printable::counted;
use crate::config::{Config, MailTransport};
use crate::mail::{self, Mailer};

const NAME: &str = "mail server";

/// How long the server may take, whatever it is given to take a letter.
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
    let finding = match timeout(TIMEOUT, mail::reach(&mailer)).await {
        Ok(Ok(())) => Finding::ok(NAME, format!("{server} greets us, and would take a letter")),
        Ok(Err(DeliveryError::Later(cause) | DeliveryError::Never(cause))) => Finding::broken(NAME, cause),
        Err(_) => Finding::broken(NAME, format!("{server} does not answer")),
    };
    finding.took(watch.elapsed())
}

/// What is to be said of so many letters that wait.
pub(super) fn waiting(letters: u64) -> Finding {
    let letters = counted(letters, "letter");
    Finding::ok("mail queue", format!("{letters} waiting to be sent; a server that runs sends them"))
}
