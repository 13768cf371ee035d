//! Clocks that are wrong. A node whose clock is ahead ends, keeps and removes nothing of others, and what it says is
//! done is done. A clock that is set back refuses nobody.

use std::sync::Arc;
use std::time::Duration;

use super::client::FixtureClient;
use super::mailbox::RecordingMailbox;
use crate::clock::Clock;
use crate::engine::Engine;
use crate::key::KeyUse;
use crate::session::{EndReason, Session, SessionState};
use crate::store::conformance::fixture::{Fixture, HandClock, HeldCredentials, RegisteredUser};
use crate::store::conformance::records::{NOW, bare_session, by_id, new_user_key, tenant};
use crate::store::memory::MemoryStore;
use crate::strategy::StrategyName;

/// Longer than every token of the fixture lives, and shorter than a record is kept.
const AHEAD: Duration = Duration::from_hours(25);

/// A node whose clock shows the right time, and one on the same stores whose clock is ahead.
async fn nodes(fixture: &Fixture) -> (Engine, Engine) {
    let ahead = Arc::new(HandClock::showing(NOW.plus(AHEAD)));
    let builder = fixture.builder.clone().clock(ahead);
    (fixture.node().await, builder.open().await.unwrap())
}

// ASVS-map: SE4
#[tokio::test]
async fn a_session_is_over_once_it_was_ended_by_a_node_whose_clock_called_it_expired() {
    let fixture = Fixture::new(MemoryStore::stores());
    let (node, ahead) = nodes(&fixture).await;
    let ann = fixture.new_user(&node).await;
    for strategy in [StrategyName::Session, StrategyName::Hybrid, StrategyName::SessionJwt] {
        let by_operator = ann.password_sign_in(&node, strategy).await;
        let by_owner = ann.password_sign_in(&node, strategy).await;
        let listed = ahead.session(&by_operator.session()).await.unwrap().unwrap();
        assert_ne!(listed.state, SessionState::Live);
        ahead.end_session(&by_operator.session()).await.unwrap();
        let (user, id) = (&ann.user.key, by_owner.session().id);
        assert!(!ahead.end_session_of(user, id, EndReason::Logout).await.unwrap(), "it was not live");
        for held in [&by_operator, &by_owner] {
            assert!(held.authenticate(&node).await.is_err(), "{strategy}");
        }
    }
}

#[tokio::test]
async fn a_worker_whose_clock_is_ahead_leaves_the_mail_of_others_to_them() {
    let fixture = Fixture::new(MemoryStore::stores());
    let (node, ahead) = nodes(&fixture).await;
    let (ann, client, mailbox) =
        (fixture.new_user(&node).await, FixtureClient::browser(), RecordingMailbox::new());
    let login = client.request_code(&node, &ann).await;
    node.forgot_password(&ann.user.key.tenant, &ann.user.email).await.unwrap();
    assert_eq!(mailbox.collect(&ahead).await, 0, "to this clock they have expired");
    assert_eq!((node.mail_waiting().await.unwrap(), mailbox.collect(&node).await), (2, 2));
    let code = mailbox.secret("code");
    assert!(client.verify(&node, &ann.user.key.tenant, login, &code).await.is_ok());
}

#[tokio::test]
async fn a_clock_that_is_set_back_signs_nobody_out_and_lets_new_users_in() {
    let fixture = Fixture::new(MemoryStore::stores());
    let node = fixture.node().await;
    let ann = fixture.new_user(&node).await;
    let held = sign_ins(&ann, &node).await;
    for back in [Duration::from_mins(5), Duration::from_hours(2)] {
        fixture.clock.set(NOW.minus(back));
        let restarted = fixture.node().await;
        let new = sign_ins(&ann, &restarted).await;
        for (node, held) in [(&node, &held), (&restarted, &held), (&restarted, &new)] {
            for held in held {
                assert!(held.authenticate(node).await.is_ok(), "{} {back:?}", held.strategy);
            }
        }
    }
    for held in held.iter().filter(|held| !held.refresh_token().is_empty()) {
        assert!(held.refresh(&node).await.is_ok(), "{}", held.strategy);
    }
}

/// Signs in under each strategy that takes a password alone.
async fn sign_ins(user: &RegisteredUser, node: &Engine) -> Vec<HeldCredentials> {
    let mut held = Vec::new();
    for strategy in StrategyName::ALL.into_iter().filter(|strategy| !strategy.has_second_step()) {
        held.push(user.password_sign_in(node, strategy).await);
    }
    held
}

/// Lets both clocks and the housekeeping go on by this many minutes.
async fn pass(clock: &HandClock, minutes: u32) {
    for _ in 0..minutes {
        let span = Duration::from_mins(1);
        clock.pass(span);
        clock.tick_to(Duration::from_micros(clock.ticks().as_micros()) + span);
        tokio::time::sleep(span).await;
    }
}

// ASVS-map: JW11, RV4
#[tokio::test(start_paused = true)]
async fn a_process_removes_nothing_in_its_first_hour_nor_after_its_clock_was_set() {
    let fixture = Fixture::new(MemoryStore::stores());
    let clock = &fixture.clock;
    clock.tick_to(Duration::from_secs(10));
    let node = fixture.node().await;
    let tenant = tenant("default");
    node.rotate_keys(&tenant, &KeyUse::ALL, Duration::ZERO).await.unwrap();
    let keys = fixture.stores().keys.list(&tenant).await.unwrap().len();
    let session = bare_session(&new_user_key(&tenant));
    fixture.stores().sessions.insert(&session).await.unwrap();
    let is_there = async || fixture.stores().sessions.find(&by_id(&session), NOW).await.unwrap().is_some();

    let (started, wrong) = (clock.now(), session.kept_until().plus(Duration::from_hours(24 * 60)));
    let house = tokio::spawn({
        let node = node.clone();
        async move { node.keep_house().await }
    });
    pass(clock, 61).await;
    clock.set(wrong);
    pass(clock, 61).await;
    assert!(is_there().await, "the clock was set");
    assert_eq!(fixture.stores().keys.list(&tenant).await.unwrap().len(), keys);
    house.abort();

    let house = tokio::spawn(async move { node.keep_house().await });
    pass(clock, 59).await;
    assert!(is_there().await, "the first hour");
    assert_eq!(fixture.stores().keys.list(&tenant).await.unwrap().len(), keys);
    pass(clock, 3).await;
    assert!(!is_there().await, "both clocks say that it is over");
    assert!(fixture.stores().keys.list(&tenant).await.unwrap().len() < keys);
    assert!(clock.now() > started);
    house.abort();
}

/// The clock may have been wrong when the process began, and right since it was set.
#[tokio::test(start_paused = true)]
async fn a_clock_that_was_set_is_believed_once_it_is_set_back_or_after_a_day() {
    let fixture = Fixture::new(MemoryStore::stores());
    let clock = &fixture.clock;
    let node = fixture.node().await;
    let house = tokio::spawn(async move { node.keep_house().await });
    pass(clock, 61).await;
    let removes = async |minutes| {
        let session = bare_session(&new_user_key(&tenant("default")));
        let long_ago = clock.now().minus(Duration::from_hours(24 * 60));
        let old = Session { idle_expires: long_ago, ..session };
        fixture.stores().sessions.insert(&old).await.unwrap();
        pass(clock, minutes).await;
        fixture.stores().sessions.find(&by_id(&old), NOW).await.unwrap().is_none()
    };
    assert!(removes(2).await);
    clock.set(clock.now().plus(Duration::from_hours(1)));
    assert!(!removes(2).await, "the clock was set");
    clock.set(clock.now().minus(Duration::from_hours(1)));
    assert!(removes(2).await, "it was set back");
    clock.set(clock.now().minus(Duration::from_hours(1)));
    assert!(!removes(60).await, "it was set again");
    assert!(removes(24 * 60).await, "it was not set for a day");
    house.abort();
}

/// The time of a database is not counted by this machine's ticks: on a machine without a time service the two part by
/// seconds a day.
#[tokio::test(start_paused = true)]
async fn a_clock_that_runs_a_little_faster_than_the_machines_ticks_is_no_reason_to_remove_nothing() {
    let fixture = Fixture::new(MemoryStore::stores());
    let clock = &fixture.clock;
    clock.tick_to(Duration::from_secs(10));
    let node = fixture.node().await;
    let session = bare_session(&new_user_key(&tenant("default")));
    let is_there = async || fixture.stores().sessions.find(&by_id(&session), NOW).await.unwrap().is_some();
    clock.set(session.kept_until().plus(Duration::from_hours(24 * 60)));
    let house = tokio::spawn(async move { node.keep_house().await });
    let runs_fast = async |minutes| {
        for _ in 0..minutes {
            pass(clock, 1).await;
            clock.pass(Duration::from_millis(990));
        }
    };
    runs_fast(120).await;
    fixture.stores().sessions.insert(&session).await.unwrap();
    assert!(is_there().await);
    runs_fast(2).await;
    assert!(!is_there().await, "the clocks have parted by two minutes, but were not set");
    house.abort();
}
