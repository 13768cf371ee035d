//! Somebody leaves, or is made to: here, on another node, everywhere.

use super::super::Answered;
use super::super::fixture::{PASSWORD, password};
use super::super::records::ending;
use super::{NAME, Story};
use crate::engine::{ChangePassword, PasswordSignInError, RefreshError};
use crate::session::EndReason;
use crate::store::EpochScope;
use crate::strategy::Check;

/// A password that nobody has yet.
const NEXT_PASSWORD: &str = "brisk lantern";

pub(super) async fn all(story: &Story) {
    a_sign_out_takes_effect_as_its_check_promises(story).await;
    a_sign_out_reaches_the_devices_that_its_check_names(story).await;
    if story.strategy.keeps_session() {
        an_end_on_another_node_is_heard_of(story).await;
    }
    an_end_of_all_sessions_reaches_each(story).await;
    a_disabled_user_is_out_and_does_not_come_back(story).await;
    a_new_password_ends_the_others_and_keeps_this_one(story).await;
    a_password_set_by_an_operator_ends_all(story).await;
    an_epoch_ends_everyone(story).await;
}

// ASVS-map: SE4
async fn a_sign_out_takes_effect_as_its_check_promises(story: &Story) {
    let (_, held) = story.signed_in().await;
    story.assert_in(&held).await;
    let identity = held.identity(&story.node).await;
    assert!(story.node.sign_out(&identity).await.is_ok());
    story.assert_out(&held).await;
    story.assert_out_elsewhere(&held).await;
}

async fn a_sign_out_reaches_the_devices_that_its_check_names(story: &Story) {
    let (ann, held) = story.signed_in().await;
    let elsewhere = ann.sign_in_on(&story.node, NAME, true).await;
    let identity = held.identity(&story.node).await;
    assert!(story.node.sign_out(&identity).await.is_ok());
    if story.strategy.check() == Check::SignedUnlessRevoked {
        story.assert_out(&elsewhere).await;
    } else {
        story.assert_in(&elsewhere).await;
        assert!(!story.strategy.rotates() || elsewhere.refresh(&story.node).await.is_ok());
    }
}

// ASVS-map: SE4 SE6
async fn an_end_on_another_node_is_heard_of(story: &Story) {
    let (ann, held) = story.signed_in().await;
    story.assert_in(&held).await;
    assert_eq!(story.node.end_session(&held.session()).await.ok(), Some(true));
    story.assert_out(&held).await;
    story.assert_out_elsewhere(&held).await;
    let next = ann.sign_in_on(&story.node, NAME, true).await;
    story.assert_in(&next).await;
}

// ASVS-map: SE6
async fn an_end_of_all_sessions_reaches_each(story: &Story) {
    let (ann, held) = story.signed_in().await;
    let elsewhere = ann.sign_in_on(&story.other, NAME, true).await;
    let (_, of_another) = story.signed_in().await;
    story.assert_in(&held).await;
    let ended = story.node.end_sessions(&ann.user.key, EndReason::Admin).await.answered();
    assert_eq!(ended, if story.strategy.keeps_session() { 2 } else { 0 });
    for held in [&held, &elsewhere] {
        story.assert_out(held).await;
        story.assert_out_elsewhere(held).await;
    }
    story.assert_in(&of_another).await;
    let next = ann.sign_in_on(&story.node, NAME, true).await;
    story.assert_in(&next).await;
}

// ASVS-map: SE5 RT8
async fn a_disabled_user_is_out_and_does_not_come_back(story: &Story) {
    let (ann, held) = story.signed_in().await;
    story.assert_in(&held).await;
    assert!(story.node.disable_user(&ann.user.key).await.is_ok());
    story.assert_out(&held).await;
    story.assert_out_elsewhere(&held).await;
    let refused = ann.tries_to_sign_in(&story.node, NAME, PASSWORD, false).await;
    assert!(matches!(refused, Err(PasswordSignInError::InvalidCredentials)), "{refused:?}");

    assert!(story.node.enable_user(&ann.user.key).await.is_ok());
    story.assert_out(&held).await;
    let next = ann.sign_in_on(&story.node, NAME, true).await;
    story.assert_in(&next).await;
}

// ASVS-map: SE6
async fn a_new_password_ends_the_others_and_keeps_this_one(story: &Story) {
    let (ann, held) = story.signed_in().await;
    let elsewhere = ann.sign_in_on(&story.other, NAME, true).await;
    story.assert_in(&elsewhere).await;
    let identity = held.identity(&story.node).await;
    let current = password(PASSWORD);
    let request = ChangePassword { identity: identity.clone(), current, new: password(NEXT_PASSWORD) };
    let changed = story.node.change_password(request).await;
    assert!(changed.is_ok(), "{:?}: {changed:?}", story.strategy);

    story.assert_in(&held).await;
    assert!(!story.strategy.rotates() || held.refresh(&story.node).await.is_ok(), "{:?}", story.strategy);
    story.assert_out(&elsewhere).await;
    story.assert_out_elsewhere(&elsewhere).await;
    let with_old = ann.tries_to_sign_in(&story.node, NAME, PASSWORD, false).await;
    assert!(matches!(with_old, Err(PasswordSignInError::InvalidCredentials)), "{with_old:?}");
    assert!(ann.tries_to_sign_in(&story.node, NAME, NEXT_PASSWORD, false).await.is_ok());
}

async fn a_password_set_by_an_operator_ends_all(story: &Story) {
    let (ann, held) = story.signed_in().await;
    story.assert_in(&held).await;
    assert!(story.node.set_password(&ann.user.key, password(NEXT_PASSWORD)).await.is_ok());
    story.assert_out(&held).await;
    story.assert_out_elsewhere(&held).await;
}

// ASVS-map: RV5
async fn an_epoch_ends_everyone(story: &Story) {
    let (ann, held) = story.signed_in().await;
    story.assert_in(&held).await;
    let epochs = &story.fixture.builder.stores.epochs;
    for scope in [EpochScope::Tenant(ann.user.key.tenant.clone()), EpochScope::Everyone] {
        let next = ann.sign_in_on(&story.node, NAME, true).await;
        epochs.advance(&scope, ending(EndReason::Admin)).await.answered();
        for held in [&held, &next] {
            story.assert_out_elsewhere(held).await;
            if story.strategy.rotates() {
                let refused = held.refresh(&story.node).await;
                assert!(matches!(refused, Err(RefreshError::SessionGone(_))), "{refused:?}");
            }
        }
    }
}
