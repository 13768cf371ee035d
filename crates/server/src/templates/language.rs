//! The texts of one language: one TOML file that must have every text.

use std::iter;
use std::ops::Range;

use portcullis_api::refusal::Code;
use portcullis_core::queued_mail::MailKind;
use serde::Deserialize;
use toml::Spanned;

use super::fault::TemplateFault;

/// A text, and where it stands in its file.
pub(crate) type Text = Spanned<String>;

#[derive(Deserialize, Debug)]
#[serde(deny_unknown_fields)]
struct LanguageFile {
    greeting: Text,
    closing: Text,
    code: MailTexts,
    unlock: MailTexts,
    reset: MailTexts,
    welcome: MailTexts,
    password_changed: MailTexts,
    new_device: MailTexts,
    refresh_reused: MailTexts,
    sign_up_attempted: MailTexts,
    test: MailTexts,
    pages: PagesTable,
}

/// The texts of one kind of mail.
#[derive(Deserialize, Debug)]
#[serde(deny_unknown_fields)]
pub(crate) struct MailTexts {
    pub(crate) subject: Text,
    /// Paragraphs before the code or the link.
    pub(crate) lines: Vec<Text>,
    /// The label of the link; `None` for a mail without one.
    pub(crate) button: Option<Text>,
    /// Paragraphs after the code or the link.
    pub(crate) notes: Vec<Text>,
}

#[derive(Deserialize, Debug)]
#[serde(deny_unknown_fields)]
struct PagesTable {
    home: Text,
    reset: ResetFormTexts,
    unlock: UnlockFormTexts,
    reset_done: NoticeTexts,
    unlock_done: NoticeTexts,
    reset_failed: NoticeTexts,
    unlock_failed: NoticeTexts,
    incomplete_link: NoticeTexts,
    reasons: Reasons,
}

#[derive(Deserialize, Debug)]
#[serde(deny_unknown_fields)]
struct ResetFormTexts {
    title: Text,
    lines: Vec<Text>,
    label: Text,
    button: Text,
}

#[derive(Deserialize, Debug)]
#[serde(deny_unknown_fields)]
struct UnlockFormTexts {
    title: Text,
    lines: Vec<Text>,
    button: Text,
}

#[derive(Deserialize, Debug)]
#[serde(deny_unknown_fields)]
struct NoticeTexts {
    title: Text,
    lines: Vec<Text>,
}

impl NoticeTexts {
    const fn parts(&self) -> (&Text, &Vec<Text>) {
        (&self.title, &self.lines)
    }
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

/// Which mail texts are for.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) enum TextsFor {
    /// A mail to a user.
    Mail(MailKind),
    /// The mail with which an operator tries the mail server.
    TestMail,
}

impl TextsFor {
    pub(crate) fn all() -> impl Iterator<Item = Self> {
        MailKind::ALL.into_iter().map(Self::Mail).chain(iter::once(Self::TestMail))
    }
}

/// What a page is for.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) enum PageKind {
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

/// The texts of a page.
#[derive(Clone, Copy, Debug)]
pub(crate) struct PageTexts<'a> {
    pub(crate) title: &'a Text,
    pub(crate) lines: &'a [Text],
    /// The label of the password field; `None` on a page without one.
    pub(crate) label: Option<&'a Text>,
    /// The label of the button; `None` on a page without a form.
    pub(crate) button: Option<&'a Text>,
}

/// The texts of one language.
#[derive(Debug)]
pub(crate) struct Language {
    /// Its tag, in lower case.
    pub(crate) tag: String,
    /// The path of its file, for messages.
    pub(super) path: String,
    source: String,
    content: LanguageFile,
}

impl Language {
    /// Reads a file. Whether its templates can be rendered is checked later.
    pub(super) fn parse(tag: &str, path: &str, source: &str) -> Result<Self, TemplateFault> {
        let content = toml::from_str(source).map_err(|error| {
            let line = line_of(source, error.span().map_or(0, |span| span.start));
            TemplateFault::new(path, line, error.message().replace('\n', ", "))
        })?;
        Ok(Self { tag: tag.to_owned(), path: path.to_owned(), source: source.to_owned(), content })
    }

    pub(crate) const fn greeting(&self) -> &Text {
        &self.content.greeting
    }

    pub(crate) const fn closing(&self) -> &Text {
        &self.content.closing
    }

    /// The texts of a mail.
    pub(crate) const fn mail(&self, texts: TextsFor) -> &MailTexts {
        let TextsFor::Mail(about) = texts else { return &self.content.test };
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

    /// The label of the link to the tenant's own pages.
    pub(crate) const fn home(&self) -> &Text {
        &self.content.pages.home
    }

    /// The texts of a page.
    pub(crate) fn page(&self, kind: PageKind) -> PageTexts<'_> {
        let pages = &self.content.pages;
        let (title, lines) = match kind {
            PageKind::Reset => (&pages.reset.title, &pages.reset.lines),
            PageKind::Unlock => (&pages.unlock.title, &pages.unlock.lines),
            PageKind::ResetDone => pages.reset_done.parts(),
            PageKind::UnlockDone => pages.unlock_done.parts(),
            PageKind::ResetFailed => pages.reset_failed.parts(),
            PageKind::UnlockFailed => pages.unlock_failed.parts(),
            PageKind::IncompleteLink => pages.incomplete_link.parts(),
        };
        let (label, button) = match kind {
            PageKind::Reset => (Some(&pages.reset.label), Some(&pages.reset.button)),
            PageKind::Unlock => (None, Some(&pages.unlock.button)),
            _ => (None, None),
        };
        PageTexts { title, lines, label, button }
    }

    /// The text for a rejection with this code; `None` where this language has no text of its own.
    pub(crate) const fn reason(&self, code: Code) -> Option<&Text> {
        let reasons = &self.content.pages.reasons;
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

    /// The line of the file where line `within` of one of its texts stands; both are counted from 1.
    pub(super) fn line(&self, span: Range<usize>, within: usize) -> usize {
        let written = self.source.get(span.clone()).unwrap_or_default();
        let quotes = ["\"\"\"", "'''"];
        let text = quotes.iter().find_map(|quotes| written.strip_prefix(quotes));
        // A line end right after the opening quotes is not part of the text.
        let skipped = usize::from(text.is_some_and(|text| text.starts_with(['\n', '\r'])));
        line_of(&self.source, span.start) + skipped + within.saturating_sub(1)
    }
}

fn line_of(text: &str, at: usize) -> usize {
    1 + text.bytes().take(at).filter(|byte| *byte == b'\n').count()
}
