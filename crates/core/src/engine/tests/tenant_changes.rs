//! What a node knows of tenants while changes are announced, late, or asked for.

use std::time::Duration;

use tokio::task::JoinSet;

use super::outage::{ALMOST_STALE, MAX_STALENESS, MILLISECOND, OutageFixture, user_of_acme};
use crate::engine::{AuthenticationError, Engine, TenantError};
use crate::id::TenantId;
use crate::key::KeyUse;
use crate::session::EndReason;
use crate::store::EpochScope;
use crate::store::conformance::fixture::{Fixture, HeldCredentials};
use crate::store::conformance::records::{ending, tenant};
use crate::store::memory::MemoryStore;
use crate::strategy::StrategyName;
use crate::tenant::TenantSettings;

// ASVS-map: SE5 RV1
#[tokio::test]
async fn a_suspension_that_was_not_announced_counts_within_the_bound() {
    let test = OutageFixture::new().await;
    let held = user_of_acme(&test).await;
    held.authenticate(&test.node).await.unwrap();
    test.faults.silence_feed();
    test.other.suspend_tenant(&held.tenant).await.unwrap();
    test.pass(ALMOST_STALE);
    assert!(held.authenticate(&test.node).await.is_ok(), "the bound is what is promised");
    test.pass(MILLISECOND);
    for _ in 0..2 {
        let refused = held.authenticate(&test.node).await;
        assert!(matches!(refused, Err(AuthenticationError::Tenant(TenantError::Suspended))), "{refused:?}");
    }
    test.faults.go_down();
    let refused = held.authenticate(&test.node).await;
    assert!(matches!(refused, Err(AuthenticationError::Tenant(TenantError::Suspended))), "{refused:?}");
}

// ASVS-map: RV3
#[tokio::test]
async fn a_tenant_that_was_read_past_a_silent_feed_is_the_last_known_one_in_an_outage() {
    let test = OutageFixture::new().await;
    let held = user_of_acme(&test).await;
    test.faults.silence_feed();
    test.pass(2 * MAX_STALENESS);
    held.authenticate(&test.node).await.unwrap();
    test.faults.go_down();
    assert!(held.authenticate(&test.node).await.is_ok(), "what needs no store goes on");
}

#[tokio::test]
async fn a_change_of_one_tenant_forgets_no_user_of_another() {
    let test = OutageFixture::new().await;
    let of_acme = user_of_acme(&test).await;
    let (ann, _) = test.new_user_key().await;
    let held = ann.password_sign_in(&test.other, StrategyName::SessionJwt).await;
    test.cost(&held).await;
    for tenant in ["globex", "initech", "umbrella"].map(tenant) {
        test.other.create_tenant(tenant.clone(), TenantSettings::default(), None).await.unwrap();
        test.other.suspend_tenant(&tenant).await.unwrap();
    }
    assert_eq!(test.cost(&held).await, 0);
    let epochs = &test.fixture.stores().epochs;
    epochs.advance(&EpochScope::Tenant(held.tenant.clone()), ending(EndReason::Admin)).await.unwrap();
    assert!(held.authenticate(&test.node).await.is_err(), "its own tenant's change counts");
    assert!(of_acme.authenticate(&test.node).await.is_ok());
}

async fn generation(node: &Engine, tenant: &TenantId) -> u64 {
    node.tenant(tenant).await.unwrap().keyring.generation()
}

#[tokio::test]
async fn the_generation_of_keys_moves_with_what_a_verification_depends_on_and_with_nothing_else() {
    let test = OutageFixture::new().await;
    let held = user_of_acme(&test).await;
    let acme = &held.tenant;
    let begun = generation(&test.node, acme).await;
    test.faults.resume_feed();
    assert_eq!(generation(&test.node, acme).await, begun, "a reconnect");
    let epochs = &test.fixture.stores().epochs;
    epochs.advance(&EpochScope::Tenant(acme.clone()), ending(EndReason::Admin)).await.unwrap();
    let capped = |settings| TenantSettings { session_cap: Some(3), ..settings };
    test.other.change_tenant(acme, capped).await.unwrap();
    assert_eq!(generation(&test.node, acme).await, begun, "other settings");
    assert_eq!(generation(&test.other, acme).await, begun, "another process");

    test.other.rotate_keys(acme, &[KeyUse::Access], Duration::ZERO).await.unwrap();
    assert_ne!(generation(&test.node, acme).await, begun, "a new key");
}

/// A token that another installation has signed.
async fn foreign() -> HeldCredentials {
    let elsewhere = Fixture::new(MemoryStore::stores());
    let node = elsewhere.node().await;
    elsewhere.new_user(&node).await.password_sign_in(&node, StrategyName::Jwt).await
}

// ASVS-map: JW11
#[tokio::test]
async fn tokens_with_unknown_keys_cost_one_reload_and_a_good_one_among_them_waits_for_it() {
    let test = OutageFixture::new().await;
    let (ann, _) = test.new_user_key().await;
    let old = ann.password_sign_in(&test.other, StrategyName::Jwt).await;
    let foreign = foreign().await;
    assert!(foreign.authenticate(&test.node).await.is_err());
    let begun = generation(&test.node, &old.tenant).await;
    test.faults.silence_feed();
    test.other.rotate_keys(&old.tenant, &[KeyUse::Access], Duration::ZERO).await.unwrap();
    let new = ann.password_sign_in(&test.other, StrategyName::Jwt).await;
    test.pass(MILLISECOND);
    tokio::time::pause();
    let before = test.faults.asked();
    let mut asking = JoinSet::new();
    for held in [&new, &foreign].into_iter().cycle().take(100) {
        let (node, held) = (test.node.clone(), held.clone());
        asking.spawn(async move { held.authenticate(&node).await.is_ok() });
    }
    assert!(old.authenticate(&test.node).await.is_ok(), "known keys wait for nothing");
    let let_in = asking.join_all().await.into_iter().filter(|is_in| *is_in).count();
    assert_eq!(let_in, 50);
    let tenant_and_keys = 2;
    assert_eq!(test.faults.asked() - before, tenant_and_keys);
    assert_ne!(generation(&test.node, &old.tenant).await, begun);
}

// ASVS-map: RV3
#[tokio::test]
async fn a_token_with_an_unknown_key_is_no_refusal_while_the_store_is_out_of_reach() {
    let test = OutageFixture::new().await;
    let foreign = foreign().await;
    test.faults.go_down();
    let answer = foreign.authenticate(&test.node).await;
    assert!(
        matches!(answer, Err(AuthenticationError::Tenant(TenantError::Store(_)))),
        "another process may have made the key: {answer:?}"
    );
}
