//! Queued mail.

use async_trait::async_trait;
use portcullis_core::clock::Timestamp;
use portcullis_core::id::{QueuedMailId, TenantId};
use portcullis_core::queued_mail::QueuedMail;
use portcullis_core::store::{MailStore, Stored};

use crate::sql::mail;
use crate::sqlite::{SqliteStore, in_time};

#[async_trait]
impl MailStore for SqliteStore {
    async fn put(&self, queued: &QueuedMail) -> Stored<()> {
        let queued = queued.clone();
        self.writer.write("queue a mail", |db| Box::pin(async move { mail::put(db, &queued).await })).await
    }

    async fn claim(&self, now: Timestamp, limit: u32) -> Stored<Vec<QueuedMail>> {
        self.writer
            .write("claim queued mail", move |db| Box::pin(async move { mail::claim(db, now, limit).await }))
            .await
    }

    async fn put_off(&self, tenant: &TenantId, id: QueuedMailId, due: Timestamp) -> Stored<bool> {
        let tenant = tenant.clone();
        self.writer
            .write("put a mail off", move |db| {
                Box::pin(async move { mail::put_off(db, &tenant, id, due).await })
            })
            .await
    }

    async fn done(&self, tenant: &TenantId, id: QueuedMailId) -> Stored<bool> {
        let tenant = tenant.clone();
        self.writer
            .write("take a mail out of the queue", move |db| {
                Box::pin(async move { mail::done(db, &tenant, id).await })
            })
            .await
    }

    async fn waiting(&self) -> Stored<u64> {
        let waiting = async { mail::waiting(&mut *self.reader().await?).await };
        in_time("count queued mail", waiting).await
    }
}
