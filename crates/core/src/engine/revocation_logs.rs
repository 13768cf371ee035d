//! The logs of this node, one for each set of tenants that a feed key is for.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use tokio::sync::Mutex as AsyncMutex;
use tokio::time::sleep;

use crate::clock::{Clock, Ticks};
use crate::id::FeedKeyId;
use crate::random::Random;
use crate::revocation::log::{PendingRead, RevocationLog};
use crate::revocation::wire::LogId;
use crate::revocation::{FeedTenants, Revoked};
use crate::store::Change;

/// How long a log is kept that no verifier reads.
const KEPT_UNREAD: Duration = Duration::from_mins(15);
/// The most polls of one key that are under way on one node.
const MOST_POLLS: usize = 2_000;
/// The least pause between two answers to a verifier whose wait is ended by something new.
const LEAST_PAUSE: Duration = Duration::from_millis(10);
/// How much longer the pause is for each poll that waits. An answer costs about a quarter of that, so that answers take
/// a quarter of a core at most.
const PAUSE_FOR_EACH: Duration = Duration::from_micros(160);

/// The logs of this node.
pub(super) struct RevocationLogs {
    clock: Arc<dyn Clock>,
    random: Arc<dyn Random>,
    logs: Mutex<HashMap<FeedTenants, (Arc<PolledLog>, Ticks)>>,
    polls: Arc<Mutex<HashMap<FeedKeyId, usize>>>,
}

/// A poll that is under way: as long as it is not dropped, it counts among those of its key.
pub(super) struct FeedPoll {
    key: FeedKeyId,
    polls: Arc<Mutex<HashMap<FeedKeyId, usize>>>,
}

impl Drop for FeedPoll {
    fn drop(&mut self) {
        let mut polls = self.polls.lock().unwrap_or_else(PoisonError::into_inner);
        let left = polls.get(&self.key).map_or(0, |count| count.saturating_sub(1));
        if left == 0 {
            polls.remove(&self.key);
        } else {
            polls.insert(self.key, left);
        }
    }
}

/// A log, and what its polls share.
pub(super) struct PolledLog {
    pub(super) log: RevocationLog,
    /// What is pending is read by one poll at a time.
    pub(super) reading: AsyncMutex<()>,
    last_batch: Mutex<Option<(u64, Ticks)>>,
}

impl RevocationLogs {
    pub(super) fn new(clock: Arc<dyn Clock>, random: Arc<dyn Random>) -> Self {
        Self { clock, random, logs: Mutex::default(), polls: Arc::default() }
    }

    /// Counts a poll; `None` if as many of this key are under way as one node takes.
    pub(super) fn begin_poll(&self, key: FeedKeyId) -> Option<FeedPoll> {
        let mut polls = self.polls.lock().unwrap_or_else(PoisonError::into_inner);
        let count = polls.entry(key).or_default();
        if *count >= MOST_POLLS {
            return None;
        }
        *count += 1;
        Some(FeedPoll { key, polls: self.polls.clone() })
    }

    fn logs(&self) -> MutexGuard<'_, HashMap<FeedTenants, (Arc<PolledLog>, Ticks)>> {
        self.logs.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// The log of these tenants. It begins when it is first asked for.
    pub(super) fn of(&self, tenants: &FeedTenants) -> Arc<PolledLog> {
        let (now, mut logs) = (self.clock.ticks(), self.logs());
        if let Some((log, asked)) = logs.get_mut(tenants) {
            *asked = now;
            return log.clone();
        }
        logs.retain(|_, (log, asked)| Arc::strong_count(log) > 1 || now.since(*asked) < KEPT_UNREAD);
        let log = RevocationLog::new(self.new_id(), tenants.clone());
        let log = Arc::new(PolledLog { log, reading: AsyncMutex::default(), last_batch: Mutex::default() });
        logs.insert(tenants.clone(), (log.clone(), now));
        log
    }

    /// Passes on what a change feed has announced.
    pub(super) fn changed(&self, change: &Change) {
        for (polled, _) in self.logs().values() {
            let log = &polled.log;
            match change {
                Change::Revoked(revocation) if revocation.what == Revoked::Everyone => log.note_everyone(),
                Change::Revoked(revocation) => log.note(revocation),
                Change::Tenant(tenant) => log.note_pending(PendingRead::Tenant(tenant.clone())),
                Change::Everything => self.restart(log),
                Change::Session(_) | Change::AllSessions | Change::User(_) => (),
            }
        }
    }

    /// Begins a log anew.
    pub(super) fn restart(&self, log: &RevocationLog) {
        log.restart(self.new_id());
    }

    fn new_id(&self) -> LogId {
        LogId::generate(self.random.as_ref())
    }
}

impl PolledLog {
    /// Waits until the next answers are due after something new: those that wait for the same go together, so that
    /// their number does not multiply the work.
    pub(super) async fn pace(&self, clock: &dyn Clock) {
        let waiting = u32::try_from(self.log.waiting()).unwrap_or(u32::MAX);
        let pause = LEAST_PAUSE.max(PAUSE_FOR_EACH.saturating_mul(waiting));
        while let Some(wait) = self.not_due_for(pause, clock.ticks()) {
            sleep(wait).await;
        }
    }

    /// How long answers are not due; `None` if they are.
    fn not_due_for(&self, pause: Duration, now: Ticks) -> Option<Duration> {
        let newest = self.log.newest();
        let mut last = self.last_batch.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some((batch, begun)) = *last {
            let passed = now.since(begun);
            if batch == newest {
                return None;
            }
            if passed < pause {
                return Some(pause.saturating_sub(passed));
            }
        }
        *last = Some((newest, now));
        None
    }
}
