//! Key rotation does not sign users out.

use std::time::Duration;

use crate::engine::KeyStatus;
use crate::id::TenantId;
use crate::key::KeyUse;
use crate::store::conformance::fixture::{Fixture, HeldCredentials};
use crate::store::memory::MemoryStore;
use crate::strategy::StrategyName;

const LEAD: Duration = Duration::from_mins(5);

// ASVS-map: JW11
#[tokio::test]
async fn no_user_is_signed_out_by_new_keys() {
    let fixture = Fixture::new(MemoryStore::stores());
    let nodes = [fixture.node().await, fixture.node().await];
    let [node, _] = &nodes;
    let ann = fixture.new_user(node).await;
    let mut held: Vec<HeldCredentials> = Vec::new();
    for round in 0..4 {
        for strategy in StrategyName::ALL {
            held.push(ann.sign_in_on(&nodes[round % 2], strategy, true).await);
        }
        node.rotate_keys(&TenantId::default_tenant(), &KeyUse::ALL, LEAD).await.unwrap();
        for span in [Duration::ZERO, LEAD / 2, LEAD / 2] {
            fixture.clock.pass(span);
            let fresh = held.iter().filter(|held| held.signed_in.grant.expires > fixture.builder.clock.now());
            for held in fresh {
                for node in &nodes {
                    let shown = held.authenticate(node).await;
                    assert!(shown.is_ok(), "{} in round {round}: {shown:?}", held.strategy);
                }
            }
        }
    }
    let refreshing = held.iter().filter(|held| !held.refresh_token().is_empty());
    for held in refreshing {
        assert!(held.refresh(node).await.is_ok());
    }
}

// ASVS-map: JW11
#[tokio::test]
async fn a_new_key_is_published_before_it_signs_and_the_old_one_verifies_after() {
    let fixture = Fixture::new(MemoryStore::stores());
    let node = fixture.node().await;
    let tenant = TenantId::default_tenant();
    let standings = async || {
        let keys = node.keys(&tenant).await.unwrap();
        keys.iter().filter(|key| key.usage == KeyUse::Access).map(|key| key.standing).collect::<Vec<_>>()
    };
    assert_eq!(standings().await, [KeyStatus::Signing]);
    node.rotate_keys(&tenant, &[KeyUse::Access], LEAD).await.unwrap();
    assert_eq!(standings().await, [KeyStatus::Signing, KeyStatus::Published]);
    fixture.clock.pass(LEAD);
    assert_eq!(standings().await, [KeyStatus::Verifying, KeyStatus::Signing]);
    let retires = node.keys(&tenant).await.unwrap().iter().find_map(|key| key.retires).unwrap();
    fixture.clock.set(retires);
    assert_eq!(standings().await, [KeyStatus::Retired, KeyStatus::Signing]);
    assert_eq!(node.core.purge_keys(&tenant).await.unwrap(), 1);
    assert_eq!(standings().await, [KeyStatus::Signing]);
}
