//! `portcullis mail last`

use std::fs;
use std::io::Write;
use std::path::{Path, PathBuf};

use clap::Args;
use portcullis_core::email::Email;
use serde::Serialize;

use crate::cli::escaped::Escaped;
use crate::cli::failure::Failure;
use crate::cli::printable::write_json;
use crate::cli::target::email;
use crate::config::{Config, MailTransport};
use crate::mail::{Opened, messages, outbox};

/// Show the newest letter in the outbox, with its code or its link
///
/// In development mode letters to users are files in the folder `outbox` of the data directory. Where they go to a mail
/// server, none is kept.
#[derive(Args, Debug)]
pub(in crate::cli) struct Arguments {
    /// The newest to this address
    #[arg(long, value_name = "ADDRESS", value_parser = email)]
    to: Option<Email>,
    /// Write JSON, for programs
    #[arg(long)]
    json: bool,
}

/// A letter, for programs.
#[derive(Serialize)]
struct Record<'a> {
    path: &'a Path,
    #[serde(flatten)]
    letter: &'a Opened,
}

pub(super) fn run(arguments: &Arguments, config: &Config, out: &mut dyn Write) -> Result<(), Failure> {
    if let MailTransport::Smtp(server) = &config.mail.transport {
        return Err(Failure::usage(format_args!(
            "letters go to the mail server {server} and none is kept here; without mail.transport, in development mode, \
             they are put into the outbox"
        )));
    }
    let folder = outbox(config);
    let (path, letter) = newest(&folder, arguments.to.as_ref())?;
    if arguments.json {
        return write_json(&Record { path: &path, letter: &letter }, out);
    }
    let heads =
        [("From", &letter.from), ("To", &letter.to), ("Date", &letter.date), ("Subject", &letter.subject)];
    for (name, value) in heads {
        writeln!(out, "{:<9}{}", format!("{name}:"), Escaped(value))?;
    }
    writeln!(out, "{:<9}{}\n", "File:", Escaped(&path.to_string_lossy()))?;
    for line in letter.text.lines() {
        writeln!(out, "{}", Escaped(line))?;
    }
    Ok(())
}

fn newest(folder: &Path, to: Option<&Email>) -> Result<(PathBuf, Opened), Failure> {
    let shown = folder.display();
    let paths =
        messages(folder).map_err(|fault| Failure::other(format_args!("{shown} cannot be read: {fault}")))?;
    for path in paths {
        let letter = opened(&path)?;
        if to.is_none_or(|email| letter.is_to(email)) {
            return Ok((path, letter));
        }
    }
    let whom = to.map(|email| format!(" to {}", email.as_typed())).unwrap_or_default();
    Err(Failure::other(format_args!("there is no letter{whom} in {shown}")))
}

fn opened(path: &Path) -> Result<Opened, Failure> {
    let broken = |fault: String| Failure::other(format_args!("{}: {fault}", path.display()));
    let bytes = fs::read(path).map_err(|fault| broken(fault.to_string()))?;
    Opened::parse(&bytes).map_err(|fault| broken(fault.to_string()))
}
