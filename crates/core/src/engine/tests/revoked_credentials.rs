//! A revoked credential stays revoked in every spelling.

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;

use crate::engine::AuthenticationError;
use crate::store::conformance::fixture::{Fixture, HeldCredentials, present};
use crate::store::memory::MemoryStore;
use crate::strategy::{Carrier, StrategyName};

/// The order of P-256 (SEC 2, section 2.4.2).
const ORDER: [u8; 32] = [
    0xff, 0xff, 0xff, 0xff, 0x00, 0x00, 0x00, 0x00, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xbc,
    0xe6, 0xfa, 0xad, 0xa7, 0x17, 0x9e, 0x84, 0xf3, 0xb9, 0xca, 0xc2, 0xfc, 0x63, 0x25, 0x51,
];

/// The token with (r, n − s) instead of (r, s): as good a signature, and other bytes.
fn malleated(token: &str) -> String {
    let (signed, signature) = token.rsplit_once('.').unwrap();
    let mut signature = URL_SAFE_NO_PAD.decode(signature).unwrap();
    let mut borrow = 0;
    for (digit, order) in signature[32..].iter_mut().zip(ORDER).rev() {
        let difference = i16::from(order) - i16::from(*digit) - borrow;
        borrow = i16::from(difference < 0);
        *digit = u8::try_from(difference.rem_euclid(256)).unwrap();
    }
    format!("{signed}.{}", URL_SAFE_NO_PAD.encode(signature))
}

fn spellings(held: &HeldCredentials) -> [String; 2] {
    [held.credential().to_owned(), malleated(held.credential())]
}

async fn shown(
    node: &crate::engine::Engine,
    held: &HeldCredentials,
    token: &str,
) -> Option<AuthenticationError> {
    present(node, Some(&held.tenant), held.strategy, Carrier::Bearer, token).await.err()
}

// ASVS-map: JW9
#[tokio::test]
async fn a_token_on_the_denylist_is_refused_in_its_other_spelling_too() {
    let fixture = Fixture::new(MemoryStore::stores());
    let nodes = [fixture.node().await, fixture.node().await];
    let [node, _] = &nodes;
    let ann = fixture.new_user(node).await;
    for strategy in [StrategyName::Denylist, StrategyName::Hybrid, StrategyName::SessionJwt] {
        let held = ann.password_sign_in(node, strategy).await;
        assert_ne!(malleated(held.credential()), held.credential());
        assert!(
            shown(node, &held, &malleated(held.credential())).await.is_none(),
            "it is as good a signature"
        );
        node.sign_out(&held.identity(node).await).await.unwrap();
        for node in &nodes {
            for token in spellings(&held) {
                let refused = shown(node, &held, &token).await;
                assert!(
                    matches!(refused, Some(AuthenticationError::Revoked | AuthenticationError::NotLive(_))),
                    "{strategy}: {refused:?}"
                );
            }
        }
    }
}

// ASVS-map: JW9
#[tokio::test]
async fn a_sign_out_takes_back_the_access_tokens_from_before_the_last_refresh() {
    let fixture = Fixture::new(MemoryStore::stores());
    let node = fixture.node().await;
    let held = fixture.new_user(&node).await.password_sign_in(&node, StrategyName::Denylist).await;
    let refreshed = held.refresh(&node).await.unwrap();
    node.sign_out(&held.identity(&node).await).await.unwrap();
    let mut next = held.clone();
    next.signed_in.grant.credential = refreshed.access;
    for held in [&held, &next] {
        for token in spellings(held) {
            let refused = shown(&node, held, &token).await;
            assert!(matches!(refused, Some(AuthenticationError::Revoked)), "{refused:?}");
        }
    }
}

// ASVS-map: JW9
#[tokio::test]
async fn padding_and_spaces_make_no_other_spelling() {
    let fixture = Fixture::new(MemoryStore::stores());
    let node = fixture.node().await;
    let held = fixture.new_user(&node).await.password_sign_in(&node, StrategyName::Denylist).await;
    let token = held.credential();
    let (signed, signature) = token.rsplit_once('.').unwrap();
    for other in [format!("{token}="), format!("{signed}.{signature}=="), format!("{signed} .{signature}")] {
        let refused = shown(&node, &held, &other).await;
        assert!(matches!(refused, Some(AuthenticationError::Token(_))), "{other}: {refused:?}");
    }
}
