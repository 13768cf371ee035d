//! Queued mail.

use std::collections::BTreeMap;

use async_trait::async_trait;

use super::MemoryStore;
use crate::clock::Timestamp;
use crate::id::{QueuedMailId, TenantId};
use crate::queued_mail::{CLAIM_LEASE, KEPT_PAST_EXPIRY, QueuedMail};
use crate::store::{MailStore, Stored};

/// The mails that wait.
pub(super) type MailQueue = BTreeMap<(TenantId, QueuedMailId), QueuedMail>;

/// Puts a mail into the queue.
pub(super) fn enqueue(queue: &mut MailQueue, mail: &QueuedMail) {
    let key = (mail.user.tenant.clone(), mail.id);
    queue.entry(key).or_insert_with(|| mail.clone());
}

#[async_trait]
impl MailStore for MemoryStore {
    async fn put(&self, mail: &QueuedMail) -> Stored<()> {
        enqueue(&mut self.records().mail, mail);
        Ok(())
    }

    async fn claim(&self, now: Timestamp, limit: u32) -> Stored<Vec<QueuedMail>> {
        let mut records = self.records();
        let mut due: Vec<&mut QueuedMail> =
            records.mail.values_mut().filter(|mail| mail.due <= now && now < mail.expires).collect();
        due.sort_unstable_by_key(|mail| (mail.due, mail.id));
        let claim = |mail: &mut QueuedMail| {
            mail.due = now.plus(CLAIM_LEASE);
            mail.tries += 1;
            mail.clone()
        };
        Ok(due.into_iter().take(limit as usize).map(claim).collect())
    }

    async fn put_off(&self, tenant: &TenantId, id: QueuedMailId, due: Timestamp) -> Stored<bool> {
        let mut records = self.records();
        let found = records.mail.get_mut(&(tenant.clone(), id));
        Ok(found.map(|mail| mail.due = due).is_some())
    }

    async fn done(&self, tenant: &TenantId, id: QueuedMailId) -> Stored<bool> {
        Ok(self.records().mail.remove(&(tenant.clone(), id)).is_some())
    }

    async fn waiting(&self, now: Timestamp) -> Stored<u64> {
        Ok(self.records().mail.values().filter(|mail| now < mail.expires).count() as u64)
    }

    async fn purge(&self, now: Timestamp, limit: u32) -> Stored<u64> {
        let mut records = self.records();
        let old = records.mail.extract_if(.., |_, mail| mail.expires.plus(KEPT_PAST_EXPIRY) <= now);
        Ok(old.take(limit as usize).count() as u64)
    }
}
