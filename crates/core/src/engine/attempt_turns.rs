//! Wakes attempts that wait for other attempts on the same account, when one of these ends in this process.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use tokio::sync::Notify;
use tokio::sync::futures::Notified;

use crate::lockout::{AttemptEffect, AttemptKey, AttemptOutcome, LockoutLimits};

/// The attempts that wait. A key is kept only while one waits for it.
#[derive(Default)]
pub(super) struct AttemptTurns {
    waiting: Mutex<HashMap<AttemptKey, Arc<Notify>>>,
}

/// An attempt that waits, until it is dropped.
pub(super) struct WaitingAttempt<'a> {
    turns: &'a AttemptTurns,
    key: AttemptKey,
    ended: Arc<Notify>,
}

impl AttemptTurns {
    /// Waits for attempts that are counted under this key.
    pub(super) fn join(&self, key: &AttemptKey) -> WaitingAttempt<'_> {
        let ended = self.waiting().entry(key.clone()).or_default().clone();
        WaitingAttempt { turns: self, key: key.clone(), ended }
    }

    /// Wakes as many as may be compared now that an attempt has ended like this. A wrong one frees no place: it counts
    /// on, as a failure.
    pub(super) fn ended(
        &self,
        key: &AttemptKey,
        outcome: AttemptOutcome,
        effect: AttemptEffect,
        limits: &LockoutLimits,
    ) {
        let Some(waiting) = self.waiting().get(key).cloned() else { return };
        match (outcome, effect) {
            (_, AttemptEffect::LockedNow) => waiting.notify_waiters(),
            (AttemptOutcome::Right, _) => (0..limits.max_failures).for_each(|_| waiting.notify_one()),
            (AttemptOutcome::Unused, _) => waiting.notify_one(),
            (AttemptOutcome::Wrong, _) => (),
        }
    }

    fn waiting(&self) -> MutexGuard<'_, HashMap<AttemptKey, Arc<Notify>>> {
        self.waiting.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl WaitingAttempt<'_> {
    /// Completes when an attempt has ended that makes room for this one.
    pub(super) fn has_room(&self) -> Notified<'_> {
        self.ended.notified()
    }
}

impl Drop for WaitingAttempt<'_> {
    fn drop(&mut self) {
        let mut waiting = self.turns.waiting();
        // The map has one, and this. None can join between the count and the removal: joining takes the same lock.
        if Arc::strong_count(&self.ended) == 2 {
            waiting.remove(&self.key);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::store::conformance::records::{new_user_key, tenant};

    #[test]
    fn a_key_is_forgotten_when_no_attempt_waits_for_it() {
        let turns = AttemptTurns::default();
        let key = AttemptKey { user: new_user_key(&tenant("acme")), device: None };
        let (one, other) = (turns.join(&key), turns.join(&key));
        drop(one);
        assert_eq!(turns.waiting().len(), 1);
        drop(other);
        assert_eq!(turns.waiting().len(), 0);
    }
}
