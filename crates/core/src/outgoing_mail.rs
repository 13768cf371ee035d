//! Mails that are about to be sent, and the trait that delivers them.
//!
//! An [`OutgoingMail`] contains its secrets in plain, so the engine makes it when it is sent and never stores it. It
//! contains no sentences: the [`Notifier`] chooses words, language and layout. The mail queue decides when a mail is
//! due and how often delivery is tried.

use async_trait::async_trait;
use thiserror::Error;
use uuid::Uuid;

use crate::clock::Timestamp;
use crate::email::Email;
use crate::id::TenantId;
use crate::queued_mail::MailKind;
use crate::secret::PlainSecret;

/// A mail to a user, about to be sent.
#[derive(Clone, Debug)]
pub struct OutgoingMail {
    /// The id of its row in the queue. The `Message-ID` is made of it, so that mail readers recognise a second copy.
    pub id: Uuid,
    /// The tenant on whose behalf the mail is sent.
    pub tenant: TenantId,
    /// The name that the tenant shows its users. `None` for the configured one.
    pub tenant_name: Option<String>,
    /// The recipient's address.
    pub to: Email,
    /// The recipient's name: untrusted text that a client sent. `None` if the user has no name.
    pub name: Option<String>,
    /// The tenant's own `From`. `None` for the configured one.
    pub sender: Option<String>,
    /// The language to write in, as a BCP 47 tag. `None` for the configured one.
    pub language: Option<String>,
    /// The kind of mail, with what it tells the user.
    pub message: MailContent,
    /// When it is sent.
    pub at: Timestamp,
}

/// What a mail tells the user; its [`kind`](Self::kind) is a [`MailKind`]. Names and addresses of devices are untrusted
/// text that a client sent.
#[derive(Clone, Debug)]
pub enum MailContent {
    /// [`MailKind::Code`].
    Code {
        /// The one-time code.
        code: PlainSecret,
        /// When the code expires.
        expires: Timestamp,
        /// The name of the device that signs in.
        device: String,
        /// The IP address of that device.
        address: String,
    },
    /// [`MailKind::Unlock`].
    Unlock {
        /// The token in the link.
        token: PlainSecret,
        /// When the link expires.
        expires: Timestamp,
    },
    /// [`MailKind::Reset`].
    Reset {
        /// The token in the link.
        token: PlainSecret,
        /// When the link expires.
        expires: Timestamp,
        /// The URL of the tenant's own page for it. `None` for the built-in page.
        page: Option<String>,
    },
    /// [`MailKind::Welcome`].
    Welcome {
        /// The token in the link.
        token: PlainSecret,
        /// When the link expires.
        expires: Timestamp,
        /// The URL of the tenant's own page for it. `None` for the built-in page.
        page: Option<String>,
    },
    /// [`MailKind::PasswordChanged`].
    PasswordChanged {
        /// When the password was changed.
        at: Timestamp,
    },
    /// [`MailKind::NewDevice`].
    NewDevice {
        /// The name of the device.
        device: String,
        /// The IP address of the device.
        address: String,
        /// When the user signed in.
        at: Timestamp,
    },
    /// [`MailKind::RefreshReused`].
    RefreshReused {
        /// The name of the device whose session was ended.
        device: String,
        /// The IP address of that device.
        address: String,
        /// When the used token was presented.
        at: Timestamp,
    },
    /// [`MailKind::RefreshShared`].
    RefreshShared {
        /// The name of the device on which the session began.
        device: String,
        /// The IP address of that device.
        address: String,
        /// When this was noticed.
        at: Timestamp,
    },
    /// [`MailKind::SignUpAttempted`].
    SignUpAttempted,
}

impl MailContent {
    /// The kind of the mail.
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
            Self::RefreshShared { .. } => MailKind::RefreshShared,
            Self::SignUpAttempted => MailKind::SignUpAttempted,
        }
    }
}

/// A mail was not delivered. The text says why, in one line.
#[derive(Clone, PartialEq, Eq, Debug, Error)]
pub enum DeliveryError {
    /// A temporary failure: delivery is tried again.
    #[error("{0}")]
    Later(String),
    /// A permanent failure: the mail is dropped.
    #[error("{0}")]
    Never(String),
}

/// Delivers mails.
#[async_trait]
pub trait Notifier: Send + Sync {
    /// Delivers a mail. It is delivered once another server has accepted it, whether or not the user reads it.
    ///
    /// # Errors
    ///
    /// [`DeliveryError`] says whether trying again can help.
    async fn deliver(&self, mail: &OutgoingMail) -> Result<(), DeliveryError>;
}

#[cfg(test)]
mod tests {
    use super::*;

    // ASVS-map: OP6
    #[test]
    fn a_mail_does_not_show_its_secret_in_debug() {
        let expires = Timestamp::from_seconds(0);
        let secret = || PlainSecret::presented("271828");
        let (device, address) = (String::new(), String::new());
        for message in [
            MailContent::Code { code: secret(), expires, device, address },
            MailContent::Unlock { token: secret(), expires },
            MailContent::Reset { token: secret(), expires, page: None },
            MailContent::Welcome { token: secret(), expires, page: None },
        ] {
            let mail = OutgoingMail {
                id: Uuid::nil(),
                tenant: TenantId::default_tenant(),
                tenant_name: None,
                to: Email::parse("ann@example.com").unwrap(),
                name: None,
                sender: None,
                language: None,
                message,
                at: expires,
            };
            let shown = format!("{mail:?}");
            assert!(shown.contains("PlainSecret") && !shown.contains("271828"), "{shown}");
        }
    }
}
