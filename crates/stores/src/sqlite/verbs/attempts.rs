//! Password attempts.

use async_trait::async_trait;
use portcullis_core::clock::Timestamp;
use portcullis_core::id::UserKey;
use portcullis_core::lockout::{
    AttemptEffect, AttemptKey, AttemptOutcome, AttemptPermit, AttemptRecord, LockoutLimits,
};
use portcullis_core::store::{AttemptStore, Stored};

use crate::sql::attempts;
use crate::sqlite::{SqliteStore, in_time};

#[async_trait]
impl AttemptStore for SqliteStore {
    async fn reserve(
        &self,
        key: &AttemptKey,
        limits: &LockoutLimits,
        now: Timestamp,
    ) -> Stored<AttemptPermit> {
        let (key, limits) = (key.clone(), *limits);
        self.writer
            .write("reserve a guess", move |db| {
                Box::pin(async move { attempts::reserve(db, &key, &limits, now).await })
            })
            .await
    }

    async fn settle(
        &self,
        key: &AttemptKey,
        permit: AttemptPermit,
        outcome: AttemptOutcome,
        limits: &LockoutLimits,
        now: Timestamp,
    ) -> Stored<AttemptEffect> {
        let (key, limits) = (key.clone(), *limits);
        self.writer
            .write("settle a guess", move |db| {
                Box::pin(async move { attempts::settle(db, &key, (permit, outcome), &limits, now).await })
            })
            .await
    }

    async fn find(&self, key: &AttemptKey) -> Stored<AttemptRecord> {
        let find = async { attempts::find(&mut *self.reader().await?, key).await };
        in_time("find guesses", find).await
    }

    async fn clear(&self, user: &UserKey) -> Stored<()> {
        let user = user.clone();
        self.writer
            .write("clear guesses", |db| Box::pin(async move { attempts::clear(db, &user).await }))
            .await
    }

    async fn purge(&self, now: Timestamp, limit: u32) -> Stored<u64> {
        self.writer
            .write("purge guesses", move |db| Box::pin(async move { attempts::purge(db, now, limit).await }))
            .await
    }
}
