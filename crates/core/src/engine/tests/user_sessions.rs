//! The roles and sessions of users: what they may do, how many sessions they have, and whose they are.

use std::collections::BTreeSet;
use std::sync::Arc;
use std::time::Duration;

use tokio::task::JoinSet;

use super::client::FixtureClient;
use super::mailbox::RecordingMailbox;
use crate::engine::{DeviceSignInResult, Engine};
use crate::event::EventKind;
use crate::id::{SessionId, UserKey};
use crate::session::{EndReason, SessionState};
use crate::store::Page;
use crate::store::conformance::fixture::{Fixture, PASSWORD, RegisteredUser};
use crate::store::memory::MemoryStore;
use crate::strategy::{Check, StrategyName};
use crate::tenant::SecondStep;
use crate::user::Role;

// ASVS-map: AU5, RT8
#[tokio::test]
async fn a_new_role_counts_at_once_where_sessions_are_asked_and_from_the_next_refresh_elsewhere() {
    let fixture = Fixture::new(MemoryStore::stores());
    let (node, other) = (fixture.node().await, fixture.node().await);
    let ann = fixture.new_user(&node).await;
    let mut held = vec![FixtureClient::app().sign_in_with_code(&node, &RecordingMailbox::new(), &ann).await];
    for strategy in StrategyName::ROUTED {
        held.push(ann.password_sign_in(&node, strategy).await);
    }
    for held in &held {
        assert_eq!(held.identity(&other).await.role, Some(Role::User), "{}", held.strategy);
    }
    node.set_role(&ann.user.key, Role::Manager).await.unwrap();
    for held in &held {
        let from_token = held.strategy.strategy().check() == Check::Signed;
        let role = if from_token { Role::User } else { Role::Manager };
        assert_eq!(held.identity(&other).await.role, Some(role), "{}", held.strategy);
    }
    for mut held in held.into_iter().filter(|held| !held.refresh_token().is_empty()) {
        held.signed_in.grant.credential = held.refresh(&other).await.unwrap().access;
        assert_eq!(held.identity(&node).await.role, Some(Role::Manager), "{}", held.strategy);
    }
}

/// All sessions that are live, or that have ended.
async fn all(node: &Engine, user: &UserKey, have_ended: bool) -> Vec<(SessionId, SessionState)> {
    let page = Page { after: None, limit: 1_000 };
    let listed = node.sessions_that(user, have_ended, page).await.unwrap();
    listed.into_iter().map(|listed| (listed.session.key.id, listed.state)).collect()
}

// ASVS-map: SE7
#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn of_fifty_logins_at_once_under_a_cap_of_five_exactly_five_live() {
    let fixture = Fixture::new(MemoryStore::stores()).with_policy(|policy| {
        policy.session_cap = 5;
        policy.second_step = SecondStep::Off;
    });
    let nodes = [fixture.node().await, fixture.node().await];
    let ann = Arc::new(fixture.new_user(&nodes[0]).await);
    let mut logins = JoinSet::new();
    for node in nodes.iter().cycle().take(50) {
        let (node, ann) = (node.clone(), ann.clone());
        logins.spawn(async move {
            let user = &ann.user;
            let client = FixtureClient::app();
            match client.device_sign_in(&node, &user.key.tenant, user.email.as_typed(), PASSWORD).await {
                Ok(DeviceSignInResult::Done(done)) => FixtureClient::held(&done),
                other => panic!("{other:?}"),
            }
        });
    }
    let held = logins.join_all().await;
    let mut live = 0;
    for held in &held {
        live += usize::from(held.authenticate(&nodes[0]).await.is_ok());
    }
    assert_eq!((held.len(), live, all(&nodes[1], &ann.user.key, false).await.len()), (50, 5, 5));
    let ended = all(&nodes[1], &ann.user.key, true).await;
    assert_eq!(ended.len(), 45);
    assert!(ended.iter().all(|(_, state)| matches!(
        state,
        SessionState::Ended(ending) if ending.reason == EndReason::Limit
    )));
}

// ASVS-map: SE7
#[tokio::test]
async fn the_oldest_session_ends_whatever_its_strategy() {
    let fixture = Fixture::new(MemoryStore::stores()).with_policy(|policy| policy.session_cap = 2);
    let node = fixture.node().await;
    let ann = fixture.new_user(&node).await;
    let mut held = Vec::new();
    for strategy in [StrategyName::Session, StrategyName::Hybrid, StrategyName::Jwt, StrategyName::Denylist] {
        held.push(ann.password_sign_in(&node, strategy).await);
        fixture.clock.pass(Duration::from_secs(1));
    }
    held.push(FixtureClient::browser().sign_in_with_code(&node, &RecordingMailbox::new(), &ann).await);
    let mut live = Vec::new();
    for held in &held {
        if held.authenticate(&node).await.is_ok() {
            live.push(held.strategy);
        }
    }
    assert_eq!(live, [StrategyName::Jwt, StrategyName::Denylist, StrategyName::Device]);
    let ended = EventKind::Ended { reason: EndReason::Limit, count: 1 };
    assert_eq!(fixture.recorded_events.count(ended), 2);
}

/// Walks all pages of this size.
async fn walk(node: &Engine, user: &UserKey, have_ended: bool, limit: u32) -> Vec<SessionId> {
    let (mut seen, mut after) = (Vec::new(), None);
    loop {
        let page = node.sessions_that(user, have_ended, Page { after, limit }).await.unwrap();
        let Some(last) = page.last() else { return seen };
        after = Some(last.session.key.id);
        assert!(page.len() <= limit as usize);
        seen.extend(page.into_iter().map(|listed| listed.session.key.id));
    }
}

#[tokio::test]
async fn all_pages_of_sessions_have_every_one_once_oldest_first() {
    let fixture = Fixture::new(MemoryStore::stores());
    let node = fixture.node().await;
    let (ann, bob) = (fixture.new_user(&node).await, fixture.new_user(&node).await);
    let mut expected = [BTreeSet::new(), BTreeSet::new()];
    for nth in 0..420 {
        let held = ann.password_sign_in(&node, StrategyName::Session).await;
        let ends = nth % 3 == 0 || (100..330).contains(&nth);
        if ends {
            node.end_session(&held.session()).await.unwrap();
        }
        expected[usize::from(ends)].insert(held.session().id);
        fixture.clock.pass(Duration::from_millis(1));
    }
    bob.password_sign_in(&node, StrategyName::Session).await;
    for (have_ended, expected) in [(false, &expected[0]), (true, &expected[1])] {
        for limit in [1, 7, 200, 1_000] {
            let seen = walk(&node, &ann.user.key, have_ended, limit).await;
            assert_eq!(seen, expected.iter().copied().collect::<Vec<_>>(), "{limit}");
        }
    }
}

/// Two users who are signed in.
async fn two(
    fixture: &Fixture,
    node: &Engine,
) -> [(RegisteredUser, crate::store::conformance::fixture::HeldCredentials); 2] {
    let (ann, bob) = (fixture.new_user(node).await, fixture.new_user(node).await);
    let of_ann = FixtureClient::browser().sign_in_with_code(node, &RecordingMailbox::new(), &ann).await;
    let of_bob = FixtureClient::browser().sign_in_with_code(node, &RecordingMailbox::new(), &bob).await;
    [(ann, of_ann), (bob, of_bob)]
}

// ASVS-map: SE6
#[tokio::test]
async fn another_users_session_is_as_good_as_none() {
    let fixture = Fixture::new(MemoryStore::stores());
    let node = fixture.node().await;
    let [(ann, of_ann), (_, of_bob)] = two(&fixture, &node).await;
    let (id, user) = (of_bob.session().id, &ann.user.key);
    assert!(!node.end_session_of(user, id, EndReason::Logout).await.unwrap());
    assert_eq!(node.rename_session(user, id, "mine".to_owned()).await.unwrap(), None);
    assert_eq!(node.session_of(user, id).await.unwrap(), None);
    assert!(of_bob.authenticate(&node).await.is_ok());
    assert_eq!(
        fixture.recorded_events.events().iter().filter(|e| matches!(e.kind, EventKind::Ended { .. })).count(),
        0
    );

    assert!(node.end_session_of(user, of_ann.session().id, EndReason::Logout).await.unwrap());
    assert!(!node.end_session_of(user, of_ann.session().id, EndReason::Logout).await.unwrap());
    assert!(of_ann.authenticate(&node).await.is_err());
}

#[tokio::test]
async fn a_session_that_was_renamed_keeps_its_name_and_one_that_has_ended_takes_none() {
    let fixture = Fixture::new(MemoryStore::stores());
    let node = fixture.node().await;
    let [(ann, held), _] = two(&fixture, &node).await;
    let id = held.session().id;
    let renamed = node.rename_session(&ann.user.key, id, "Ann's laptop".to_owned()).await.unwrap().unwrap();
    assert_eq!(renamed.device.name, "Ann's laptop");
    let refreshed = held.refresh(&node).await;
    assert!(refreshed.is_err(), "the cookie did not come along");
    assert_eq!(node.rename_session(&ann.user.key, id, "a phone".to_owned()).await.unwrap(), None);
}
