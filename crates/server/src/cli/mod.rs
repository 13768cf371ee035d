//! The command line: one file a command. Help shows only what exists.

mod config;
mod serve;

use std::io::{self, Write};
use std::process::ExitCode;

use clap::{Parser, Subcommand};

use crate::config::{Config, Fault, Flags};
use crate::log;

/// Keep people signed in, and get them out again.
#[derive(Parser, Debug)]
#[command(name = "portcullis", version, propagate_version = true)]
pub struct CommandLine {
    #[command(flatten)]
    flags: Flags,
    #[command(subcommand)]
    command: Command,
}

#[derive(Subcommand, Debug)]
enum Command {
    /// Serve sign-up, sign-in, refresh and sign-out over HTTP
    Serve,
    /// Look at the configuration
    #[command(subcommand)]
    Config(config::Command),
}

/// How a command failed.
#[derive(Debug)]
enum Failure {
    /// The command line or the configuration is at fault: exit code 2.
    Usage(Vec<String>),
    /// Anything else: exit code 1.
    Other(String),
}

impl Failure {
    fn other(cause: impl std::fmt::Display) -> Self {
        Self::Other(cause.to_string())
    }
}

impl From<Vec<Fault>> for Failure {
    fn from(faults: Vec<Fault>) -> Self {
        Self::Usage(faults.iter().map(ToString::to_string).collect())
    }
}

impl From<io::Error> for Failure {
    fn from(fault: io::Error) -> Self {
        Self::other(fault)
    }
}

/// Runs a command: what it has to say goes to `out`, what went wrong to `err`, a line each.
pub async fn run(line: CommandLine, out: &mut (dyn Write + Send), err: &mut (dyn Write + Send)) -> ExitCode {
    let (lines, code) = match execute(line, out).await {
        Ok(()) => return ExitCode::SUCCESS,
        Err(Failure::Usage(lines)) => (lines, 2),
        Err(Failure::Other(line)) => (vec![line], 1),
    };
    for line in lines {
        // There is nobody left to tell.
        let _ = writeln!(err, "portcullis: {}", line.replace('\n', " "));
    }
    ExitCode::from(code)
}

async fn execute(
    CommandLine { flags, command }: CommandLine,
    out: &mut (dyn Write + Send),
) -> Result<(), Failure> {
    let config = Config::load(&flags)?;
    log::begin(&config.log);
    match command {
        Command::Serve => serve::run(&config, out).await,
        Command::Config(command) => config::run(&command, &config, out),
    }
}
