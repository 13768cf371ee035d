//! A credential of whatever strategy, checked for a program that asks on behalf of a service.

use std::time::Duration;

use super::outage::{ALMOST_STALE, MAX_STALENESS, MILLISECOND, OutageFixture};
use crate::engine::{AuthenticationError, CheckedCredential, Engine, TenantError};
use crate::session::{EndReason, Epochs};
use crate::store::conformance::fixture::{Fixture, HeldCredentials};
use crate::store::conformance::records::tenant;
use crate::store::memory::MemoryStore;
use crate::strategy::{Carrier, PresentedCredentials, StrategyName};
use crate::tenant::TenantSettings;

async fn check(
    node: &Engine,
    authorization: &[&str],
    cookies: &[&str],
) -> Result<CheckedCredential, AuthenticationError> {
    node.check_credential(&PresentedCredentials { authorization, cookies, field: None }).await
}

async fn checked(node: &Engine, held: &HeldCredentials) -> Result<CheckedCredential, AuthenticationError> {
    let bearer = format!("Bearer {}", held.credential());
    match held.signed_in.grant.carrier {
        Carrier::Cookie => check(node, &[], &[held.credential()]).await,
        Carrier::Bearer | Carrier::Field => check(node, &[&bearer], &[]).await,
    }
}

// ASVS-map: SE4 JW5
#[tokio::test]
async fn a_credential_of_each_strategy_is_checked_and_says_what_ends_it() {
    let fixture = Fixture::new(MemoryStore::stores());
    let node = fixture.node().await;
    let ann = fixture.new_user(&node).await;
    for strategy in StrategyName::ALL {
        let held = ann.password_sign_in(&node, strategy).await;
        let found = checked(&node, &held).await.unwrap();
        assert_eq!(found.identity, held.identity(&node).await, "{strategy}");
        assert_eq!(found.carrier, held.signed_in.grant.carrier, "{strategy}");
        let kept = strategy.strategy().keeps_session().then_some(held.signed_in.session);
        assert_eq!(found.ends_with, kept, "{strategy}");
        assert_eq!(found.epochs, Epochs::default(), "{strategy}");
        node.sign_out(&found.identity).await.unwrap();
        let is_stateless = matches!(strategy, StrategyName::Jwt | StrategyName::Refresh);
        assert_eq!(checked(&node, &held).await.is_ok(), is_stateless, "{strategy}");
    }
}

#[tokio::test]
async fn the_epochs_of_a_credential_are_those_that_it_was_issued_under() {
    let fixture = Fixture::new(MemoryStore::stores());
    let node = fixture.node().await;
    let ann = fixture.new_user(&node).await;
    let before = ann.password_sign_in(&node, StrategyName::Jwt).await;
    node.end_sessions(&ann.user.key, EndReason::LogoutAll).await.unwrap();
    for strategy in StrategyName::ALL {
        let after = ann.password_sign_in(&node, strategy).await;
        let epochs = checked(&node, &after).await.unwrap().epochs;
        assert_eq!(epochs, Epochs { user: 1, ..Epochs::default() }, "{strategy}");
    }
    // A stateless token lives on, and says that it is older than the end of all sessions.
    assert_eq!(checked(&node, &before).await.unwrap().epochs, Epochs::default());
}

#[tokio::test]
async fn a_token_says_its_tenant_and_what_the_tenant_does_not_offer_is_refused() {
    let fixture = Fixture::new(MemoryStore::stores());
    let (node, acme) = (fixture.node().await, tenant("acme"));
    fixture.create_tenant(&acme).await;
    let ann = fixture.register(&node, &acme, "ann@example.com").await;
    let held = ann.password_sign_in(&node, StrategyName::SessionJwt).await;
    assert_eq!(checked(&node, &held).await.unwrap().identity.user.tenant, acme);
    let offers = |settings| TenantSettings { strategies: Some(vec![StrategyName::Jwt]), ..settings };
    node.change_tenant(&acme, offers).await.unwrap();
    let refused = checked(&node, &held).await;
    assert!(matches!(refused, Err(AuthenticationError::OtherStrategy)), "{refused:?}");

    let stateless = ann.password_sign_in(&node, StrategyName::Jwt).await;
    node.suspend_tenant(&acme).await.unwrap();
    let refused = checked(&node, &stateless).await;
    assert!(matches!(refused, Err(AuthenticationError::Tenant(TenantError::Suspended))), "{refused:?}");
}

// ASVS-map: CK4
#[tokio::test]
async fn a_token_counts_before_cookies_and_two_of_a_kind_are_none() {
    let fixture = Fixture::new(MemoryStore::stores());
    let node = fixture.node().await;
    let ann = fixture.new_user(&node).await;
    let [one, other] = [ann.password_sign_in(&node, StrategyName::Session).await, {
        fixture.new_user(&node).await.password_sign_in(&node, StrategyName::Session).await
    }];
    let token = ann.password_sign_in(&node, StrategyName::Jwt).await;
    let (cookie, bearer) = (one.credential(), format!("Bearer {}", token.credential()));
    let carrier = |found: Result<CheckedCredential, _>| found.unwrap().carrier;
    assert_eq!(carrier(check(&node, &[&bearer], &[cookie]).await), Carrier::Bearer);
    assert_eq!(carrier(check(&node, &["Basic YTpi"], &[cookie]).await), Carrier::Cookie);
    assert_eq!(carrier(check(&node, &[], &["s%3Ax.y", cookie, cookie]).await), Carrier::Cookie);

    let is_refused = |found: Result<CheckedCredential, AuthenticationError>| found.is_err();
    assert!(is_refused(check(&node, &[], &[]).await));
    assert!(is_refused(check(&node, &["Bearer x.y.z"], &[cookie]).await), "a bad token is not passed over");
    assert!(is_refused(check(&node, &[&bearer, &bearer], &[]).await));
    assert!(is_refused(check(&node, &["Basic YTpi", &bearer], &[cookie]).await));
    assert!(is_refused(check(&node, &[], &[cookie, other.credential()]).await));
    assert!(is_refused(check(&node, &[], &[cookie; 9]).await));
    assert!(is_refused(check(&node, &[], &[token.credential()]).await), "a token is no cookie");
    assert!(is_refused(check(&node, &[&format!("Bearer {cookie}")], &[]).await), "a cookie is no token");
}

/// Its cookie cannot be sent again with the answer, and the routes that can send it must still do so.
#[tokio::test]
async fn a_checked_cookie_does_not_slide() {
    let fixture = Fixture::new(MemoryStore::stores());
    let node = fixture.node().await;
    let held = fixture.new_user(&node).await.password_sign_in(&node, StrategyName::Session).await;
    fixture.clock.pass(Duration::from_hours(12));
    assert_eq!(checked(&node, &held).await.unwrap().identity.renewed, None);
    assert!(held.identity(&node).await.renewed.is_some(), "the cookie is due to be sent again");
    fixture.clock.pass(Duration::from_hours(23));
    assert!(checked(&node, &held).await.is_ok());
    fixture.clock.pass(Duration::from_hours(1));
    assert!(checked(&node, &held).await.is_err());
}

// ASVS-map: RV1 RV3
#[tokio::test]
async fn an_answer_says_how_old_its_proof_is_and_costs_no_look_up() {
    let test = OutageFixture::new().await;
    let ann = test.fixture.new_user(&test.other).await;
    for strategy in StrategyName::ALL {
        let held = ann.password_sign_in(&test.other, strategy).await;
        let age = async || checked(&test.node, &held).await.unwrap().age;
        test.prove();
        assert_eq!(age().await, Duration::ZERO, "{strategy}");
        let asked = test.faults.asked();
        test.pass(ALMOST_STALE);
        assert_eq!(age().await, ALMOST_STALE, "{strategy}");
        assert_eq!(test.faults.asked(), asked, "{strategy}");
        test.pass(MILLISECOND);
        assert_eq!(age().await, MAX_STALENESS, "{strategy}: the store was asked, and the proof is as old");
        test.prove();
        test.prove();
    }
}

// ASVS-map: RV3
#[tokio::test]
async fn with_the_store_away_and_no_proof_it_is_an_outage_and_no_refusal() {
    let test = OutageFixture::new().await;
    let (_, held) = test.new_user_key().await;
    checked(&test.node, &held).await.unwrap();
    test.faults.go_down();
    test.pass(MAX_STALENESS);
    let answer = checked(&test.node, &held).await;
    assert!(matches!(answer, Err(AuthenticationError::Store(_))), "{answer:?}");
}
