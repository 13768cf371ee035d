//! Letters to users, and whoever delivers them.
//!
//! A [`OutgoingMail`] says what a user is told and holds its secrets in plain, so it is made when it is sent and never stored.
//! It holds no sentence: words, languages and layout are the business of the [`Notifier`] that delivers it. When a
//! letter is due, and how often it is tried, is decided by whoever keeps the queue.

use async_trait::async_trait;
use thiserror::Error;
use uuid::Uuid;

use crate::clock::Timestamp;
use crate::email::Email;
use crate::id::TenantId;
use crate::queued_mail::MailKind;
use crate::secret::PlainSecret;

/// A message to a user, about to be sent.
#[derive(Clone, Debug)]
pub struct OutgoingMail {
    /// The id of its row in the queue. The `MailContent-ID` is made of it, so that a second copy is recognised as one.
    pub id: Uuid,
    /// In whose name it is sent.
    pub tenant: TenantId,
    /// To whom.
    pub to: Email,
    /// What the user wants to be called: whatever somebody typed.
    pub name: Option<String>,
    /// The tenant's own `From`; without one, the configured one.
    pub sender: Option<String>,
    /// The language to write in (a BCP 47 tag); without one, the configured one.
    pub language: Option<String>,
    /// What is said.
    pub message: MailContent,
    /// When it is sent.
    pub at: Timestamp,
}

/// What a letter says. Devices are named by whoever signs in with them: hostile text.
#[derive(Clone, Debug)]
pub enum MailContent {
    /// A code that completes a sign-in.
    Code {
        /// The code.
        code: PlainSecret,
        /// When it stops working.
        expires: Timestamp,
        /// The device that signs in.
        device: String,
        /// Its address.
        address: String,
    },
    /// The account was locked; a link opens it.
    Unlock {
        /// What the link carries.
        token: PlainSecret,
        /// When it stops working.
        expires: Timestamp,
    },
    /// A link that leads to a new password.
    Reset {
        /// What the link carries.
        token: PlainSecret,
        /// When it stops working.
        expires: Timestamp,
        /// The tenant's own page for it.
        page: Option<String>,
    },
    /// An administrator made the account; a link leads to its first password.
    Welcome {
        /// What the link carries.
        token: PlainSecret,
        /// When it stops working.
        expires: Timestamp,
        /// The tenant's own page for it.
        page: Option<String>,
    },
    /// The password was changed.
    PasswordChanged {
        /// When.
        at: Timestamp,
    },
    /// Somebody signed in from a device that was not known.
    NewDevice {
        /// The device.
        device: String,
        /// Its address.
        address: String,
        /// When.
        at: Timestamp,
    },
    /// A spent refresh token was presented; the session was ended.
    RefreshReused {
        /// The device that presented it.
        device: String,
        /// Its address.
        address: String,
        /// When.
        at: Timestamp,
    },
    /// Somebody tried to sign up with an address that has an account, where the tenant hides that.
    SignUpAttempted,
}

impl MailContent {
    /// What it is about.
    #[must_use]
    pub const fn kind(&self) -> MailKind {
        match self {
            Self::Code { .. } => MailKind::Code,
            Self::Unlock { .. } => MailKind::Unlock,
            Self::Reset { .. } => MailKind::Reset,
            Self::Welcome { .. } => MailKind::Welcome,
            Self::PasswordChanged { .. } => MailKind::PasswordChanged,
            Self::NewDevice { .. } => MailKind::NewDevice,
            Self::RefreshReused { .. } => MailKind::RefreshReused,
            Self::SignUpAttempted => MailKind::SignUpAttempted,
        }
    }
}

/// A letter was not delivered. The sentence says why, in one line.
#[derive(Clone, PartialEq, Eq, Debug, Error)]
pub enum DeliveryError {
    /// It may be later: try again.
    #[error("{0}")]
    Later(String),
    /// It never will be: this message is refused for good.
    #[error("{0}")]
    Never(String),
}

/// Whoever delivers letters.
#[async_trait]
pub trait Notifier: Send + Sync {
    /// Delivers a letter, or says why not. Delivered means that somebody else has taken it on, not that it was read.
    ///
    /// # Errors
    ///
    /// [`DeliveryError`].
    async fn deliver(&self, letter: &OutgoingMail) -> Result<(), DeliveryError>;
}

#[cfg(test)]
mod tests {
    use super::*;

    // ASVS-map: LG1
    #[test]
    fn a_letter_does_not_show_its_secret() {
        let expires = Timestamp::from_seconds(0);
        let secret = || PlainSecret::presented("271828");
        let (device, address) = (String::new(), String::new());
        for message in [
            MailContent::Code { code: secret(), expires, device, address },
            MailContent::Unlock { token: secret(), expires },
            MailContent::Reset { token: secret(), expires, page: None },
            MailContent::Welcome { token: secret(), expires, page: None },
        ] {
            let letter = OutgoingMail {
                id: Uuid::nil(),
                tenant: TenantId::default_tenant(),
                to: Email::parse("ann@example.com").unwrap(),
                name: None,
                sender: None,
                language: None,
                message,
                at: expires,
            };
            let shown = format!("{letter:?}");
            assert!(shown.contains("PlainSecret") && !shown.contains("271828"), "{shown}");
        }
    }
}
