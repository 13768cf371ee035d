//! The texts of one language: one TOML file that must have every text.

use std::fmt::Display;

use portcullis_api::refusal::Code;
use portcullis_core::queued_mail::MailKind;
use serde::Deserialize;
use toml::Spanned;

use super::fault::TemplateFault;

/// A text, and where it stands in its file.
pub type Text = Spanned<String>;

#[derive(Deserialize, Debug)]
#[serde(deny_unknown_fields)]
pub struct LanguageTexts {
    pub greeting: Text,
    pub closing: Text,
    code: MailTexts,
    unlock: MailTexts,
    reset: MailTexts,
    welcome: MailTexts,
    password_changed: MailTexts,
    new_device: MailTexts,
    refresh_reused: MailTexts,
    refresh_shared: MailTexts,
    sign_up_attempted: MailTexts,
    test: MailTexts,
    pub pages: PagesTexts,
}

/// The texts of one kind of mail.
#[derive(Deserialize, Debug)]
#[serde(deny_unknown_fields)]
pub struct MailTexts {
    pub subject: Text,
    /// Paragraphs before the code or the link.
    pub lines: Vec<Text>,
    /// The label of the link; `None` for a mail without one.
    pub button: Option<Text>,
    /// Paragraphs after the code or the link.
    pub notes: Vec<Text>,
}

/// The texts of pages.
#[derive(Deserialize, Debug)]
#[serde(deny_unknown_fields)]
pub struct PagesTexts {
    /// The label of the link to the tenant's own pages.
    pub home: Text,
    reset: PageTexts,
    unlock: PageTexts,
    reset_done: PageTexts,
    unlock_done: PageTexts,
    reset_failed: PageTexts,
    unlock_failed: PageTexts,
    incomplete_link: PageTexts,
    reasons: Reasons,
}

/// The texts of a page.
#[derive(Deserialize, Debug)]
#[serde(deny_unknown_fields)]
pub struct PageTexts {
    pub title: Text,
    pub lines: Vec<Text>,
    /// The label of the password field; `None` on a page without one.
    pub label: Option<Text>,
    /// The label of the button; `None` on a page without a form.
    pub button: Option<Text>,
}

/// Why a form was rejected. A rejection that has no text here keeps its English one.
#[derive(Deserialize, Debug)]
#[serde(deny_unknown_fields)]
struct Reasons {
    invalid_reset_link: Text,
    invalid_unlock_link: Text,
    weak_password: Text,
    used_password: Text,
    too_many_requests: Text,
    unavailable: Text,
    suspended: Text,
    cross_site: Text,
}

/// What a page is for.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum PageKind {
    /// The form for a new password.
    Reset,
    /// The form that unlocks an account.
    Unlock,
    /// The password was changed.
    ResetDone,
    /// The account was unlocked.
    UnlockDone,
    /// The password was not changed.
    ResetFailed,
    /// The account was not unlocked.
    UnlockFailed,
    /// The link has no token.
    IncompleteLink,
}

impl PageKind {
    /// All of them.
    pub const ALL: [Self; 7] = [
        Self::Reset,
        Self::Unlock,
        Self::ResetDone,
        Self::UnlockDone,
        Self::ResetFailed,
        Self::UnlockFailed,
        Self::IncompleteLink,
    ];
}

/// The texts of one language.
#[derive(Debug)]
pub struct Language {
    /// Its tag, in lower case.
    pub tag: String,
    /// Its texts.
    pub texts: LanguageTexts,
    /// The path of its file, for messages.
    path: String,
    source: String,
}

impl Language {
    /// Reads a file. Whether its templates can be rendered is checked later.
    pub(super) fn parse(tag: &str, path: &str, source: &str) -> Result<Self, TemplateFault> {
        let texts = toml::from_str(source).map_err(|error| {
            let line = line_of(source, error.span().map_or(0, |span| span.start));
            TemplateFault::new(path, line, error.message().replace('\n', ", "))
        })?;
        Ok(Self { tag: tag.to_owned(), texts, path: path.to_owned(), source: source.to_owned() })
    }

    /// The texts of a kind of mail; of the test mail if there is no kind.
    #[must_use]
    pub const fn mail(&self, kind: Option<MailKind>) -> &MailTexts {
        let Some(kind) = kind else { return &self.texts.test };
        match kind {
            MailKind::Code => &self.texts.code,
            MailKind::Unlock => &self.texts.unlock,
            MailKind::Reset => &self.texts.reset,
            MailKind::Welcome => &self.texts.welcome,
            MailKind::PasswordChanged => &self.texts.password_changed,
            MailKind::NewDevice => &self.texts.new_device,
            MailKind::RefreshReused => &self.texts.refresh_reused,
            MailKind::RefreshShared => &self.texts.refresh_shared,
            MailKind::SignUpAttempted => &self.texts.sign_up_attempted,
        }
    }

    /// The texts of a page.
    #[must_use]
    pub const fn page(&self, kind: PageKind) -> &PageTexts {
        let pages = &self.texts.pages;
        match kind {
            PageKind::Reset => &pages.reset,
            PageKind::Unlock => &pages.unlock,
            PageKind::ResetDone => &pages.reset_done,
            PageKind::UnlockDone => &pages.unlock_done,
            PageKind::ResetFailed => &pages.reset_failed,
            PageKind::UnlockFailed => &pages.unlock_failed,
            PageKind::IncompleteLink => &pages.incomplete_link,
        }
    }

    /// The text for a rejection with this code; `None` where this language has no text of its own.
    #[must_use]
    pub const fn reason(&self, code: Code) -> Option<&Text> {
        let reasons = &self.texts.pages.reasons;
        Some(match code {
            Code::InvalidResetToken => &reasons.invalid_reset_link,
            Code::InvalidUnlockToken => &reasons.invalid_unlock_link,
            Code::ValidationFailed => &reasons.weak_password,
            Code::PasswordReused => &reasons.used_password,
            Code::TooManyRequests => &reasons.too_many_requests,
            Code::Busy | Code::StoreUnavailable | Code::SystemError => &reasons.unavailable,
            Code::TenantSuspended => &reasons.suspended,
            Code::CrossSite => &reasons.cross_site,
            _ => return None,
        })
    }

    /// A fault in a line of one of its texts, counted from 1.
    pub fn fault(&self, text: &Text, line: usize, message: impl Display) -> TemplateFault {
        let written = self.source.get(text.span()).unwrap_or_default();
        let quotes = ["\"\"\"", "'''"];
        let content = quotes.iter().find_map(|quotes| written.strip_prefix(quotes));
        // A line end right after the opening quotes is not part of the text.
        let skipped = usize::from(content.is_some_and(|content| content.starts_with(['\n', '\r'])));
        let begun = line_of(&self.source, text.span().start);
        TemplateFault::new(&self.path, begun + skipped + line.saturating_sub(1), message)
    }
}

fn line_of(text: &str, at: usize) -> usize {
    1 + text.bytes().take(at).filter(|byte| *byte == b'\n').count()
}
