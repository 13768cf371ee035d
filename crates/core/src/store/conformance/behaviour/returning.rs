//! Somebody comes back with what they were handed, in time and too late, by the right way and by a wrong one.

use std::time::Duration;

use super::super::fixture::show;
use super::{ACCESS, IDLE, NAME, Story};
use crate::clock::Clock as _;
use crate::engine::AuthenticationError;
use crate::strategy::{Carrier, Renewal};

pub(super) async fn all(story: &Story) {
    whoever_has_signed_in_is_recognised(story).await;
    a_credential_travels_one_way(story).await;
    what_we_did_not_make_opens_nothing(story).await;
    a_credential_lasts_until_its_end(story).await;
    nothing_is_handed_out_that_outlives_its_session(story).await;
}

async fn whoever_has_signed_in_is_recognised(story: &Story) {
    let (ann, held) = story.signed_in().await;
    for node in [&story.node, &story.other] {
        let identity = held.identity(node).await;
        assert_eq!((&identity.user, identity.session), (&ann.user.key, held.signed_in.session));
        assert_eq!((identity.strategy, identity.email.as_str()), (NAME, ann.user.email.as_typed()));
        assert_eq!(identity.renewed, None, "nothing of its life is gone");
    }
    assert_eq!(held.signed_in.grant.refresh.is_some(), story.strategy.rotates());
    assert_eq!(held.signed_in.grant.device_secret.is_some(), story.strategy.rotates());
}

// ASVS-map: SE2
async fn a_credential_travels_one_way(story: &Story) {
    let (_, held) = story.signed_in().await;
    for carrier in [Carrier::Cookie, Carrier::Bearer, Carrier::Field] {
        let shown = show(&story.node, None, NAME, carrier, held.credential()).await;
        if carrier == story.strategy.carrier() {
            assert!(shown.is_ok(), "{:?}: {shown:?}", story.strategy);
        } else {
            assert!(matches!(shown, Err(AuthenticationError::Missing)), "{:?}: {shown:?}", story.strategy);
        }
    }
}

async fn what_we_did_not_make_opens_nothing(story: &Story) {
    let (_, held) = story.signed_in().await;
    let session = held.signed_in.session.to_string();
    let twice = held.credential().repeat(2);
    let shorter = held.credential().get(..held.credential().len() - 4).unwrap_or_default();
    for made_up in ["x", session.as_str(), twice.as_str(), shorter, held.refresh_token(), "s%3Aabc.def"] {
        if made_up.is_empty() {
            continue;
        }
        let shown = show(&story.node, None, NAME, story.strategy.carrier(), made_up).await;
        assert!(
            matches!(shown, Err(AuthenticationError::Invalid | AuthenticationError::Token(_))),
            "{:?}: {made_up}: {shown:?}",
            story.strategy
        );
    }
}

/// How long the credential lasts when it is not used.
fn unused(story: &Story) -> Duration {
    match story.strategy.renewal() {
        Renewal::Fixed { .. } | Renewal::Sliding { .. } => IDLE,
        Renewal::Rotating { .. } => ACCESS,
    }
}

// ASVS-map: SE3
async fn a_credential_lasts_until_its_end(story: &Story) {
    let (clock, life) = (&story.fixture.clock, unused(story));
    let (_, held) = story.signed_in().await;
    let end = clock.now().plus(life);
    // A token counts whole seconds.
    clock.set(end.minus(Duration::from_secs(1)));
    story.assert_in(&held).await;

    let (_, held) = story.signed_in().await;
    let end = clock.now().plus(life);
    clock.set(end);
    for node in [&story.node, &story.other] {
        let shown = held.recognised(node).await;
        assert!(
            matches!(
                shown,
                Err(AuthenticationError::NotLive(_)
                    | AuthenticationError::Token(_)
                    | AuthenticationError::Revoked)
            ),
            "{:?}: {shown:?}",
            story.strategy
        );
    }
}

async fn nothing_is_handed_out_that_outlives_its_session(story: &Story) {
    let (ann, held) = story.signed_in().await;
    let page = crate::store::Page { after: None, limit: 10 };
    let listed = story.node.sessions(&ann.user.key, page).await.unwrap_or_default();
    assert_eq!(listed.len(), usize::from(story.strategy.keeps_session()));
    for session in listed {
        assert!(held.signed_in.grant.expires <= session.session.absolute_expires);
    }
}
