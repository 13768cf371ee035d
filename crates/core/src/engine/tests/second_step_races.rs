//! Second steps of a sign-in that are stopped after each of their steps while something ends all that the user has.

use super::client::FixtureClient;
use super::mailbox::RecordingMailbox;
use crate::engine::Engine;
use crate::id::UserKey;
use crate::store::conformance::faults::Faults;
use crate::store::conformance::fixture::{Fixture, password};
use crate::store::memory::MemoryStore;

/// More than it takes.
const MOST_STEPS: usize = 60;

/// Whatever happens meanwhile, the second step is refused or what it gives is worthless.
async fn no_sign_in_survives(what: impl AsyncFn(&Engine, &UserKey)) {
    let mut let_in = 0;
    for steps in 0..MOST_STEPS {
        let truth = MemoryStore::stores();
        let (stores, faults) = Faults::within(truth.clone());
        let mut fixture = Fixture::new(stores);
        let slow = fixture.node().await;
        fixture.builder.stores = truth;
        let (other, client) = (fixture.node().await, FixtureClient::browser());
        let ann = fixture.new_user(&other).await;
        let login = client.request_code(&other, &ann).await;
        let code = RecordingMailbox::new().code(&other).await;

        faults.stop_after(steps);
        let verifying = client.verify(&slow, &ann.user.key.tenant, login, &code);
        tokio::pin!(verifying);
        let is_done = tokio::select! {
            biased;
            () = faults.stuck() => false,
            done = &mut verifying => { done.unwrap(); true }
        };
        if is_done {
            assert!(steps > 6 && let_in > 0, "{steps} steps, {let_in} let in");
            return;
        }
        what(&other, &ann.user.key).await;
        faults.go_on();
        let Ok(done) = verifying.await else { continue };
        let_in += 1;
        let held = FixtureClient::held(&done);
        for node in [&slow, &other] {
            assert!(held.authenticate(node).await.is_err(), "stopped after {steps} steps");
            assert!(client.refresh(node, held.refresh_token()).await.is_err(), "stopped after {steps} steps");
        }
    }
    panic!("a second step takes more than {MOST_STEPS} steps");
}

// ASVS-map: SE5
#[tokio::test]
async fn a_second_step_under_way_does_not_survive_that_its_user_is_disabled() {
    no_sign_in_survives(async |engine, user| {
        engine.disable_user(user).await.unwrap();
    })
    .await;
}

// ASVS-map: PW8
#[tokio::test]
async fn a_second_step_under_way_does_not_survive_another_password() {
    no_sign_in_survives(async |engine, user| {
        engine.set_password(user, password("brisk lantern")).await.unwrap();
    })
    .await;
}
