//! `portcullis mail test`

use std::io::Write;

use clap::Args;
use portcullis_core::clock::Clock as _;
use portcullis_core::email::Email;
use portcullis_core::machine::{SystemClock, SystemRandom};
use portcullis_core::outgoing_mail::DeliveryError;
use portcullis_core::random;
use uuid::Builder;

use crate::cli::escaped::Escaped;
use crate::cli::failure::Failure;
use crate::cli::target::email;
use crate::config::{Config, MailTransport};
use crate::mail::{self, CannotMail, Mailer};

/// Send a letter that shows that mail arrives, and say what became of it
///
/// It goes the way that letters to users go, by `mail.transport`, in the language and with the layout of theirs.
#[derive(Args, Debug)]
pub(in crate::cli) struct Arguments {
    /// To whom
    #[arg(value_name = "ADDRESS", value_parser = email)]
    to: Email,
}

pub(super) async fn run(
    Arguments { to }: &Arguments,
    config: &Config,
    out: &mut (dyn Write + Send),
) -> Result<(), Failure> {
    let mailer = Mailer::new(config, &mail::base_url(config))?;
    let id = Builder::from_random_bytes(random::bytes(&SystemRandom)).into_uuid();
    let answer = mail::test(&mailer, id, to, SystemClock.now()).await?;
    match &config.mail.transport {
        MailTransport::Outbox => writeln!(out, "Put into {}.", Escaped(&answer))?,
        MailTransport::Smtp(server) => writeln!(out, "{server} has taken it: {}", Escaped(&answer))?,
    }
    Ok(())
}

impl From<CannotMail> for Failure {
    fn from(fault: CannotMail) -> Self {
        Self::usage(fault)
    }
}

impl From<DeliveryError> for Failure {
    fn from(fault: DeliveryError) -> Self {
        match fault {
            DeliveryError::Later(cause) => {
                Self::other(format_args!("not delivered, it may be later: {cause}"))
            }
            DeliveryError::Never(cause) => {
                Self::other(format_args!("not delivered, and refused for good: {cause}"))
            }
        }
    }
}
