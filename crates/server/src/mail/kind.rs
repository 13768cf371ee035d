//! The kinds of letters: a text of its own each.

use portcullis_core::mail::Message;

/// A kind of letter.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(super) enum Kind {
    Code,
    Unlock,
    Reset,
    Welcome,
    PasswordChanged,
    NewDevice,
    RefreshReused,
    SignUpAttempted,
    /// Shows an operator that mail arrives.
    Test,
}

impl Kind {
    pub(super) const ALL: [Self; 9] = [
        Self::Code,
        Self::Unlock,
        Self::Reset,
        Self::Welcome,
        Self::PasswordChanged,
        Self::NewDevice,
        Self::RefreshReused,
        Self::SignUpAttempted,
        Self::Test,
    ];

    pub(super) const fn of(message: &Message) -> Self {
        match message {
            Message::Code { .. } => Self::Code,
            Message::Unlock { .. } => Self::Unlock,
            Message::Reset { .. } => Self::Reset,
            Message::Welcome { .. } => Self::Welcome,
            Message::PasswordChanged { .. } => Self::PasswordChanged,
            Message::NewDevice { .. } => Self::NewDevice,
            Message::RefreshReused { .. } => Self::RefreshReused,
            Message::SignUpAttempted => Self::SignUpAttempted,
        }
    }
}
