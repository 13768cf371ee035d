//! Password attempts that come all at once, or from a client that does not wait for the answer.

use std::pin::Pin;
use std::sync::{Arc, mpsc};
use std::task::Poll;
use std::time::Duration;

use tokio::task::JoinSet;

use super::lockout::{LOCK, LockoutFixture, SignInAnswer};
use crate::engine::{ChangePassword, ChangePasswordError, Identity, PasswordSignInError};
use crate::event::EventKind;
use crate::lockout::{AttemptKey, AttemptOutcome, AttemptPermit, AttemptRecord, LockoutLimits};
use crate::secret::SecretHash;
use crate::store::conformance::fixture::{PASSWORD, password};
use crate::strategy::StrategyName;

/// The answers to so many attempts at once.
async fn all_at_once(test: &Arc<LockoutFixture>, with: &'static str, count: usize) -> Vec<SignInAnswer> {
    let mut guessing = JoinSet::new();
    for _ in 0..count {
        let test = test.clone();
        guessing.spawn(async move {
            let strategy = StrategyName::Session;
            match test.ann.try_sign_in(&test.node, strategy, with, false).await {
                Ok(_) => Some(SignInAnswer::In),
                Err(PasswordSignInError::InvalidCredentials) => Some(SignInAnswer::Wrong),
                Err(PasswordSignInError::Locked) => Some(SignInAnswer::Locked),
                Err(PasswordSignInError::Busy(_)) => None,
                other => panic!("{other:?}"),
            }
        });
    }
    guessing.join_all().await.into_iter().flatten().collect()
}

// ASVS-map: AU1
#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn of_two_hundred_wrong_passwords_at_once_ten_are_compared() {
    let test = Arc::new(LockoutFixture::new().await);
    let told = all_at_once(&test, "wrong password", 200).await;
    assert!(told.iter().all(|told| *told == SignInAnswer::Wrong));
    let after = test.attempts().await;
    assert!(after.failures <= 10 && after.failures >= 5, "{after:?}");
    assert!(after.pending.is_empty(), "{after:?}");
    assert_eq!(after.locked_until, Some(test.node.now().plus(LOCK)));
    test.mailbox.collect(&test.node).await;
    assert_eq!(test.mailbox.count("unlock"), 1);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn fifty_right_passwords_at_once_all_let_in() {
    let test = Arc::new(LockoutFixture::new().await);
    let told = all_at_once(&test, PASSWORD, 50).await;
    assert_eq!(told, vec![SignInAnswer::In; 50]);
    assert_eq!(test.attempts().await, AttemptRecord::default());
}

/// Time stands still as long as a blocking task runs, so no attempt asks the store again after a while.
#[tokio::test(start_paused = true)]
async fn an_attempt_that_waits_for_others_is_woken_when_one_of_them_ends() {
    let (done, is_done) = mpsc::channel::<()>();
    let standstill =
        tokio::task::spawn_blocking(move || is_done.recv_timeout(Duration::from_mins(1)).is_ok());
    let test = Arc::new(LockoutFixture::new().await);
    let begun = tokio::time::Instant::now();
    let busy = test.fixture.passwords.occupy();
    let told = tokio::spawn(async move { (all_at_once(&test, PASSWORD, 50).await, test) });
    tokio::task::yield_now().await;
    drop(busy);
    let (told, test) = told.await.unwrap();
    assert_eq!(begun.elapsed(), Duration::ZERO, "an attempt has waited for the time");
    assert_eq!(told, vec![SignInAnswer::In; 50]);
    assert_eq!(test.attempts().await, AttemptRecord::default());
    drop(done);
    assert!(!standstill.await.unwrap());
}

/// A process hears nothing of attempts that end in another one, and asks the store.
#[tokio::test]
async fn an_attempt_that_waits_for_those_of_another_process_asks_the_store_again() {
    let test = LockoutFixture::new().await;
    let key = AttemptKey { user: test.ann.user.key.clone(), device: None };
    let (attempts, now) = (&test.fixture.builder.stores.attempts, test.node.now());
    let limits = LockoutLimits::default();
    for _ in 0..limits.max_failures {
        assert_eq!(attempts.reserve(&key, &limits, now).await.unwrap(), AttemptPermit::Granted);
    }
    test.faults.heard();
    let waiting = test.says(PASSWORD);
    tokio::pin!(waiting);
    while !test.faults.heard().contains(&"reserve a guess") {
        a_little(waiting.as_mut()).await;
    }
    let (permit, unused) = (AttemptPermit::Granted, AttemptOutcome::Unused);
    attempts.settle(&key, permit, unused, &limits, now).await.unwrap();
    assert_eq!(waiting.await, SignInAnswer::In);
}

#[tokio::test]
async fn an_attempt_that_the_pool_has_no_room_for_is_given_back() {
    let test = LockoutFixture::new().await;
    let held = test.ann.password_sign_in(&test.node, StrategyName::Session).await;
    let identity = held.identity(&test.node).await;
    test.faults.heard();
    test.fixture.passwords.stop();
    for _ in 0..20 {
        let (current, new) = (password("wrong password"), password("brisk lantern"));
        let change = ChangePassword { identity: identity.clone(), current, new };
        let refused = test.node.change_password(change).await;
        assert!(matches!(refused, Err(ChangePasswordError::Busy(_))), "{refused:?}");
    }
    let heard = test.faults.heard();
    let count = |verb| heard.iter().filter(|heard| **heard == verb).count();
    assert_eq!((count("reserve a guess"), count("settle a guess")), (20, 20));
    let session = SecretHash::of(&[b"session", identity.session.as_uuid().as_bytes()]);
    let whose = AttemptKey { user: identity.user, device: Some(session) };
    let left = test.fixture.builder.stores.attempts.find(&whose).await.unwrap();
    assert_eq!(left, AttemptRecord::default());
}

/// Polls a future once.
async fn a_little<F: Future>(mut doing: Pin<&mut F>) {
    std::future::poll_fn(|context| {
        let _ = doing.as_mut().poll(context);
        Poll::Ready(())
    })
    .await;
    tokio::task::yield_now().await;
}

#[tokio::test]
async fn a_client_that_hangs_up_on_an_attempt_keeps_no_other_waiting() {
    let test = LockoutFixture::new().await;
    // The pool has one thread, so that no password is compared before its client has hung up.
    let busy = test.fixture.passwords.occupy();
    for more in 0..5 {
        // Until the attempt is being reserved, or a little longer.
        test.faults.heard();
        let guess = test.ann.try_sign_in(&test.node, StrategyName::Session, "wrong password", false);
        tokio::pin!(guess);
        while !test.faults.heard().contains(&"reserve a guess") {
            a_little(guess.as_mut()).await;
        }
        for _ in 0..more {
            a_little(guess.as_mut()).await;
        }
    }
    for _ in 0..100 {
        tokio::task::yield_now().await;
    }
    assert_eq!(test.attempts().await.pending, [], "none of them is compared any more");
    drop(busy);
    assert_eq!(test.says(PASSWORD).await, SignInAnswer::In);
}

// ASVS-map: AU1
#[tokio::test]
async fn a_stolen_session_cannot_guess_on_and_strangers_do_not_keep_the_owner_from_changing_the_password() {
    let test = LockoutFixture::new().await;
    let (stolen, own) = (
        test.ann.password_sign_in(&test.node, StrategyName::Session).await.identity(&test.node).await,
        test.ann.password_sign_in(&test.node, StrategyName::Session).await.identity(&test.node).await,
    );
    test.is_wrong(10).await;
    let change = async |identity: &Identity, current, new| {
        let (current, new) = (password(current), password(new));
        test.node.change_password(ChangePassword { identity: identity.clone(), current, new }).await
    };
    let locked = test.fixture.recorded_events.count(EventKind::Locked);
    for _ in 0..5 {
        let wrong = change(&stolen, "wrong password", "brisk lantern").await;
        assert!(matches!(wrong, Err(ChangePasswordError::WrongPassword)), "{wrong:?}");
    }
    for guessed in ["wrong password", PASSWORD, "wrong password", PASSWORD, PASSWORD, PASSWORD] {
        let refused = change(&stolen, guessed, "brisk lantern").await;
        assert!(matches!(refused, Err(ChangePasswordError::TooManyGuesses { .. })), "{guessed}: {refused:?}");
    }
    let count = |what| test.fixture.recorded_events.count(what);
    assert_eq!(
        (count(EventKind::Locked), count(EventKind::DeviceLocked)),
        (locked, 1),
        "the account is as it was"
    );
    change(&own, PASSWORD, "brisk lantern").await.unwrap();
}
