//! Reads mails: codes, links, and the outbox of a server in development mode.

use std::fs;

use portcullis_server::mail::{ParsedMessage, mail_files};
use serde_json::Value;

use crate::server_process::{ServerDirectory, wait_until};

/// Parses a mail that the mail server has kept.
pub(crate) fn kept(letter: &Value) -> ParsedMessage {
    ParsedMessage::parse(letter["message"].as_str().unwrap().as_bytes()).unwrap()
}

/// The code in a mail, which is a line of its own.
pub(crate) fn code(letter: &ParsedMessage) -> String {
    let is_code = |line: &&str| line.len() == 6 && line.bytes().all(|byte| byte.is_ascii_digit());
    let code = letter.text.lines().find(is_code);
    code.unwrap_or_else(|| panic!("no code in {}", letter.text)).to_owned()
}

/// The link in a mail.
pub(crate) fn link(letter: &ParsedMessage) -> String {
    let link = letter.text.lines().find(|line| line.starts_with("http://"));
    link.unwrap_or_else(|| panic!("no link in {}", letter.text)).to_owned()
}

/// The token in the link of a mail.
pub(crate) fn token(letter: &ParsedMessage) -> String {
    let link = link(letter);
    link.split_once("?token=").unwrap_or_else(|| panic!("no token in {link}")).1.to_owned()
}

impl ServerDirectory {
    /// The mails in the outbox with this subject, newest first.
    pub(crate) fn outbox(&self, subject: &str) -> Vec<ParsedMessage> {
        let letters = mail_files(&self.data().join("outbox")).unwrap();
        let opened = letters.iter().map(|path| ParsedMessage::parse(&fs::read(path).unwrap()).unwrap());
        opened.filter(|letter| letter.subject == subject).collect()
    }

    /// Waits for so many mails with this subject; returns the newest.
    pub(crate) fn letter(&self, subject: &str, count: usize) -> ParsedMessage {
        let arrived = wait_until(|| self.outbox(subject).len() >= count);
        assert!(arrived, "{count} of {subject:?} do not come: {:?}", self.outbox(subject));
        self.outbox(subject).swap_remove(0)
    }
}
