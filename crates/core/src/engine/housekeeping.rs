//! Work behind the requests: writing down when sessions were used, and removing records that are too old.

use std::collections::HashSet;
use std::future::Future;
use std::sync::Arc;
use std::time::Duration;

use tokio::task::JoinSet;
use tokio::time::interval;
use tracing::{debug, info, warn};

use super::tenant_stores::TenantStores;
use super::{EngineCore, KeyError};
use crate::clock::{Ticks, Timestamp};
use crate::id::TenantId;
use crate::store::{Page, StoreError, Stored, Stores, TenantStore};

/// How often the uses of sessions are written down.
const WRITE_EVERY: Duration = Duration::from_secs(5);

/// How many uses are written at once: a store commits them together.
const WRITTEN_AT_ONCE: usize = 64;

/// How often old records are removed.
const PURGE_EVERY: Duration = Duration::from_mins(1);

/// How long a process removes nothing after its start: time for an operator to set a clock that is wrong.
const REMOVES_NOTHING_FOR: Duration = Duration::from_hours(1);

/// How long a clock that was set must go on until it is believed. It may have been wrong before it was set.
const BELIEVES_AFTER: Duration = Duration::from_hours(24);

/// How far the wall clock may part from the ticks before nothing is removed any more.
const CLOCKS_MAY_PART: Duration = Duration::from_mins(1);

/// How far they may part from one look to the next without that it counts: two clocks seldom run equally fast, and the
/// time of a database is not counted by this machine's.
const CLOCKS_MAY_DRIFT: Duration = Duration::from_secs(1);

/// The most records that one step removes, so that requests do not wait for it.
const PURGE_STEP: u32 = 500;

/// How many tenants one page of a walk over all tenants holds.
const PAGE: u32 = 100;

impl EngineCore {
    pub(super) async fn keep_house(&self) {
        let mut clocks = HouseClocks::begin(self.clock.now(), self.clock.ticks());
        let mut write = interval(WRITE_EVERY);
        let mut purge = interval(PURGE_EVERY);
        loop {
            tokio::select! {
                _ = write.tick() => self.write_uses().await,
                _ = purge.tick() => self.purge(&mut clocks).await,
            }
        }
    }

    /// Writes down when sessions were last used. A lost use costs a minute of precision, so a failure is not retried.
    async fn write_uses(&self) {
        for stores in self.directory.registry.all().await {
            self.write_uses_at(&stores).await;
        }
    }

    async fn write_uses_at(&self, stores: &Arc<TenantStores>) {
        let mut used = HashSet::new();
        let mut noted = stores.noted.lock().await;
        while let Ok(key) = noted.try_recv() {
            used.insert(key);
        }
        let (now, used, mut is_outage) = (self.clock.now(), Vec::from_iter(used), false);
        for keys in used.chunks(WRITTEN_AT_ONCE) {
            let mut writing = JoinSet::new();
            for key in keys {
                let (key, stores) = (key.clone(), stores.clone());
                writing.spawn(async move { stores.view.touch(&key, now, None).await });
            }
            while let Some(written) = writing.join_next().await {
                let Ok(touched) = written else { continue };
                self.note_answer(&touched, |was_there: &bool| *was_there).await;
                if let Err(fault) = touched {
                    warn!(%fault, "the last use of a session could not be written down");
                    is_outage |= matches!(fault, StoreError::Unavailable { .. });
                }
            }
            if is_outage {
                return;
            }
        }
    }

    async fn purge(&self, clocks: &mut HouseClocks) {
        let trusted = clocks.allow_removal(self.clock.now(), self.clock.ticks());
        if trusted {
            match self.purge_sessions().await {
                Ok(removed) => debug!(removed, "old sessions removed"),
                Err(fault) => warn!(%fault, "old sessions could not be removed"),
            }
        }
        if let Err(fault) = self.visit_tenants(trusted).await {
            warn!(%fault, "retired keys could not be removed");
        }
    }

    pub(super) async fn purge_sessions(&self) -> Result<u64, StoreError> {
        let (mut removed, mut fault) = (0, None);
        for stores in self.directory.registry.all().await {
            let purged = self.purge_at(&stores).await;
            self.note_answer(&purged, |removed: &u64| *removed > 0).await;
            match purged {
                Ok(there) => removed += there,
                Err(away) => fault = fault.or(Some(away)),
            }
        }
        fault.map_or(Ok(removed), Err)
    }

    async fn purge_at(&self, stores: &TenantStores) -> Stored<u64> {
        let Stores { sessions, tickets, attempts, mail, revocations, .. } = &stores.records;
        let mut removed = bit_by_bit(|| sessions.purge(self.clock.now(), PURGE_STEP)).await?;
        removed += bit_by_bit(|| tickets.purge(self.clock.now(), PURGE_STEP)).await?;
        removed += bit_by_bit(|| attempts.purge(self.clock.now(), PURGE_STEP)).await?;
        removed += bit_by_bit(|| revocations.purge(PURGE_STEP)).await?;
        let unsent = bit_by_bit(|| mail.purge(self.clock.now(), PURGE_STEP)).await?;
        if unsent > 0 {
            warn!(unsent, "mails have expired before they could be sent");
            removed += unsent;
        }
        Ok(removed)
    }

    /// Loads each tenant, which opens its stores: from then on their mail is delivered and their records are removed.
    /// Removes the tenants' retired keys if this is allowed.
    async fn visit_tenants(&self, removes_keys: bool) -> Result<(), KeyError> {
        for tenant in self.all_tenants().await? {
            let visited = if removes_keys {
                self.purge_keys(&tenant).await.map(drop)
            } else {
                self.any_tenant(&tenant).await.map(drop).map_err(KeyError::from)
            };
            if let Err(fault) = visited {
                warn!(%fault, %tenant, "retired keys could not be removed");
            }
        }
        Ok(())
    }

    /// The names of all tenants, page by page.
    pub(super) async fn all_tenants(&self) -> Result<Vec<TenantId>, StoreError> {
        all_tenants(&*self.stores.tenants).await
    }
}

pub(super) async fn all_tenants(store: &dyn TenantStore) -> Result<Vec<TenantId>, StoreError> {
    let mut all: Vec<TenantId> = Vec::new();
    loop {
        let page = Page { after: all.last().cloned(), limit: PAGE };
        let tenants = store.list(page).await?;
        if tenants.is_empty() {
            return Ok(all);
        }
        all.extend(tenants.into_iter().map(|tenant| tenant.id));
    }
}

/// How both clocks have gone since this process began to keep house. SQLite has no clock that all processes share,
/// and removing records by one that is ahead would end the sessions of others.
struct HouseClocks {
    begun: Ticks,
    /// What both showed at the last look.
    looked: (Timestamp, Ticks),
    /// By how many milliseconds the wall clock was set ahead since it was believed, in all, and when the last time.
    set_by: i64,
    set_at: Ticks,
}

impl HouseClocks {
    const fn begin(now: Timestamp, ticks: Ticks) -> Self {
        Self { begun: ticks, looked: (now, ticks), set_by: 0, set_at: ticks }
    }

    /// Looks at both clocks, and says whether the wall clock is to be believed.
    fn allow_removal(&mut self, now: Timestamp, ticks: Ticks) -> bool {
        let (before, ticked) = std::mem::replace(&mut self.looked, (now, ticks));
        let expected = before.plus(ticks.since(ticked));
        let was_set = now.since(expected).max(expected.since(now)) > CLOCKS_MAY_DRIFT;
        if was_set {
            self.note_set(now.as_millis().saturating_sub(expected.as_millis()), ticks);
        } else if self.is_doubted() && ticks.since(self.set_at) >= BELIEVES_AFTER {
            info!("the clock was not set for a day: it is believed again");
            self.set_by = 0;
        }
        ticks.since(self.begun) >= REMOVES_NOTHING_FOR && !self.is_doubted()
    }

    /// Notes that the wall clock was set ahead by so many milliseconds.
    fn note_set(&mut self, milliseconds: i64, ticks: Ticks) {
        let was_doubted = self.is_doubted();
        self.set_by = self.set_by.saturating_add(milliseconds);
        self.set_at = ticks;
        if self.is_doubted() {
            let milliseconds = self.set_by;
            warn!(
                milliseconds,
                "the clock was set: no old records are removed for a day, or until it is set back"
            );
        } else if was_doubted {
            info!("the clock was set back: it is believed again");
        }
    }

    /// Whether the wall clock shows something else than it did.
    fn is_doubted(&self) -> bool {
        Duration::from_millis(self.set_by.unsigned_abs()) >= CLOCKS_MAY_PART
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
