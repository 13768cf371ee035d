//! Wakes attempts that wait for other attempts on the same account, when one of these ends in this process.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use tokio::sync::Notify;
use tokio::sync::futures::Notified;

use crate::lockout::{AttemptEffect, AttemptKey, AttemptOutcome, LockoutLimits};

/// The attempts that wait. A key is kept only while one waits for it.
#[derive(Default)]
pub(super) struct AttemptTurns {
    waiting: Mutex<HashMap<AttemptKey, WaitingAttempts>>,
}

/// The attempts that wait for one key.
#[derive(Default)]
struct WaitingAttempts {
    count: usize,
    ended: Arc<Notify>,
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
        let mut waiting = self.waiting();
        let attempts = waiting.entry(key.clone()).or_default();
        attempts.count += 1;
        WaitingAttempt { turns: self, key: key.clone(), ended: attempts.ended.clone() }
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
        let Some(waiting) = self.waiting().get(key).map(|waiting| waiting.ended.clone()) else { return };
        match (outcome, effect) {
            (_, AttemptEffect::LockedNow) => waiting.notify_waiters(),
            (AttemptOutcome::Right, _) => (0..limits.max_failures).for_each(|_| waiting.notify_one()),
            (AttemptOutcome::Unused, _) => waiting.notify_one(),
            (AttemptOutcome::Wrong, _) => (),
        }
    }

    fn waiting(&self) -> MutexGuard<'_, HashMap<AttemptKey, WaitingAttempts>> {
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
        let Some(attempts) = waiting.get_mut(&self.key) else { return };
        attempts.count -= 1;
        if attempts.count == 0 {
            waiting.remove(&self.key);
        }
    }
}

#[cfg(test)]
mod tests {
    use std::thread;

    use super::*;
    use crate::store::conformance::records::{new_user_key, tenant};

    fn key() -> AttemptKey {
        AttemptKey { user: new_user_key(&tenant("acme")), device: None }
    }

    #[test]
    fn a_key_is_forgotten_when_no_attempt_waits_for_it() {
        let turns = AttemptTurns::default();
        let key = key();
        let (one, other) = (turns.join(&key), turns.join(&key));
        drop(one);
        assert_eq!(turns.waiting().len(), 1);
        drop(other);
        assert_eq!(turns.waiting().len(), 0);
    }

    #[test]
    fn a_key_is_forgotten_though_many_stop_waiting_at_once() {
        let (turns, key) = (AttemptTurns::default(), key());
        thread::scope(|scope| {
            for _ in 0..8 {
                scope.spawn(|| (0..1_000).for_each(|_| drop(turns.join(&key))));
            }
        });
        assert_eq!(turns.waiting().len(), 0);
    }

    /// How many of three attempts that wait are woken by the end of another one.
    fn woken(outcome: AttemptOutcome, effect: AttemptEffect, max_failures: u32) -> usize {
        let (turns, key) = (AttemptTurns::default(), key());
        let waiting = [(); 3].map(|()| turns.join(&key));
        let mut room = waiting.each_ref().map(|attempt| Box::pin(attempt.has_room()));
        assert!(room.iter_mut().all(|room| !room.as_mut().enable()));
        let limits = LockoutLimits { max_failures, ..LockoutLimits::default() };
        turns.ended(&key, outcome, effect, &limits);
        room.iter_mut().filter_map(|room| room.as_mut().enable().then_some(())).count()
    }

    #[test]
    fn as_many_are_woken_as_may_be_compared() {
        use AttemptEffect::{LockedNow, Noted};
        use AttemptOutcome::{Right, Unused, Wrong};
        assert_eq!(woken(Right, Noted, 2), 2);
        assert_eq!(woken(Unused, Noted, 5), 1);
        assert_eq!(woken(Wrong, Noted, 5), 0);
        assert_eq!(woken(Wrong, LockedNow, 5), 3, "each has its answer");
    }
}
