//! Brute-force lockout: how many passwords are compared with a user's hash, and when the user is locked.
//!
//! An attempt is reserved before the password is compared and settled afterwards, each in one step of the store. So
//! parallel attempts get no more comparisons than attempts in a row. An attempt that is refused costs a client the same
//! time and gets the same answer as a wrong one.
//!
//! | failures in a row | what happens |
//! |---|---|
//! | fewer than [`max_failures`](LockoutLimits::max_failures) | every password is compared |
//! | that many | the user is locked for [`lock_duration`](LockoutLimits::lock_duration). Of [`max_attempts_while_locked`](LockoutLimits::max_attempts_while_locked) more the password is compared; a right one is told that the user is locked |
//! | [`permanent_after`](LockoutLimits::permanent_after) | no password is compared until a link, a reset or a known device unlocks the user |

use std::time::Duration;

use crate::clock::Timestamp;
use crate::id::UserKey;
use crate::secret::SecretHash;

/// How long an attempt that was not settled counts as pending. The node that had reserved it has stopped by then.
const LEASE: Duration = Duration::from_secs(30);

/// How long an unchanged record is kept. An attacker who waits that long gains nothing on a limit of a hundred.
pub const ATTEMPT_RETENTION: Duration = Duration::from_hours(30 * 24);

/// The end of a permanent lock: the last moment that RFC 3339 can express.
const FOR_EVER: Timestamp = Timestamp::from_millis(253_402_300_799_999);

/// Which attempts are counted together: those of unknown devices, or those of one known device.
#[derive(Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Debug)]
pub struct AttemptKey {
    /// The user whose password is tried.
    pub user: UserKey,
    /// The known device, which an attacker elsewhere cannot lock. `None` for all unknown devices.
    pub device: Option<SecretHash>,
}

/// The limits of the lockout.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct LockoutLimits {
    /// Failures in a row that lock the user.
    pub max_failures: u32,
    /// How long the user is locked.
    pub lock_duration: Duration,
    /// Passwords that are compared while the user is locked.
    pub max_attempts_while_locked: u32,
    /// Failures in a row after which the lock does not end by itself.
    pub permanent_after: u32,
}

impl Default for LockoutLimits {
    fn default() -> Self {
        Self {
            max_failures: 5,
            lock_duration: Duration::from_mins(15),
            max_attempts_while_locked: 5,
            permanent_after: 100,
        }
    }
}

/// The attempts that are counted together.
#[derive(Clone, PartialEq, Eq, Default, Debug)]
pub struct AttemptRecord {
    /// Failures in a row.
    pub failures: u32,
    /// Failures in a row since the last lock ended.
    pub failures_since_unlock: u32,
    /// Until when the user is locked. `None` if not locked.
    pub locked_until: Option<Timestamp>,
    /// Passwords that were compared during this lock.
    pub attempts_while_locked: u32,
    /// When each attempt was reserved that is not settled yet.
    pub pending: Vec<Timestamp>,
}

/// Whether the password of an attempt may be compared.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum AttemptPermit {
    /// It may, and the attempt must be settled.
    Granted,
    /// It may, and the attempt must be settled. The user is locked, so a right password does not sign in.
    Locked,
    /// It may not.
    Refused,
    /// Not now: if all pending attempts fail, the limit is reached.
    TooManyInFlight,
}

/// The result of a reserved attempt.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum AttemptOutcome {
    /// The password was right.
    Right,
    /// The password was wrong.
    Wrong,
    /// The password was not compared after all.
    Unused,
}

/// The effect of a settled attempt.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum AttemptEffect {
    /// The result was counted.
    Noted,
    /// This attempt locked the user, for a time or permanently.
    LockedNow,
}

impl AttemptRecord {
    /// Reserves an attempt.
    #[must_use]
    pub fn reserve(self, now: Timestamp, limits: &LockoutLimits) -> (AttemptPermit, Self) {
        let mut record = self.at(now);
        let permit = record.permit(limits);
        if matches!(permit, AttemptPermit::Granted | AttemptPermit::Locked) {
            record.pending.push(now);
        }
        (permit, record)
    }

    fn permit(&self, limits: &LockoutLimits) -> AttemptPermit {
        let pending = u32::try_from(self.pending.len()).unwrap_or(u32::MAX);
        let is_permanent = self.failures >= limits.permanent_after;
        let is_below_permanent = self.failures + pending < limits.permanent_after;
        let has_attempts_in_lock = self.attempts_while_locked + pending < limits.max_attempts_while_locked;
        // Limits that were lowered may be exceeded already: one more attempt locks then, or clears.
        let has_attempts = pending == 0 || self.failures_since_unlock + pending < limits.max_failures;
        match self.locked_until {
            _ if is_permanent => AttemptPermit::Refused,
            Some(_) if has_attempts_in_lock && is_below_permanent => AttemptPermit::Locked,
            Some(_) => AttemptPermit::Refused,
            None if has_attempts && is_below_permanent => AttemptPermit::Granted,
            None => AttemptPermit::TooManyInFlight,
        }
    }

    /// Settles an attempt that was reserved with the permit `reserved`.
    #[must_use]
    pub fn settle(
        self,
        reserved: AttemptPermit,
        outcome: AttemptOutcome,
        now: Timestamp,
        limits: &LockoutLimits,
    ) -> (AttemptEffect, Self) {
        let mut record = self.at(now);
        if !record.pending.is_empty() {
            record.pending.remove(0);
        }
        match (outcome, reserved) {
            (AttemptOutcome::Unused, _) => (AttemptEffect::Noted, record),
            (AttemptOutcome::Right, AttemptPermit::Granted) => {
                (AttemptEffect::Noted, Self { pending: record.pending, ..Self::default() })
            }
            (AttemptOutcome::Right, _) => {
                record.attempts_while_locked += 1;
                (AttemptEffect::Noted, record)
            }
            (AttemptOutcome::Wrong, _) => record.failed(now, limits),
        }
    }

    fn failed(mut self, now: Timestamp, limits: &LockoutLimits) -> (AttemptEffect, Self) {
        self.failures += 1;
        let is_permanent = self.failures == limits.permanent_after;
        if self.locked_until.is_some() {
            self.attempts_while_locked += 1;
            // The link that was sent when this lock began may have expired, so the user needs another.
            let effect = if is_permanent { AttemptEffect::LockedNow } else { AttemptEffect::Noted };
            return (effect, self);
        }
        self.failures_since_unlock += 1;
        if self.failures_since_unlock < limits.max_failures && !is_permanent {
            return (AttemptEffect::Noted, self);
        }
        let until = Some(now.plus(limits.lock_duration));
        (AttemptEffect::LockedNow, Self { locked_until: until, attempts_while_locked: 0, ..self })
    }

    /// Until when the user is locked. `None` if not locked at `now`; the year 9999 if the lock is permanent.
    #[must_use]
    pub fn locked(&self, now: Timestamp, limits: &LockoutLimits) -> Option<Timestamp> {
        if self.failures >= limits.permanent_after {
            Some(FOR_EVER)
        } else {
            self.locked_until.filter(|until| now < *until)
        }
    }

    /// Whether nothing is counted, so that the record need not be kept.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        *self == Self::default()
    }

    /// The record at `now`: without a lock that has ended and without pending attempts that were lost.
    fn at(mut self, now: Timestamp) -> Self {
        self.pending.retain(|reserved| now.since(*reserved) < LEASE);
        if self.locked_until.is_some_and(|until| until <= now) {
            self.locked_until = None;
            self.failures_since_unlock = 0;
            self.attempts_while_locked = 0;
        }
        self
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const NOW: Timestamp = Timestamp::from_millis(1_769_638_376_311);
    const LIMITS: LockoutLimits = LockoutLimits {
        max_failures: 5,
        lock_duration: Duration::from_mins(15),
        max_attempts_while_locked: 5,
        permanent_after: 100,
    };

    /// One attempt, reserved and settled.
    fn attempt_password(
        record: &mut AttemptRecord,
        now: Timestamp,
        outcome: AttemptOutcome,
    ) -> (AttemptPermit, AttemptEffect) {
        let (reserved, next) = std::mem::take(record).reserve(now, &LIMITS);
        *record = next;
        if matches!(reserved, AttemptPermit::Refused | AttemptPermit::TooManyInFlight) {
            return (reserved, AttemptEffect::Noted);
        }
        let (settled, next) = std::mem::take(record).settle(reserved, outcome, now, &LIMITS);
        *record = next;
        (reserved, settled)
    }

    // ASVS-map: AU1
    #[test]
    fn limits_that_were_lowered_below_the_failures_compare_one_more_which_locks_or_clears() {
        let failed = AttemptRecord { failures: 7, failures_since_unlock: 7, ..AttemptRecord::default() };
        let (permit, reserved) = failed.reserve(NOW, &LIMITS);
        assert_eq!(permit, AttemptPermit::Granted);
        let (second, reserved) = reserved.reserve(NOW, &LIMITS);
        assert_eq!(second, AttemptPermit::TooManyInFlight, "one at a time");
        let settle = |outcome| reserved.clone().settle(permit, outcome, NOW, &LIMITS);
        let (effect, locked) = settle(AttemptOutcome::Wrong);
        assert_eq!(effect, AttemptEffect::LockedNow);
        assert_eq!(locked.locked(NOW, &LIMITS), Some(NOW.plus(LIMITS.lock_duration)));
        let (_, cleared) = settle(AttemptOutcome::Right);
        assert!(cleared.is_empty());
    }

    fn locked() -> AttemptRecord {
        let mut record = AttemptRecord::default();
        for nth in 1..=5 {
            let settled = if nth == 5 { AttemptEffect::LockedNow } else { AttemptEffect::Noted };
            assert_eq!(
                attempt_password(&mut record, NOW, AttemptOutcome::Wrong),
                (AttemptPermit::Granted, settled)
            );
        }
        record
    }

    // ASVS-map: AU1
    #[test]
    fn the_fifth_wrong_password_in_a_row_locks_and_five_more_are_compared() {
        let mut record = locked();
        assert_eq!(record.locked(NOW, &LIMITS), Some(NOW.plus(LIMITS.lock_duration)));
        for outcome in [
            AttemptOutcome::Wrong,
            AttemptOutcome::Right,
            AttemptOutcome::Wrong,
            AttemptOutcome::Wrong,
            AttemptOutcome::Wrong,
        ] {
            assert_eq!(
                attempt_password(&mut record, NOW, outcome),
                (AttemptPermit::Locked, AttemptEffect::Noted)
            );
        }
        assert_eq!(attempt_password(&mut record, NOW, AttemptOutcome::Right).0, AttemptPermit::Refused);
        assert_eq!(record.locked(NOW, &LIMITS), Some(NOW.plus(LIMITS.lock_duration)));
    }

    #[test]
    fn a_lock_ends_by_itself_and_a_right_password_clears_the_failures() {
        let mut record = locked();
        let later = NOW.plus(LIMITS.lock_duration);
        assert_eq!(attempt_password(&mut record, later, AttemptOutcome::Wrong).0, AttemptPermit::Granted);
        assert_eq!((record.failures, record.failures_since_unlock), (6, 1));
        assert_eq!(attempt_password(&mut record, later, AttemptOutcome::Right).0, AttemptPermit::Granted);
        assert!(record.is_empty());
    }

    // ASVS-map: AU1
    #[test]
    fn after_a_hundred_failures_the_lock_is_permanent_and_the_user_is_notified_at_the_hundredth() {
        // With eight for each lock the hundredth comes while the user is not locked, with ten while locked.
        for in_each in [8, 10] {
            let (mut record, mut now, mut looked_at, mut told) =
                (AttemptRecord::default(), NOW, 0, Vec::new());
            for nth in 0..1_000 {
                if nth % in_each == 0 {
                    now = now.plus(LIMITS.lock_duration);
                }
                let (reserved, settled) = attempt_password(&mut record, now, AttemptOutcome::Wrong);
                looked_at += u32::from(matches!(reserved, AttemptPermit::Granted | AttemptPermit::Locked));
                if settled == AttemptEffect::LockedNow {
                    told.push(looked_at);
                }
            }
            assert_eq!((looked_at, told.last()), (100, Some(&100)), "{told:?}");
            assert_eq!(
                attempt_password(&mut record, now.plus(ATTEMPT_RETENTION), AttemptOutcome::Right).0,
                AttemptPermit::Refused
            );
        }
    }

    // ASVS-map: AU1
    #[test]
    fn no_more_than_a_hundred_in_a_row_are_compared_even_if_many_come_at_once_during_a_lock() {
        let until = Some(NOW.plus(LIMITS.lock_duration));
        let mut record = AttemptRecord {
            failures: 97,
            failures_since_unlock: 5,
            locked_until: until,
            ..AttemptRecord::default()
        };
        let mut granted = 0;
        for _ in 0..5 {
            let (reserved, next) = record.reserve(NOW, &LIMITS);
            granted += u32::from(reserved == AttemptPermit::Locked);
            record = next;
        }
        assert_eq!(granted, 3);
    }

    // ASVS-map: AU1
    #[test]
    fn as_many_attempts_may_be_pending_as_failures_are_allowed() {
        let mut record = AttemptRecord::default();
        for _ in 0..5 {
            let (reserved, next) = record.reserve(NOW, &LIMITS);
            assert_eq!(reserved, AttemptPermit::Granted);
            record = next;
        }
        assert_eq!(record.clone().reserve(NOW, &LIMITS).0, AttemptPermit::TooManyInFlight);
        let (_, record) = record.settle(AttemptPermit::Granted, AttemptOutcome::Unused, NOW, &LIMITS);
        assert_eq!(record.clone().reserve(NOW, &LIMITS).0, AttemptPermit::Granted);
        // The node that had reserved them has crashed.
        assert_eq!(AttemptRecord::default().failures, record.failures);
        let (reserved, record) = record.reserve(NOW.plus(LEASE), &LIMITS);
        assert_eq!((reserved, record.pending.len()), (AttemptPermit::Granted, 1));
    }
}
