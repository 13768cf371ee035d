//! A user signs out or is signed out: on this node, on another node, everywhere.

use super::super::Answered;
use super::super::fixture::{PASSWORD, password};
use super::super::records::ending;
use super::{NAME, Scenario};
use crate::clock::Timestamp;
use crate::engine::{ChangePassword, PasswordSignInError, RefreshError};
use crate::session::{EndReason, Session};
use crate::store::{EpochScope, Inserted, SessionHandle};
use crate::strategy::{Check, StrategyName};

/// A new password.
const NEXT_PASSWORD: &str = "brisk lantern";

pub(super) async fn all(scenario: &Scenario) {
    a_sign_out_takes_effect_as_its_check_promises(scenario).await;
    a_sign_out_reaches_the_devices_that_its_check_names(scenario).await;
    if scenario.strategy.keeps_session() {
        an_end_on_another_node_takes_effect_here(scenario).await;
    }
    an_end_of_all_sessions_reaches_each(scenario).await;
    a_disabled_user_is_out_and_does_not_come_back(scenario).await;
    a_new_password_ends_the_others_and_keeps_this_one(scenario).await;
    a_password_set_by_an_operator_ends_all(scenario).await;
    an_epoch_ends_everyone(scenario).await;
    a_session_whose_record_is_gone_is_over(scenario).await;
    if scenario.can.purges_live_sessions {
        a_session_of_another_strategy_is_none(scenario).await;
    }
}

// ASVS-map: SE4 RV1
async fn a_sign_out_takes_effect_as_its_check_promises(scenario: &Scenario) {
    let (_, held) = scenario.signed_in().await;
    scenario.assert_in(&held).await;
    let identity = held.identity(&scenario.node).await;
    assert!(scenario.node.sign_out(&identity).await.is_ok());
    scenario.assert_out(&held).await;
    scenario.assert_out_elsewhere(&held).await;
}

async fn a_sign_out_reaches_the_devices_that_its_check_names(scenario: &Scenario) {
    let (ann, held) = scenario.signed_in().await;
    let elsewhere = ann.sign_in_on(&scenario.node, NAME, true).await;
    let identity = held.identity(&scenario.node).await;
    assert!(scenario.node.sign_out(&identity).await.is_ok());
    if scenario.strategy.check() == Check::SignedUnlessRevoked {
        scenario.assert_out(&elsewhere).await;
    } else {
        scenario.assert_in(&elsewhere).await;
        assert!(!scenario.strategy.rotates() || elsewhere.refresh(&scenario.node).await.is_ok());
    }
}

// ASVS-map: SE4 SE6
async fn an_end_on_another_node_takes_effect_here(scenario: &Scenario) {
    let (ann, held) = scenario.signed_in().await;
    scenario.assert_in(&held).await;
    assert_eq!(scenario.node.end_session(&held.session()).await.ok(), Some(true));
    scenario.assert_out(&held).await;
    scenario.assert_out_elsewhere(&held).await;
    let next = ann.sign_in_on(&scenario.node, NAME, true).await;
    scenario.assert_in(&next).await;
}

// ASVS-map: SE6
async fn an_end_of_all_sessions_reaches_each(scenario: &Scenario) {
    let (ann, held) = scenario.signed_in().await;
    let elsewhere = ann.sign_in_on(&scenario.other, NAME, true).await;
    let (_, of_another) = scenario.signed_in().await;
    scenario.assert_in(&held).await;
    let ended = scenario.node.end_sessions(&ann.user.key, EndReason::Admin).await.answered();
    assert_eq!(ended, if scenario.strategy.keeps_session() { 2 } else { 0 });
    for held in [&held, &elsewhere] {
        scenario.assert_out(held).await;
        scenario.assert_out_elsewhere(held).await;
    }
    scenario.assert_in(&of_another).await;
    let next = ann.sign_in_on(&scenario.node, NAME, true).await;
    scenario.assert_in(&next).await;
}

// ASVS-map: SE5
async fn a_disabled_user_is_out_and_does_not_come_back(scenario: &Scenario) {
    let (ann, held) = scenario.signed_in().await;
    scenario.assert_in(&held).await;
    assert!(scenario.node.disable_user(&ann.user.key).await.is_ok());
    scenario.assert_out(&held).await;
    scenario.assert_out_elsewhere(&held).await;
    let refused = ann.try_sign_in(&scenario.node, NAME, PASSWORD, false).await;
    assert!(matches!(refused, Err(PasswordSignInError::InvalidCredentials)), "{refused:?}");

    assert!(scenario.node.enable_user(&ann.user.key).await.is_ok());
    scenario.assert_out(&held).await;
    let next = ann.sign_in_on(&scenario.node, NAME, true).await;
    scenario.assert_in(&next).await;
}

// ASVS-map: PW8
async fn a_new_password_ends_the_others_and_keeps_this_one(scenario: &Scenario) {
    let (ann, held) = scenario.signed_in().await;
    let elsewhere = ann.sign_in_on(&scenario.other, NAME, true).await;
    scenario.assert_in(&elsewhere).await;
    let identity = held.identity(&scenario.node).await;
    let current = password(PASSWORD);
    let request = ChangePassword { identity: identity.clone(), current, new: password(NEXT_PASSWORD) };
    let changed = scenario.node.change_password(request).await;
    assert!(changed.is_ok(), "{:?}: {changed:?}", scenario.strategy);

    scenario.assert_in(&held).await;
    assert!(
        !scenario.strategy.rotates() || held.refresh(&scenario.node).await.is_ok(),
        "{:?}",
        scenario.strategy
    );
    scenario.assert_out(&elsewhere).await;
    scenario.assert_out_elsewhere(&elsewhere).await;
    let with_old = ann.try_sign_in(&scenario.node, NAME, PASSWORD, false).await;
    assert!(matches!(with_old, Err(PasswordSignInError::InvalidCredentials)), "{with_old:?}");
    assert!(ann.try_sign_in(&scenario.node, NAME, NEXT_PASSWORD, false).await.is_ok());
}

async fn a_password_set_by_an_operator_ends_all(scenario: &Scenario) {
    let (ann, held) = scenario.signed_in().await;
    scenario.assert_in(&held).await;
    assert!(scenario.node.set_password(&ann.user.key, password(NEXT_PASSWORD)).await.is_ok());
    scenario.assert_out(&held).await;
    scenario.assert_out_elsewhere(&held).await;
}

// ASVS-map: RV5
async fn an_epoch_ends_everyone(scenario: &Scenario) {
    let (ann, held) = scenario.signed_in().await;
    scenario.assert_in(&held).await;
    let epochs = &scenario.fixture.builder.stores.epochs;
    for scope in [EpochScope::Tenant(ann.user.key.tenant.clone()), EpochScope::Everyone] {
        let next = ann.sign_in_on(&scenario.node, NAME, true).await;
        epochs.advance(&scope, ending(EndReason::Admin)).await.answered();
        for held in [&held, &next] {
            scenario.assert_out_elsewhere(held).await;
            if scenario.strategy.rotates() {
                let refused = held.refresh(&scenario.node).await;
                assert!(matches!(refused, Err(RefreshError::SessionGone(_))), "{refused:?}");
            }
        }
    }
}

/// A record outlives the tokens of its session, so a missing one denies them. Here the store loses all records, also
/// those of ended sessions.
// ASVS-map: SE4 RV4
async fn a_session_whose_record_is_gone_is_over(scenario: &Scenario) {
    let (ann, held) = scenario.signed_in().await;
    let (_, ended) = scenario.signed_in().await;
    scenario.assert_in(&held).await;
    let identity = ended.identity(&scenario.node).await;
    assert!(scenario.node.sign_out(&identity).await.is_ok());
    let sessions = &scenario.fixture.stores().sessions;
    while sessions.purge(Timestamp::from_millis(i64::MAX), 1_000).await.answered() > 0 {}
    let gone = [(&held, scenario.can.purges_live_sessions), (&ended, true)];
    for (held, _) in gone.iter().filter(|(_, is_purged)| *is_purged) {
        scenario.assert_out_soon(held, &scenario.node).await;
        scenario.assert_out_elsewhere(held).await;
    }
    let next = ann.sign_in_on(&scenario.node, NAME, true).await;
    scenario.assert_in(&next).await;
}

/// A record that names another strategy than the token was altered: it says nothing about the token.
async fn a_session_of_another_strategy_is_none(scenario: &Scenario) {
    let (_, held) = scenario.signed_in().await;
    let sessions = &scenario.fixture.stores().sessions;
    let handle = SessionHandle::Id(held.session());
    let Some(session) = sessions.find(&handle, scenario.node.now()).await.answered() else { return };
    while sessions.purge(Timestamp::from_millis(i64::MAX), 1_000).await.answered() > 0 {}
    let altered = Session { strategy: StrategyName::Device, ..session };
    assert_eq!(sessions.insert(&altered).await.answered(), Inserted::Done);
    for node in [&scenario.node, &scenario.other] {
        assert_eq!(
            held.authenticate(node).await.is_err(),
            scenario.is_revocable(),
            "{:?}",
            scenario.strategy
        );
    }
}
