//! `portcullis mail …`

mod last;
mod templates;
mod test;

use clap::Subcommand;

use super::failure::Failure;
use super::output::Output;
use crate::config::Config;

#[derive(Subcommand, Debug)]
pub(super) enum MailCommand {
    Last(last::LastArguments),
    Test(test::TestArguments),
    Templates(templates::TemplatesArguments),
}

pub(super) async fn run(command: &MailCommand, config: &Config, out: &mut Output<'_>) -> Result<(), Failure> {
    match command {
        MailCommand::Last(arguments) => last::run(arguments, config, out),
        MailCommand::Test(arguments) => test::run(arguments, config, out).await,
        MailCommand::Templates(arguments) => templates::run(arguments, out),
    }
}
