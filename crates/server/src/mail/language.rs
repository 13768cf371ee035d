//! The texts of one language: a TOML file, checked whole.

use std::ops::Range;

use portcullis_core::queued_mail::MailKind;
use serde::Deserialize;
use toml::Spanned;

use super::fault::Fault;
use super::kind::Kind;

/// A text as the file has it.
type Text = Spanned<String>;

/// The file.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct File {
    greeting: Text,
    closing: Text,
    code: Section,
    unlock: Section,
    reset: Section,
    welcome: Section,
    password_changed: Section,
    new_device: Section,
    refresh_reused: Section,
    sign_up_attempted: Section,
    test: Section,
}

/// The texts of one kind of letter.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Section {
    subject: Text,
    lines: Vec<Text>,
    button: Option<Text>,
    notes: Vec<Text>,
}

impl Section {
    pub(super) const fn subject(&self) -> &Text {
        &self.subject
    }

    /// What stands before the code or the link.
    pub(super) fn lines(&self) -> &[Text] {
        &self.lines
    }

    /// What stands on the link.
    pub(super) const fn button(&self) -> Option<&Text> {
        self.button.as_ref()
    }

    /// What stands behind the code or the link.
    pub(super) fn notes(&self) -> &[Text] {
        &self.notes
    }
}

/// The texts of one language.
pub(super) struct Language {
    /// Its tag, in lower case.
    pub(super) tag: String,
    /// The name of its file, as people are told it.
    pub(super) file: String,
    text: String,
    content: File,
}

impl Language {
    /// Takes a file apart. That its templates can be rendered is not known yet.
    pub(super) fn parse(tag: &str, file: &str, text: &str) -> Result<Self, Fault> {
        let content = toml::from_str(text).map_err(|error| {
            let line = line_of(text, error.span().map_or(0, |span| span.start));
            Fault::new(file, line, error.message().replace('\n', ", "))
        })?;
        Ok(Self { tag: tag.to_owned(), file: file.to_owned(), text: text.to_owned(), content })
    }

    pub(super) const fn greeting(&self) -> &Text {
        &self.content.greeting
    }

    pub(super) const fn closing(&self) -> &Text {
        &self.content.closing
    }

    pub(super) const fn section(&self, kind: Kind) -> &Section {
        let Kind::Told(about) = kind else { return &self.content.test };
        match about {
            MailKind::Code => &self.content.code,
            MailKind::Unlock => &self.content.unlock,
            MailKind::Reset => &self.content.reset,
            MailKind::Welcome => &self.content.welcome,
            MailKind::PasswordChanged => &self.content.password_changed,
            MailKind::NewDevice => &self.content.new_device,
            MailKind::RefreshReused => &self.content.refresh_reused,
            MailKind::SignUpAttempted => &self.content.sign_up_attempted,
        }
    }

    /// The line of the file in which the line `within` of one of its texts stands.
    pub(super) fn line(&self, span: Range<usize>, within: usize) -> usize {
        let written = self.text.get(span.clone()).unwrap_or_default();
        let quotes = ["\"\"\"", "'''"];
        let opened = quotes.iter().find_map(|quotes| written.strip_prefix(quotes));
        // The line end behind opening quotes is no part of the text.
        let skipped = usize::from(opened.is_some_and(|text| text.starts_with(['\n', '\r'])));
        line_of(&self.text, span.start) + skipped + within.saturating_sub(1)
    }
}

fn line_of(text: &str, at: usize) -> usize {
    1 + text.bytes().take(at).filter(|byte| *byte == b'\n').count()
}
