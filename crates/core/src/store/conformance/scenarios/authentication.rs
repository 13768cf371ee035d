//! A client presents its credential: in time and too late, by the right carrier and by a wrong one.

use std::time::Duration;

use super::super::Answered;
use super::super::fixture::{HeldCredentials, present};
use super::{ACCESS, IDLE, NAME, Scenario};
use crate::clock::Clock as _;
use crate::engine::AuthenticationError;
use crate::strategy::{Carrier, Renewal};
use crate::user::Role;

pub(super) async fn all(scenario: &Scenario) {
    a_signed_in_user_is_authenticated(scenario).await;
    a_credential_has_one_carrier(scenario).await;
    what_the_engine_did_not_issue_opens_nothing(scenario).await;
    a_credential_lasts_until_its_end(scenario).await;
    nothing_is_handed_out_that_outlives_its_session(scenario).await;
    a_new_role_counts_at_once_here_and_elsewhere_when_the_feed_has_told(scenario).await;
}

async fn a_signed_in_user_is_authenticated(scenario: &Scenario) {
    let (ann, held) = scenario.signed_in().await;
    for node in [&scenario.node, &scenario.other] {
        let identity = held.identity(node).await;
        assert_eq!((&identity.user, identity.session), (&ann.user.key, held.signed_in.session));
        assert_eq!((identity.strategy, identity.email.as_str()), (NAME, ann.user.email.as_typed()));
        assert_eq!(identity.renewed, None, "none of its lifetime has passed");
    }
    assert_eq!(held.signed_in.grant.refresh.is_some(), scenario.strategy.rotates());
    assert_eq!(held.signed_in.grant.device_secret.is_some(), scenario.strategy.rotates());
}

// ASVS-map: AU5 RT8
async fn a_new_role_counts_at_once_here_and_elsewhere_when_the_feed_has_told(scenario: &Scenario) {
    let (ann, mut held) = scenario.signed_in().await;
    scenario.assert_in(&held).await;
    scenario.node.set_role(&ann.user.key, Role::Manager).await.answered();
    let is_manager =
        async |held: &HeldCredentials, node| held.identity(node).await.role == Some(Role::Manager);
    assert_eq!(is_manager(&held, &scenario.node).await, scenario.is_revocable(), "{:?}", scenario.strategy);
    if scenario.is_revocable() {
        scenario.soon("the role counts", async || is_manager(&held, &scenario.other).await).await;
    }
    if scenario.strategy.rotates() {
        held.signed_in.grant.credential = held.refresh(&scenario.other).await.answered().access;
        assert!(is_manager(&held, &scenario.node).await, "{:?}", scenario.strategy);
    }
}

// ASVS-map: SE2
async fn a_credential_has_one_carrier(scenario: &Scenario) {
    let (_, held) = scenario.signed_in().await;
    for carrier in [Carrier::Cookie, Carrier::Bearer, Carrier::Field] {
        let shown = present(&scenario.node, None, NAME, carrier, held.credential()).await;
        if carrier == scenario.strategy.carrier() {
            assert!(shown.is_ok(), "{:?}: {shown:?}", scenario.strategy);
        } else {
            assert!(matches!(shown, Err(AuthenticationError::Missing)), "{:?}: {shown:?}", scenario.strategy);
        }
    }
}

// ASVS-map: SE2
async fn what_the_engine_did_not_issue_opens_nothing(scenario: &Scenario) {
    let (_, held) = scenario.signed_in().await;
    let session = held.signed_in.session.to_string();
    let twice = held.credential().repeat(2);
    let shorter = held.credential().get(..held.credential().len() - 4).unwrap_or_default();
    let shown = ["x", session.as_str(), twice.as_str(), shorter, held.refresh_token(), "s%3Aabc.def"];
    for made_up in shown.into_iter().filter(|text| !text.is_empty()) {
        let shown = present(&scenario.node, None, NAME, scenario.strategy.carrier(), made_up).await;
        assert!(
            matches!(shown, Err(AuthenticationError::Invalid | AuthenticationError::Token(_))),
            "{:?}: {made_up}: {shown:?}",
            scenario.strategy
        );
    }
}

/// How long an unused credential lasts.
fn unused(scenario: &Scenario) -> Duration {
    match scenario.strategy.renewal() {
        Renewal::Fixed { .. } | Renewal::Sliding { .. } => IDLE,
        Renewal::Rotating { .. } => ACCESS,
    }
}

// ASVS-map: SE3
async fn a_credential_lasts_until_its_end(scenario: &Scenario) {
    let (clock, life) = (&scenario.fixture.clock, unused(scenario));
    let (_, held) = scenario.signed_in().await;
    let end = clock.now().plus(life);
    // A token counts whole seconds.
    clock.set(end.minus(Duration::from_secs(1)));
    scenario.assert_in(&held).await;

    let (_, held) = scenario.signed_in().await;
    let end = clock.now().plus(life);
    clock.set(end);
    for node in [&scenario.node, &scenario.other] {
        let shown = held.authenticate(node).await;
        assert!(
            matches!(
                shown,
                Err(AuthenticationError::NotLive(_)
                    | AuthenticationError::Token(_)
                    | AuthenticationError::Revoked)
            ),
            "{:?}: {shown:?}",
            scenario.strategy
        );
    }
}

async fn nothing_is_handed_out_that_outlives_its_session(scenario: &Scenario) {
    let (ann, held) = scenario.signed_in().await;
    let page = crate::store::Page { after: None, limit: 10 };
    let listed = scenario.node.sessions(&ann.user.key, page).await.unwrap_or_default();
    assert_eq!(listed.len(), usize::from(scenario.strategy.keeps_session()));
    for session in listed {
        assert!(held.signed_in.grant.expires <= session.session.absolute_expires);
    }
}
