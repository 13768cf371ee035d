//! The traits, each verb one statement or one transaction of [`sql`](crate::sql).

use std::sync::Arc;

use async_trait::async_trait;
use portcullis_core::clock::Timestamp;
use portcullis_core::id::{SessionId, SessionKey, TenantId, UserId, UserKey};
use portcullis_core::key::{KeyMaterial, KeyRecord, Kid};
use portcullis_core::session::{Ending, Epochs, Redemption, Rotated, Session};
use portcullis_core::store::{
    ChangeFeed, ChangeSink, EndScope, EpochScope, EpochStore, Inserted, KeyStore, Page, SessionHandle,
    SessionStore, Stored, TenantStore, Updated, UserHandle, UserStore, Watch,
};
use portcullis_core::tenant::{Installation, TenantRecord};
use portcullis_core::user::User;
use tracing::warn;

use super::{SqliteStore, feed, in_time};
use crate::sql::{epochs, keys, sessions, tenants, users};

#[async_trait]
impl UserStore for SqliteStore {
    async fn insert(&self, user: &User) -> Stored<Inserted> {
        let user = user.clone();
        self.writer.write("insert a user", |db| Box::pin(async move { users::insert(db, &user).await })).await
    }

    async fn find(&self, handle: &UserHandle) -> Stored<Option<User>> {
        let find = async { users::find(&mut *self.reader().await?, handle).await };
        in_time("find a user", find).await
    }

    async fn update(&self, user: &User) -> Stored<Updated> {
        let user = user.clone();
        self.writer.write("update a user", |db| Box::pin(async move { users::update(db, &user).await })).await
    }

    async fn list(&self, tenant: &TenantId, page: Page<UserId>) -> Stored<Vec<User>> {
        let list = async { users::list(&mut *self.reader().await?, tenant, &page).await };
        in_time("list users", list).await
    }
}

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

    async fn rotate(&self, key: &SessionKey, redemption: &Redemption) -> Stored<Rotated> {
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

#[async_trait]
impl KeyStore for SqliteStore {
    async fn insert(&self, key: &KeyRecord) -> Stored<Inserted> {
        let key = key.clone();
        self.writer.write("insert a key", |db| Box::pin(async move { keys::insert(db, &key).await })).await
    }

    async fn list(&self, tenant: &TenantId) -> Stored<Vec<KeyRecord>> {
        let list = async { keys::list(&mut *self.reader().await?, tenant).await };
        in_time("list keys", list).await
    }

    async fn rewrap(&self, tenant: &TenantId, kid: &Kid, material: &KeyMaterial) -> Stored<bool> {
        let (tenant, kid, material) = (tenant.clone(), kid.clone(), material.clone());
        let rewrapped = self
            .writer
            .write("rewrap a key", |db| {
                Box::pin(async move { keys::rewrap(db, &tenant, &kid, &material).await })
            })
            .await?;
        if rewrapped && let Err(fault) = self.file.empty_log().await {
            warn!(%fault, "what a key was before it was wrapped is still in the write-ahead log");
        }
        Ok(rewrapped)
    }

    async fn remove(&self, tenant: &TenantId, kid: &Kid) -> Stored<bool> {
        let (tenant, kid) = (tenant.clone(), kid.clone());
        self.writer
            .write("remove a key", |db| Box::pin(async move { keys::remove(db, &tenant, &kid).await }))
            .await
    }
}

#[async_trait]
impl TenantStore for SqliteStore {
    async fn found(&self, proposed: &Installation) -> Stored<Installation> {
        let proposed = proposed.clone();
        self.writer
            .write("found an installation", |db| Box::pin(async move { tenants::found(db, &proposed).await }))
            .await
    }

    async fn insert(&self, tenant: &TenantRecord) -> Stored<Inserted> {
        let tenant = tenant.clone();
        self.writer
            .write("insert a tenant", |db| Box::pin(async move { tenants::insert(db, &tenant).await }))
            .await
    }

    async fn find(&self, id: &TenantId) -> Stored<Option<TenantRecord>> {
        let find = async { tenants::find(&mut *self.reader().await?, id).await };
        in_time("find a tenant", find).await
    }

    async fn list(&self, page: Page<TenantId>) -> Stored<Vec<TenantRecord>> {
        let list = async { tenants::list(&mut *self.reader().await?, &page).await };
        in_time("list tenants", list).await
    }
}

impl ChangeFeed for SqliteStore {
    fn watch(&self, sink: Arc<dyn ChangeSink>) -> Stored<Watch> {
        feed::watch(self.file.clone(), self.clock.clone(), sink)
    }
}
