//! The logs of this node, one for each set of tenants that a feed key is for.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use super::answer_pace::AnswerPace;
use super::polled_log::PolledLog;
use crate::clock::{Clock, Ticks};
use crate::id::FeedKeyId;
use crate::random::Random;
use crate::revocation::FeedTenants;
use crate::revocation::wire::LogId;
use crate::store::Change;

/// How long a log is kept that no verifier reads.
const KEPT_UNREAD: Duration = Duration::from_mins(15);
/// The most polls of one key that are under way on one node.
const MOST_POLLS: usize = 2_000;

/// The logs of this node.
pub(super) struct RevocationLogs {
    clock: Arc<dyn Clock>,
    random: Arc<dyn Random>,
    logs: Mutex<HashMap<FeedTenants, (Arc<PolledLog>, Ticks)>>,
    polls: Arc<Mutex<PollCounts>>,
    pub(super) pace: AnswerPace,
}

#[derive(Default)]
struct PollCounts {
    by_key: HashMap<FeedKeyId, usize>,
    all: usize,
}

/// A poll that is under way: as long as it is not dropped, it counts among those of its key.
pub(super) struct FeedPoll {
    key: FeedKeyId,
    polls: Arc<Mutex<PollCounts>>,
}

impl Drop for FeedPoll {
    fn drop(&mut self) {
        let mut polls = self.polls.lock().unwrap_or_else(PoisonError::into_inner);
        polls.all = polls.all.saturating_sub(1);
        let left = polls.by_key.get(&self.key).map_or(0, |count| count.saturating_sub(1));
        if left == 0 {
            polls.by_key.remove(&self.key);
        } else {
            polls.by_key.insert(self.key, left);
        }
    }
}

impl RevocationLogs {
    pub(super) fn new(clock: Arc<dyn Clock>, random: Arc<dyn Random>) -> Self {
        let pace = AnswerPace::new(clock.clone());
        Self { clock, random, logs: Mutex::default(), polls: Arc::default(), pace }
    }

    /// Counts a poll; `None` if as many of this key are under way as one node takes.
    pub(super) fn begin_poll(&self, key: FeedKeyId) -> Option<FeedPoll> {
        let mut polls = self.polls.lock().unwrap_or_else(PoisonError::into_inner);
        let count = polls.by_key.entry(key).or_default();
        if *count >= MOST_POLLS {
            return None;
        }
        *count += 1;
        polls.all += 1;
        Some(FeedPoll { key, polls: self.polls.clone() })
    }

    /// How many polls are under way.
    pub(super) fn polls(&self) -> usize {
        self.polls.lock().unwrap_or_else(PoisonError::into_inner).all
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
        let log = Arc::new(PolledLog::new(self.new_id(), tenants.clone()));
        logs.insert(tenants.clone(), (log.clone(), now));
        log
    }

    /// Passes on what the feed of a database has announced: that of the shared one, or of the one with this URL.
    pub(super) fn changed(&self, origin: Option<&str>, change: &Change) {
        for (polled, _) in self.logs().values() {
            polled.hear(origin, change, || self.new_id());
        }
    }

    /// Names another life of a log.
    pub(super) fn new_id(&self) -> LogId {
        LogId::generate(self.random.as_ref())
    }
}
