//! A cookie that was verified is remembered, and nothing is believed for it that is not so any more.

use std::time::Duration;

use crate::engine::{AuthenticationError, Engine};
use crate::id::TenantId;
use crate::key::{KeyUse, SharedSecrets};
use crate::store::CookieKey;
use crate::store::conformance::fixture::{Fixture, present};
use crate::store::memory::MemoryStore;
use crate::strategy::{Carrier, StrategyName};

const STRATEGY: StrategyName = StrategyName::Session;

// ASVS-map: JW11
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
    let mut fixture = Fixture::new(MemoryStore::stores());
    let secret = SharedSecrets::new(None, Some("a secret that Express applications have as well")).unwrap();
    fixture.builder.secrets.shared = secret;
    let node = fixture.node().await;
    let other: TenantId = "other".parse().unwrap();
    fixture.create_tenant(&other).await;
    let held = fixture.new_user(&node).await.password_sign_in(&node, STRATEGY).await;
    held.identity(&node).await;
    // Even if both key rings had one generation.
    let key = remembered(&node, &held.tenant, held.credential()).await.unwrap();
    node.core.cookies.remember(generation(&node, &other).await, held.credential(), &key);
    for _ in 0..2 {
        let refused = present(&node, Some(&other), STRATEGY, Carrier::Cookie, held.credential()).await;
        assert!(matches!(refused, Err(AuthenticationError::NotLive(None))), "{refused:?}");
        held.identity(&node).await;
    }
}

#[tokio::test]
async fn a_cookie_that_was_verified_is_not_verified_again() {
    let fixture = Fixture::new(MemoryStore::stores());
    let node = fixture.node().await;
    let held = fixture.new_user(&node).await.password_sign_in(&node, STRATEGY).await;
    held.identity(&node).await;
    let key = remembered(&node, &held.tenant, held.credential()).await.unwrap();
    // No key has signed this one: only what is remembered opens the session.
    let unsigned = "remembered";
    let refused = present(&node, None, STRATEGY, Carrier::Cookie, unsigned).await;
    assert!(matches!(refused, Err(AuthenticationError::Invalid)), "{refused:?}");
    node.core.cookies.remember(generation(&node, &held.tenant).await, unsigned, &key);
    let identity = present(&node, None, STRATEGY, Carrier::Cookie, unsigned).await.unwrap();
    assert_eq!(identity.session, held.identity(&node).await.session);
}

#[tokio::test]
async fn of_all_spellings_of_a_cookie_the_one_that_was_sent_is_remembered() {
    let fixture = Fixture::new(MemoryStore::stores());
    let node = fixture.node().await;
    let held = fixture.new_user(&node).await.password_sign_in(&node, STRATEGY).await;
    let sent = held.credential();
    for spelling in [sent.replace("%3A", ":"), sent.replace("%3A", "%3a"), sent.replacen('s', "%73", 1)] {
        assert_ne!(spelling, sent);
        present(&node, None, STRATEGY, Carrier::Cookie, &spelling).await.unwrap();
        assert_eq!(remembered(&node, &held.tenant, &spelling).await, None, "{spelling}");
    }
    held.identity(&node).await;
    assert!(remembered(&node, &held.tenant, sent).await.is_some());
}

async fn generation(node: &Engine, tenant: &TenantId) -> u64 {
    node.core.tenant(tenant).await.unwrap().keyring.generation()
}

/// What the node remembers of a cookie.
async fn remembered(node: &Engine, tenant: &TenantId, cookie: &str) -> Option<CookieKey> {
    node.core.cookies.get(tenant, generation(node, tenant).await, cookie)
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
