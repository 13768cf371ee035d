//! Refreshes on a node whose view does not know yet what another node has written: the store decides.

use super::outage::{MAX_STALENESS, OutageFixture};
use crate::engine::{ChangePassword, Refresh, RefreshError, Refreshed};
use crate::session::EndReason;
use crate::store::conformance::fixture::{HeldCredentials, PASSWORD, RegisteredUser, password, present};
use crate::strategy::{Carrier, StrategyName};
use crate::user::Role;

/// A user with a device proof, whose session the view of the node knows. From here on the feed is silent.
async fn refreshed_on_the_node(test: &OutageFixture) -> (RegisteredUser, HeldCredentials, Refreshed) {
    let ann = test.fixture.new_user(&test.other).await;
    test.other.set_role(&ann.user.key, Role::Admin).await.unwrap();
    let held = ann.sign_in_on(&test.node, StrategyName::Refresh, true).await;
    // At its first refresh the device is remembered, which changes the user.
    let first = held.refresh(&test.node).await.unwrap();
    let refreshed = held.refresh_with(&test.node, first.refresh.reveal()).await.unwrap();
    test.faults.silence_feed();
    (ann, held, refreshed)
}

#[tokio::test]
async fn a_refresh_that_finds_everything_in_the_view_asks_the_store_for_one_write() {
    let test = OutageFixture::new().await;
    let (_, held, mut refreshed) = refreshed_on_the_node(&test).await;
    test.faults.heard();
    for _ in 0..3 {
        refreshed = held.refresh_with(&test.node, refreshed.refresh.reveal()).await.unwrap();
        assert_eq!(test.faults.heard(), ["update a session"]);
    }
}

// ASVS-map: AU5
#[tokio::test]
async fn a_role_that_another_node_took_away_is_not_signed_again() {
    let test = OutageFixture::new().await;
    let (ann, held, refreshed) = refreshed_on_the_node(&test).await;
    test.other.set_role(&ann.user.key, Role::Manager).await.unwrap();
    let refreshed = held.refresh_with(&test.node, refreshed.refresh.reveal()).await.unwrap();
    let access = refreshed.access.reveal();
    let shown = present(&test.node, None, held.strategy, Carrier::Bearer, access).await.unwrap();
    assert_eq!(shown.role, Some(Role::Manager));
}

// ASVS-map: RT5
#[tokio::test]
async fn what_another_node_has_ended_is_not_refreshed() {
    for ending in 0..4 {
        let test = OutageFixture::new().await;
        let (ann, held, refreshed) = refreshed_on_the_node(&test).await;
        let (user, other) = (&ann.user.key, &test.other);
        match ending {
            0 => assert!(other.end_session_of(user, held.session().id, EndReason::Admin).await.unwrap()),
            1 => drop(other.end_sessions(user, EndReason::LogoutAll).await.unwrap()),
            2 => drop(other.disable_user(user).await.unwrap()),
            _ => other.end_everyone().await.unwrap(),
        }
        let refused = held.refresh_with(&test.node, refreshed.refresh.reveal()).await;
        assert!(matches!(refused, Err(RefreshError::SessionGone(_))), "{ending}: {refused:?}");
    }
}

#[tokio::test]
async fn a_session_that_a_new_password_kept_on_another_node_is_refreshed() {
    let test = OutageFixture::new().await;
    let (ann, held, refreshed) = refreshed_on_the_node(&test).await;
    let identity = held.identity(&test.other).await;
    let (current, new) = (password(PASSWORD), password("another correct horse"));
    test.other.change_password(ChangePassword { identity, current, new }).await.unwrap();
    held.refresh_with(&test.node, refreshed.refresh.reveal()).await.unwrap();
    assert!(ann.user.disabled.is_none());
}

/// The view of a node still has the generation that another node has replaced.
// ASVS-map: RT2 RT8
#[tokio::test]
async fn a_chain_goes_on_from_node_to_node_and_a_repeat_gets_the_same_successor_on_both() {
    let test = OutageFixture::new().await;
    let (_, held, mut refreshed) = refreshed_on_the_node(&test).await;
    for _ in 0..3 {
        for (first, second) in [(&test.other, &test.node), (&test.node, &test.other)] {
            let next = held.refresh_with(first, refreshed.refresh.reveal()).await.unwrap();
            let again = held.refresh_with(second, refreshed.refresh.reveal()).await.unwrap();
            assert_eq!(next.refresh.reveal(), again.refresh.reveal());
            refreshed = next;
        }
    }
}

// ASVS-map: RT3
#[tokio::test]
async fn what_was_used_on_another_node_is_stale_with_the_proof_and_ends_the_session_without() {
    let test = OutageFixture::new().await;
    let (_, held, used) = refreshed_on_the_node(&test).await;
    let next = held.refresh_with(&test.other, used.refresh.reveal()).await.unwrap();
    let newest = held.refresh_with(&test.other, next.refresh.reveal()).await.unwrap();
    let stale = held.refresh_with(&test.node, used.refresh.reveal()).await;
    assert!(matches!(stale, Err(RefreshError::Stale)), "{stale:?}");

    let token = used.refresh.reveal().to_owned();
    let theft =
        Refresh { tenant: None, strategy: held.strategy, token, device_secret: None, cookies: Vec::new() };
    let reused = test.node.refresh(theft).await;
    assert!(matches!(reused, Err(RefreshError::Reused)), "{reused:?}");
    let gone = held.refresh_with(&test.other, newest.refresh.reveal()).await;
    assert!(matches!(gone, Err(RefreshError::SessionGone(_))), "{gone:?}");
}

/// A thief who changes the session all the time must not keep the alarm away.
// ASVS-map: RT1
#[tokio::test]
async fn a_used_token_ends_the_session_without_a_comparison_that_others_could_win() {
    let test = OutageFixture::new().await;
    let (_, held, used) = refreshed_on_the_node(&test).await;
    held.refresh_with(&test.node, used.refresh.reveal()).await.unwrap();
    test.faults.heard();
    let token = held.refresh_token().to_owned();
    let theft =
        Refresh { tenant: None, strategy: held.strategy, token, device_secret: None, cookies: Vec::new() };
    let reused = test.node.refresh(theft).await;
    assert!(matches!(reused, Err(RefreshError::Reused)), "{reused:?}");
    let heard = test.faults.heard();
    assert!(heard.contains(&"end sessions") && !heard.contains(&"update a session"), "{heard:?}");
}

/// The session is read before the epochs; between the two another node takes it over into a new epoch.
// ASVS-map: RT8
#[tokio::test]
async fn a_session_that_is_taken_over_between_two_reads_is_refreshed() {
    let test = OutageFixture::new().await;
    let (_, held, refreshed) = refreshed_on_the_node(&test).await;
    let identity = held.identity(&test.other).await;
    test.other.rename_session(&identity.user, held.session().id, "new".to_owned()).await.unwrap();
    // The write that loses against the new name, and the read of the session.
    test.faults.stop_after(4);
    let taking_over = async {
        test.faults.stuck().await;
        let (current, new) = (password(PASSWORD), password("another correct horse"));
        test.other.change_password(ChangePassword { identity, current, new }).await.unwrap();
        test.faults.go_on();
    };
    let refreshing = held.refresh_with(&test.node, refreshed.refresh.reveal());
    let (refreshed, ()) = tokio::join!(refreshing, taking_over);
    refreshed.unwrap();
}

#[tokio::test]
async fn an_outage_that_the_view_meets_is_answered_without_asking_again() {
    let test = OutageFixture::new().await;
    let (_, held, refreshed) = refreshed_on_the_node(&test).await;
    test.pass(MAX_STALENESS);
    test.faults.go_down();
    test.faults.heard();
    let refused = held.refresh_with(&test.node, refreshed.refresh.reveal()).await;
    assert!(matches!(refused, Err(RefreshError::Store(_))), "{refused:?}");
    let heard = test.faults.heard();
    assert_eq!(heard.iter().filter(|verb| **verb == "find a session").count(), 1, "{heard:?}");
}
