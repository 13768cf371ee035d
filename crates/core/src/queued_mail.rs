//! Messages that wait to be sent.
//!
//! A [`QueuedMail`] says to whom and about what, and holds no secret and no address: whoever sends it looks both up, or
//! makes them, at that moment. So a queue that lies around for an hour is worth nothing to whoever finds it, and a user
//! who has changed their address since gets the message at the new one.

use std::time::Duration;

use thiserror::Error;

use crate::clock::Timestamp;
use crate::id::{QueuedMailId, TicketId, UserKey};
use crate::random::Random;
use crate::session::Device;
use crate::ticket::{Ticket, TicketPurpose};
use crate::word_enum::word_enum;

/// How long something is worth telling that nobody has to answer.
const NOTIFICATION_LIFETIME: Duration = Duration::from_hours(3 * 24);

/// How long whoever has claimed a message has to send it, before somebody else tries.
pub const CLAIM_LEASE: Duration = Duration::from_mins(2);

/// What a message is about.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug)]
pub enum MailKind {
    /// A code for the second step.
    Code,
    /// A link that opens a locked account.
    Unlock,
    /// A link to choose another password.
    Reset,
    /// A link to choose a first password: an administrator has made the account.
    Welcome,
    /// The password was changed.
    PasswordChanged,
    /// A sign-in on a device that was not known.
    NewDevice,
    /// A refresh token was used twice, and the session was ended.
    RefreshReused,
    /// Somebody wanted to sign up with the address of this user.
    SignUpAttempted,
}

/// The text says nothing that a message can be about.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Error)]
#[error("no message is about that")]
pub struct UnknownMailKind;

impl MailKind {
    /// All of them.
    pub const ALL: [Self; 8] = [
        Self::Code,
        Self::Unlock,
        Self::Reset,
        Self::Welcome,
        Self::PasswordChanged,
        Self::NewDevice,
        Self::RefreshReused,
        Self::SignUpAttempted,
    ];

    /// The word for it.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Code => "code",
            Self::Unlock => "unlock",
            Self::Reset => "reset",
            Self::Welcome => "welcome",
            Self::PasswordChanged => "password_changed",
            Self::NewDevice => "new_device",
            Self::RefreshReused => "refresh_reused",
            Self::SignUpAttempted => "sign_up_attempted",
        }
    }
}

word_enum!(MailKind, UnknownMailKind, |_| UnknownMailKind);

/// A message that waits to be sent.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct QueuedMail {
    /// Its id; a second copy of the message carries the same.
    pub id: QueuedMailId,
    /// To whom. There need not be such a user: then nothing is sent, and nobody can tell from outside.
    pub user: UserKey,
    /// About what.
    pub kind: MailKind,
    /// The ticket whose secret is to be made and sent.
    pub ticket: Option<TicketId>,
    /// The device it is kind, as it calls itself; empty where it is about none.
    pub device: String,
    /// The address of that device.
    pub address: String,
    /// When it happened.
    pub created: Timestamp,
    /// From when on it is not worth sending.
    pub expires: Timestamp,
    /// When it is to be sent, or sent again.
    pub due: Timestamp,
    /// How often it was tried.
    pub tries: u32,
}

impl QueuedMail {
    /// News that nobody has to answer.
    pub fn notification(user: &UserKey, kind: MailKind, now: Timestamp, random: &dyn Random) -> Self {
        let id = QueuedMailId::generate(now, random);
        let expires = now.plus(NOTIFICATION_LIFETIME);
        let user = user.clone();
        Self {
            id,
            user,
            kind,
            ticket: None,
            device: String::new(),
            address: String::new(),
            created: now,
            expires,
            due: now,
            tries: 0,
        }
    }

    /// The same about this device.
    #[must_use]
    pub fn with_device(self, device: &Device) -> Self {
        Self { device: device.name.clone(), address: device.address.clone(), ..self }
    }

    /// A message with the secret of a ticket, once that is made.
    pub fn for_ticket(ticket: &Ticket, random: &dyn Random) -> Self {
        let kind = match ticket.purpose {
            TicketPurpose::Code => MailKind::Code,
            TicketPurpose::Unlock => MailKind::Unlock,
            TicketPurpose::Reset => MailKind::Reset,
            TicketPurpose::Notice => MailKind::SignUpAttempted,
        };
        let news = Self::notification(&ticket.user_key(), kind, ticket.created, random);
        Self { ticket: Some(ticket.key.id), expires: ticket.expires, ..news }
    }

    /// How long to wait after it could not be sent: longer each time, up to a minute, so that a code that waits for a
    /// mail server arrives soon after that is back.
    #[must_use]
    pub fn retry_delay(&self) -> Duration {
        Duration::from_secs(2_u64.saturating_pow(self.tries.min(6)).min(60))
    }
}
