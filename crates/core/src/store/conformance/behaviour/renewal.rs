//! What keeps somebody signed in for longer: use, a refresh token, or nothing.

use std::time::Duration;

use super::super::fixture::Held;
use super::{ACCESS, IDLE, MAX, Story};
use crate::clock::Clock as _;
use crate::engine::{AuthenticationError, RefreshError};
use crate::secret::PlainSecret;
use crate::strategy::{Check, Renewal};

pub(super) async fn all(story: &Story) {
    match story.strategy.renewal() {
        Renewal::Fixed { .. } => use_moves_no_end(story).await,
        Renewal::Sliding { .. } => use_moves_the_end_and_never_past_the_last(story).await,
        Renewal::Rotating { .. } => {
            a_refresh_hands_out_the_next_pair(story).await;
            refreshing_never_passes_the_last_end(story).await;
            a_refresh_token_that_is_not_used_expires(story).await;
            a_spent_token_of_no_device_ends_the_session(story).await;
        }
    }
    if !story.strategy.rotates() {
        nothing_else_can_be_refreshed(story).await;
    }
}

async fn use_moves_no_end(story: &Story) {
    let (_, held) = story.signed_in().await;
    let end = story.fixture.clock.now().plus(IDLE);
    while story.fixture.clock.now().plus(IDLE / 4) < end {
        story.fixture.clock.pass(IDLE / 4);
        story.assert_in(&held).await;
    }
    story.fixture.clock.set(end);
    assert!(held.recognised(&story.node).await.is_err(), "{:?}", story.strategy);
}

// ASVS-map: RT6 SE3
async fn use_moves_the_end_and_never_past_the_last(story: &Story) {
    let (_, mut held) = story.signed_in().await;
    let begun = story.fixture.clock.now();
    let last = begun.plus(MAX);
    loop {
        story.fixture.clock.pass(IDLE / 2);
        let now = story.fixture.clock.now();
        if now >= last {
            break;
        }
        let identity = held.identity(&story.node).await;
        if story.strategy.check() == Check::Stored {
            let end = now.plus(IDLE).min(last);
            let renewed = identity.renewed.as_ref();
            // A tenth of its life is what a new end must be worth.
            if now.plus(IDLE / 2) < last {
                assert_eq!(renewed.map(|renewed| renewed.expires), Some(end), "{:?}", story.strategy);
            }
            if let Some(renewed) = identity.renewed {
                held.signed_in.grant.credential = renewed.credential;
            }
        }
        // The other node has not seen the use, or has seen the session idle out: it must ask.
        story.assert_in(&held).await;
    }
    let shown = held.recognised(&story.node).await;
    assert!(
        matches!(shown, Err(AuthenticationError::NotLive(_) | AuthenticationError::Token(_))),
        "{:?}: {shown:?}",
        story.strategy
    );
}

fn with(held: &Held, refreshed: crate::engine::Refreshed) -> Held {
    let mut next = held.clone();
    next.signed_in.grant.credential = refreshed.access;
    next.signed_in.grant.refresh = Some(refreshed.refresh);
    next
}

// ASVS-map: RT1 RT3
async fn a_refresh_hands_out_the_next_pair(story: &Story) {
    let (_, held) = story.signed_in().await;
    story.fixture.clock.pass(ACCESS / 2);
    let Ok(first) = held.refresh(&story.node).await else { return story.assert_in(&held).await };
    let repeated = held.refresh(&story.other).await;
    assert_eq!(repeated.ok().map(|repeated| repeated.refresh), Some(first.refresh.clone()));
    let next = with(&held, first);
    assert_ne!(next.refresh_token(), held.refresh_token());
    story.assert_in(&held).await;
    story.fixture.clock.pass(ACCESS / 2);
    story.assert_in(&next).await;
    assert_eq!(next.identity(&story.node).await.session, held.signed_in.session);
    assert!(held.recognised(&story.node).await.is_err(), "the access token before has had its time");
}

// ASVS-map: RT6
async fn refreshing_never_passes_the_last_end(story: &Story) {
    let (_, mut held) = story.signed_in().await;
    let last = story.fixture.clock.now().plus(MAX);
    while story.fixture.clock.now().plus(IDLE / 2) < last {
        story.fixture.clock.pass(IDLE / 2);
        let refreshed = held.refresh(&story.node).await;
        assert!(refreshed.is_ok(), "{:?}: {refreshed:?}", story.strategy);
        let Ok(refreshed) = refreshed else { return };
        held = with(&held, refreshed);
    }
    story.fixture.clock.set(last.minus(Duration::from_secs(2)));
    let refreshed = held.refresh(&story.node).await;
    assert!(refreshed.is_ok(), "{:?}: {refreshed:?}", story.strategy);
    let Ok(refreshed) = refreshed else { return };
    held = with(&held, refreshed);
    story.assert_in(&held).await;
    story.fixture.clock.set(last);
    assert!(held.recognised(&story.node).await.is_err(), "{:?}", story.strategy);
    let refused = held.refresh(&story.node).await;
    assert!(matches!(refused, Err(RefreshError::Invalid)), "{:?}: {refused:?}", story.strategy);
}

// ASVS-map: RT6
async fn a_refresh_token_that_is_not_used_expires(story: &Story) {
    let (_, held) = story.signed_in().await;
    story.fixture.clock.pass(IDLE);
    let refused = held.refresh(&story.node).await;
    assert!(matches!(refused, Err(RefreshError::Invalid)), "{:?}: {refused:?}", story.strategy);
}

// ASVS-map: RT1
async fn a_spent_token_of_no_device_ends_the_session(story: &Story) {
    let (_, mut held) = story.signed_in().await;
    assert!(held.refresh(&story.node).await.is_ok());
    held.signed_in.grant.device_secret = None;
    let reused = held.refresh(&story.other).await;
    assert!(matches!(reused, Err(RefreshError::Reused)), "{:?}: {reused:?}", story.strategy);
    story.assert_out_elsewhere(&held).await;
}

async fn nothing_else_can_be_refreshed(story: &Story) {
    let (_, held) = story.signed_in().await;
    let credential = held.credential().to_owned();
    for secret in [None, Some(PlainSecret::presented("x"))] {
        let mut holds = held.clone();
        holds.signed_in.grant.device_secret = secret;
        let refused = holds.refresh_with(&story.node, &credential).await;
        assert!(matches!(refused, Err(RefreshError::Invalid)), "{:?}: {refused:?}", story.strategy);
    }
    story.assert_in(&held).await;
}
