//! Tickets.

use async_trait::async_trait;
use portcullis_core::clock::Timestamp;
use portcullis_core::queued_mail::QueuedMail;
use portcullis_core::secret::SecretHash;
use portcullis_core::store::{Stored, TicketStore};
use portcullis_core::ticket::{IssueOutcome, RedeemOutcome, Ticket, TicketKey, TicketPurpose};

use crate::sql::tickets;
use crate::sqlite::{SqliteStore, in_time};

#[async_trait]
impl TicketStore for SqliteStore {
    async fn issue(&self, ticket: &Ticket, mail: &QueuedMail) -> Stored<IssueOutcome> {
        let (ticket, mail) = (ticket.clone(), mail.clone());
        self.writer
            .write("issue a ticket", |db| Box::pin(async move { tickets::issue(db, &ticket, &mail).await }))
            .await
    }

    async fn find(&self, key: &TicketKey) -> Stored<Option<Ticket>> {
        let find = async { tickets::find(&mut *self.reader().await?, key).await };
        in_time("find a ticket", find).await
    }

    async fn arm(&self, key: &TicketKey, secret: SecretHash, now: Timestamp) -> Stored<Option<Ticket>> {
        let key = key.clone();
        self.writer
            .write("arm a ticket", move |db| {
                Box::pin(async move { tickets::arm(db, &key, secret, now).await })
            })
            .await
    }

    async fn redeem(
        &self,
        key: &TicketKey,
        purpose: TicketPurpose,
        secret: SecretHash,
        device: Option<SecretHash>,
        now: Timestamp,
    ) -> Stored<RedeemOutcome> {
        let key = key.clone();
        self.writer
            .write("redeem a ticket", move |db| {
                Box::pin(async move { tickets::redeem(db, &key, purpose, secret, device, now).await })
            })
            .await
    }

    async fn purge(&self, now: Timestamp, limit: u32) -> Stored<u64> {
        self.writer
            .write("purge tickets", move |db| Box::pin(async move { tickets::purge(db, now, limit).await }))
            .await
    }
}
