//! The store of tickets.

use async_trait::async_trait;

use super::Stored;
use crate::clock::Timestamp;
use crate::id::QueuedMailId;
use crate::queued_mail::QueuedMail;
use crate::secret::SecretHash;
use crate::ticket::{
    IssueOutcome, PresentedTicketSecret, RedeemOutcome, ReissueOutcome, Ticket, TicketKey, TicketPurpose,
    TicketSecret,
};

/// Tickets: secrets that are sent and work once.
#[async_trait]
pub trait TicketStore: Send + Sync {
    /// Creates a ticket, closes the user's oldest open ones beyond the limit of its purpose, and puts its mail into the
    /// queue, in one step: no ticket replaces another without a mail that says so. Nothing is written if the user was
    /// issued too many of them lately.
    async fn issue(&self, ticket: &Ticket, mail: &QueuedMail) -> Stored<IssueOutcome>;

    /// The ticket, whether it can be redeemed or not; `None` if there is none.
    async fn find(&self, key: &TicketKey) -> Stored<Option<Ticket>>;

    /// Applies [`Ticket::reissued`] and puts `mail` into the queue in its place, in one step: older mails of the ticket
    /// leave the queue. The new code counts as a ticket that was issued, and the user's oldest other tickets beyond the
    /// limit are closed, as by [`issue`](Self::issue). Nothing is written unless it is done.
    async fn reissue(
        &self,
        key: &TicketKey,
        device: Option<SecretHash>,
        mail: &QueuedMail,
        now: Timestamp,
    ) -> Stored<ReissueOutcome>;

    /// Applies [`Ticket::armed`] for a mail that is in the queue: the ticket, or `None` if it can no longer be redeemed
    /// or another mail has taken the place of this one.
    async fn arm(
        &self,
        key: &TicketKey,
        mail: QueuedMailId,
        secret: &TicketSecret,
        now: Timestamp,
    ) -> Stored<Option<Ticket>>;

    /// Applies [`Ticket::redeem`] to a ticket of this purpose. Counts the wrong guesses of the user in the same step:
    /// those at tickets that were guessed wrong [`TicketLimits::within`](crate::ticket::TicketLimits::within).
    async fn redeem(
        &self,
        key: &TicketKey,
        purpose: TicketPurpose,
        secret: &PresentedTicketSecret,
        device: Option<SecretHash>,
        now: Timestamp,
    ) -> Stored<RedeemOutcome>;

    /// Removes at most `limit` records whose [`Ticket::kept_until`] has passed, and returns how many.
    async fn purge(&self, now: Timestamp, limit: u32) -> Stored<u64>;
}
