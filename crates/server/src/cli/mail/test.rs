//! `portcullis mail test`

use clap::Args;
use portcullis_core::clock::Clock as _;
use portcullis_core::email::Email;
use portcullis_core::machine::{SystemClock, SystemRandom};
use portcullis_core::outgoing_mail::DeliveryError;
use portcullis_core::random;
use uuid::Builder;

use crate::cli::escaped::Escaped;
use crate::cli::failure::Failure;
use crate::cli::output::Output;
use crate::cli::target::email;
use crate::config::{Config, MailTransport};
use crate::mail::{self, MailSetupError, Mailer};

/// Send a test mail, and say whether it was delivered
///
/// It is sent by `mail.transport` like every mail to users, with the same language and layout.
#[derive(Args, Debug)]
pub(in crate::cli) struct TestArguments {
    /// The recipient
    #[arg(value_name = "ADDRESS", value_parser = email)]
    to: Email,
}

pub(super) async fn run(
    arguments: &TestArguments,
    config: &Config,
    out: &mut Output<'_>,
) -> Result<(), Failure> {
    let mailer = Mailer::new(config, &mail::base_url(config))?;
    let id = Builder::from_random_bytes(random::bytes(&SystemRandom)).into_uuid();
    let answer = mailer.send_test(id, &arguments.to, SystemClock.now()).await?;
    match &config.mail.transport {
        MailTransport::Outbox => writeln!(out, "Put into {}.", Escaped(&answer))?,
        MailTransport::Smtp(server) => writeln!(out, "{server} accepted it: {}", Escaped(&answer))?,
    }
    Ok(())
}

impl From<MailSetupError> for Failure {
    fn from(fault: MailSetupError) -> Self {
        Self::usage(fault)
    }
}

impl From<DeliveryError> for Failure {
    fn from(fault: DeliveryError) -> Self {
        match fault {
            DeliveryError::Later(cause) => {
                Self::other(format_args!("not delivered; it may be later: {cause}"))
            }
            DeliveryError::Never(cause) => {
                Self::other(format_args!("not delivered, and rejected for good: {cause}"))
            }
        }
    }
}
