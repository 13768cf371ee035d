//! `portcullis mail last`

use std::fs;
use std::io::Write;
use std::path::{Path, PathBuf};

use clap::Args;
use portcullis_core::email::Email;
use serde::Serialize;

use crate::cli::escaped::Escaped;
use crate::cli::failure::Failure;
use crate::cli::output::write_json;
use crate::cli::target::email;
use crate::config::{Config, MailTransport};
use crate::mail::{ParsedMessage, mail_files, outbox_folder};

/// Show the newest mail in the outbox, with its code or link
///
/// In development mode, mails to users are files in the folder `outbox` of the data directory. Mails that go to a mail
/// server are not kept.
#[derive(Args, Debug)]
pub(in crate::cli) struct LastArguments {
    /// Show the newest to this address
    #[arg(long, value_name = "ADDRESS", value_parser = email)]
    to: Option<Email>,
    /// Write JSON, for programs
    #[arg(long)]
    json: bool,
}

/// A mail as JSON.
#[derive(Serialize)]
struct MailRecord<'a> {
    path: &'a Path,
    #[serde(flatten)]
    mail: &'a ParsedMessage,
}

pub(super) fn run(arguments: &LastArguments, config: &Config, out: &mut dyn Write) -> Result<(), Failure> {
    if let MailTransport::Smtp(server) = &config.mail.transport {
        return Err(Failure::usage(format_args!(
            "mails go to the mail server {server}, and none is kept here; in development mode without mail.transport they \
             are kept in the outbox"
        )));
    }
    let folder = outbox_folder(config);
    let (path, mail) = newest(&folder, arguments.to.as_ref())?;
    if arguments.json {
        return write_json(&MailRecord { path: &path, mail: &mail }, out);
    }
    let heads = [("From", &mail.from), ("To", &mail.to), ("Date", &mail.date), ("Subject", &mail.subject)];
    for (name, value) in heads {
        writeln!(out, "{:<9}{}", format!("{name}:"), Escaped(value))?;
    }
    writeln!(out, "{:<9}{}\n", "File:", Escaped(&path.to_string_lossy()))?;
    for line in mail.text.lines() {
        writeln!(out, "{}", Escaped(line))?;
    }
    Ok(())
}

fn newest(folder: &Path, to: Option<&Email>) -> Result<(PathBuf, ParsedMessage), Failure> {
    let shown = folder.display();
    let paths = mail_files(folder)
        .map_err(|fault| Failure::other(format_args!("{shown} cannot be read: {fault}")))?;
    for path in paths {
        let mail = parsed(&path)?;
        if to.is_none_or(|email| mail.is_to(email)) {
            return Ok((path, mail));
        }
    }
    let recipient = to.map(|email| format!(" to {}", email.as_typed())).unwrap_or_default();
    Err(Failure::other(format_args!("there is no mail{recipient} in {shown}")))
}

fn parsed(path: &Path) -> Result<ParsedMessage, Failure> {
    let broken = |fault: String| Failure::other(format_args!("{}: {fault}", path.display()));
    let bytes = fs::read(path).map_err(|fault| broken(fault.to_string()))?;
    ParsedMessage::parse(&bytes).map_err(|fault| broken(fault.to_string()))
}
