//! `portcullis config …`

mod check;
mod init;
mod master_key_file;

pub(super) use init::DEFAULT_FILE;
pub(super) use master_key_file::KEY_FILE;

use clap::Subcommand;

use super::failure::Failure;
use super::output::Output;
use crate::config::Flags;

#[derive(Subcommand, Debug)]
pub(super) enum ConfigCommand {
    Check(check::CheckConfig),
    Init(init::InitConfig),
}

pub(super) fn run(command: &ConfigCommand, flags: &Flags, out: &mut Output<'_>) -> Result<(), Failure> {
    match command {
        ConfigCommand::Check(command) => check::run(command, flags, out),
        ConfigCommand::Init(command) => init::run(command, flags, out),
    }
}
