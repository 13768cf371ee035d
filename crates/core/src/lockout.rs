//! Wrong guesses at passwords: how many are looked at, and when an account is locked.
//!
//! A guess is reserved before it is looked at and settled after it, both in one step of the store, so that no number of
//! parallel guesses gets more looks than one after the other would. Who may not have a look pays for one all the same
//! and is told the same.
//!
//! | wrong in a row | what happens |
//! |---|---|
//! | fewer than [`LockoutLimits::max_failures`] | each guess is looked at |
//! | that many | the account is locked for [`LockoutLimits::lock_duration`]; [`LockoutLimits::max_attempts_while_locked`] more are looked at, and a right one is told that it is locked |
//! | [`LockoutLimits::permanent_after`] | nothing is looked at until a link, a reset or a known device opens the account |

use std::time::Duration;

use crate::clock::Timestamp;
use crate::id::UserKey;
use crate::secret::SecretHash;

/// How long a guess that nobody settled counts as being looked at: whoever had it in hand is gone by then.
const LEASE: Duration = Duration::from_secs(30);

/// How long a record is kept that nobody adds to. An attacker who waits that long has gained nothing on a hundred.
pub const ATTEMPT_RETENTION: Duration = Duration::from_hours(30 * 24);

/// The end of a lock that time does not end: the last moment that every reader of RFC 3339 knows.
const FOR_EVER: Timestamp = Timestamp::from_millis(253_402_300_799_999);

/// Whose guesses are counted: those at a user's password, or those of one device that the user is known by.
#[derive(Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Debug)]
pub struct AttemptKey {
    /// The user.
    pub user: UserKey,
    /// The known device; a stranger cannot lock it out.
    pub device: Option<SecretHash>,
}

/// How many guesses there are.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct LockoutLimits {
    /// Wrong ones in a row that lock an account.
    pub max_failures: u32,
    /// How long it is locked.
    pub lock_duration: Duration,
    /// Guesses that are looked at while it is locked.
    pub max_attempts_while_locked: u32,
    /// Wrong ones in a row after which time alone opens nothing.
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

/// The guesses at one account, or of one device.
#[derive(Clone, PartialEq, Eq, Default, Debug)]
pub struct AttemptRecord {
    /// Wrong ones in a row.
    pub failures: u32,
    /// Those of them since the account was open last.
    pub failures_since_unlock: u32,
    /// Until when it is locked.
    pub locked_until: Option<Timestamp>,
    /// How many were looked at while it was.
    pub attempts_while_locked: u32,
    /// When those were reserved that are being looked at.
    pub pending: Vec<Timestamp>,
}

/// Whether a guess may be looked at.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum AttemptPermit {
    /// It may, and has to be settled.
    Granted,
    /// It may and has to be settled, but a right one learns no more than that the account is locked.
    Locked,
    /// It may not.
    Refused,
    /// Not now: as many are being looked at as may all be wrong.
    TooManyInFlight,
}

/// How a reserved guess turned out.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum AttemptOutcome {
    /// Right.
    Right,
    /// Wrong.
    Wrong,
    /// It was not looked at after all.
    Unused,
}

/// What follows from how it turned out.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum AttemptEffect {
    /// Nothing.
    Noted,
    /// The account was locked by this one, or for good.
    LockedNow,
}

impl AttemptRecord {
    /// Reserves a look at a guess.
    #[must_use]
    pub fn reserve(self, now: Timestamp, limits: &LockoutLimits) -> (AttemptPermit, Self) {
        let mut guesses = self.at(now);
        let pending = u32::try_from(guesses.pending.len()).unwrap_or(u32::MAX);
        let reserved = if guesses.failures >= limits.permanent_after {
            AttemptPermit::Refused
        } else if guesses.locked_until.is_some() {
            let may = guesses.attempts_while_locked + pending < limits.max_attempts_while_locked
                && guesses.failures + pending < limits.permanent_after;
            if may { AttemptPermit::Locked } else { AttemptPermit::Refused }
        } else if guesses.failures_since_unlock + pending < limits.max_failures
            && guesses.failures + pending < limits.permanent_after
        {
            AttemptPermit::Granted
        } else {
            AttemptPermit::TooManyInFlight
        };
        if matches!(reserved, AttemptPermit::Granted | AttemptPermit::Locked) {
            guesses.pending.push(now);
        }
        (reserved, guesses)
    }

    /// Settles a guess that was reserved as `reserved`.
    #[must_use]
    pub fn settle(
        self,
        reserved: AttemptPermit,
        outcome: AttemptOutcome,
        now: Timestamp,
        limits: &LockoutLimits,
    ) -> (AttemptEffect, Self) {
        let mut guesses = self.at(now);
        if !guesses.pending.is_empty() {
            guesses.pending.remove(0);
        }
        match (outcome, reserved) {
            (AttemptOutcome::Unused, _) => (),
            (AttemptOutcome::Right, AttemptPermit::Granted) => {
                return (AttemptEffect::Noted, Self { pending: guesses.pending, ..Self::default() });
            }
            (AttemptOutcome::Right, _) => guesses.attempts_while_locked += 1,
            (AttemptOutcome::Wrong, _) => {
                guesses.failures += 1;
                let for_good = guesses.failures == limits.permanent_after;
                if guesses.locked_until.is_some() {
                    guesses.attempts_while_locked += 1;
                } else {
                    guesses.failures_since_unlock += 1;
                    if guesses.failures_since_unlock >= limits.max_failures || for_good {
                        guesses = Self {
                            locked_until: Some(now.plus(limits.lock_duration)),
                            attempts_while_locked: 0,
                            ..guesses
                        };
                        return (AttemptEffect::LockedNow, guesses);
                    }
                }
                if for_good {
                    // The link of the lock that was until now may be too old to be followed.
                    return (AttemptEffect::LockedNow, guesses);
                }
            }
        }
        (AttemptEffect::Noted, guesses)
    }

    /// Until when the account is locked at `now`; for ever where time alone opens nothing.
    #[must_use]
    pub fn locked(&self, now: Timestamp, limits: &LockoutLimits) -> Option<Timestamp> {
        if self.failures >= limits.permanent_after {
            Some(FOR_EVER)
        } else {
            self.locked_until.filter(|until| now < *until)
        }
    }

    /// Whether there is anything to keep.
    #[must_use]
    pub fn is_blank(&self) -> bool {
        *self == Self::default()
    }

    /// The same at `now`: a lock that is over is open again, with as many guesses as before the first.
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

    /// One guess, from beginning to end.
    fn attempt_password(
        guesses: &mut AttemptRecord,
        now: Timestamp,
        outcome: AttemptOutcome,
    ) -> (AttemptPermit, AttemptEffect) {
        let (reserved, next) = std::mem::take(guesses).reserve(now, &LIMITS);
        *guesses = next;
        if matches!(reserved, AttemptPermit::Refused | AttemptPermit::TooManyInFlight) {
            return (reserved, AttemptEffect::Noted);
        }
        let (settled, next) = std::mem::take(guesses).settle(reserved, outcome, now, &LIMITS);
        *guesses = next;
        (reserved, settled)
    }

    fn locked() -> AttemptRecord {
        let mut guesses = AttemptRecord::default();
        for nth in 1..=5 {
            let settled = if nth == 5 { AttemptEffect::LockedNow } else { AttemptEffect::Noted };
            assert_eq!(
                attempt_password(&mut guesses, NOW, AttemptOutcome::Wrong),
                (AttemptPermit::Granted, settled)
            );
        }
        guesses
    }

    // ASVS-map: AU1
    #[test]
    fn the_fifth_wrong_guess_in_a_row_locks_and_five_more_are_looked_at() {
        let mut guesses = locked();
        assert_eq!(guesses.locked(NOW, &LIMITS), Some(NOW.plus(LIMITS.lock_duration)));
        for outcome in [
            AttemptOutcome::Wrong,
            AttemptOutcome::Right,
            AttemptOutcome::Wrong,
            AttemptOutcome::Wrong,
            AttemptOutcome::Wrong,
        ] {
            assert_eq!(
                attempt_password(&mut guesses, NOW, outcome),
                (AttemptPermit::Locked, AttemptEffect::Noted)
            );
        }
        assert_eq!(attempt_password(&mut guesses, NOW, AttemptOutcome::Right).0, AttemptPermit::Refused);
        assert_eq!(guesses.locked(NOW, &LIMITS), Some(NOW.plus(LIMITS.lock_duration)));
    }

    #[test]
    fn a_lock_ends_by_itself_and_a_right_guess_forgets_the_wrong_ones() {
        let mut guesses = locked();
        let later = NOW.plus(LIMITS.lock_duration);
        assert_eq!(attempt_password(&mut guesses, later, AttemptOutcome::Wrong).0, AttemptPermit::Granted);
        assert_eq!((guesses.failures, guesses.failures_since_unlock), (6, 1));
        assert_eq!(attempt_password(&mut guesses, later, AttemptOutcome::Right).0, AttemptPermit::Granted);
        assert!(guesses.is_blank());
    }

    // ASVS-map: AU1
    #[test]
    fn after_a_hundred_in_a_row_time_opens_nothing_and_the_owner_is_told_at_the_hundredth() {
        // With eight for each lock the hundredth comes while the account is open, with ten while it is locked.
        for in_each in [8, 10] {
            let (mut guesses, mut now, mut looked_at, mut told) =
                (AttemptRecord::default(), NOW, 0, Vec::new());
            for nth in 0..1_000 {
                if nth % in_each == 0 {
                    now = now.plus(LIMITS.lock_duration);
                }
                let (reserved, settled) = attempt_password(&mut guesses, now, AttemptOutcome::Wrong);
                looked_at += u32::from(matches!(reserved, AttemptPermit::Granted | AttemptPermit::Locked));
                if settled == AttemptEffect::LockedNow {
                    told.push(looked_at);
                }
            }
            assert_eq!((looked_at, told.last()), (100, Some(&100)), "{told:?}");
            assert_eq!(
                attempt_password(&mut guesses, now.plus(ATTEMPT_RETENTION), AttemptOutcome::Right).0,
                AttemptPermit::Refused
            );
        }
    }

    // ASVS-map: AU1
    #[test]
    fn no_more_than_a_hundred_in_a_row_are_looked_at_though_many_come_at_once_while_it_is_locked() {
        let until = Some(NOW.plus(LIMITS.lock_duration));
        let mut guesses = AttemptRecord {
            failures: 97,
            failures_since_unlock: 5,
            locked_until: until,
            ..AttemptRecord::default()
        };
        let mut granted = 0;
        for _ in 0..5 {
            let (reserved, next) = guesses.reserve(NOW, &LIMITS);
            granted += u32::from(reserved == AttemptPermit::Locked);
            guesses = next;
        }
        assert_eq!(granted, 3);
    }

    #[test]
    fn as_many_are_looked_at_at_once_as_may_all_be_wrong() {
        let mut guesses = AttemptRecord::default();
        for _ in 0..5 {
            let (reserved, next) = guesses.reserve(NOW, &LIMITS);
            assert_eq!(reserved, AttemptPermit::Granted);
            guesses = next;
        }
        assert_eq!(guesses.clone().reserve(NOW, &LIMITS).0, AttemptPermit::TooManyInFlight);
        let (_, guesses) = guesses.settle(AttemptPermit::Granted, AttemptOutcome::Unused, NOW, &LIMITS);
        assert_eq!(guesses.clone().reserve(NOW, &LIMITS).0, AttemptPermit::Granted);
        // Whoever had them in hand has died.
        assert_eq!(AttemptRecord::default().failures, guesses.failures);
        let (reserved, guesses) = guesses.reserve(NOW.plus(LEASE), &LIMITS);
        assert_eq!((reserved, guesses.pending.len()), (AttemptPermit::Granted, 1));
    }
}
