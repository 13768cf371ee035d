//! The binary: reads the command line and the configuration, and starts what was asked for.

use std::io;
use std::process::ExitCode;

use clap::{Parser, Subcommand};
use portcullis_server::config::{self, Config, Flags};

/// Keep people signed in, and get them out again.
#[derive(Parser)]
#[command(name = "portcullis", version)]
struct CommandLine {
    #[command(flatten)]
    flags: Flags,
    #[command(subcommand)]
    command: Command,
}

#[derive(Subcommand)]
enum Command {
    /// The configuration.
    #[command(subcommand)]
    Config(ConfigCommand),
}

#[derive(Subcommand)]
enum ConfigCommand {
    /// Shows the effective configuration, or everything that is wrong with it.
    Check {
        /// For programs.
        #[arg(long)]
        json: bool,
    },
}

fn main() -> io::Result<ExitCode> {
    let CommandLine { flags, command } = CommandLine::parse();
    let Command::Config(ConfigCommand::Check { json }) = command;
    config::check(&Config::load(&flags), json, &mut io::stdout(), &mut io::stderr()).map(ExitCode::from)
}
