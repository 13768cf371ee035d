//! The store of queued mail.

use async_trait::async_trait;

use super::Stored;
use crate::clock::Timestamp;
use crate::id::{QueuedMailId, TenantId};
use crate::queued_mail::QueuedMail;

/// The mail queue.
#[async_trait]
pub trait MailStore: Send + Sync {
    /// Puts a mail into the queue.
    async fn put(&self, mail: &QueuedMail) -> Stored<()>;

    /// Claims at most `limit` mails that are due and have not expired, the longest due first. In the same step each
    /// becomes due again after [`CLAIM_LEASE`](crate::queued_mail::CLAIM_LEASE), and its [`QueuedMail::tries`] is
    /// counted up.
    async fn claim(&self, now: Timestamp, limit: u32) -> Stored<Vec<QueuedMail>>;

    /// Puts a claimed mail off until `due`; `false` if it is not in the queue any more.
    async fn put_off(&self, tenant: &TenantId, id: QueuedMailId, due: Timestamp) -> Stored<bool>;

    /// Takes a mail out of the queue; `false` if it is not in the queue any more.
    async fn done(&self, tenant: &TenantId, id: QueuedMailId) -> Stored<bool>;

    /// How many mails wait that have not expired.
    async fn waiting(&self, now: Timestamp) -> Stored<u64>;

    /// Removes at most `limit` mails that expired [`KEPT_PAST_EXPIRY`](crate::queued_mail::KEPT_PAST_EXPIRY) ago or
    /// earlier: how many.
    async fn purge(&self, now: Timestamp, limit: u32) -> Stored<u64>;
}
