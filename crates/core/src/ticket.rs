//! Tickets: secrets that are sent to a user and work once, as one-time codes, unlock links and reset links.
//!
//! A ticket is made without a secret. The mail worker draws the secret when it sends the mail and stores its hash, so
//! that no queued mail contains one; sending again draws a new one. A store applies [`Ticket::redeem`] in one step, so
//! that of parallel requests with the right secret only one succeeds, and parallel guesses cannot exceed the limits.

use std::time::Duration;

use thiserror::Error;
use uuid::Builder;

use crate::clock::Timestamp;
use crate::id::{QueuedMailId, TenantId, TicketId, UserId, UserKey};
use crate::key::{CodeKey, Keyring, Kid};
use crate::random::{self, Random};
use crate::secret::{PlainSecret, SecretHash};
use crate::session::Epochs;
use crate::user::User;
use crate::word_enum::word_enum;

/// A ticket's id with the tenant.
#[derive(Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Debug)]
pub struct TicketKey {
    /// The ticket's tenant.
    pub tenant: TenantId,
    /// The ticket's id.
    pub id: TicketId,
}

word_enum! {
    /// What a ticket is for. The word stands in stores.
    #[derive(PartialOrd, Ord, Hash)]
    pub enum TicketPurpose or UnknownTicketPurpose {
        /// Completes the second step of a sign-in.
        Code = "code",
        /// Unlocks a user after a brute-force lockout.
        Unlock = "unlock",
        /// Lets the user choose another password.
        Reset = "reset",
        /// Cannot be redeemed. It counts notifications that any client can cause, so that their number is limited.
        Notice = "notice",
    }
}

/// The word is not a purpose of tickets.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Error)]
#[error("a ticket is for one of code, unlock, reset, notice")]
pub struct UnknownTicketPurpose;

impl TicketPurpose {
    /// The limits of tickets for this purpose.
    #[must_use]
    pub const fn limits(self) -> TicketLimits {
        let (lifetime, open, issued) = match self {
            Self::Code => (Duration::from_mins(5), 3, 10),
            // A newer link takes the place of an older one.
            Self::Unlock => (Duration::from_hours(1), 1, 10),
            Self::Reset => (Duration::from_hours(1), 1, 5),
            Self::Notice => (Duration::from_mins(15), 1, 1),
        };
        TicketLimits { lifetime, open, issued, guesses: 5, wrong: 10, within: Duration::from_mins(15) }
    }
}

/// The longest that a ticket can be redeemed: an invited user has this long to choose a first password.
pub const LONGEST_LIFETIME: Duration = Duration::from_hours(3 * 24);

/// How long after it began a sign-in can be completed, with whichever of the codes that were sent for it.
const SIGN_IN_LIFETIME: Duration = Duration::from_mins(15);

/// How many tickets for one purpose a user may have, and how many wrong guesses are allowed.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct TicketLimits {
    /// How long a ticket can be redeemed.
    pub lifetime: Duration,
    /// How many may be open at once; one more closes the oldest.
    pub open: u32,
    /// How many may be issued [`within`](Self::within).
    pub issued: u32,
    /// How many wrong guesses are allowed at one ticket.
    pub guesses: u32,
    /// How many wrong guesses are allowed at all tickets of the user [`within`](Self::within).
    pub wrong: u32,
    /// The period over which `issued` and `wrong` are counted.
    pub within: Duration,
}

impl TicketLimits {
    /// How long until another ticket may be issued, if the oldest one that counts was issued at `oldest`.
    #[must_use]
    pub fn wait_since(&self, oldest: Timestamp, now: Timestamp) -> Duration {
        oldest.plus(self.within).since(now)
    }
}

/// A ticket, as it is stored.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Ticket {
    /// Tenant and id.
    pub key: TicketKey,
    /// The user it was issued to.
    pub user: UserId,
    /// What it is for.
    pub purpose: TicketPurpose,
    /// When it was issued.
    pub created: Timestamp,
    /// From when on it cannot be redeemed.
    pub expires: Timestamp,
    /// Hash of the secret. `None` before the secret is sent.
    pub secret: Option<TicketSecret>,
    /// Hash that identifies the device that asked for it: another device cannot redeem it. `None` if the device has no
    /// secret.
    pub device: Option<SecretHash>,
    /// The epochs under which it was issued: what ends the user's sessions ends the ticket.
    pub epochs: Epochs,
    /// The user's password epoch under which the password of a sign-in was compared. 0 for every other purpose.
    pub password_epoch: u64,
    /// How often a wrong secret was presented.
    pub wrong: u32,
    /// When a wrong secret was presented last. `None` if never.
    pub last_wrong: Option<Timestamp>,
    /// Whether it can still be redeemed.
    pub state: TicketState,
}

word_enum! {
    /// Whether a ticket can still be redeemed. The word stands in stores.
    pub enum TicketState {
        /// It can be redeemed until it expires.
        Open = "open",
        /// It was redeemed.
        Redeemed = "redeemed",
        /// A newer ticket has replaced it.
        Closed = "closed",
    }
}

/// The hash of a ticket's secret.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct TicketSecret {
    /// The hash.
    pub hash: SecretHash,
    /// The id of the key under which it was hashed. `None` if an older version hashed it without a key.
    pub kid: Option<Kid>,
}

impl TicketSecret {
    /// The hash of `secret` for this ticket, under this key. It matches no other ticket.
    #[must_use]
    pub fn of(ticket: &TicketKey, secret: &PlainSecret, key: &CodeKey) -> Self {
        Self { hash: key.hash(plain_hash(ticket, secret)), kid: Some(key.kid().clone()) }
    }
}

pub(crate) fn plain_hash(ticket: &TicketKey, secret: &PlainSecret) -> SecretHash {
    secret.hash("ticket", format!("{}/{}", ticket.tenant, ticket.id).as_bytes())
}

/// A secret that a client presents, hashed in each way in which the ticket's secret may have been hashed.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct PresentedTicketSecret(pub Vec<TicketSecret>);

impl PresentedTicketSecret {
    /// Hashes `secret` for this ticket, under each key that may have hashed the secret that was sent.
    #[must_use]
    pub fn of(ticket: &TicketKey, secret: &PlainSecret, keys: &Keyring, now: Timestamp) -> Self {
        let without_key = TicketSecret { hash: plain_hash(ticket, secret), kid: None };
        let under_keys = keys.code_keys(now).map(|key| TicketSecret::of(ticket, secret, key));
        Self(under_keys.chain([without_key]).collect())
    }

    /// Whether it is the secret that was sent.
    #[must_use]
    pub fn is(&self, sent: Option<&TicketSecret>) -> bool {
        sent.is_some_and(|sent| self.0.contains(sent))
    }
}

/// What a client presents to redeem a ticket.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct RedeemRequest {
    /// The presented secret.
    pub secret: PresentedTicketSecret,
    /// Hash that identifies the client's device. `None` if the device has no secret.
    pub device: Option<SecretHash>,
    /// The time of the request.
    pub now: Timestamp,
    /// How many wrong guesses at the user's tickets for this purpose there were [`TicketLimits::within`] before that.
    /// The store counts them in the same step.
    pub wrong_before: u32,
}

/// Whether a ticket was issued.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum IssueOutcome {
    /// It was issued.
    Done,
    /// It was not: too many were issued to the user recently.
    TooMany {
        /// How long until another one can be issued.
        wait: Duration,
    },
}

/// Whether another code is sent for a sign-in.
#[derive(Clone, PartialEq, Eq, Debug)]
pub enum ReissueOutcome {
    /// It is: the ticket waits for its new secret.
    Done(Ticket),
    /// It is not: too many codes were sent to the user recently.
    TooMany {
        /// How long until another one can be sent.
        wait: Duration,
    },
    /// It is not: no guess is left at this sign-in, or to its user.
    Exhausted,
    /// There is no such sign-in, it is complete or over, or it belongs to another device.
    Gone,
}

/// The result of a [`RedeemRequest`].
#[derive(Clone, PartialEq, Eq, Debug)]
pub enum RedeemOutcome {
    /// The ticket is redeemed.
    Done(Box<Ticket>),
    /// The secret is wrong, or the device is another one.
    Wrong,
    /// The ticket has expired.
    Expired,
    /// There were too many wrong guesses, so the secret was not compared.
    Exhausted,
    /// There is no such ticket, or it was redeemed or closed.
    Gone,
}

impl Ticket {
    /// A ticket for a user, without a secret.
    pub fn new(
        user: &UserKey,
        purpose: TicketPurpose,
        epochs: Epochs,
        now: Timestamp,
        random: &dyn Random,
    ) -> Self {
        let id = TicketId::from_uuid(Builder::from_random_bytes(random::bytes(random)).into_uuid());
        Self {
            key: TicketKey { tenant: user.tenant.clone(), id },
            user: user.id,
            purpose,
            created: now,
            expires: now.plus(purpose.limits().lifetime),
            secret: None,
            device: None,
            epochs,
            password_epoch: 0,
            wrong: 0,
            last_wrong: None,
            state: TicketState::Open,
        }
    }

    /// Tenant and user.
    #[must_use]
    pub fn user_key(&self) -> UserKey {
        UserKey { tenant: self.key.tenant.clone(), id: self.user }
    }

    /// Whether its user may still complete the sign-in: neither disabled, nor with another password since.
    #[must_use]
    pub fn may_complete(&self, user: &User) -> bool {
        user.disabled.is_none() && user.password_epoch == self.password_epoch
    }

    /// The ticket with the hash of the secret that is about to be sent. `None` if it cannot be redeemed any more.
    #[must_use]
    pub fn armed(self, secret: TicketSecret, now: Timestamp) -> Option<Self> {
        let lives = self.state == TicketState::Open && now < self.expires;
        lives.then_some(Self { secret: Some(secret), ..self })
    }

    /// The ticket of a sign-in for which another code is to be sent. The old code is worthless from now on; guesses
    /// that were made stay counted, and so are `wrong_before`, those at all sign-ins of the user lately.
    ///
    /// # Errors
    /// [`ReissueOutcome::Exhausted`] or [`ReissueOutcome::Gone`].
    #[expect(clippy::result_large_err, reason = "the outcome is what a store answers, and is moved once")]
    pub fn reissued(
        self,
        device: Option<&SecretHash>,
        wrong_before: u32,
        now: Timestamp,
    ) -> Result<Self, ReissueOutcome> {
        let (limits, over) = (self.purpose.limits(), self.created.plus(SIGN_IN_LIFETIME));
        let goes_on = self.purpose == TicketPurpose::Code && self.state == TicketState::Open && now < over;
        if !goes_on || self.belongs_to_another(device) {
            return Err(ReissueOutcome::Gone);
        }
        if self.wrong >= limits.guesses || wrong_before >= limits.wrong {
            return Err(ReissueOutcome::Exhausted);
        }
        Ok(Self { secret: None, expires: over.min(now.plus(limits.lifetime)), ..self })
    }

    /// A closed ticket that makes a further code of this sign-in count among those that were issued to the user.
    #[must_use]
    pub fn counting_ticket(&self, mail: QueuedMailId, now: Timestamp) -> Self {
        let id = TicketId::from_uuid(mail.as_uuid());
        Self {
            key: TicketKey { tenant: self.key.tenant.clone(), id },
            created: now,
            expires: now.plus(self.purpose.limits().lifetime),
            secret: None,
            device: None,
            wrong: 0,
            last_wrong: None,
            state: TicketState::Closed,
            ..self.clone()
        }
    }

    fn belongs_to_another(&self, device: Option<&SecretHash>) -> bool {
        device.zip(self.device.as_ref()).is_some_and(|(shown, asked)| shown != asked)
    }

    /// Decides about a request, and returns the changed ticket.
    #[must_use]
    pub fn redeem(self, presented: &RedeemRequest) -> (RedeemOutcome, Self) {
        let limits = self.purpose.limits();
        if self.state != TicketState::Open {
            return (RedeemOutcome::Gone, self);
        }
        if self.expires <= presented.now {
            return (RedeemOutcome::Expired, self);
        }
        if self.wrong >= limits.guesses || presented.wrong_before >= limits.wrong {
            return (RedeemOutcome::Exhausted, self);
        }
        let other_device = self.belongs_to_another(presented.device.as_ref());
        if !presented.secret.is(self.secret.as_ref()) || other_device {
            let wrong = self.wrong.saturating_add(1);
            return (RedeemOutcome::Wrong, Self { wrong, last_wrong: Some(presented.now), ..self });
        }
        let redeemed = Self { state: TicketState::Redeemed, ..self };
        (RedeemOutcome::Done(Box::new(redeemed.clone())), redeemed)
    }

    /// When the record may be purged: its wrong guesses do not count any more.
    #[must_use]
    pub fn kept_until(&self) -> Timestamp {
        self.expires.plus(self.purpose.limits().within)
    }
}

/// A ticket in a link. It names the tenant, because a browser that follows a link sends no tenant header.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct LinkToken {
    /// The ticket.
    pub ticket: TicketKey,
    /// The ticket's secret.
    pub secret: PlainSecret,
}

impl LinkToken {
    /// The text in the link.
    #[must_use]
    pub fn written(&self) -> PlainSecret {
        let id = self.ticket.id.as_uuid().simple();
        PlainSecret::presented(&format!("{}.{id}.{}", self.ticket.tenant, self.secret.reveal()))
    }

    /// Reads the text in a link. `None` if it is not such a token.
    #[must_use]
    pub fn parse(text: &str) -> Option<Self> {
        let mut parts = text.split('.');
        let (tenant, id, secret) = (parts.next()?, parts.next()?, parts.next()?);
        let is_all = parts.next().is_none() && id.len() == 32 && !secret.is_empty() && secret.len() <= 64;
        let ticket = TicketKey { tenant: tenant.parse().ok()?, id: id.parse().ok()? };
        is_all.then(|| Self { ticket, secret: PlainSecret::presented(secret) })
    }
}

#[cfg(test)]
mod tests;
