//! Signing keys and secrets.

use async_trait::async_trait;
use portcullis_core::id::TenantId;
use portcullis_core::key::{KeyMaterial, KeyRecord, Kid};
use portcullis_core::store::{Inserted, KeyStore, Stored};
use tracing::warn;

use crate::sql::keys;
use crate::sqlite::{SqliteStore, in_time};

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
            warn!(%fault, "the write-ahead log still holds a key as it was before it was encrypted");
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
