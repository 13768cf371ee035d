//! Tenants, and their keys.

use std::mem;

use async_trait::async_trait;

use super::MemoryStore;
use crate::id::TenantId;
use crate::key::{KeyMaterial, KeyRecord, KeyUse, Kid};
use crate::revocation::Revoked;
use crate::store::{Change, EpochScope, Inserted, KeyStore, Page, Stored, TenantStore, Updated};
use crate::tenant::{Installation, TenantRecord};

#[async_trait]
impl KeyStore for MemoryStore {
    async fn insert(&self, key: &KeyRecord) -> Stored<Inserted> {
        let mut records = self.records();
        let place = (key.tenant.clone(), key.kid.clone());
        if records.keys.contains_key(&place) {
            return Ok(Inserted::Clash);
        }
        records.keys.insert(place, key.clone());
        let revoked = records.revoke(Some(&key.tenant), Revoked::KeySet);
        drop(records);
        self.announce(&[Change::Tenant(key.tenant.clone()), revoked]);
        Ok(Inserted::Done)
    }

    async fn list(&self, tenant: &TenantId) -> Stored<Vec<KeyRecord>> {
        Ok(self.records().keys.values().filter(|key| key.tenant == *tenant).cloned().collect())
    }

    async fn rewrap(&self, tenant: &TenantId, kid: &Kid, material: &KeyMaterial) -> Stored<bool> {
        let mut records = self.records();
        let stored = records.keys.get_mut(&(tenant.clone(), kid.clone()));
        Ok(stored.map(|key| key.material = material.clone()).is_some())
    }

    async fn remove(&self, tenant: &TenantId, kid: &Kid) -> Stored<bool> {
        let mut records = self.records();
        let removed = records.keys.remove(&(tenant.clone(), kid.clone()));
        let signed_access = removed.as_ref().is_some_and(|key| key.usage == KeyUse::Access);
        let revoked = signed_access.then(|| records.revoke(Some(tenant), Revoked::Key(kid.clone())));
        drop(records);
        self.announce(&[Change::Tenant(tenant.clone())]);
        self.announce(revoked.as_slice());
        Ok(removed.is_some())
    }
}

#[async_trait]
impl TenantStore for MemoryStore {
    async fn get_or_create_installation(&self, proposed: &Installation) -> Stored<Installation> {
        Ok(self.records().installation.get_or_insert_with(|| proposed.clone()).clone())
    }

    async fn insert(&self, tenant: &TenantRecord) -> Stored<Inserted> {
        let mut records = self.records();
        if records.tenants.contains_key(&tenant.id) {
            return Ok(Inserted::Clash);
        }
        records.tenants.insert(tenant.id.clone(), tenant.clone());
        drop(records);
        self.announce(&[Change::Tenant(tenant.id.clone())]);
        Ok(Inserted::Done)
    }

    async fn update(&self, tenant: &TenantRecord) -> Stored<Updated> {
        let mut records = self.records();
        let before = match records.tenants.get_mut(&tenant.id) {
            Some(stored) if stored.version.checked_add(1) == Some(tenant.version) => {
                mem::replace(stored, tenant.clone())
            }
            _ => return Ok(Updated::Stale),
        };
        let is_news = before.suspended.is_some() != tenant.suspended.is_some();
        // Of which two standings the later one counts, the epoch says.
        let revoked = is_news.then(|| records.advance_epoch(&EpochScope::Tenant(tenant.id.clone())));
        drop(records);
        self.announce(&[Change::Tenant(tenant.id.clone())]);
        self.announce(revoked.as_slice());
        Ok(Updated::Done)
    }

    async fn find(&self, id: &TenantId) -> Stored<Option<TenantRecord>> {
        Ok(self.records().tenants.get(id).cloned())
    }

    async fn list(&self, page: Page<TenantId>) -> Stored<Vec<TenantRecord>> {
        let records = self.records();
        let behind = records
            .tenants
            .values()
            .filter(|tenant| page.after.as_ref().is_none_or(|after| tenant.id > *after));
        Ok(behind.take(page.limit as usize).cloned().collect())
    }
}
