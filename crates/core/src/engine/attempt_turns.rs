//! Wakes attempts that wait for other attempts on the same account, when one of these ends in this process.

use tokio::sync::Notify;
use tokio::sync::futures::Notified;

use super::shared_by_key::{HeldByKey, SharedByKey};
use crate::lockout::{AttemptEffect, AttemptKey, AttemptOutcome, LockoutLimits};

/// The attempts that wait.
#[derive(Default)]
pub(super) struct AttemptTurns(SharedByKey<AttemptKey, Notify>);

/// An attempt that waits, until it is dropped.
pub(super) struct WaitingAttempt<'a>(HeldByKey<'a, AttemptKey, Notify>);

impl AttemptTurns {
    /// Waits for attempts that are counted under this key.
    pub(super) fn join(&self, key: &AttemptKey) -> WaitingAttempt<'_> {
        WaitingAttempt(self.0.hold(key))
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
        let Some(waiting) = self.0.find(key) else { return };
        match (outcome, effect) {
            (_, AttemptEffect::LockedNow) => waiting.notify_waiters(),
            (AttemptOutcome::Right, _) => (0..limits.max_failures).for_each(|_| waiting.notify_one()),
            (AttemptOutcome::Unused, _) => waiting.notify_one(),
            (AttemptOutcome::Wrong, _) => (),
        }
    }
}

impl WaitingAttempt<'_> {
    /// Completes when an attempt has ended that makes room for this one.
    pub(super) fn has_room(&self) -> Notified<'_> {
        self.0.value.notified()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::store::conformance::records::{new_user_key, tenant};

    fn key() -> AttemptKey {
        AttemptKey { user: new_user_key(&tenant("acme")), device: None }
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
