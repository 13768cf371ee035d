//! What a process has acknowledged, it obeys at once, whether or not the change feed has spoken.

use super::outage::OutageFixture;
use crate::engine::{AuthenticationError, TenantError};
use crate::key::{KeyUse, SigningKey};
use crate::session::EndReason;
use crate::store::conformance::fixture::HeldCredentials;
use crate::store::conformance::records::tenant;
use crate::strategy::{Check, StrategyName};
use crate::tenant::TenantSettings;
use crate::user::Role;

/// A user of a tenant that can be suspended, signed in under each of the six strategies and known to the node's view.
/// The feed is silent from here on.
async fn signed_in(test: &OutageFixture) -> Vec<HeldCredentials> {
    let acme = tenant("acme");
    test.other.create_tenant(acme.clone(), TenantSettings::default(), None).await.unwrap();
    let ann = test.fixture.register(&test.other, &acme, "ann@example.com").await;
    let mut held = Vec::new();
    for strategy in StrategyName::ROUTED {
        held.push(ann.password_sign_in(&test.node, strategy).await);
    }
    for held in &held {
        assert_eq!(held.identity(&test.node).await.role, Some(Role::User));
    }
    test.faults.silence_feed();
    held
}

fn from_token(held: &HeldCredentials) -> bool {
    held.strategy.strategy().check() == Check::Signed
}

// ASVS-map: AU5
#[tokio::test]
async fn a_role_counts_with_the_next_request_on_the_node_that_gave_it() {
    let test = OutageFixture::new().await;
    let held = signed_in(&test).await;
    let user = held[0].identity(&test.node).await.user;
    test.node.set_role(&user, Role::Manager).await.unwrap();
    for held in &held {
        let expected = if from_token(held) { Role::User } else { Role::Manager };
        assert_eq!(held.identity(&test.node).await.role, Some(expected), "{}", held.strategy);
    }
}

// ASVS-map: SE5
#[tokio::test]
async fn a_disabled_user_is_out_with_the_next_request_on_the_node_that_disabled_the_user() {
    let test = OutageFixture::new().await;
    let held = signed_in(&test).await;
    let user = held[0].identity(&test.node).await.user;
    test.node.disable_user(&user).await.unwrap();
    for held in &held {
        assert_eq!(held.authenticate(&test.node).await.is_ok(), from_token(held), "{}", held.strategy);
    }
}

// ASVS-map: SE6
#[tokio::test]
async fn sessions_are_over_with_the_next_request_on_the_node_that_ended_them() {
    let test = OutageFixture::new().await;
    let held = signed_in(&test).await;
    let user = held[0].identity(&test.node).await.user;
    test.node.end_sessions(&user, EndReason::Admin).await.unwrap();
    for held in &held {
        assert_eq!(held.authenticate(&test.node).await.is_ok(), from_token(held), "{}", held.strategy);
    }
}

// ASVS-map: SE5
#[tokio::test]
async fn a_suspension_and_a_new_policy_count_with_the_next_request_on_the_node_that_made_them() {
    let test = OutageFixture::new().await;
    let held = signed_in(&test).await;
    let of_devices = |settings| TenantSettings { strategies: Some(vec![StrategyName::Device]), ..settings };
    test.node.change_tenant(&held[0].tenant, of_devices).await.unwrap();
    for held in &held {
        let refused = held.authenticate(&test.node).await;
        assert!(matches!(refused, Err(AuthenticationError::NotOffered)), "{}: {refused:?}", held.strategy);
    }
    let again = |settings| TenantSettings { strategies: None, ..settings };
    test.node.change_tenant(&held[0].tenant, again).await.unwrap();
    test.node.suspend_tenant(&held[0].tenant).await.unwrap();
    for held in &held {
        let refused = held.authenticate(&test.node).await;
        assert!(
            matches!(refused, Err(AuthenticationError::Tenant(TenantError::Suspended))),
            "{}: {refused:?}",
            held.strategy
        );
    }
}

#[tokio::test]
async fn a_new_key_signs_with_the_next_request_on_the_node_that_made_it() {
    let test = OutageFixture::new().await;
    let held = signed_in(&test).await;
    let made =
        test.node.rotate_keys(&held[0].tenant, &[KeyUse::Access], std::time::Duration::ZERO).await.unwrap();
    let keyring = &test.node.tenant(&held[0].tenant).await.unwrap().keyring;
    assert_eq!(keyring.access_signer(test.node.now()).map(SigningKey::kid), made.first());
}
