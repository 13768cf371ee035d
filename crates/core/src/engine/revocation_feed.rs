//! The revocation feed: what a verifier in another process is told, so that it refuses what this process refuses.
//!
//! The order of steps is the promise. A poll reads **first** when the feed of the database was last proven complete,
//! then what was announced without its content, and cuts the log last. So the log has everything that was acknowledged
//! before that time, and `docs/revocation-feed.md` proves what follows from it.

use std::collections::{BTreeMap, BTreeSet};
use std::time::Duration;

use futures_util::{StreamExt as _, TryStreamExt as _, stream};
use thiserror::Error;
use tokio::time::{sleep, timeout};

use super::EngineCore;
use super::polled_log::{FeedDatabase, OwnDatabase, PolledLog};
use crate::clock::Ticks;
use crate::id::{TenantId, UserId, UserKey};
use crate::revocation::log::{LogCut, PendingRead, RevocationLog, TenantStanding, travelling};
use crate::revocation::wire::{
    FeedAnswer, FeedQuery, LogPosition, MARGIN, MOST_RECORDS, OLDEST_AGE, RevocationRecord,
};
use crate::revocation::{FeedKey, StoredRevocation};
use crate::store::{StoreError, Stored};

/// The most revocations that a database is asked for: with more the verifier must read the snapshot.
#[expect(clippy::cast_possible_truncation, reason = "no answer has four thousand million records")]
const MOST: u32 = MOST_RECORDS as u32;
/// How many tenants are read about at once.
const READS_AT_ONCE: usize = 16;
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

/// A poll, and when it came.
#[derive(Clone, Copy)]
struct AskedPoll<'q> {
    query: &'q FeedQuery,
    arrived: Ticks,
}

/// When the log of a feed key was last proven complete.
pub(super) struct LogProof {
    pub(super) at: Ticks,
    /// The tenants that this does not hold for.
    pub(super) behind: BTreeSet<TenantId>,
}

impl EngineCore {
    /// Answers at once if something is new, otherwise when something is, and at the latest after the wait.
    pub(super) async fn poll_revocations(
        &self,
        key: &FeedKey,
        query: &FeedQuery,
    ) -> Result<FeedAnswer, FeedError> {
        let asked = AskedPoll { query, arrived: self.clock.ticks() };
        let _turn = self.revocation_logs.begin_poll(key.id).ok_or(FeedError::Busy)?;
        let polled = self.revocation_logs.of(&key.tenants);
        let (mut news, mut is_paced) = (polled.log.news(), false);
        loop {
            news.mark_unchanged();
            let proof = self.proof_of(&polled).await?;
            let rest = query.wait.saturating_sub(self.clock.ticks().since(asked.arrived));
            match polled.log.cut(&query.at) {
                LogCut::Unknown(position) => return self.caught_up(&polled, position, asked, proof).await,
                LogCut::Known { records, .. } if records.is_empty() && !rest.is_zero() => {
                    tokio::select! {
                        () = sleep(rest) => (),
                        _ = news.changed() => (),
                    }
                }
                LogCut::Known { records, .. } if !(records.is_empty() || is_paced) => {
                    self.revocation_logs.pace.turn(self.revocation_logs.polls()).await;
                    is_paced = true;
                }
                LogCut::Known { log, from, records, more } => {
                    let at = LogPosition { log, number: from + records.len() as u64 - 1 };
                    return Ok(FeedAnswer { from, more, ..self.answer(at, records, asked, proof) });
                }
            }
        }
    }

    fn answer(
        &self,
        at: LogPosition,
        records: Vec<RevocationRecord>,
        asked: AskedPoll<'_>,
        proof: LogProof,
    ) -> FeedAnswer {
        FeedAnswer {
            issuer: self.issuer.to_string(),
            log: at.log,
            from: at.number + 1,
            to: at.number,
            nonce: asked.query.nonce.clone(),
            lag_ms: lag(asked.arrived, proof.at),
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
        polled: &PolledLog,
        position: LogPosition,
        asked: AskedPoll<'_>,
        mut proof: LogProof,
    ) -> Result<FeedAnswer, FeedError> {
        if asked.query.age > OLDEST_AGE {
            return Err(FeedError::TooOld);
        }
        let mut records = standing_records(&polled.log);
        for database in polled.databases(&self.stores.revocations) {
            // By now: many databases may take their time.
            let within = asked.query.age + MARGIN + self.clock.ticks().since(asked.arrived);
            let latest = database.revocations.latest(database.tenant.clone(), within, MOST);
            match (database.tenant.as_ref().filter(|_| database.origin.is_some()), self.in_time(latest).await)
            {
                (_, Ok(None)) => return Err(FeedError::TooOld),
                (_, Ok(Some(latest))) => records.extend(travelling_of(polled, &database, &latest)),
                (Some(tenant), Err(away)) if polled.log.tenants().only().is_none() => {
                    polled.failed(tenant, self.clock.ticks(), away);
                    proof.behind.insert(tenant.clone());
                }
                (_, Err(away)) => return Err(away.into()),
            }
            if records.len() > MOST_RECORDS {
                return Err(FeedError::TooOld);
            }
        }
        Ok(self.answer(position, records, asked, proof))
    }

    /// When the log was last proven complete. What was pending at that time is read when this returns.
    pub(super) async fn proof_of(&self, polled: &PolledLog) -> Result<LogProof, FeedError> {
        let is_alone = polled.log.tenants().only().is_some();
        let at = self.clock.ticks().min(self.directory.registry.shared.view.proven_at());
        let mut proof = LogProof { at, behind: BTreeSet::new() };
        for (tenant, database) in polled.elsewhere() {
            let view = &database.view;
            if is_alone || view.is_fresh() {
                proof.at = proof.at.min(view.proven_at());
            } else {
                proof.behind.insert(tenant);
            }
        }
        let unread = self.read_pending(polled).await?;
        if let Some(fault) = unread.values().next().filter(|_| is_alone) {
            return Err(fault.clone().into());
        }
        proof.behind.extend(unread.into_keys());
        Ok(proof)
    }

    /// Reads what was announced without its content. Returns the tenants that could not be read about; each is tried
    /// once, and again after a while.
    ///
    /// A database that the log did not know has announced nothing to it: then the log begins anew, and verifiers are
    /// told what was revoked there lately.
    pub(super) async fn read_pending(&self, polled: &PolledLog) -> Stored<BTreeMap<TenantId, StoreError>> {
        let lately = self.directory.registry.shared.view.max_staleness();
        let log = &polled.log;
        if log.pending().is_empty() {
            return Ok(BTreeMap::new());
        }
        let _turn = polled.reading.lock().await;
        // Of one moment: many databases that hang take longer than `lately`, and this would never return.
        let begun = self.clock.ticks();
        loop {
            let unread = polled.unread(begun, lately);
            let mut pending = log.pending();
            pending.retain(|(read, _)| !matches!(read, PendingRead::Tenant(it) if unread.contains_key(it)));
            if pending.is_empty() {
                return Ok(unread);
            }
            let reads = pending.into_iter().map(|(read, announced)| self.read_one(polled, read, announced));
            stream::iter(reads).buffer_unordered(READS_AT_ONCE).try_collect::<Vec<()>>().await?;
        }
    }

    async fn read_one(&self, polled: &PolledLog, read: PendingRead, announced: u64) -> Stored<()> {
        match &read {
            PendingRead::Tenants => {
                let all = self.all_tenants().await?;
                all.into_iter().map(PendingRead::Tenant).for_each(|read| polled.log.note_pending(read));
            }
            PendingRead::Tenant(tenant) => {
                if let Err(away) = self.read_standing(polled, tenant).await {
                    polled.failed(tenant, self.clock.ticks(), away);
                    return Ok(());
                }
            }
        }
        polled.log.settle(&read, announced);
        Ok(())
    }

    async fn read_standing(&self, polled: &PolledLog, tenant: &TenantId) -> Stored<()> {
        let (standing, place) = match self.in_time(self.standing_of(tenant)).await? {
            Some((standing, place)) => (Some(standing), place),
            None => (None, None),
        };
        polled.log.stands(tenant, standing);
        if polled.is_moved(tenant, place) {
            // Before it is settled: no other poll may take the log for complete in between.
            polled.log.restart(self.revocation_logs.new_id());
        }
        Ok(())
    }

    /// How a tenant stands, by its databases, and which one is its own; `None` if there is no such tenant.
    async fn standing_of(&self, tenant: &TenantId) -> Stored<Option<(TenantStanding, Option<OwnDatabase>)>> {
        let Some(record) = self.stores.tenants.find(tenant).await? else { return Ok(None) };
        let stores = self.directory.registry.at(record.database.as_deref()).await?;
        // The epochs of the tenant and of everyone are those of any user.
        let any_user = UserKey { tenant: tenant.clone(), id: UserId::from_uuid(uuid::Uuid::nil()) };
        let epochs = stores.records.epochs.read(&any_user).await?;
        let suspended = record.suspended.is_some();
        let standing = TenantStanding { suspended, epoch: epochs.tenant, everyone: epochs.everyone };
        let (view, revocations) = (stores.view.clone(), stores.records.revocations.clone());
        Ok(Some((standing, record.database.map(|url| OwnDatabase { url, view, revocations }))))
    }

    /// The answer of a database that other tenants must not wait for.
    async fn in_time<T>(&self, answer: impl Future<Output = Stored<T>>) -> Stored<T> {
        let longest = self.directory.registry.shared.view.max_staleness() / 4;
        let late = |_| StoreError::unavailable("read what was revoked", TooSlow);
        timeout(longest.max(LEAST_PATIENCE), answer).await.map_err(late)?
    }
}

/// What a database may say of the log's tenants, as it travels.
pub(super) fn travelling_of(
    polled: &PolledLog,
    database: &FeedDatabase,
    stored: &[StoredRevocation],
) -> Vec<RevocationRecord> {
    let told = stored.iter().filter(|revocation| polled.is_told_by(database.origin.as_deref(), revocation));
    let records = told.filter_map(|revocation| {
        let tenant = revocation.tenant.as_ref().filter(|it| polled.log.tenants().contains(it))?;
        Some(polled.log.named(tenant, travelling(revocation)?))
    });
    records.collect()
}

/// What holds for the tenants of a log.
fn standing_records(log: &RevocationLog) -> Vec<RevocationRecord> {
    let standings = log.standings();
    let records = standings
        .iter()
        .flat_map(|(tenant, standing)| standing.records().map(|revocation| log.named(tenant, revocation)));
    records.collect()
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
