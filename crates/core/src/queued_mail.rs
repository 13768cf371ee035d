//! Rows of the mail queue.
//!
//! A [`QueuedMail`] names its recipient and its kind. It contains no secret and no email address: the mail worker draws
//! the secret and looks the address up when it sends. So a thief who copies the queue gains nothing, and a user who has
//! changed their address gets the mail at the new one.

use std::time::Duration;

use thiserror::Error;

use crate::clock::Timestamp;
use crate::id::{QueuedMailId, TicketId, UserKey};
use crate::random::Random;
use crate::session::Device;
use crate::ticket::{Ticket, TicketPurpose};
use crate::word_enum::word_enum;

/// How long a mail without a ticket is worth sending.
const NOTIFICATION_LIFETIME: Duration = Duration::from_hours(3 * 24);

/// How long a mail worker that has claimed a mail has to send it, before another may claim it.
pub const CLAIM_LEASE: Duration = Duration::from_mins(2);

/// How long a mail that has expired stays in the queue: a worker whose clock is ahead must not remove what another one
/// may still send.
pub const KEPT_PAST_EXPIRY: Duration = Duration::from_hours(24);

word_enum! {
    /// The kinds of mail to users. The word stands in stores and in the names of templates.
    #[derive(Hash)]
    pub enum MailKind or UnknownMailKind {
        /// A code for the second step of a sign-in.
        Code = "code",
        /// A link that unlocks the user.
        Unlock = "unlock",
        /// A link to choose another password.
        Reset = "reset",
        /// A link to choose a first password, because an administrator created the user.
        Welcome = "welcome",
        /// A notification that the password was changed.
        PasswordChanged = "password_changed",
        /// A notification of a sign-in on an unknown device.
        NewDevice = "new_device",
        /// A notification that a used refresh token was presented, which ended the session.
        RefreshReused = "refresh_reused",
        /// A notification that two clients use the refresh tokens of one session.
        RefreshShared = "refresh_shared",
        /// A notification that a client tried to sign up with the user's address, in a tenant that hides who has an
        /// account.
        SignUpAttempted = "sign_up_attempted",
    }
}

/// The word is not a kind of mail.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Error)]
#[error("not a kind of mail")]
pub struct UnknownMailKind;

/// A row of the mail queue.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct QueuedMail {
    /// The id of the row. A second copy of the mail has the same.
    pub id: QueuedMailId,
    /// The recipient. If there is no such user, nothing is sent, and a client cannot tell the difference.
    pub user: UserKey,
    /// The kind of mail.
    pub kind: MailKind,
    /// The ticket whose secret is drawn and sent. `None` for a notification.
    pub ticket: Option<TicketId>,
    /// The name of the device that the mail mentions. Empty if it mentions none.
    pub device: String,
    /// The IP address of that device.
    pub address: String,
    /// When the event happened.
    pub created: Timestamp,
    /// From when on the mail is not worth sending.
    pub expires: Timestamp,
    /// When delivery is due, for the first time or again.
    pub due: Timestamp,
    /// How often delivery was tried.
    pub tries: u32,
}

impl QueuedMail {
    /// A mail without a ticket.
    pub fn notification(user: &UserKey, kind: MailKind, now: Timestamp, random: &dyn Random) -> Self {
        Self {
            id: QueuedMailId::generate(now, random),
            user: user.clone(),
            kind,
            ticket: None,
            device: String::new(),
            address: String::new(),
            created: now,
            expires: now.plus(NOTIFICATION_LIFETIME),
            due: now,
            tries: 0,
        }
    }

    /// The mail, mentioning this device.
    #[must_use]
    pub fn with_device(self, device: &Device) -> Self {
        Self { device: device.name.clone(), address: device.address.clone(), ..self }
    }

    /// The mail, about something that happens now.
    #[must_use]
    pub fn at(self, now: Timestamp) -> Self {
        Self { created: now, due: now, ..self }
    }

    /// A mail that will contain the secret of this ticket.
    pub fn for_ticket(ticket: &Ticket, random: &dyn Random) -> Self {
        let kind = match ticket.purpose {
            TicketPurpose::Code => MailKind::Code,
            TicketPurpose::Unlock => MailKind::Unlock,
            TicketPurpose::Reset => MailKind::Reset,
            TicketPurpose::Notice => MailKind::SignUpAttempted,
        };
        let mail = Self::notification(&ticket.user_key(), kind, ticket.created, random);
        Self { ticket: Some(ticket.key.id), expires: ticket.expires, ..mail }
    }

    /// How long to wait after a failed delivery: twice as long each time, up to a minute, so that a code arrives soon
    /// after an outage of the mail server.
    #[must_use]
    pub fn retry_delay(&self) -> Duration {
        Duration::from_secs(2_u64.saturating_pow(self.tries.min(6)).min(60))
    }
}
