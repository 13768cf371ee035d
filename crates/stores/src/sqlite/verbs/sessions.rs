//! Sessions, and the epochs that end them.

use async_trait::async_trait;
use portcullis_core::clock::Timestamp;
use portcullis_core::id::{SessionId, SessionKey, UserKey};
use portcullis_core::session::{Ending, Epochs, RotationOutcome, RotationRequest, Session};
use portcullis_core::store::{
    EndScope, EpochScope, EpochStore, Inserted, Page, SessionHandle, SessionStore, Stored,
};

use crate::sql::{epochs, sessions};
use crate::sqlite::{SqliteStore, in_time};

#[async_trait]
impl SessionStore for SqliteStore {
    async fn insert(&self, session: &Session) -> Stored<Inserted> {
        let session = session.clone();
        self.writer
            .write("insert a session", |db| Box::pin(async move { sessions::insert(db, &session).await }))
            .await
    }

    async fn find(&self, handle: &SessionHandle, now: Timestamp) -> Stored<Option<Session>> {
        let find = async { sessions::find(&mut *self.reader().await?, handle, now).await };
        in_time("find a session", find).await
    }

    async fn rotate(&self, key: &SessionKey, redemption: &RotationRequest) -> Stored<RotationOutcome> {
        let (key, redemption) = (key.clone(), redemption.clone());
        self.writer
            .write("rotate a refresh token", |db| {
                Box::pin(async move { sessions::rotate(db, &key, &redemption).await })
            })
            .await
    }

    async fn touch(
        &self,
        key: &SessionKey,
        seen: Timestamp,
        idle_expires: Option<Timestamp>,
    ) -> Stored<bool> {
        let key = key.clone();
        self.writer
            .write("touch a session", move |db| {
                Box::pin(async move { sessions::touch(db, &key, seen, idle_expires).await })
            })
            .await
    }

    async fn rename(&self, key: &SessionKey, name: &str, now: Timestamp) -> Stored<bool> {
        let (key, name) = (key.clone(), name.to_owned());
        self.writer
            .write("rename a session", move |db| {
                Box::pin(async move { sessions::rename(db, &key, &name, now).await })
            })
            .await
    }

    async fn end(&self, scope: &EndScope, ending: Ending) -> Stored<Vec<SessionId>> {
        let scope = scope.clone();
        self.writer
            .write("end sessions", move |db| Box::pin(async move { sessions::end(db, &scope, ending).await }))
            .await
    }

    async fn list(&self, user: &UserKey, page: Page<SessionId>, now: Timestamp) -> Stored<Vec<Session>> {
        let list = async { sessions::list(&mut *self.reader().await?, user, &page, now).await };
        in_time("list sessions", list).await
    }

    async fn purge(&self, now: Timestamp, limit: u32) -> Stored<u64> {
        self.writer
            .write("purge sessions", move |db| Box::pin(async move { sessions::purge(db, now, limit).await }))
            .await
    }
}

#[async_trait]
impl EpochStore for SqliteStore {
    async fn read(&self, user: &UserKey) -> Stored<Epochs> {
        let read = async { epochs::read(&mut *self.reader().await?, user).await };
        in_time("read epochs", read).await
    }

    async fn advance(&self, scope: &EpochScope, ending: Ending) -> Stored<()> {
        let scope = scope.clone();
        self.writer
            .write("advance an epoch", move |db| {
                Box::pin(async move { epochs::advance(db, &scope, ending).await })
            })
            .await
    }
}
