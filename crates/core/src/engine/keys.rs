//! The keys of a tenant: listing them, rotating them and encrypting them under a master key.

use std::time::Duration;

use thiserror::Error;

use super::{EngineCore, EngineTask, TenantError};
use crate::clock::Timestamp;
use crate::event::{Event, EventKind};
use crate::id::TenantId;
use crate::key::{
    Algorithm, KeyFault, KeyLifetimes, KeyMaterial, KeyRecord, KeyUse, Kid, SealFault, retires_at, seniority,
};
use crate::store::StoreError;
use crate::word_enum::word_enum;

/// A key, without its secret.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct KeyInfo {
    /// The key id.
    pub kid: Kid,
    /// What it signs.
    pub usage: KeyUse,
    /// The algorithm.
    pub algorithm: Algorithm,
    /// When it was generated.
    pub created: Timestamp,
    /// When it begins to sign.
    pub active_from: Timestamp,
    /// When everything that it signed has expired; `None` until another key follows it.
    pub retires: Option<Timestamp>,
    /// What it does now.
    pub standing: KeyStatus,
}

impl KeyInfo {
    /// All keys of one tenant, by use and age.
    #[must_use]
    pub fn of_all(records: &[KeyRecord], lifetimes: &KeyLifetimes, now: Timestamp) -> Vec<Self> {
        let info = |record: &KeyRecord| {
            let retires = retires_at(record, records, lifetimes);
            Self {
                kid: record.kid.clone(),
                usage: record.usage,
                algorithm: record.algorithm,
                created: record.created,
                active_from: record.active_from,
                retires,
                standing: standing(record, records, retires, now),
            }
        };
        let mut infos: Vec<Self> = records.iter().map(info).collect();
        infos.sort_by(|a, b| (a.usage, a.active_from, &a.kid).cmp(&(b.usage, b.active_from, &b.kid)));
        infos
    }
}

word_enum! {
    /// What a key does. The word stands in lists.
    pub enum KeyStatus {
        /// It is published, and does not sign yet.
        Published = "published",
        /// It signs.
        Signing = "signing",
        /// It only verifies what it signed.
        Verifying = "verifying",
        /// Everything that it signed has expired.
        Retired = "retired",
    }
}

/// Keys could not be changed.
#[derive(Clone, Debug, Error)]
pub enum KeyError {
    /// The tenant.
    #[error(transparent)]
    Tenant(#[from] TenantError),
    /// The store.
    #[error(transparent)]
    Store(#[from] StoreError),
    /// A key could not be generated.
    #[error(transparent)]
    Key(#[from] KeyFault),
    /// A key could not be encrypted.
    #[error(transparent)]
    Seal(#[from] SealFault),
}

impl EngineCore {
    pub(super) async fn keys(&self, tenant: &TenantId) -> Result<Vec<KeyInfo>, KeyError> {
        let lifetimes = self.any_tenant(tenant).await?.policy.key_lifetimes();
        let records = self.stores.keys.list(tenant).await?;
        Ok(KeyInfo::of_all(&records, &lifetimes, self.clock.now()))
    }
}

impl EngineTask {
    pub(super) async fn rotate_keys(
        &self,
        tenant: &TenantId,
        uses: &[KeyUse],
        lead: Duration,
    ) -> Result<Vec<Kid>, KeyError> {
        let id = self.any_tenant(tenant).await?.id.clone();
        let now = self.clock.now();
        // As long as a key is in plain, a running server may not know the master key: it could not decrypt a new one.
        let seals = !self.stores.keys.list(&id).await?.iter().any(is_plain);
        let mut made = Vec::new();
        for usage in uses {
            let random = self.random.as_ref();
            let key = KeyRecord::generate(&id, *usage, usage.algorithm(), now, now.plus(lead), random)?;
            let key = if seals { self.directory.sealed(key, random)? } else { key };
            self.stores.keys.insert(&key).await?;
            made.push(key.kid);
        }
        self.directory.forget(&id);
        self.report(&Event::of_tenant(id, EventKind::KeysRotated));
        Ok(made)
    }

    /// Replaces keys that a thief may hold: what they signed is worth nothing from now on.
    pub(super) async fn replace_compromised_keys(
        &self,
        tenant: &TenantId,
        uses: &[KeyUse],
    ) -> Result<Vec<Kid>, KeyError> {
        // The new ones first: at no time is there none.
        let made = self.rotate_keys(tenant, uses, Duration::ZERO).await?;
        for key in self.stores.keys.list(tenant).await? {
            if uses.contains(&key.usage) && !made.contains(&key.kid) {
                self.stores.keys.remove(tenant, &key.kid).await?;
            }
        }
        self.directory.forget(tenant);
        self.report(&Event::of_tenant(tenant.clone(), EventKind::KeysCompromised));
        Ok(made)
    }

    pub(super) async fn seal_keys(&self) -> Result<u64, KeyError> {
        let mut sealed = 0;
        for tenant in self.all_tenants().await? {
            for key in self.stores.keys.list(&tenant).await?.into_iter().filter(is_plain) {
                let key = self.directory.sealed(key, self.random.as_ref())?;
                if !is_plain(&key) && self.stores.keys.rewrap(&tenant, &key.kid, &key.material).await? {
                    sealed += 1;
                }
            }
        }
        Ok(sealed)
    }
}

impl EngineCore {
    /// Removes the retired keys of a tenant: how many.
    pub(super) async fn purge_keys(&self, tenant: &TenantId) -> Result<u64, KeyError> {
        let mut removed = 0;
        for key in self.keys(tenant).await? {
            if key.standing == KeyStatus::Retired && self.stores.keys.remove(tenant, &key.kid).await? {
                removed += 1;
            }
        }
        if removed > 0 {
            self.directory.forget(tenant);
        }
        Ok(removed)
    }
}

const fn is_plain(key: &KeyRecord) -> bool {
    matches!(key.material, KeyMaterial::Plain(_))
}

fn standing(record: &KeyRecord, all: &[KeyRecord], retires: Option<Timestamp>, now: Timestamp) -> KeyStatus {
    let is_newer = |other: &&KeyRecord| seniority(other) > seniority(record);
    let newer_signs =
        all.iter().filter(is_newer).any(|other| other.usage == record.usage && other.active_from <= now);
    match (record.active_from <= now, newer_signs, retires) {
        (_, _, Some(retires)) if retires <= now => KeyStatus::Retired,
        (false, _, _) => KeyStatus::Published,
        (true, false, _) => KeyStatus::Signing,
        (true, true, _) => KeyStatus::Verifying,
    }
}
