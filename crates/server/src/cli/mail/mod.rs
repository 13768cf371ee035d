//! `portcullis mail …`

mod last;
mod test;

use std::io::Write;

use clap::Subcommand;

use super::failure::Failure;
use crate::config::Config;

#[derive(Subcommand, Debug)]
pub(super) enum Command {
    Last(last::Arguments),
    Test(test::Arguments),
}

pub(super) async fn run(
    command: &Command,
    config: &Config,
    out: &mut (dyn Write + Send),
) -> Result<(), Failure> {
    match command {
        Command::Last(arguments) => last::run(arguments, config, out),
        Command::Test(arguments) => test::run(arguments, config, out).await,
    }
}
