//! A cookie that was verified is remembered, and nothing is believed for it that is not so any more.

use std::time::Duration;

use crate::engine::AuthenticationError;
use crate::id::TenantId;
use crate::key::KeyUse;
use crate::store::conformance::fixture::{Fixture, present};
use crate::store::memory::MemoryStore;
use crate::strategy::{Carrier, StrategyName};

const STRATEGY: StrategyName = StrategyName::Session;

#[tokio::test]
async fn a_cookie_whose_key_leaked_is_refused_at_once_on_every_node_that_has_verified_it() {
    let fixture = Fixture::new(MemoryStore::stores());
    let nodes = [fixture.node().await, fixture.node().await];
    let [node, _] = &nodes;
    let held = fixture.new_user(node).await.password_sign_in(node, STRATEGY).await;
    for node in [&nodes[0], &nodes[1], &nodes[0], &nodes[1]] {
        held.identity(node).await;
    }
    // New keys that follow in order void nothing.
    node.rotate_keys(&held.tenant, &[KeyUse::Cookie], Duration::ZERO).await.unwrap();
    for node in &nodes {
        held.identity(node).await;
    }
    node.replace_compromised_keys(&held.tenant, &[KeyUse::Cookie]).await.unwrap();
    for node in &nodes {
        let refused = held.authenticate(node).await;
        assert!(matches!(refused, Err(AuthenticationError::Invalid)), "{refused:?}");
    }
}

// ASVS-map: TN1
#[tokio::test]
async fn a_cookie_that_one_tenant_has_verified_is_none_of_another() {
    let fixture = Fixture::new(MemoryStore::stores());
    let node = fixture.node().await;
    let other: TenantId = "other".parse().unwrap();
    fixture.create_tenant(&other).await;
    let held = fixture.new_user(&node).await.password_sign_in(&node, STRATEGY).await;
    held.identity(&node).await;
    for _ in 0..2 {
        let refused = present(&node, Some(&other), STRATEGY, Carrier::Cookie, held.credential()).await;
        assert!(matches!(refused, Err(AuthenticationError::Invalid)), "{refused:?}");
        held.identity(&node).await;
    }
}

// ASVS-map: SE4
#[tokio::test]
async fn a_verified_cookie_opens_nothing_once_its_session_has_ended() {
    let fixture = Fixture::new(MemoryStore::stores());
    let nodes = [fixture.node().await, fixture.node().await];
    let held = fixture.new_user(&nodes[0]).await.password_sign_in(&nodes[0], STRATEGY).await;
    for node in &nodes {
        held.identity(node).await;
    }
    nodes[1].sign_out(&held.identity(&nodes[1]).await).await.unwrap();
    for node in &nodes {
        let refused = held.authenticate(node).await;
        assert!(matches!(refused, Err(AuthenticationError::NotLive(None))), "{refused:?}");
    }
}
