//! Changes of the password that die after each of their steps, or meet another one.

use super::interrupted_steps::{MOST_STEPS, NEXT_PASSWORD, StoppableNodes, no_sign_in_survives};
use crate::engine::{ChangePassword, ChangePasswordError, Engine};
use crate::store::conformance::faults::Faults;
use crate::store::conformance::fixture::{HeldCredentials, PASSWORD, password};
use crate::strategy::StrategyName;

const OTHER_PASSWORD: &str = "quiet harbour";

async fn change(engine: &Engine, held: &HeldCredentials, new: &str) -> Result<(), ChangePasswordError> {
    let identity = held.identity(engine).await;
    engine.change_password(ChangePassword { identity, current: password(PASSWORD), new: password(new) }).await
}

/// A change of the password on a third node, which dies after so many steps: whether it was the last one.
async fn a_change_that_dies_after(steps: usize, test: &StoppableNodes, held: &HeldCredentials) -> bool {
    let (stores, faults) = Faults::within(test.truth.clone());
    let mut third = test.fixture.clone();
    third.builder.stores = stores;
    let third = third.node().await;
    let identity = held.identity(&third).await;
    faults.stop_after(steps);
    let (current, new) = (password(PASSWORD), password(NEXT_PASSWORD));
    tokio::select! {
        biased;
        () = faults.stuck() => true,
        changed = third.change_password(ChangePassword { identity, current, new }) => {
            changed.unwrap();
            false
        }
    }
}

/// The step after which a change of password has written the new one, and done nothing else.
async fn the_step_that_writes_the_password() -> usize {
    for steps in 0..MOST_STEPS {
        let test = StoppableNodes::new().await;
        let ann = test.fixture.new_user(&test.other).await;
        let here = ann.password_sign_in(&test.other, StrategyName::Session).await;
        let died = a_change_that_dies_after(steps, &test, &here).await;
        assert!(died, "the change never died after it had written the password");
        if ann.try_sign_in(&test.other, StrategyName::Session, NEXT_PASSWORD, false).await.is_ok() {
            return steps;
        }
    }
    panic!("the change takes more than {MOST_STEPS} steps");
}

// ASVS-map: PW8
#[tokio::test]
async fn a_sign_in_under_way_does_not_survive_a_change_of_password_that_dies_once_it_is_written() {
    let written = the_step_that_writes_the_password().await;
    no_sign_in_survives(async |test, _, here| {
        assert!(a_change_that_dies_after(written, test, here).await);
    })
    .await;
}

/// Wherever a change of password dies: who has the new password need not fear who had the old one.
// ASVS-map: PW8
#[tokio::test]
async fn a_change_of_password_that_dies_never_leaves_a_new_password_and_an_old_session() {
    let mut outcomes = Vec::new();
    for steps in 0..MOST_STEPS {
        let test = StoppableNodes::new().await;
        let ann = test.fixture.new_user(&test.other).await;
        let here = ann.password_sign_in(&test.other, StrategyName::Session).await;
        let thief = ann.password_sign_in(&test.other, StrategyName::Session).await;
        let identity = here.identity(&test.slow).await;
        test.faults.stop_after(steps);
        let (current, new) = (password(PASSWORD), password(NEXT_PASSWORD));
        let change = test.slow.change_password(ChangePassword { identity: identity.clone(), current, new });
        let died = tokio::select! {
            biased;
            () = test.faults.stuck() => true,
            changed = change => {
                changed.unwrap();
                false
            }
        };
        assert!(here.authenticate(&test.other).await.is_ok(), "stopped after {steps} steps");
        let has_new = ann.try_sign_in(&test.other, StrategyName::Session, NEXT_PASSWORD, false).await.is_ok();
        let thief_is_in = thief.authenticate(&test.other).await.is_ok();
        assert!(!(has_new && thief_is_in), "stopped after {steps} steps");
        outcomes.push((has_new, thief_is_in));
        if !died {
            break;
        }
    }
    outcomes.dedup();
    assert_eq!(outcomes, [(false, true), (true, false)], "the password, and the others with it");
}

/// Two sessions of one user change the password, the second one at each step of the first.
// ASVS-map: PW8
#[tokio::test]
async fn of_two_changes_of_password_at_once_on_two_nodes_one_is_made_and_keeps_its_session() {
    let (mut firsts, mut seconds) = (0, 0);
    for steps in 0..MOST_STEPS {
        let test = StoppableNodes::new().await;
        let ann = test.fixture.new_user(&test.other).await;
        let here = ann.password_sign_in(&test.slow, StrategyName::Session).await;
        let there = ann.password_sign_in(&test.other, StrategyName::Session).await;
        let identity = here.identity(&test.slow).await;
        test.faults.stop_after(steps);
        let (current, new) = (password(PASSWORD), password(NEXT_PASSWORD));
        let first = test.slow.change_password(ChangePassword { identity, current, new });
        tokio::pin!(first);
        tokio::select! {
            biased;
            () = test.faults.stuck() => (),
            changed = &mut first => {
                changed.unwrap();
                break;
            }
        }
        let there_is_live = there.authenticate(&test.other).await.is_ok();
        let second =
            if there_is_live { Some(change(&test.other, &there, OTHER_PASSWORD).await) } else { None };
        test.faults.go_on();
        let first = first.await;
        let second_won = matches!(second, Some(Ok(())));
        assert!(first.is_ok() != second_won, "stopped after {steps} steps: {first:?} and {second:?}");
        let (winner, loser, new) =
            if second_won { (&there, &here, OTHER_PASSWORD) } else { (&here, &there, NEXT_PASSWORD) };
        for node in [&test.slow, &test.other] {
            assert!(winner.authenticate(node).await.is_ok(), "stopped after {steps} steps");
            assert!(loser.authenticate(node).await.is_err(), "stopped after {steps} steps");
        }
        assert!(ann.try_sign_in(&test.other, StrategyName::Session, new, false).await.is_ok());
        *(if second_won { &mut seconds } else { &mut firsts }) += 1;
    }
    assert!(firsts > 0 && seconds > 0, "{firsts} and {seconds}");
}
