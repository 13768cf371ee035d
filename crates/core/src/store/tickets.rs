//! The store of tickets.

use async_trait::async_trait;

use super::Stored;
use crate::clock::Timestamp;
use crate::queued_mail::QueuedMail;
use crate::secret::SecretHash;
use crate::ticket::{
    IssueOutcome, PresentedTicketSecret, RedeemOutcome, Ticket, TicketKey, TicketPurpose, TicketSecret,
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

    /// Applies [`Ticket::armed`]: the ticket, or `None` if it can no longer be redeemed.
    async fn arm(&self, key: &TicketKey, secret: &TicketSecret, now: Timestamp) -> Stored<Option<Ticket>>;

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
