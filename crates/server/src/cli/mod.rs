//! The command line: one file a command. Help shows only what exists.
//!
//! A command decodes its arguments, calls the engine, and shows the answer: a table for people, JSON for programs. It
//! decides nothing about anybody's access. It works on the database itself, so that it needs no running server, and a
//! running server learns of it by its change feed.

mod config;
mod doctor;
mod escaped;
mod failure;
mod key;
mod mail;
mod migrate;
mod parse;
mod password;
mod place;
mod printable;
mod serve;
mod session;
mod target;
mod tenant;
mod user;

#[cfg(test)]
mod tests;

use std::io::Write;
use std::process::ExitCode;

use clap::{Parser, Subcommand};
use tracing::{Instrument as _, info_span};

use crate::config::{Config, Flags};
use crate::log;
use failure::Failure;

pub use parse::parse_command_line;

/// Keep people signed in, and get them out again.
///
/// `portcullis serve` works with no file and no variable. Every other command works on the same database, whether a
/// server is running or not; one that is running heeds it within a second.
///
/// Exit codes: 0 done, 1 not done, 2 the command line or the configuration is at fault.
#[derive(Parser, Debug)]
#[command(name = "portcullis", version, propagate_version = true, max_term_width = 100)]
pub struct CommandLine {
    #[command(flatten)]
    flags: Flags,
    #[command(subcommand)]
    command: Command,
}

#[derive(Subcommand, Debug)]
enum Command {
    /// Serve sign-up, sign-in, devices and sign-out over HTTP, and to NestJS microservices over TCP
    Serve,
    Tenant(tenant::TenantCommand),
    /// Make users and change them
    User(user::UserCommand),
    /// See who is signed in, and sign them out
    Session(session::SessionCommand),
    /// See the keys that sign tokens and cookies, and make new ones
    Key(key::KeyCommand),
    /// Show mails to users, send a test mail, and write out templates
    #[command(subcommand)]
    Mail(mail::MailCommand),
    Migrate(migrate::MigrateCommand),
    Doctor(doctor::DoctorCommand),
    /// Look at the configuration
    #[command(subcommand)]
    Config(config::ConfigCommand),
}

/// Runs a command: what it has to say goes to `out`, what went wrong to `err`, a line each.
pub async fn run(line: CommandLine, out: &mut (dyn Write + Send), err: &mut (dyn Write + Send)) -> ExitCode {
    match execute(line, out).await {
        Ok(()) => ExitCode::SUCCESS,
        Err(failure) => failure.report(err),
    }
}

async fn execute(
    CommandLine { flags, command }: CommandLine,
    out: &mut (dyn Write + Send),
) -> Result<(), Failure> {
    let config = Config::load(&flags)?;
    if matches!(command, Command::Serve) {
        log::begin(&config.log);
        return serve::run(&config, out).await;
    }
    log::begin_for_command(&config.log);
    // Whose doing it is, on every line of the log that tells of it.
    let operator = info_span!(target: log::AUDIT, "operator", uid = rustix::process::getuid().as_raw());
    command.run(&config, out).instrument(operator).await
}

impl Command {
    async fn run(self, config: &Config, out: &mut (dyn Write + Send)) -> Result<(), Failure> {
        match self {
            Self::Serve => serve::run(config, out).await,
            Self::Tenant(command) => tenant::run(command, config, out).await,
            Self::User(command) => user::run(command, config, out).await,
            Self::Session(command) => session::run(command, config, out).await,
            Self::Key(command) => key::run(command, config, out).await,
            Self::Mail(command) => mail::run(&command, config, out).await,
            Self::Migrate(command) => migrate::run(&command, config, out).await,
            Self::Doctor(command) => doctor::run(&command, config, out).await,
            Self::Config(command) => self::config::run(&command, config, out),
        }
    }
}
