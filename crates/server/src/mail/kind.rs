//! The kinds of letters: a text of its own each.

use std::iter;

use portcullis_core::queued_mail::MailKind;

/// A kind of letter.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(super) enum Kind {
    /// Tells a user something.
    Told(MailKind),
    /// Shows an operator that mail arrives.
    Test,
}

impl Kind {
    pub(super) fn all() -> impl Iterator<Item = Self> {
        MailKind::ALL.into_iter().map(Self::Told).chain(iter::once(Self::Test))
    }
}
