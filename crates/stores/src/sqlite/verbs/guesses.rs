//! Guesses at passwords.

use async_trait::async_trait;
use portcullis_core::clock::Timestamp;
use portcullis_core::guess::{GuessKey, GuessLimits, Guesses, Outcome, Reserved, Settled};
use portcullis_core::id::UserKey;
use portcullis_core::store::{GuessStore, Stored};

use crate::sql::guesses;
use crate::sqlite::{SqliteStore, in_time};

#[async_trait]
impl GuessStore for SqliteStore {
    async fn reserve(&self, key: &GuessKey, limits: &GuessLimits, now: Timestamp) -> Stored<Reserved> {
        let (key, limits) = (key.clone(), *limits);
        self.writer
            .write("reserve a guess", move |db| {
                Box::pin(async move { guesses::reserve(db, &key, &limits, now).await })
            })
            .await
    }

    async fn settle(
        &self,
        key: &GuessKey,
        reserved: Reserved,
        outcome: Outcome,
        limits: &GuessLimits,
        now: Timestamp,
    ) -> Stored<Settled> {
        let (key, limits) = (key.clone(), *limits);
        self.writer
            .write("settle a guess", move |db| {
                Box::pin(async move { guesses::settle(db, &key, (reserved, outcome), &limits, now).await })
            })
            .await
    }

    async fn find(&self, key: &GuessKey) -> Stored<Guesses> {
        let find = async { guesses::find(&mut *self.reader().await?, key).await };
        in_time("find guesses", find).await
    }

    async fn clear(&self, user: &UserKey) -> Stored<()> {
        let user = user.clone();
        self.writer
            .write("clear guesses", |db| Box::pin(async move { guesses::clear(db, &user).await }))
            .await
    }

    async fn purge(&self, now: Timestamp, limit: u32) -> Stored<u64> {
        self.writer
            .write("purge guesses", move |db| Box::pin(async move { guesses::purge(db, now, limit).await }))
            .await
    }
}
