//! The command line, one file per command.
//!
//! A command decodes its arguments, calls the engine, and shows the answer: a table for people, JSON for programs. It
//! decides nothing about access. It works on the database itself and needs no running server; a running server learns
//! of its changes by the change feed.

#[macro_use]
mod json;

mod backup;
mod completions;
mod config;
mod context;
mod database;
mod doctor;
mod escaped;
mod failure;
mod feed;
mod gateway;
mod health;
mod key;
mod mail;
mod man_pages;
mod mend;
mod migrate;
mod new_file;
mod output;
mod pages;
mod parse;
mod password;
mod readiness;
mod serve;
mod session;
mod target;
mod tenant;
mod terminal;
mod user;

#[cfg(test)]
mod tests;

use std::io::{self, Write};
use std::process::ExitCode;

use clap::{Parser, Subcommand};
use tracing::{Instrument as _, Span, info_span};

use crate::config::{Config, Flags};
use crate::log;
use crate::socket_activation::PassedSockets;
use failure::Failure;
use output::Output;
use parse::parse_command_line;

/// Authentication and session server
///
/// `portcullis serve` works with no file and no variable. Every other command works on the same database, whether a
/// server runs or not; a running server applies a change within a second.
#[derive(Parser, Debug)]
#[command(name = "portcullis", version, propagate_version = true, max_term_width = 100)]
#[command(after_long_help = failure::exit_codes())]
pub struct CommandLine {
    #[command(flatten)]
    flags: Flags,
    #[command(subcommand)]
    command: AnyCommand,
    #[arg(skip)]
    passed: PassedSockets,
}

#[derive(Subcommand, Debug)]
enum AnyCommand {
    #[command(flatten)]
    OfServer(Command),
    #[command(flatten)]
    WithoutDatabase(WithoutDatabase),
}

/// A command that works with the server's configuration.
#[derive(Subcommand, Debug)]
enum Command {
    Serve(serve::ServeCommand),
    Tenant(tenant::TenantCommand),
    /// Create, list and change users
    User(user::UserCommand),
    /// List and end sessions
    Session(session::SessionCommand),
    /// List and rotate the keys that sign tokens and cookies
    Key(key::KeyCommand),
    Feed(feed::FeedCommand),
    /// Show mails to users, send a test mail, and write out templates
    #[command(subcommand)]
    Mail(mail::MailCommand),
    Mend(mend::MendCommand),
    Backup(backup::BackupCommand),
    Migrate(migrate::MigrateCommand),
    Doctor(doctor::DoctorCommand),
}

/// A command that opens no database, and reads no more of the server's configuration than it needs.
#[derive(Subcommand, Debug)]
enum WithoutDatabase {
    Health(health::HealthCommand),
    /// Check the configuration, or write one to begin with
    #[command(subcommand)]
    Config(config::ConfigCommand),
    Gateway(gateway::GatewayCommand),
    Completions(completions::CompletionsCommand),
    ManPages(man_pages::ManPagesCommand),
}

/// The whole program: runs the command that this process was started with.
///
/// # Errors
/// The system gives no threads.
pub fn start() -> io::Result<ExitCode> {
    let mut line = match parse_command_line(std::env::args_os(), &mut io::stdout(), &mut io::stderr()) {
        Ok(line) => line,
        Err(code) => return Ok(code),
    };
    line.passed = PassedSockets::take();
    terminal::look_for_terminal();
    let runtime = tokio::runtime::Builder::new_multi_thread().enable_all().build()?;
    Ok(runtime.block_on(run(line, &mut io::stdout(), &mut io::stderr())))
}

/// Runs a command. Its output goes to `out`; each fault is one line in `err`.
pub async fn run(line: CommandLine, out: &mut (dyn Write + Send), err: &mut (dyn Write + Send)) -> ExitCode {
    let code = match line.execute(out).await {
        Ok(()) => ExitCode::SUCCESS,
        Err(failure) => failure.report(err),
    };
    let _ = out.flush();
    log::release();
    code
}

impl CommandLine {
    async fn execute(self, out: &mut Output<'_>) -> Result<(), Failure> {
        let command = match self.command {
            AnyCommand::WithoutDatabase(command) => return command.run(&self.flags, out).await,
            AnyCommand::OfServer(command) => command,
        };
        let config = Config::load(&self.flags)?;
        let operator = if matches!(command, Command::Serve(_)) {
            log::begin(&config.log);
            Span::none()
        } else {
            log::begin_for_command(&config.log);
            // Every line of the log names the operator.
            info_span!(target: log::AUDIT, "operator", uid = rustix::process::getuid().as_raw())
        };
        command.run(&config, self.passed, out).instrument(operator).await
    }
}

impl Command {
    async fn run(self, config: &Config, passed: PassedSockets, out: &mut Output<'_>) -> Result<(), Failure> {
        match self {
            Self::Serve(command) => serve::run(&command, config, passed, out).await,
            Self::Tenant(command) => tenant::run(command, config, out).await,
            Self::User(command) => user::run(command, config, out).await,
            Self::Session(command) => session::run(command, config, out).await,
            Self::Key(command) => key::run(command, config, out).await,
            Self::Feed(command) => feed::run(command, config, out).await,
            Self::Mail(command) => mail::run(&command, config, out).await,
            Self::Mend(command) => mend::run(&command, config, out).await,
            Self::Backup(command) => backup::run(&command, config, out).await,
            Self::Migrate(command) => migrate::run(&command, config, out).await,
            Self::Doctor(command) => doctor::run(&command, config, out).await,
        }
    }
}

impl WithoutDatabase {
    async fn run(self, flags: &Flags, out: &mut Output<'_>) -> Result<(), Failure> {
        match self {
            Self::Health(command) => health::run(&command, flags, out).await,
            Self::Config(command) => config::run(&command, flags, out),
            Self::Gateway(command) => gateway::run(command, flags, out).await,
            Self::Completions(command) => completions::run(&command, out),
            Self::ManPages(command) => man_pages::run(&command, out),
        }
    }
}
