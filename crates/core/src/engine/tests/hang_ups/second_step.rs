//! No way leads around the second step of a strategy that has one.

use super::{TwoNodes, call_of};
use crate::clock::Clock as _;
use crate::engine::verbs::Verb;
use crate::engine::{Engine, PasswordSignInError};
use crate::event::EventKind;
use crate::id::TenantId;
use crate::store::Page;
use crate::store::conformance::fixture::{Fixture, PASSWORD, RegisteredUser};
use crate::store::memory::MemoryStore;
use crate::strategy::StrategyName;
use crate::tenant::{SecondStep, TenantSettings};

/// What a password alone gets under each strategy with a second step.
async fn by_password_alone(node: &Engine, ann: &RegisteredUser, with: &str) -> Vec<bool> {
    let mut refused = Vec::new();
    for strategy in StrategyName::ALL.into_iter().filter(|strategy| strategy.has_second_step()) {
        for native in [false, true] {
            let answer = ann.try_sign_in(node, strategy, with, native).await;
            refused.push(matches!(answer, Err(PasswordSignInError::NotOffered)));
        }
    }
    refused
}

// ASVS-map: AU4
#[tokio::test]
async fn a_password_alone_does_not_sign_in_under_a_strategy_that_has_a_second_step() {
    let fixture = Fixture::new(MemoryStore::stores());
    let node = fixture.node().await;
    let ann = fixture.new_user(&node).await;
    for step in [SecondStep::On, SecondStep::NewDevices, SecondStep::Forced, SecondStep::Off] {
        let settings = move |settings| TenantSettings { otp: Some(step), ..settings };
        node.change_tenant(&ann.user.key.tenant, settings).await.unwrap();
        // Right or wrong, the password is not compared: the answer tells nothing about it.
        for with in [PASSWORD, "wrong password"] {
            assert_eq!(by_password_alone(&node, &ann, with).await, [true; 2], "{step:?}");
        }
    }
    let recorded = &fixture.recorded_events;
    assert_eq!((recorded.count(EventKind::SignedIn), recorded.count(EventKind::SignInRefused)), (0, 0));
    let page = Page { after: None, limit: 100 };
    assert!(node.sessions_that(&ann.user.key, false, page).await.unwrap().is_empty());
}

// ASVS-map: AU4
#[tokio::test]
async fn no_verb_makes_a_session_under_a_strategy_with_a_second_step_without_that_step() {
    let mut with_code = Vec::new();
    for verb in Verb::ALL {
        let nodes = TwoNodes::new().await;
        call_of(*verb, &nodes).await.await;
        nodes.stopped.finish().await;
        let (records, now) = (&nodes.records, nodes.fixture.clock.now());
        for user in records
            .users
            .list(&TenantId::default_tenant(), "", Page { after: None, limit: 100 })
            .await
            .unwrap()
        {
            for session in
                records.sessions.list(&user.key, Page { after: None, limit: 100 }, now).await.unwrap()
            {
                if session.strategy.has_second_step() {
                    assert!(session.gave_code, "{verb:?} has skipped the step: {session:?}");
                    with_code.push(*verb);
                }
            }
        }
    }
    assert!(with_code.contains(&Verb::VerifyCode), "{with_code:?}");
}
