//! Sign-ins and password changes that are stopped after each of their steps while something else happens, and then go
//! on or stay where they are.

use std::sync::Arc;

use crate::engine::{ChangePassword, CompletedSignIn, Engine, PasswordSignInError};
use crate::store::Stores;
use crate::store::conformance::faults::Faults;
use crate::store::conformance::fixture::{Fixture, HeldCredentials, PASSWORD, RegisteredUser, password};
use crate::store::memory::MemoryStore;
use crate::strategy::StrategyName;

/// More than any use case has.
pub(super) const MOST_STEPS: usize = 60;

pub(super) const NEXT_PASSWORD: &str = "brisk lantern";

/// Two nodes on one store, of which the first can be stopped.
pub(super) struct StoppableNodes {
    pub(super) fixture: Fixture,
    pub(super) truth: Stores,
    pub(super) faults: Arc<Faults>,
    pub(super) slow: Engine,
    pub(super) other: Engine,
}

impl StoppableNodes {
    pub(super) async fn new() -> Self {
        let truth = MemoryStore::stores();
        let (stores, faults) = Faults::within(truth.clone());
        let fixture = Fixture::new(stores);
        let slow = fixture.node().await;
        let mut without_faults = fixture.clone();
        without_faults.builder.stores = truth.clone();
        let other = without_faults.node().await;
        Self { fixture, truth, faults, slow, other }
    }
}

/// Begins a sign-in, stops it after so many steps, does something else, and lets it go on. `None` where the sign-in has
/// fewer steps.
async fn signs_in_around(
    test: &StoppableNodes,
    ann: &RegisteredUser,
    steps: usize,
    meanwhile: impl AsyncFnOnce(),
) -> Option<Result<CompletedSignIn, PasswordSignInError>> {
    test.faults.stop_after(steps);
    let password_sign_in = ann.try_sign_in(&test.slow, StrategyName::Session, PASSWORD, false);
    tokio::pin!(password_sign_in);
    let done = tokio::select! {
        biased;
        () = test.faults.stuck() => false,
        _ = &mut password_sign_in => true,
    };
    if done {
        test.faults.go_on();
        return None;
    }
    meanwhile().await;
    test.faults.go_on();
    Some(password_sign_in.await)
}

/// Something that ends everything that a user has; after it, a sign-in that was under way must be refused or worthless.
pub(super) async fn no_sign_in_survives(
    what: impl AsyncFn(&StoppableNodes, &RegisteredUser, &HeldCredentials),
) {
    let mut survived_refusal = 0;
    for steps in 0..MOST_STEPS {
        let test = StoppableNodes::new().await;
        let ann = test.fixture.new_user(&test.other).await;
        let here = ann.password_sign_in(&test.other, StrategyName::Session).await;
        let answer = signs_in_around(&test, &ann, steps, async || what(&test, &ann, &here).await).await;
        let Some(answer) = answer else {
            assert!(steps > 6, "the sign-in was never stopped");
            assert!(survived_refusal > 0, "no sign-in got so far as to be let in");
            return;
        };
        let Ok(signed_in) = answer else { continue };
        survived_refusal += 1;
        let held = HeldCredentials {
            strategy: StrategyName::Session,
            tenant: ann.user.key.tenant.clone(),
            signed_in,
        };
        for node in [&test.slow, &test.other] {
            let shown = held.authenticate(node).await;
            assert!(shown.is_err(), "stopped after {steps} steps: {shown:?}");
        }
        // The user may be enabled again; the old session does not come back.
        test.other.enable_user(&ann.user.key).await.unwrap();
        let shown = held.authenticate(&test.other).await;
        assert!(shown.is_err(), "stopped after {steps} steps: {shown:?}");
    }
    panic!("the sign-in takes more than {MOST_STEPS} steps");
}

// ASVS-map: PW8
#[tokio::test]
async fn a_sign_in_under_way_does_not_survive_a_change_of_password() {
    no_sign_in_survives(async |test, _, here| {
        let identity = here.identity(&test.other).await;
        let (current, new) = (password(PASSWORD), password(NEXT_PASSWORD));
        let request = ChangePassword { identity: identity.clone(), current, new };
        test.other.change_password(request).await.unwrap();
    })
    .await;
}

// ASVS-map: SE5
#[tokio::test]
async fn a_sign_in_under_way_does_not_survive_that_its_user_is_disabled() {
    no_sign_in_survives(async |test, ann, _| {
        test.other.disable_user(&ann.user.key).await.unwrap();
    })
    .await;
}

// ASVS-map: PW8
#[tokio::test]
async fn a_sign_in_under_way_does_not_survive_that_an_operator_sets_the_password() {
    no_sign_in_survives(async |test, ann, _| {
        test.other.set_password(&ann.user.key, password(NEXT_PASSWORD)).await.unwrap();
    })
    .await;
}

/// Signs in with the old password at every step of its replacement.
async fn no_sign_in_stays_from_during(
    change: impl AsyncFn(&StoppableNodes, &RegisteredUser, &HeldCredentials),
) {
    let mut let_in = 0;
    for steps in 0..MOST_STEPS {
        let test = StoppableNodes::new().await;
        let ann = test.fixture.new_user(&test.other).await;
        let here = ann.password_sign_in(&test.slow, StrategyName::Session).await;
        let changing = change(&test, &ann, &here);
        test.faults.stop_after(steps);
        tokio::pin!(changing);
        tokio::select! {
            biased;
            () = test.faults.stuck() => (),
            () = &mut changing => {
                assert!(let_in > 0, "no sign-in came while the old password was good");
                return;
            }
        }
        let came = ann.try_sign_in(&test.other, StrategyName::Session, PASSWORD, false).await;
        test.faults.go_on();
        changing.await;
        let Ok(signed_in) = came else { continue };
        let_in += 1;
        let held = HeldCredentials {
            strategy: StrategyName::Session,
            tenant: ann.user.key.tenant.clone(),
            signed_in,
        };
        let shown = held.authenticate(&test.other).await;
        assert!(shown.is_err(), "came after {steps} steps: {shown:?}");
    }
    panic!("the change takes more than {MOST_STEPS} steps");
}

// ASVS-map: PW8
#[tokio::test]
async fn a_sign_in_during_a_change_of_password_does_not_stay() {
    no_sign_in_stays_from_during(async |test, _, here| {
        let identity = here.identity(&test.other).await;
        let (current, new) = (password(PASSWORD), password(NEXT_PASSWORD));
        let request = ChangePassword { identity: identity.clone(), current, new };
        test.slow.change_password(request).await.unwrap();
    })
    .await;
}

// ASVS-map: PW8
#[tokio::test]
async fn a_sign_in_while_an_operator_sets_the_password_does_not_stay() {
    no_sign_in_stays_from_during(async |test, ann, _| {
        test.slow.set_password(&ann.user.key, password(NEXT_PASSWORD)).await.unwrap();
    })
    .await;
}

// ASVS-map: SE5
#[tokio::test]
async fn a_sign_in_while_its_user_is_disabled_does_not_stay() {
    no_sign_in_stays_from_during(async |test, ann, _| {
        test.slow.disable_user(&ann.user.key).await.unwrap();
    })
    .await;
}
