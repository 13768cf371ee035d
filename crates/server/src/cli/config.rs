//! `portcullis config check`

use std::io::Write;

use clap::Subcommand;

use super::Failure;
use crate::config::Config;

#[derive(Subcommand, Debug)]
pub(super) enum ConfigCommand {
    /// Show the effective configuration with secrets masked, or every fault
    Check {
        /// Write JSON, for programs
        #[arg(long)]
        json: bool,
    },
}

pub(super) fn run(command: &ConfigCommand, config: &Config, out: &mut dyn Write) -> Result<(), Failure> {
    let ConfigCommand::Check { json } = command;
    Ok(config.report().write(*json, out)?)
}
