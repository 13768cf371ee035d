//! What a stranger can find out about who has an account, and do to those users.

use std::time::Duration;

use tokio::time::Instant;

use super::client::FixtureClient;
use super::mailbox::RecordingMailbox;
use crate::engine::uniform_delay::ALL_BUT_HASHING;
use crate::engine::{DeviceSignInError, Engine, NewUser, PasswordSignInError, Register};
use crate::id::TenantId;
use crate::store::conformance::fixture::{Fixture, PASSWORD, password, person_name};
use crate::store::conformance::records::email;
use crate::store::memory::MemoryStore;
use crate::strategy::StrategyName;

// ASVS-map: AU2
#[tokio::test]
async fn which_decoy_stands_for_a_name_is_a_secret_of_the_installation() {
    let fixtures = [Fixture::new(MemoryStore::stores()), Fixture::new(MemoryStore::stores())];
    let mut counted = Vec::new();
    for fixture in &fixtures {
        let node = fixture.node().await;
        let tenant = node.tenant(&TenantId::default_tenant()).await.unwrap();
        let names = ["jo@example.com", "ann@example.com", "bob@example.com"];
        counted.push(names.map(|name| node.core.decoy_user(&tenant, name)));
        assert_eq!(
            counted.last(),
            Some(&names.map(|name| node.core.decoy_user(&tenant, name))),
            "and always the same"
        );
    }
    assert_ne!(counted[0], counted[1], "a stranger cannot find two names of one decoy beforehand");
}

/// A fixture whose tenants hide who has an account.
fn hiding() -> Fixture {
    Fixture::new(MemoryStore::stores()).with_policy(|policy| policy.hides_existence = true)
}

/// A stranger signs up with this address, and is told nothing.
async fn sign_up(node: &Engine, address: &str) {
    let tenant = TenantId::default_tenant();
    let strategy = StrategyName::Device;
    let new = NewUser::new(email(address), Some(person_name()));
    let told = node.register(Register { tenant, strategy, new, password: password(PASSWORD) }).await;
    assert_eq!(told.unwrap(), None);
}

// ASVS-map: AU2
#[tokio::test]
async fn an_answer_that_must_not_tell_takes_a_uniform_time_for_every_address() {
    let node = hiding().node().await;
    sign_up(&node, "jo@example.com").await;
    let default = TenantId::default_tenant();
    for address in ["jo@example.com", "unknown@example.com"] {
        let mut moments = vec![Instant::now()];
        let refused =
            FixtureClient::browser().device_sign_in(&node, &default, address, "not the password").await;
        assert!(
            matches!(refused, Err(DeviceSignInError::Password(PasswordSignInError::InvalidCredentials))),
            "{refused:?}"
        );
        moments.push(Instant::now());
        node.forgot_password(&default, &email(address)).await.unwrap();
        moments.push(Instant::now());
        sign_up(&node, address).await;
        moments.push(Instant::now());
        let took: Vec<_> =
            moments.windows(2).map(|pair| pair[1].saturating_duration_since(pair[0])).collect();
        assert!(took.iter().all(|took| *took >= ALL_BUT_HASHING), "{address}: {took:?}");
    }
}

// ASVS-map: AU2 AU6
#[tokio::test]
async fn of_two_nodes_that_sign_one_address_up_at_once_one_tells_the_owner() {
    let fixture = hiding();
    let (one, other, mailbox) = (fixture.node().await, fixture.node().await, RecordingMailbox::new());
    tokio::join!(sign_up(&one, "jo@example.com"), sign_up(&other, "jo@example.com"));
    mailbox.collect(&one).await;
    assert_eq!(mailbox.count("sign_up_attempted"), 1);
}

// ASVS-map: AU2
#[tokio::test]
async fn a_stranger_who_signs_up_with_an_address_again_and_again_fills_no_mailbox() {
    let fixture = hiding();
    let (node, mailbox) = (fixture.node().await, RecordingMailbox::new());
    for _ in 0..21 {
        sign_up(&node, "jo@example.com").await;
    }
    mailbox.collect(&node).await;
    assert_eq!(mailbox.count("sign_up_attempted"), 1);
    fixture.clock.pass(Duration::from_mins(15));
    sign_up(&node, "jo@example.com").await;
    mailbox.collect(&node).await;
    assert_eq!(mailbox.count("sign_up_attempted"), 2);
}
