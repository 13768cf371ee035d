//! How much a node keeps in memory.

use tokio::task::JoinSet;

use super::outage::{MAX_STALENESS, OutageFixture};
use crate::liveness::ViewLimits;
use crate::store::conformance::faults::Faults;
use crate::store::conformance::fixture::{Fixture, HeldCredentials};
use crate::store::memory::MemoryStore;
use crate::strategy::StrategyName;

async fn signed_in(fixture: &Fixture, count: usize) -> Vec<HeldCredentials> {
    let node = fixture.node().await;
    let mut held = Vec::with_capacity(count);
    for _ in 0..count {
        let ann = fixture.new_user(&node).await;
        held.push(ann.password_sign_in(&node, StrategyName::SessionJwt).await);
    }
    held
}

/// What does not fit is read again: a check costs more, and is answered the same.
#[tokio::test]
async fn a_node_that_sees_more_sessions_than_fit_into_its_view_goes_on() {
    let (stores, faults) = Faults::within(MemoryStore::stores());
    let mut fixture = Fixture::new(stores);
    fixture.builder.bounds = ViewLimits { capacity: 20, ..ViewLimits::default() };
    let held = signed_in(&fixture, 100).await;
    let node = fixture.node().await;
    let mut asked = Vec::new();
    for _ in 0..3 {
        let before = faults.asked();
        for held in &held {
            assert!(held.authenticate(&node).await.is_ok());
        }
        asked.push(faults.asked() - before);
    }
    assert!(asked.iter().all(|asked| *asked >= 80), "more was kept than fits: {asked:?}");
    for held in &held {
        node.end_session(&held.session()).await.unwrap();
        assert!(held.authenticate(&node).await.is_err());
    }
}

/// A client that refreshes goes on with a request: the view holds what the refresh has written. Another node's view
/// is told of no refresh, and serves what it holds.
#[tokio::test]
async fn a_check_after_a_refresh_asks_the_store_for_nothing() {
    let (stores, faults) = Faults::within(MemoryStore::stores());
    let fixture = Fixture::new(stores);
    let (node, other) = (fixture.node().await, fixture.node().await);
    let ann = fixture.new_user(&node).await;
    for strategy in [StrategyName::Denylist, StrategyName::Refresh] {
        let held = ann.password_sign_in(&node, strategy).await;
        for node in [&node, &other] {
            held.authenticate(node).await.unwrap();
        }
        held.refresh(&node).await.unwrap();
        let before = faults.asked();
        for node in [&node, &other] {
            held.authenticate(node).await.unwrap();
        }
        assert_eq!(faults.asked(), before, "{strategy}");
        node.end_session(&held.session()).await.unwrap();
        assert_eq!(held.authenticate(&other).await.is_ok(), strategy == StrategyName::Refresh, "{strategy}");
    }
}

/// What a node tells its operator: hits, misses, and reads while its feed proves nothing.
#[tokio::test]
async fn a_node_counts_how_its_look_ups_were_answered() {
    let test = OutageFixture::new().await;
    let ann = test.fixture.new_user(&test.other).await;
    let held = ann.password_sign_in(&test.other, StrategyName::SessionJwt).await;
    let sessions = async || test.node.views().await.first().unwrap().sessions;
    let before = sessions().await;
    for _ in 0..4 {
        held.authenticate(&test.node).await.unwrap();
    }
    let warm = sessions().await;
    assert_eq!(
        (warm.hits - before.hits, warm.misses - before.misses, warm.bypasses),
        (3, 1, before.bypasses)
    );
    assert_eq!(warm.entries, before.entries + 1);
    test.faults.silence_feed();
    test.pass(MAX_STALENESS);
    held.authenticate(&test.node).await.unwrap();
    let cold = sessions().await;
    assert_eq!((cold.hits, cold.misses, cold.bypasses), (warm.hits, warm.misses, warm.bypasses + 1));
}

/// Many requests that come at once with one cookie that the node does not know ask the store once.
#[tokio::test]
async fn requests_at_once_with_a_cookie_that_is_new_to_the_node_share_a_look_up() {
    let (stores, faults) = Faults::within(MemoryStore::stores());
    let fixture = Fixture::new(stores);
    let (node, other) = (fixture.node().await, fixture.node().await);
    let ann = fixture.new_user(&node).await;
    let held = ann.password_sign_in(&node, StrategyName::Session).await;
    faults.heard();
    faults.stop_after(0);
    let mut checks = JoinSet::new();
    for _ in 0..8 {
        let (held, other) = (held.clone(), other.clone());
        checks.spawn(async move { held.authenticate(&other).await.is_ok() });
    }
    faults.stuck().await;
    faults.go_on();
    assert!(checks.join_all().await.into_iter().all(|is_in| is_in));
    let looked_up = || faults.heard().into_iter().filter(|verb| *verb == "find a session").count();
    assert_eq!(looked_up(), 2, "one by the cookie, and one by the session's id");
    held.authenticate(&other).await.unwrap();
    assert_eq!(looked_up(), 0);
}
