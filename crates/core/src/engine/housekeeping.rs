//! Work behind the requests: writing down when sessions were used, and removing records that are too old.

use std::collections::HashSet;
use std::future::Future;
use std::time::Duration;

use tokio::time::interval;
use tracing::{debug, warn};

use super::tenant_stores::TenantStores;
use super::{EngineCore, KeyError};
use crate::id::TenantId;
use crate::store::{Page, StoreError, Stored, Stores};

/// How often the uses of sessions are written down.
const WRITE_EVERY: Duration = Duration::from_secs(5);

/// How often old records are removed.
const PURGE_EVERY: Duration = Duration::from_mins(1);

/// The most records that one step removes, so that requests do not wait for it.
const PURGE_STEP: u32 = 500;

/// How many tenants one page of a walk over all tenants holds.
const PAGE: u32 = 100;

impl EngineCore {
    pub(super) async fn keep_house(&self) {
        let mut write = interval(WRITE_EVERY);
        let mut purge = interval(PURGE_EVERY);
        loop {
            tokio::select! {
                _ = write.tick() => self.write_uses().await,
                _ = purge.tick() => self.purge().await,
            }
        }
    }

    /// Writes down when sessions were last used. A lost use costs a minute of precision, so a failure is not retried.
    async fn write_uses(&self) {
        for stores in self.directory.registry.all().await {
            self.write_uses_at(&stores).await;
        }
    }

    async fn write_uses_at(&self, stores: &TenantStores) {
        let mut used = HashSet::new();
        let mut noted = stores.noted.lock().await;
        while let Ok(key) = noted.try_recv() {
            used.insert(key);
        }
        let now = self.clock.now();
        for key in used {
            if let Err(fault) = stores.records.sessions.touch(&key, now, None).await {
                warn!(%fault, "the last use of a session could not be written down");
                return;
            }
        }
    }

    async fn purge(&self) {
        match self.purge_sessions().await {
            Ok(removed) => debug!(removed, "old sessions removed"),
            Err(fault) => warn!(%fault, "old sessions could not be removed"),
        }
        if let Err(fault) = self.purge_all_keys().await {
            warn!(%fault, "retired keys could not be removed");
        }
    }

    pub(super) async fn purge_sessions(&self) -> Result<u64, StoreError> {
        let (mut removed, mut fault) = (0, None);
        for stores in self.directory.registry.all().await {
            match self.purge_at(&stores).await {
                Ok(there) => removed += there,
                Err(away) => fault = fault.or(Some(away)),
            }
        }
        fault.map_or(Ok(removed), Err)
    }

    async fn purge_at(&self, stores: &TenantStores) -> Stored<u64> {
        let Stores { sessions, tickets, attempts, .. } = &stores.records;
        let mut removed = bit_by_bit(|| sessions.purge(self.clock.now(), PURGE_STEP)).await?;
        removed += bit_by_bit(|| tickets.purge(self.clock.now(), PURGE_STEP)).await?;
        removed += bit_by_bit(|| attempts.purge(self.clock.now(), PURGE_STEP)).await?;
        Ok(removed)
    }

    async fn purge_all_keys(&self) -> Result<(), KeyError> {
        for tenant in self.all_tenants().await? {
            // Loading a tenant opens its stores, too: from now on their mail is delivered and their records are purged.
            if let Err(fault) = self.purge_keys(&tenant).await {
                warn!(%fault, %tenant, "retired keys could not be removed");
            }
        }
        Ok(())
    }

    /// The names of all tenants, page by page.
    pub(super) async fn all_tenants(&self) -> Result<Vec<TenantId>, StoreError> {
        let mut all: Vec<TenantId> = Vec::new();
        loop {
            let page = Page { after: all.last().cloned(), limit: PAGE };
            let tenants = self.stores.tenants.list(page).await?;
            if tenants.is_empty() {
                return Ok(all);
            }
            all.extend(tenants.into_iter().map(|tenant| tenant.id));
        }
    }
}

/// Removes in steps, until there is nothing left to remove.
async fn bit_by_bit<F>(step: impl Fn() -> F) -> Stored<u64>
where
    F: Future<Output = Stored<u64>>,
{
    let mut removed = 0;
    loop {
        let gone = step().await?;
        removed += gone;
        if gone < u64::from(PURGE_STEP) {
            return Ok(removed);
        }
    }
}
