//! What keeps a user signed in for longer: use, a refresh token, or nothing.

use std::time::Duration;

use super::super::fixture::HeldCredentials;
use super::{ACCESS, IDLE, MAX, Scenario};
use crate::clock::Clock as _;
use crate::engine::{AuthenticationError, RefreshError};
use crate::secret::PlainSecret;
use crate::strategy::{Check, Renewal};

pub(super) async fn all(scenario: &Scenario) {
    match scenario.strategy.renewal() {
        Renewal::Fixed { .. } => use_moves_no_end(scenario).await,
        Renewal::Sliding { .. } => use_moves_the_end_and_never_past_the_last(scenario).await,
        Renewal::Rotating { .. } => {
            a_refresh_hands_out_the_next_pair(scenario).await;
            refreshing_never_passes_the_last_end(scenario).await;
            a_refresh_token_that_is_not_used_expires(scenario).await;
            a_used_token_without_device_proof_ends_the_session(scenario).await;
        }
    }
    if !scenario.strategy.rotates() {
        nothing_else_can_be_refreshed(scenario).await;
    }
}

async fn use_moves_no_end(scenario: &Scenario) {
    let (_, held) = scenario.signed_in().await;
    let end = scenario.fixture.clock.now().plus(IDLE);
    while scenario.fixture.clock.now().plus(IDLE / 4) < end {
        scenario.fixture.clock.pass(IDLE / 4);
        scenario.assert_in(&held).await;
    }
    scenario.fixture.clock.set(end);
    assert!(held.authenticate(&scenario.node).await.is_err(), "{:?}", scenario.strategy);
}

// ASVS-map: RT6 SE3
async fn use_moves_the_end_and_never_past_the_last(scenario: &Scenario) {
    let (_, mut held) = scenario.signed_in().await;
    let begun = scenario.fixture.clock.now();
    let last = begun.plus(MAX);
    loop {
        scenario.fixture.clock.pass(IDLE / 2);
        let now = scenario.fixture.clock.now();
        if now >= last {
            break;
        }
        let identity = held.identity(&scenario.node).await;
        if scenario.strategy.check() == Check::Stored {
            let end = now.plus(IDLE).min(last);
            let renewed = identity.renewed.as_ref();
            // The engine renews only if the new end is later by a tenth of the lifetime.
            if now.plus(IDLE / 2) < last {
                assert_eq!(renewed.map(|renewed| renewed.expires), Some(end), "{:?}", scenario.strategy);
            }
            if let Some(renewed) = identity.renewed {
                held.signed_in.grant.credential = renewed.credential;
            }
        }
        // The other node has not seen the use, or has seen the session idle out: it must ask the store.
        scenario.assert_in(&held).await;
    }
    let shown = held.authenticate(&scenario.node).await;
    assert!(
        matches!(shown, Err(AuthenticationError::NotLive(_) | AuthenticationError::Token(_))),
        "{:?}: {shown:?}",
        scenario.strategy
    );
}

fn with(held: &HeldCredentials, refreshed: crate::engine::Refreshed) -> HeldCredentials {
    let mut next = held.clone();
    next.signed_in.grant.credential = refreshed.access;
    next.signed_in.grant.refresh = Some(refreshed.refresh);
    next
}

// ASVS-map: RT1 RT3
async fn a_refresh_hands_out_the_next_pair(scenario: &Scenario) {
    let (_, held) = scenario.signed_in().await;
    scenario.fixture.clock.pass(ACCESS / 2);
    let Ok(first) = held.refresh(&scenario.node).await else { return scenario.assert_in(&held).await };
    let repeated = held.refresh(&scenario.other).await;
    assert_eq!(repeated.ok().map(|repeated| repeated.refresh), Some(first.refresh.clone()));
    let next = with(&held, first);
    assert_ne!(next.refresh_token(), held.refresh_token());
    scenario.assert_in(&held).await;
    scenario.fixture.clock.pass(ACCESS / 2);
    scenario.assert_in(&next).await;
    assert_eq!(next.identity(&scenario.node).await.session, held.signed_in.session);
    assert!(held.authenticate(&scenario.node).await.is_err(), "the access token before it has expired");
}

// ASVS-map: RT6
async fn refreshing_never_passes_the_last_end(scenario: &Scenario) {
    let (_, mut held) = scenario.signed_in().await;
    let last = scenario.fixture.clock.now().plus(MAX);
    while scenario.fixture.clock.now().plus(IDLE / 2) < last {
        scenario.fixture.clock.pass(IDLE / 2);
        let refreshed = held.refresh(&scenario.node).await;
        assert!(refreshed.is_ok(), "{:?}: {refreshed:?}", scenario.strategy);
        let Ok(refreshed) = refreshed else { return };
        held = with(&held, refreshed);
    }
    scenario.fixture.clock.set(last.minus(Duration::from_secs(2)));
    let refreshed = held.refresh(&scenario.node).await;
    assert!(refreshed.is_ok(), "{:?}: {refreshed:?}", scenario.strategy);
    let Ok(refreshed) = refreshed else { return };
    held = with(&held, refreshed);
    scenario.assert_in(&held).await;
    scenario.fixture.clock.set(last);
    assert!(held.authenticate(&scenario.node).await.is_err(), "{:?}", scenario.strategy);
    let refused = held.refresh(&scenario.node).await;
    assert!(matches!(refused, Err(RefreshError::Invalid)), "{:?}: {refused:?}", scenario.strategy);
}

// ASVS-map: RT6
async fn a_refresh_token_that_is_not_used_expires(scenario: &Scenario) {
    let (_, held) = scenario.signed_in().await;
    scenario.fixture.clock.pass(IDLE);
    let refused = held.refresh(&scenario.node).await;
    assert!(matches!(refused, Err(RefreshError::Invalid)), "{:?}: {refused:?}", scenario.strategy);
}

// ASVS-map: RT1
async fn a_used_token_without_device_proof_ends_the_session(scenario: &Scenario) {
    let (_, mut held) = scenario.signed_in().await;
    assert!(held.refresh(&scenario.node).await.is_ok());
    held.signed_in.grant.device_secret = None;
    let reused = held.refresh(&scenario.other).await;
    assert!(matches!(reused, Err(RefreshError::Reused)), "{:?}: {reused:?}", scenario.strategy);
    scenario.assert_out_elsewhere(&held).await;
}

async fn nothing_else_can_be_refreshed(scenario: &Scenario) {
    let (_, held) = scenario.signed_in().await;
    let credential = held.credential().to_owned();
    for secret in [None, Some(PlainSecret::presented("x"))] {
        let mut holds = held.clone();
        holds.signed_in.grant.device_secret = secret;
        let refused = holds.refresh_with(&scenario.node, &credential).await;
        assert!(matches!(refused, Err(RefreshError::Invalid)), "{:?}: {refused:?}", scenario.strategy);
    }
    scenario.assert_in(&held).await;
}
