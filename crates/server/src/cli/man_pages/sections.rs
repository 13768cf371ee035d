//! The sections that the command line does not know by itself, from the tables that do.

use std::collections::BTreeMap;

use clap_mangen::roff::{Inline, Roff, bold, italic, roman};

use crate::cli::config::{DEFAULT_FILE, KEY_FILE};
use crate::cli::failure::EXIT_CODES;
use crate::config::{Config, Flags, variables};
use crate::mail::outbox_folder;

pub(super) fn exit_status(page: &mut Roff) {
    page.control("SH", ["EXIT STATUS"]);
    for (code, meaning) in EXIT_CODES {
        item(page, vec![bold(code.to_string())], &format!("{}.", capital(meaning)));
    }
}

/// The files of a server that is started without any configuration.
pub(super) fn files(page: &mut Roff) {
    page.control("SH", ["FILES"]);
    let configuration = "The configuration. `portcullis config init` writes it, and a server reads the one that \
                         --config or PORTCULLIS_CONFIG names.";
    item(page, vec![italic(DEFAULT_FILE)], configuration);
    item(page, vec![italic(KEY_FILE)], "The master key. `portcullis config init` makes it.");
    if let Ok(config) = Config::read(&Flags::default(), &BTreeMap::new(), &|_| Ok(String::new())) {
        let database = "The database, unless the setting database names another one.";
        item(page, vec![italic(config.database.location())], database);
        let outbox = "Mails to users, unless the setting mail.transport names a mail server.";
        item(page, vec![italic(outbox_folder(&config).to_string_lossy())], outbox);
    }
}

pub(super) fn environment(page: &mut Roff) {
    page.control("SH", ["ENVIRONMENT"]);
    page.text([roman(
        "Each setting has a variable. It takes precedence over the configuration file, and a flag over both.",
    )]);
    for (heading, variables) in variables() {
        page.control("SS", [heading]);
        for variable in variables {
            let mut names: Vec<Inline> = Vec::new();
            for name in &variable.names {
                if !names.is_empty() {
                    names.push(roman(", "));
                }
                names.push(bold(name.as_str()));
            }
            item(page, names, &variable.meaning);
        }
    }
}

fn item(page: &mut Roff, term: Vec<Inline>, meaning: &str) {
    page.control("TP", []).text(term).text([roman(meaning)]);
}

/// The sentence with a capital at its start.
fn capital(text: &str) -> String {
    let mut characters = text.chars();
    let first = characters.next().map(|first| first.to_uppercase().to_string()).unwrap_or_default();
    first + characters.as_str()
}
