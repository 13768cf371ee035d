//! A user changes their password.

use tokio::task::JoinSet;

use crate::engine::{ChangePassword, ChangePasswordError, Engine, Identity};
use crate::event::EventKind;
use crate::session::EndReason;
use crate::store::conformance::fixture::{Fixture, HeldCredentials, PASSWORD, RegisteredUser, password};
use crate::store::memory::MemoryStore;
use crate::strategy::StrategyName;

async fn change(
    engine: &Engine,
    identity: &Identity,
    from: &str,
    to: &str,
) -> Result<(), ChangePasswordError> {
    engine
        .change_password(ChangePassword {
            identity: identity.clone(),
            current: password(from),
            new: password(to),
        })
        .await
}

/// A user who is signed in twice.
async fn signed_in_twice(
    fixture: &Fixture,
    node: &Engine,
) -> (RegisteredUser, HeldCredentials, HeldCredentials) {
    let ann = fixture.new_user(node).await;
    let here = ann.password_sign_in(node, StrategyName::Session).await;
    let elsewhere = ann.password_sign_in(node, StrategyName::SessionJwt).await;
    (ann, here, elsewhere)
}

// ASVS-map: PW8
#[tokio::test]
async fn a_refused_change_changes_nothing_and_ends_nothing() {
    let fixture = Fixture::new(MemoryStore::stores());
    let node = fixture.node().await;
    let (ann, here, elsewhere) = signed_in_twice(&fixture, &node).await;
    let identity = here.identity(&node).await;
    let wrong = change(&node, &identity, "wrong password", "brisk lantern").await;
    assert!(matches!(wrong, Err(ChangePasswordError::WrongPassword)), "{wrong:?}");
    let weak = change(&node, &identity, PASSWORD, "short").await;
    assert!(matches!(weak, Err(ChangePasswordError::Weak(_))), "{weak:?}");
    let same = change(&node, &identity, PASSWORD, PASSWORD).await;
    assert!(matches!(same, Err(ChangePasswordError::Reused)), "{same:?}");
    assert!(elsewhere.authenticate(&node).await.is_ok());
    ann.password_sign_in(&node, StrategyName::Session).await;
    assert_eq!(fixture.recorded_events.count(EventKind::PasswordChanged), 0);
}

#[tokio::test]
async fn a_change_is_told_with_the_number_of_sessions_that_it_ended() {
    let fixture = Fixture::new(MemoryStore::stores());
    let node = fixture.node().await;
    let (_, here, _) = signed_in_twice(&fixture, &node).await;
    change(&node, &here.identity(&node).await, PASSWORD, "brisk lantern").await.unwrap();
    assert_eq!(fixture.recorded_events.count(EventKind::PasswordChanged), 1);
    let ended = EventKind::Ended { reason: EndReason::PasswordChange, count: 1 };
    assert_eq!(fixture.recorded_events.count(ended), 1);
}

#[tokio::test]
async fn one_of_the_last_five_passwords_is_not_chosen_again_and_the_sixth_is() {
    let fixture = Fixture::new(MemoryStore::stores());
    let node = fixture.node().await;
    let (_, here, _) = signed_in_twice(&fixture, &node).await;
    let identity = here.identity(&node).await;
    let numbered = |number: usize| match number {
        0 => PASSWORD.to_owned(),
        number => format!("brisk lantern {number}"),
    };
    for number in 1..=5 {
        change(&node, &identity, &numbered(number - 1), &numbered(number)).await.unwrap();
    }
    for former in 1..=5 {
        let reused = change(&node, &identity, &numbered(5), &numbered(former)).await;
        assert!(matches!(reused, Err(ChangePasswordError::Reused)), "{former}: {reused:?}");
    }
    change(&node, &identity, &numbered(5), PASSWORD).await.unwrap();
}

#[tokio::test]
async fn a_disabled_user_changes_no_password() {
    let fixture = Fixture::new(MemoryStore::stores());
    let node = fixture.node().await;
    let (ann, here, _) = signed_in_twice(&fixture, &node).await;
    let identity = here.identity(&node).await;
    node.disable_user(&ann.user.key).await.unwrap();
    let refused = change(&node, &identity, PASSWORD, "brisk lantern").await;
    assert!(matches!(refused, Err(ChangePasswordError::UserGone)), "{refused:?}");
}

// ASVS-map: AU1, OP2
#[tokio::test]
async fn a_session_whose_guesses_are_used_up_costs_no_hash() {
    let fixture = Fixture::new(MemoryStore::stores());
    let node = fixture.node().await;
    let (_, here, _) = signed_in_twice(&fixture, &node).await;
    let identity = here.identity(&node).await;
    let guess = async || change(&node, &identity, "wrong password", "brisk lantern").await;
    while !matches!(guess().await, Err(ChangePasswordError::TooManyGuesses { .. })) {}
    // Five more are compared during the lock.
    for _ in 0..5 {
        assert!(guess().await.is_err());
    }
    let hashed = fixture.passwords.hashed();
    for current in ["wrong password", PASSWORD] {
        let refused = change(&node, &identity, current, "brisk lantern").await;
        assert!(matches!(refused, Err(ChangePasswordError::TooManyGuesses { .. })), "{refused:?}");
    }
    assert_eq!(fixture.passwords.hashed(), hashed);
}

// ASVS-map: OP2
#[tokio::test]
async fn a_password_that_is_too_weak_costs_no_hash() {
    let fixture = Fixture::new(MemoryStore::stores());
    let node = fixture.node().await;
    let (_, here, _) = signed_in_twice(&fixture, &node).await;
    let identity = here.identity(&node).await;
    let hashed = fixture.passwords.hashed();
    let refused = change(&node, &identity, PASSWORD, "short").await;
    assert!(matches!(refused, Err(ChangePasswordError::Weak(_))), "{refused:?}");
    assert_eq!(fixture.passwords.hashed(), hashed);
}

// ASVS-map: OP2
#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn of_many_changes_of_one_account_at_once_one_waits_for_the_pool() {
    let fixture = Fixture::new(MemoryStore::stores());
    let node = fixture.node().await;
    let (_, here, elsewhere) = signed_in_twice(&fixture, &node).await;
    let mut changing = JoinSet::new();
    for held in [&here, &elsewhere] {
        let identity = held.identity(&node).await;
        for _ in 0..20 {
            let (node, identity) = (node.clone(), identity.clone());
            let passwords = fixture.passwords.clone();
            changing.spawn(async move {
                let refused = change(&node, &identity, PASSWORD, PASSWORD).await;
                assert!(matches!(refused, Err(ChangePasswordError::Reused)), "{refused:?}");
                passwords.waiting()
            });
        }
    }
    assert!(changing.join_all().await.into_iter().all(|waiting| waiting <= 1));
}
