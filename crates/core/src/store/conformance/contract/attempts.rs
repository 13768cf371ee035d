//! What an [`AttemptStore`](crate::store::AttemptStore) must do.

use std::time::Duration;

use super::super::records::{NOW, at, new_user_key, numbered, tenant};
use super::{Answered, each};
use crate::clock::Timestamp;
use crate::id::UserKey;
use crate::lockout::{
    ATTEMPT_RETENTION, AttemptEffect, AttemptKey, AttemptOutcome, AttemptPermit, AttemptRecord, LockoutLimits,
};
use crate::store::Stores;

pub(super) async fn all(make: &impl AsyncFn() -> Stores) {
    each!(make;
        an_unknown_key_has_no_attempts,
        guesses_are_counted_as_the_transitions_say,
        a_right_guess_forgets_the_wrong_ones,
        the_guesses_of_a_device_are_its_own,
        what_is_forgotten_is_the_users_and_all_of_it,
        a_purge_takes_only_what_is_old_and_is_bounded,
        guesses_are_apart_by_tenant,
    );
}

/// Low limits, so that a few attempts reach each of them.
const LIMITS: LockoutLimits = LockoutLimits {
    max_failures: 3,
    lock_duration: Duration::from_mins(15),
    max_attempts_while_locked: 2,
    permanent_after: 7,
};

/// The attempts at a user's password.
pub(super) fn of_account(user: &UserKey) -> AttemptKey {
    AttemptKey { user: user.clone(), device: None }
}

fn of_device(user: &UserKey, number: u64) -> AttemptKey {
    AttemptKey { user: user.clone(), device: Some(numbered(number)) }
}

async fn found(stores: &Stores, key: &AttemptKey) -> AttemptRecord {
    stores.attempts.find(key).await.answered()
}

async fn reserve(stores: &Stores, key: &AttemptKey, now: Timestamp) -> AttemptPermit {
    stores.attempts.reserve(key, &LIMITS, now).await.answered()
}

async fn settle(
    stores: &Stores,
    key: &AttemptKey,
    reserved: AttemptPermit,
    outcome: AttemptOutcome,
    now: Timestamp,
) -> AttemptEffect {
    stores.attempts.settle(key, reserved, outcome, &LIMITS, now).await.answered()
}

/// A wrong attempt that is compared, reserved and settled.
async fn wrong(stores: &Stores, key: &AttemptKey, now: Timestamp) -> AttemptEffect {
    let reserved = reserve(stores, key, now).await;
    assert!(matches!(reserved, AttemptPermit::Granted | AttemptPermit::Locked), "{reserved:?}");
    settle(stores, key, reserved, AttemptOutcome::Wrong, now).await
}

/// An unknown key has an empty record.
pub async fn an_unknown_key_has_no_attempts(stores: &Stores) {
    let jo = new_user_key(&tenant("acme"));
    assert_eq!(found(stores, &of_account(&jo)).await, AttemptRecord::default());
    stores.attempts.clear(&jo).await.answered();
    assert_eq!(stores.attempts.purge(NOW.plus(ATTEMPT_RETENTION), 9).await.answered(), 0);
}

/// The store answers and keeps what [`AttemptRecord::reserve`] and [`AttemptRecord::settle`] return: through a lockout,
/// its end, and the lockout that does not end by itself.
// ASVS-map: AU1
pub async fn guesses_are_counted_as_the_transitions_say(stores: &Stores) {
    let key = of_account(&new_user_key(&tenant("acme")));
    let (mut expected, mut now, mut answers) = (AttemptRecord::default(), NOW, Vec::new());
    let outcomes = [AttemptOutcome::Wrong, AttemptOutcome::Unused, AttemptOutcome::Wrong];
    for outcome in outcomes.into_iter().cycle().take(40) {
        let (reserved, next) = expected.reserve(now, &LIMITS);
        assert_eq!(reserve(stores, &key, now).await, reserved);
        assert_eq!(found(stores, &key).await, next);
        expected = next;
        if matches!(reserved, AttemptPermit::Granted | AttemptPermit::Locked) {
            let (settled, next) = expected.settle(reserved, outcome, now, &LIMITS);
            assert_eq!(settle(stores, &key, reserved, outcome, now).await, settled);
            assert_eq!(found(stores, &key).await, next);
            expected = next;
        } else {
            now = now.plus(LIMITS.lock_duration);
        }
        answers.push(reserved);
    }
    for answer in [AttemptPermit::Granted, AttemptPermit::Locked, AttemptPermit::Refused] {
        assert!(answers.contains(&answer), "{answer:?}");
    }
    assert_eq!(expected.failures, LIMITS.permanent_after);
}

/// The right password leaves no record, and neither does an attempt that was not compared after all.
pub async fn a_right_guess_forgets_the_wrong_ones(stores: &Stores) {
    let key = of_account(&new_user_key(&tenant("acme")));
    assert_eq!(reserve(stores, &key, NOW).await, AttemptPermit::Granted);
    settle(stores, &key, AttemptPermit::Granted, AttemptOutcome::Unused, NOW).await;
    assert_eq!(found(stores, &key).await, AttemptRecord::default());
    wrong(stores, &key, NOW).await;
    assert_eq!(reserve(stores, &key, NOW).await, AttemptPermit::Granted);
    settle(stores, &key, AttemptPermit::Granted, AttemptOutcome::Right, NOW).await;
    assert_eq!(found(stores, &key).await, AttemptRecord::default());
    assert_eq!(
        stores.attempts.purge(NOW.plus(ATTEMPT_RETENTION), 9).await.answered(),
        0,
        "an empty record is kept"
    );
}

/// A stranger who locks an account does not lock out a known device of its user, nor one device another.
// ASVS-map: AU1
pub async fn the_guesses_of_a_device_are_its_own(stores: &Stores) {
    let jo = new_user_key(&tenant("acme"));
    let (account, phone, laptop) = (of_account(&jo), of_device(&jo, 1), of_device(&jo, 2));
    for _ in 1..LIMITS.max_failures {
        assert_eq!(wrong(stores, &account, NOW).await, AttemptEffect::Noted);
    }
    assert_eq!(wrong(stores, &account, NOW).await, AttemptEffect::LockedNow);
    assert_eq!(found(stores, &phone).await, AttemptRecord::default());
    wrong(stores, &phone, NOW).await;
    assert_eq!(found(stores, &phone).await.failures, 1);
    assert_eq!(found(stores, &laptop).await, AttemptRecord::default());
    let locked = found(stores, &account).await;
    assert_eq!(locked.locked(NOW, &LIMITS), Some(NOW.plus(LIMITS.lock_duration)));
    assert_eq!(locked.failures, LIMITS.max_failures);
    assert_eq!(reserve(stores, &laptop, NOW).await, AttemptPermit::Granted);
}

/// `clear` forgets the attempts of one user, those of every known device included.
pub async fn what_is_forgotten_is_the_users_and_all_of_it(stores: &Stores) {
    let (jo, ann) = (new_user_key(&tenant("acme")), new_user_key(&tenant("acme")));
    let jos = [of_account(&jo), of_device(&jo, 1), of_device(&jo, 2)];
    let anns = [of_account(&ann), of_device(&ann, 1)];
    for key in jos.iter().chain(&anns) {
        wrong(stores, key, NOW).await;
    }
    stores.attempts.clear(&jo).await.answered();
    for key in &jos {
        assert_eq!(found(stores, key).await, AttemptRecord::default());
    }
    for key in &anns {
        assert_eq!(found(stores, key).await.failures, 1);
    }
}

/// `purge` removes records that have not changed for long, at most as many as its limit.
pub async fn a_purge_takes_only_what_is_old_and_is_bounded(stores: &Stores) {
    let [old, used, recent] = [(); 3].map(|()| of_account(&new_user_key(&tenant("acme"))));
    wrong(stores, &old, NOW).await;
    wrong(stores, &used, NOW).await;
    wrong(stores, &used, at(10)).await;
    wrong(stores, &recent, at(10)).await;
    let purge = async |now: Timestamp, limit| {
        stores.attempts.purge(now.plus(ATTEMPT_RETENTION), limit).await.answered()
    };
    assert_eq!(purge(at(-1), 9).await, 0);
    assert_eq!(purge(at(9), 9).await, 1);
    assert_eq!(found(stores, &old).await, AttemptRecord::default());
    assert_eq!((found(stores, &used).await.failures, found(stores, &recent).await.failures), (2, 1));
    assert_eq!((purge(at(10), 1).await, purge(at(10), 1).await, purge(at(10), 1).await), (1, 1, 0));
}

/// A user with the same id in another tenant has a record of its own.
// ASVS-map: TN1
pub async fn guesses_are_apart_by_tenant(stores: &Stores) {
    let jo = new_user_key(&tenant("acme"));
    let twin = UserKey { tenant: tenant("globex"), id: jo.id };
    for key in [of_account(&jo), of_device(&jo, 1)] {
        wrong(stores, &key, NOW).await;
    }
    for key in [of_account(&twin), of_device(&twin, 1)] {
        assert_eq!(found(stores, &key).await, AttemptRecord::default());
    }
    stores.attempts.clear(&twin).await.answered();
    assert_eq!(found(stores, &of_account(&jo)).await.failures, 1);
}
