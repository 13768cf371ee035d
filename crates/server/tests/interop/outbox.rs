//! Reads mails: codes, links, and the outbox of a server in development mode.

use std::fs;

use portcullis_server::mail::{ParsedMessage, mail_files};
use serde_json::Value;

use crate::server_process::{ServerDirectory, wait_until};

/// Parses a mail that the mail server has kept.
pub(crate) fn kept(mail: &Value) -> ParsedMessage {
    ParsedMessage::parse(mail["message"].as_str().unwrap().as_bytes()).unwrap()
}

/// The code in a mail, which is a line of its own.
pub(crate) fn code(mail: &ParsedMessage) -> String {
    let is_code = |line: &&str| line.len() == 6 && line.bytes().all(|byte| byte.is_ascii_digit());
    let code = mail.text.lines().find(is_code);
    code.unwrap_or_else(|| panic!("no code in {}", mail.text)).to_owned()
}

/// The link in a mail.
pub(crate) fn link(mail: &ParsedMessage) -> String {
    let link = mail.text.lines().find(|line| line.starts_with("http://") || line.starts_with("https://"));
    link.unwrap_or_else(|| panic!("no link in {}", mail.text)).to_owned()
}

/// The token in the link of a mail.
pub(crate) fn token(mail: &ParsedMessage) -> String {
    let link = link(mail);
    link.split_once("?token=").unwrap_or_else(|| panic!("no token in {link}")).1.to_owned()
}

impl ServerDirectory {
    /// The mails in the outbox with this subject, newest first.
    pub(crate) fn outbox(&self, subject: &str) -> Vec<ParsedMessage> {
        let files = mail_files(&self.data().join("outbox")).unwrap();
        let opened = files.iter().map(|path| ParsedMessage::parse(&fs::read(path).unwrap()).unwrap());
        opened.filter(|mail| mail.subject == subject).collect()
    }

    /// Waits for so many mails with this subject; returns the newest.
    pub(crate) fn mail(&self, subject: &str, count: usize) -> ParsedMessage {
        let arrived = wait_until(|| self.outbox(subject).len() >= count);
        assert!(arrived, "{count} of {subject:?} do not come: {:?}", self.outbox(subject));
        self.outbox(subject).swap_remove(0)
    }
}
