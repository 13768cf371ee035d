//! Guesses at a password that come all at once, or from somebody who does not wait for the answer.

use std::pin::Pin;
use std::sync::Arc;
use std::task::Poll;

use tokio::task::JoinSet;

use super::lockout::{LOCK, Scene, Told};
use crate::engine::{ChangePassword, ChangePasswordError, Identity, PasswordSignInError};
use crate::event::EventKind;
use crate::lockout::{AttemptKey, AttemptRecord};
use crate::secret::SecretHash;
use crate::store::conformance::fixture::{PASSWORD, password};
use crate::strategy::StrategyName;

/// What so many are told who guess this at once.
async fn all_at_once(scene: &Arc<Scene>, with: &'static str, count: usize) -> Vec<Told> {
    let mut guessing = JoinSet::new();
    for _ in 0..count {
        let scene = scene.clone();
        guessing.spawn(async move {
            let strategy = StrategyName::Session;
            match scene.ann.try_sign_in(&scene.node, strategy, with, false).await {
                Ok(_) => Some(Told::In),
                Err(PasswordSignInError::InvalidCredentials) => Some(Told::Wrong),
                Err(PasswordSignInError::Locked) => Some(Told::Locked),
                Err(PasswordSignInError::Busy(_)) => None,
                other => panic!("{other:?}"),
            }
        });
    }
    guessing.join_all().await.into_iter().flatten().collect()
}

// ASVS-map: AU1
#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn of_two_hundred_wrong_guesses_at_once_ten_are_looked_at() {
    let scene = Arc::new(Scene::new().await);
    let told = all_at_once(&scene, "wrong password", 200).await;
    assert!(told.iter().all(|told| *told == Told::Wrong));
    let after = scene.attempts().await;
    assert!(after.failures <= 10 && after.failures >= 5, "{after:?}");
    assert!(after.pending.is_empty(), "{after:?}");
    assert_eq!(after.locked_until, Some(scene.node.now().plus(LOCK)));
    scene.post.collect(&scene.node).await;
    assert_eq!(scene.post.count("unlock"), 1);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn fifty_right_passwords_at_once_all_let_in() {
    let scene = Arc::new(Scene::new().await);
    let told = all_at_once(&scene, PASSWORD, 50).await;
    assert_eq!(told, vec![Told::In; 50]);
    assert_eq!(scene.attempts().await, AttemptRecord::default());
}

#[tokio::test]
async fn a_guess_that_the_pool_has_no_room_for_is_given_back() {
    let scene = Scene::new().await;
    let held = scene.ann.password_sign_in(&scene.node, StrategyName::Session).await;
    let identity = held.identity(&scene.node).await;
    scene.faults.heard();
    scene.fixture.passwords.stop();
    for _ in 0..20 {
        let (current, new) = (password("wrong password"), password("brisk lantern"));
        let change = ChangePassword { identity: identity.clone(), current, new };
        let refused = scene.node.change_password(change).await;
        assert!(matches!(refused, Err(ChangePasswordError::Busy(_))), "{refused:?}");
    }
    let heard = scene.faults.heard();
    let count = |verb| heard.iter().filter(|heard| **heard == verb).count();
    assert_eq!((count("reserve a guess"), count("settle a guess")), (20, 20));
    let session = SecretHash::of(&[b"session", identity.session.as_uuid().as_bytes()]);
    let whose = AttemptKey { user: identity.user, device: Some(session) };
    let left = scene.fixture.builder.stores.attempts.find(&whose).await.unwrap();
    assert_eq!(left, AttemptRecord::default());
}

/// Lets it go one step further.
async fn a_little<F: Future>(mut doing: Pin<&mut F>) {
    std::future::poll_fn(|context| {
        let _ = doing.as_mut().poll(context);
        Poll::Ready(())
    })
    .await;
    tokio::task::yield_now().await;
}

#[tokio::test]
async fn who_hangs_up_on_a_guess_keeps_nobody_waiting() {
    let scene = Scene::new().await;
    for more in 0..5 {
        // Until the look is being reserved, or a little longer.
        scene.faults.heard();
        let guess = scene.ann.try_sign_in(&scene.node, StrategyName::Session, "wrong password", false);
        tokio::pin!(guess);
        while !scene.faults.heard().contains(&"reserve a guess") {
            a_little(guess.as_mut()).await;
        }
        for _ in 0..more {
            a_little(guess.as_mut()).await;
        }
    }
    for _ in 0..100 {
        tokio::task::yield_now().await;
    }
    assert_eq!(scene.attempts().await.pending, [], "nobody looks at those any more");
    assert_eq!(scene.says(PASSWORD).await, Told::In);
}

#[tokio::test]
async fn a_stolen_session_cannot_guess_on_and_strangers_do_not_keep_the_owner_from_changing_it() {
    let scene = Scene::new().await;
    let (stolen, own) = (
        scene.ann.password_sign_in(&scene.node, StrategyName::Session).await.identity(&scene.node).await,
        scene.ann.password_sign_in(&scene.node, StrategyName::Session).await.identity(&scene.node).await,
    );
    scene.is_wrong(10).await;
    let change = async |identity: &Identity, current, new| {
        let (current, new) = (password(current), password(new));
        scene.node.change_password(ChangePassword { identity: identity.clone(), current, new }).await
    };
    let locked = scene.fixture.recorded_events.count(EventKind::Locked);
    for _ in 0..5 {
        let wrong = change(&stolen, "wrong password", "brisk lantern").await;
        assert!(matches!(wrong, Err(ChangePasswordError::WrongPassword)), "{wrong:?}");
    }
    for guessed in ["wrong password", PASSWORD, "wrong password", PASSWORD, PASSWORD, PASSWORD] {
        let refused = change(&stolen, guessed, "brisk lantern").await;
        assert!(matches!(refused, Err(ChangePasswordError::TooManyGuesses { .. })), "{guessed}: {refused:?}");
    }
    let count = |what| scene.fixture.recorded_events.count(what);
    assert_eq!(
        (count(EventKind::Locked), count(EventKind::DeviceLocked)),
        (locked, 1),
        "the account is as it was"
    );
    change(&own, PASSWORD, "brisk lantern").await.unwrap();
}
