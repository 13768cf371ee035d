//! Refresh tokens as their user sees them, and of which session one is.

use std::time::Duration;

use crate::engine::{Refresh, RefreshError};
use crate::secret::PlainSecret;
use crate::session::RefreshGeneration;
use crate::store::conformance::fixture::Fixture;
use crate::store::memory::MemoryStore;
use crate::strategy::StrategyName;

fn ids(tokens: &[RefreshGeneration]) -> Vec<(&str, bool, Option<&str>)> {
    tokens.iter().map(|token| (token.id.as_str(), token.active, token.replaced_by_token.as_deref())).collect()
}

// ASVS-map: OP6
#[tokio::test]
async fn a_user_sees_which_refresh_token_replaced_which_in_every_session() {
    let fixture = Fixture::new(MemoryStore::stores());
    let node = fixture.node().await;
    let (ann, bob) = (fixture.new_user(&node).await, fixture.new_user(&node).await);
    let rotating = ann.password_sign_in(&node, StrategyName::Refresh).await;
    // The list is in the order of time.
    fixture.clock.pass(Duration::from_millis(1));
    let other = ann.password_sign_in(&node, StrategyName::Denylist).await;
    ann.password_sign_in(&node, StrategyName::Session).await;
    bob.password_sign_in(&node, StrategyName::Refresh).await;
    let [first, second] = [&rotating, &other].map(|held| format!("{}.0", held.signed_in.session));
    let listed = node.refresh_tokens(&ann.user.key).await.unwrap();
    assert_eq!(ids(&listed), [(first.as_str(), true, None), (&second, true, None)]);

    rotating.refresh(&node).await.unwrap();
    node.end_session(&other.session()).await.unwrap();
    let successor = format!("{}.1", rotating.signed_in.session);
    let listed = node.refresh_tokens(&ann.user.key).await.unwrap();
    let expected =
        [(first.as_str(), false, Some(successor.as_str())), (&successor, true, None), (&second, false, None)];
    assert_eq!(ids(&listed), expected);
    assert!(listed.iter().all(|token| token.issued < token.expires));
    let wire = serde_json::to_value(&listed[0]).unwrap();
    let members: Vec<&str> = wire.as_object().unwrap().keys().map(String::as_str).collect();
    assert_eq!(members, ["active", "expires", "id", "issued", "replacedByToken"]);
}

// ASVS-map: RT7
#[tokio::test]
async fn a_refresh_token_is_of_its_session_alone_and_nothing_is_redeemed_by_asking() {
    let fixture = Fixture::new(MemoryStore::stores());
    let node = fixture.node().await;
    let ann = fixture.new_user(&node).await;
    let held = ann.password_sign_in(&node, StrategyName::Refresh).await;
    let other = ann.password_sign_in(&node, StrategyName::Refresh).await;
    let is_of = async |token: &str, session| {
        let refresh = Refresh::new(StrategyName::Refresh, &PlainSecret::presented(token));
        node.verify_refresh(refresh).await.is_of(&session).unwrap()
    };
    for _ in 0..2 {
        assert!(is_of(held.refresh_token(), held.session()).await);
        assert!(!is_of(held.refresh_token(), other.session()).await);
    }
    for invalid in ["", "a.b.c", held.credential()] {
        assert!(!is_of(invalid, held.session()).await, "{invalid}");
        let refresh = Refresh::new(StrategyName::Refresh, &PlainSecret::presented(invalid));
        let refused = node.verify_refresh(refresh).await.session();
        assert!(matches!(refused, Err(RefreshError::Invalid)), "{refused:?}");
    }
    let token = PlainSecret::presented(held.refresh_token());
    let refreshed = node.refresh(Refresh::new(StrategyName::Refresh, &token)).await.unwrap();
    assert_eq!(refreshed.session, held.session());
    assert!(is_of(held.refresh_token(), held.session()).await, "a spent token says of which session it was");
}
