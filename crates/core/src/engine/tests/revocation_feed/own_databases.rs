//! Tenants with databases of their own, in the revocation feed.

use std::slice;
use std::sync::Arc;
use std::time::Duration;

use super::super::tenant_databases_in_memory::SeparateDatabases;
use super::{FollowingVerifier, all_pages, names, of, written};
use crate::engine::{Engine, FeedError};
use crate::id::TenantId;
use crate::revocation::FeedTenants;
use crate::revocation::wire::MOST_RECORDS;
use crate::session::EndReason;
use crate::store::EndScope;
use crate::store::conformance::faults::Faults;
use crate::store::conformance::fixture::Fixture;
use crate::store::conformance::records::{ending, new_user_key, tenant};
use crate::store::memory::MemoryStore;
use crate::strategy::StrategyName;
use crate::tenant::TenantSettings;
use crate::user::{Role, User};

#[tokio::test]
async fn a_tenant_with_a_database_of_its_own_is_told_of_from_when_it_is_known() {
    let mut fixture = Fixture::new(MemoryStore::stores());
    fixture.builder.tenant_databases = Arc::new(SeparateDatabases::default());
    let node = fixture.node().await;
    let mut verifier = FollowingVerifier::begun(&node, FeedTenants::All).await;
    let before = verifier.hear(&node).await;
    let acme: TenantId = tenant("acme");
    node.create_tenant(acme.clone(), TenantSettings::default(), Some("memory:acme".to_owned()))
        .await
        .unwrap();
    let ann = fixture.register(&node, &acme, "ann@example.com").await;
    let first = ann.password_sign_in(&node, StrategyName::SessionJwt).await;
    node.end_session(&first.session()).await.unwrap();
    let answer = verifier.hear(&node).await;
    assert_ne!(answer.log, before.log, "what was announced there before may be missing");
    assert!(names(&first, &written(&answer)));
    let second = ann.password_sign_in(&node, StrategyName::SessionJwt).await;
    node.end_session(&second.session()).await.unwrap();
    let answer = verifier.hear(&node).await;
    assert!(names(&second, &written(&answer)) && answer.behind.is_empty());
    let snapshot = all_pages(&node, &FeedTenants::All).await;
    assert!(names(&first, &snapshot) && names(&second, &snapshot));
}

/// Two tenants with databases of their own, and a node.
async fn with_own_databases() -> (Fixture, Engine) {
    let mut fixture = Fixture::new(MemoryStore::stores());
    fixture.builder.tenant_databases = Arc::new(SeparateDatabases::default());
    let node = fixture.node().await;
    for name in ["acme", "globex"] {
        let database = Some(format!("memory:{name}"));
        node.create_tenant(tenant(name), TenantSettings::default(), database).await.unwrap();
    }
    (fixture, node)
}

#[tokio::test]
async fn a_snapshot_goes_on_behind_a_database_in_which_nothing_was_revoked() {
    let (fixture, node) = with_own_databases().await;
    let ann = fixture.register(&node, &tenant("globex"), "ann@example.com").await;
    let held = ann.password_sign_in(&node, StrategyName::SessionJwt).await;
    node.end_session(&held.session()).await.unwrap();
    let records = all_pages(&node, &FeedTenants::All).await;
    assert!(names(&held, &records), "{records:?}");
}

#[tokio::test]
async fn a_tenants_own_database_says_nothing_of_another_tenant() {
    let (fixture, node) = with_own_databases().await;
    let user = fixture.register(&node, &tenant("globex"), "ann@example.com").await.user;
    let mut verifier = FollowingVerifier::begun(&node, of(&["globex"])).await;
    let theirs = fixture.tenant_databases().open("memory:acme").await.unwrap();
    let stranger = User { disabled: None, ..user.clone() };
    theirs.users.insert(&stranger).await.unwrap();
    theirs.users.update(&stranger.with_role(Role::Admin, node.now())).await.unwrap();
    assert_eq!(written(&verifier.hear(&node).await), Vec::<String>::new());
    node.set_role(&user.key, Role::Manager).await.unwrap();
    let told = written(&verifier.hear(&node).await);
    assert!(told.len() == 1 && told[0].contains(r#""manager""#), "{told:?}");
}

#[tokio::test]
async fn a_verifier_of_several_tenants_hears_of_the_others_while_one_database_is_away() {
    let mut fixture = Fixture::new(MemoryStore::stores());
    let (theirs, faults) = Faults::within(MemoryStore::stores());
    fixture.builder.tenant_databases = Arc::new(SeparateDatabases::with("memory:acme", theirs));
    let node = fixture.node().await;
    let acme = tenant("acme");
    node.create_tenant(acme.clone(), TenantSettings::default(), Some("memory:acme".to_owned()))
        .await
        .unwrap();
    let mut verifier = FollowingVerifier::begun(&node, FeedTenants::All).await;
    assert_eq!(verifier.hear(&node).await.behind, []);
    faults.go_down();
    // A verifier that comes from another node is told what was revoked lately, as far as the databases answer.
    verifier.at = None;
    let answer = verifier.hear(&node).await;
    assert_eq!(answer.behind, slice::from_ref(&acme));
    let ann = fixture.new_user(&node).await;
    let held = ann.password_sign_in(&node, StrategyName::SessionJwt).await;
    node.end_session(&held.session()).await.unwrap();
    let answer = verifier.hear(&node).await;
    assert!(names(&held, &written(&answer)) && answer.behind == slice::from_ref(&acme), "{answer:?}");
    assert!(node.revocation_snapshot(&FeedTenants::All, None).await.is_err(), "it would be incomplete");
    faults.come_up();
    fixture.clock.tick_to(Duration::from_hours(24 * 365 * 100));
    let before = verifier.at.clone().unwrap().log;
    let answer = verifier.hear(&node).await;
    assert_eq!(answer.behind, []);
    assert_ne!(answer.log, before, "what was announced there meanwhile may be missing");
}

#[tokio::test(start_paused = true)]
async fn a_poll_tries_each_tenant_once_however_many_databases_hang() {
    let mut fixture = Fixture::new(MemoryStore::stores());
    let (theirs, faults) = Faults::within(MemoryStore::stores());
    fixture.builder.tenant_databases = Arc::new(SeparateDatabases::with("memory:theirs", theirs));
    let node = fixture.node().await;
    // One more than are read at once, so that they fail at two times.
    for number in 0..17 {
        let database = Some("memory:theirs".to_owned());
        node.create_tenant(tenant(&format!("t{number}")), TenantSettings::default(), database).await.unwrap();
    }
    faults.stop_after(0);
    let clock = fixture.clock.clone();
    let passing = tokio::spawn(async move {
        for hours in 1.. {
            tokio::time::sleep(Duration::from_millis(100)).await;
            clock.tick_to(Duration::from_hours(24 * 365 * 100 + hours));
        }
    });
    let mut verifier = FollowingVerifier::new(FeedTenants::All);
    let answer = tokio::time::timeout(Duration::from_mins(1), verifier.hear(&node)).await;
    passing.abort();
    assert_eq!(answer.expect("the poll goes on for ever").behind.len(), 17);
}

/// What is left in the shared database of a tenant that has another one counts for nothing, but was read in place of
/// something else.
// ASVS-map: RV2
#[tokio::test]
async fn a_part_of_what_was_revoked_lately_is_never_told_as_all() {
    let (fixture, node) = with_own_databases().await;
    let end = async |of: &str| {
        let everywhere = EndScope::User(new_user_key(&tenant(of)));
        fixture.stores().sessions.end(&everywhere, ending(EndReason::Admin)).await.unwrap();
    };
    let lately = async || FollowingVerifier::new(FeedTenants::All).poll(&node, Duration::ZERO).await;
    let before = lately().await.unwrap().records.len();
    end("acme").await;
    let mut ended = MOST_RECORDS - before - 3;
    for _ in 0..ended {
        end("default").await;
    }
    assert_eq!(lately().await.unwrap().records.len(), before + ended);
    for _ in 0..6 {
        end("default").await;
        ended += 1;
        let told = lately().await.map(|answer| answer.records.len());
        assert!(
            matches!(&told, Err(FeedError::TooOld)) || told.as_ref().ok() == Some(&(before + ended)),
            "{told:?}"
        );
    }
    assert!(matches!(lately().await, Err(FeedError::TooOld)));
}
