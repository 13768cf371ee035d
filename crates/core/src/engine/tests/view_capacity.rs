//! How much a node keeps in memory.

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
