//! The store of signing keys and secrets.

use async_trait::async_trait;

use super::{Inserted, Stored};
use crate::id::TenantId;
use crate::key::{KeyMaterial, KeyRecord, Kid};

/// Signing keys and secrets.
#[async_trait]
pub trait KeyStore: Send + Sync {
    /// Creates a key. [`Inserted::Clash`]: the tenant has one with this id.
    async fn insert(&self, key: &KeyRecord) -> Stored<Inserted>;

    /// All keys of a tenant.
    async fn list(&self, tenant: &TenantId) -> Stored<Vec<KeyRecord>>;

    /// Replaces the material of a key: the same secret under another encryption. `false` if there is no such key.
    async fn rewrap(&self, tenant: &TenantId, kid: &Kid, material: &KeyMaterial) -> Stored<bool>;

    /// Removes a key; `false` if there is no such key.
    async fn remove(&self, tenant: &TenantId, kid: &Kid) -> Stored<bool>;
}
