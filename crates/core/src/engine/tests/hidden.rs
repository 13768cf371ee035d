//! What a stranger can find out about who has an account, and what they can do to those who have.

use std::time::Duration;

use crate::engine::{NewUser, Register};
use crate::id::TenantId;
use crate::store::conformance::postbox::Postbox;
use crate::store::conformance::samples::email;
use crate::store::conformance::stage::{PASSWORD, Stage, password, person};
use crate::store::memory::MemoryStore;
use crate::strategy::StrategyName;

// ASVS-map: AU2
#[tokio::test]
async fn who_somebody_counts_as_who_does_not_exist_is_a_secret_of_the_installation() {
    let stages = [Stage::new(MemoryStore::stores()), Stage::new(MemoryStore::stores())];
    let mut counted = Vec::new();
    for stage in &stages {
        let node = stage.node().await;
        let tenant = node.tenant(&TenantId::default_tenant()).await.unwrap();
        let names = ["jo@example.com", "ann@example.com", "bob@example.com"];
        counted.push(names.map(|name| node.nobody(&tenant, name)));
        assert_eq!(
            counted.last(),
            Some(&names.map(|name| node.nobody(&tenant, name))),
            "and always the same"
        );
    }
    assert_ne!(counted[0], counted[1], "nobody can find two names of one beforehand");
}

// ASVS-map: AU2 OT4
#[tokio::test]
async fn a_stranger_who_signs_up_with_an_address_again_and_again_fills_no_letter_box() {
    let stage = Stage::new(MemoryStore::stores()).with_policy(|policy| policy.hides_existence = true);
    let (node, post) = (stage.node().await, Postbox::new());
    let sign_up = async || {
        let new = NewUser::new(email("jo@example.com"), Some(person()));
        let tenant = TenantId::default_tenant();
        let strategy = StrategyName::Device;
        node.register(Register { tenant, strategy, new, password: password(PASSWORD) }).await.unwrap()
    };
    assert_eq!(sign_up().await, None);
    for _ in 0..20 {
        assert_eq!(sign_up().await, None);
    }
    post.collect(&node).await;
    assert_eq!(post.count("sign_up_attempted"), 1);
    stage.clock.pass(Duration::from_mins(15));
    assert_eq!(sign_up().await, None);
    post.collect(&node).await;
    assert_eq!(post.count("sign_up_attempted"), 2);
}
