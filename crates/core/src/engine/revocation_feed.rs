//! The revocation feed: what a verifier in another process is told, so that it refuses what this process refuses.
//!
//! The order of steps is the promise. A poll reads **first** when the feed of the database was last proven complete,
//! then what was announced without its content, and cuts the log last. So the log has everything that was acknowledged
//! before that time, and `docs/revocation-feed.md` proves what follows from it.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;
use std::time::Duration;

use thiserror::Error;
use tokio::time::{sleep, timeout};

use super::revocation_logs::PolledLog;
use super::tenant_stores::TenantStores;
use super::{EngineCore, TenantError};
use crate::clock::Ticks;
use crate::id::{TenantId, UserId, UserKey};
use crate::revocation::FeedKey;
use crate::revocation::log::{LogCut, PendingRead, RevocationLog, TenantStanding, travelling};
use crate::revocation::wire::{
    FeedAnswer, FeedQuery, LogPosition, MARGIN, MOST_RECORDS, OLDEST_AGE, RevocationRecord,
};
use crate::store::{StoreError, Stored};

/// How long a database is waited for at least.
const LEAST_PATIENCE: Duration = Duration::from_millis(100);

/// Why a verifier gets no answer.
#[derive(Clone, Debug, Error)]
pub enum FeedError {
    /// The verifier is so far behind that it must read the snapshot.
    #[error("too much was revoked since then: read the snapshot")]
    TooOld,
    /// The cursor was not made here.
    #[error("the cursor is not one of ours")]
    Cursor,
    /// As many snapshots are being read, or polls of the key wait, as one node takes at once.
    #[error("too many verifiers ask at once: try again")]
    Busy,
    /// The store did not answer.
    #[error(transparent)]
    Store(#[from] StoreError),
}

/// When the log of a feed key was last proven complete.
struct LogProof {
    at: Ticks,
    /// The tenants that this does not hold for.
    behind: BTreeSet<TenantId>,
}

impl EngineCore {
    /// Answers at once if something is new, otherwise when something is, and at the latest after the wait.
    pub(super) async fn poll_revocations(
        &self,
        key: &FeedKey,
        query: &FeedQuery,
    ) -> Result<FeedAnswer, FeedError> {
        let arrived = self.clock.ticks();
        let _turn = self.revocation_logs.begin_poll(key.id).ok_or(FeedError::Busy)?;
        let polled = self.revocation_logs.of(&key.tenants);
        let mut news = polled.log.news();
        loop {
            news.mark_unchanged();
            let proof = self.proof_of(&polled).await?;
            let rest = query.wait.saturating_sub(self.clock.ticks().since(arrived));
            match polled.log.cut(&query.at) {
                LogCut::Unknown(position) => {
                    return self.caught_up(&polled.log, position, query, arrived, proof).await;
                }
                LogCut::Known { records, .. } if records.is_empty() && !rest.is_zero() => {
                    tokio::select! {
                        () = sleep(rest) => (),
                        _ = news.changed() => polled.pace(&*self.clock).await,
                    }
                }
                LogCut::Known { log, from, records, more } => {
                    let to = from + records.len() as u64 - 1;
                    let at = LogPosition { log, number: to };
                    return Ok(FeedAnswer { from, more, ..self.answer(at, records, query, arrived, proof) });
                }
            }
        }
    }

    fn answer(
        &self,
        at: LogPosition,
        records: Vec<RevocationRecord>,
        query: &FeedQuery,
        arrived: Ticks,
        proof: LogProof,
    ) -> FeedAnswer {
        FeedAnswer {
            issuer: self.issuer.to_string(),
            log: at.log,
            from: at.number + 1,
            to: at.number,
            nonce: query.nonce.clone(),
            lag_ms: lag(arrived, proof.at),
            more: false,
            issued: self.clock.now(),
            records,
            behind: proof.behind.into_iter().collect(),
        }
    }

    /// What was revoked lately, for a verifier that does not know this log. Its position was taken before this is read,
    /// so nothing falls between the two.
    async fn caught_up(
        &self,
        log: &RevocationLog,
        position: LogPosition,
        query: &FeedQuery,
        arrived: Ticks,
        proof: LogProof,
    ) -> Result<FeedAnswer, FeedError> {
        if query.age > OLDEST_AGE {
            return Err(FeedError::TooOld);
        }
        let mut records = standing_records(log);
        for (of, stores) in self.databases_of(log).await? {
            let latest = stores.records.revocations.latest(of, query.age + MARGIN).await?;
            records.extend(latest.iter().filter_map(|revocation| {
                let tenant = revocation.tenant.as_ref().filter(|it| log.tenants().contains(it))?;
                Some(log.named(tenant, travelling(revocation)?))
            }));
        }
        if records.len() > MOST_RECORDS {
            return Err(FeedError::TooOld);
        }
        Ok(self.answer(position, records, query, arrived, proof))
    }

    /// When the log was last proven complete. What was pending at that time is read when this returns.
    async fn proof_of(&self, polled: &PolledLog) -> Result<LogProof, FeedError> {
        let log = &polled.log;
        let now = self.clock.ticks();
        let mut proof = LogProof {
            at: now.min(self.directory.registry.shared.view.proven_at()),
            behind: BTreeSet::new(),
        };
        for tenant in self.tenants_elsewhere(log).await {
            let view = match self.any_tenant(&tenant).await {
                Ok(known) => Some(known.stores.view.clone()),
                Err(TenantError::Unknown(_)) => continue,
                Err(_) => None,
            };
            match view {
                Some(view) if log.tenants().only().is_some() || view.is_fresh() => {
                    proof.at = proof.at.min(view.proven_at());
                }
                _ => {
                    proof.behind.insert(tenant);
                }
            }
        }
        let unread = self.read_pending(polled).await?;
        if let Some(fault) = unread.values().next().filter(|_| log.tenants().only().is_some()) {
            return Err(fault.clone().into());
        }
        proof.behind.extend(unread.into_keys());
        Ok(proof)
    }

    /// The tenants of a log that may have a database of their own; none if no such database is open.
    async fn tenants_elsewhere(&self, log: &RevocationLog) -> Vec<TenantId> {
        if self.directory.registry.all().await.len() == 1 {
            return Vec::new();
        }
        log.standings().into_keys().collect()
    }

    /// Reads what was announced without its content. Returns the tenants of whom it could not be read.
    ///
    /// A database that the log did not know has announced nothing to it: then the log begins anew, and verifiers are
    /// told what was revoked there lately.
    pub(super) async fn read_pending(&self, polled: &PolledLog) -> Stored<BTreeMap<TenantId, StoreError>> {
        let log = &polled.log;
        let mut unread = BTreeMap::new();
        if log.pending().is_empty() {
            return Ok(unread);
        }
        let _turn = polled.reading.lock().await;
        loop {
            let mut pending = log.pending();
            pending.retain(|(read, _)| !is_of(read, &unread));
            if pending.is_empty() {
                return Ok(unread);
            }
            for (read, announced) in pending {
                match &read {
                    PendingRead::Tenants => self.announce_tenants(log).await?,
                    PendingRead::Tenant(tenant) => match self.read_standing(log, tenant).await {
                        // Before it is settled: no other poll may take the log for complete in between.
                        Ok(is_new_elsewhere) if is_new_elsewhere => self.revocation_logs.restart(log),
                        Ok(_) => (),
                        Err(away) => {
                            unread.insert(tenant.clone(), away);
                            continue;
                        }
                    },
                }
                log.settle(&read, announced);
            }
        }
    }

    async fn announce_tenants(&self, log: &RevocationLog) -> Stored<()> {
        let all = self.all_tenants().await?;
        all.into_iter().map(PendingRead::Tenant).for_each(|read| log.note_pending(read));
        Ok(())
    }

    /// Reads how a tenant stands. Returns whether the log did not know it, and it has a database of its own.
    async fn read_standing(&self, log: &RevocationLog, tenant: &TenantId) -> Stored<bool> {
        // Other tenants must not wait for a database that does not answer.
        let longest = self.directory.registry.shared.view.max_staleness() / 4;
        let late = |_| StoreError::unavailable("read the epochs of a tenant", TooSlow);
        let read = timeout(longest.max(LEAST_PATIENCE), self.standing_of(tenant)).await;
        let Some((standing, is_elsewhere)) = read.map_err(late)?? else { return Ok(false) };
        let is_new = log.stands(tenant, standing);
        Ok(is_new && is_elsewhere)
    }

    /// How a tenant stands, by its databases, and whether it has one of its own; `None` if there is no such tenant.
    async fn standing_of(&self, tenant: &TenantId) -> Stored<Option<(TenantStanding, bool)>> {
        let Some(record) = self.stores.tenants.find(tenant).await? else { return Ok(None) };
        let stores = self.directory.registry.at(record.database.as_deref()).await?;
        // The epochs of the tenant and of everyone are those of any user.
        let any_user = UserKey { tenant: tenant.clone(), id: UserId::from_uuid(uuid::Uuid::nil()) };
        let epochs = stores.records.epochs.read(&any_user).await?;
        let suspended = record.suspended.is_some();
        let standing = TenantStanding { suspended, epoch: epochs.tenant, everyone: epochs.everyone };
        Ok(Some((standing, record.database.is_some())))
    }

    /// The databases that hold revocations of a log's tenants, the shared one first, each with the tenant that it is
    /// asked for; `None` for all.
    pub(super) async fn databases_of(
        &self,
        log: &RevocationLog,
    ) -> Stored<Vec<(Option<TenantId>, Arc<TenantStores>)>> {
        let mut databases = vec![(log.tenants().only().cloned(), self.directory.registry.shared.clone())];
        for tenant in self.tenants_elsewhere(log).await {
            let Some(record) = self.stores.tenants.find(&tenant).await? else { continue };
            if record.database.is_some() {
                databases.push((Some(tenant), self.directory.registry.at(record.database.as_deref()).await?));
            }
        }
        Ok(databases)
    }
}

/// What holds for the tenants of a log.
pub(super) fn standing_records(log: &RevocationLog) -> Vec<RevocationRecord> {
    let standings = log.standings();
    let records = standings
        .iter()
        .flat_map(|(tenant, standing)| standing.records().map(|revocation| log.named(tenant, revocation)));
    records.collect()
}

fn is_of(read: &PendingRead, tenants: &BTreeMap<TenantId, StoreError>) -> bool {
    matches!(read, PendingRead::Tenant(tenant) if tenants.contains_key(tenant))
}

/// How long before the arrival of a poll the log was proven complete, in milliseconds rounded up; negative if it was
/// after.
fn lag(arrived: Ticks, proven: Ticks) -> i64 {
    let before = arrived.since(proven).as_micros().div_ceil(1000);
    let after = proven.since(arrived).as_micros() / 1000;
    i64::try_from(before).unwrap_or(i64::MAX) - i64::try_from(after).unwrap_or(i64::MAX)
}

#[derive(Clone, Copy, Debug, Error)]
#[error("it took too long")]
struct TooSlow;

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_lag_is_never_rounded_down() {
        let at = |micros| Ticks::new(Duration::from_micros(micros));
        let cases =
            [(5_000, 5_000, 0), (5_001, 5_000, 1), (7_000, 5_000, 2), (5_000, 5_999, 0), (5_000, 7_000, -2)];
        for (arrived, proven, expected) in cases {
            assert_eq!(lag(at(arrived), at(proven)), expected, "{arrived} {proven}");
        }
    }
}
