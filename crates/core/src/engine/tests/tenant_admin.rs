//! Creating, changing, suspending and resuming tenants.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;

use super::client::FixtureClient;
use super::mailbox::RecordingMailbox;
use super::tenant_databases_in_memory::SeparateDatabases;
use crate::engine::{AuthenticationError, Engine, PasswordSignInError, TenantAdminError, TenantError};
use crate::event::EventKind;
use crate::id::TenantId;
use crate::store::conformance::faults::Faults;
use crate::store::conformance::fixture::{Fixture, HeldCredentials, PASSWORD, RegisteredUser, present};
use crate::store::conformance::records::{email, tenant};
use crate::store::memory::MemoryStore;
use crate::store::{Page, Stores, TenantDatabases};
use crate::strategy::StrategyName;
use crate::tenant::{SecondStep, StrategyLifetimes, TenantSettings};

async fn make(node: &Engine, name: &str, settings: TenantSettings) -> Result<TenantId, TenantAdminError> {
    node.create_tenant(tenant(name), settings, None).await.map(|record| record.id)
}

/// A user of a tenant, signed in under every strategy.
async fn signed_in_everywhere(
    fixture: &Fixture,
    node: &Engine,
    tenant: &TenantId,
) -> (RegisteredUser, Vec<HeldCredentials>) {
    let ann = fixture.register(node, tenant, "ann@example.com").await;
    let mut held = Vec::new();
    for strategy in StrategyName::ROUTED {
        held.push(ann.password_sign_in(node, strategy).await);
    }
    held.push(FixtureClient::browser().sign_in_with_code(node, &RecordingMailbox::new(), &ann).await);
    (ann, held)
}

// ASVS-map: TN7
#[tokio::test]
async fn a_tenant_is_made_once_with_keys_of_its_own() {
    let fixture = Fixture::new(MemoryStore::stores());
    let (node, other) = (fixture.node().await, fixture.node().await);
    let refused = other.tenant(&tenant("acme")).await;
    assert!(matches!(refused, Err(TenantError::Unknown(_))), "{refused:?}");
    let acme = make(&node, "acme", TenantSettings::default()).await.unwrap();
    let again = make(&other, "acme", TenantSettings::default()).await;
    assert!(matches!(again, Err(TenantAdminError::Taken(_))), "{again:?}");
    let (_, held) = signed_in_everywhere(&fixture, &other, &acme).await;
    for held in &held {
        assert!(held.authenticate(&node).await.is_ok(), "{}", held.strategy);
        let elsewhere = HeldCredentials { tenant: TenantId::default_tenant(), ..held.clone() };
        assert!(elsewhere.authenticate(&node).await.is_err(), "{}", held.strategy);
    }
    assert_eq!(fixture.recorded_events.count(EventKind::TenantCreated), 1);
}

#[tokio::test]
async fn what_a_tenant_decides_holds_at_once_on_every_node_and_for_nobody_else() {
    let fixture = Fixture::new(MemoryStore::stores());
    let (node, other) = (fixture.node().await, fixture.node().await);
    let acme = make(&node, "acme", TenantSettings::default()).await.unwrap();
    let ann = fixture.register(&other, &acme, "ann@example.com").await;
    ann.password_sign_in(&other, StrategyName::Session).await;
    let only = |settings| TenantSettings { strategies: Some(vec![StrategyName::Jwt]), ..settings };
    node.change_tenant(&acme, only).await.unwrap();
    let refused = ann.try_sign_in(&other, StrategyName::Session, PASSWORD, false).await;
    assert!(matches!(refused, Err(PasswordSignInError::NotOffered)), "{refused:?}");
    ann.password_sign_in(&other, StrategyName::Jwt).await;
    fixture.new_user(&other).await.password_sign_in(&other, StrategyName::Session).await;
    let unknown = node.change_tenant(&tenant("globex"), only).await;
    assert!(matches!(unknown, Err(TenantAdminError::NotFound(_))), "{unknown:?}");
}

fn contradictions() -> Vec<TenantSettings> {
    let preset = TenantSettings::default;
    let lives = |lifetimes| TenantSettings {
        lifetimes: BTreeMap::from([(StrategyName::Device, lifetimes)]),
        ..preset()
    };
    vec![
        lives(StrategyLifetimes { access: Some(Duration::ZERO), ..StrategyLifetimes::default() }),
        lives(StrategyLifetimes { refresh: Some(Duration::ZERO), ..StrategyLifetimes::default() }),
        TenantSettings { shortest_password: Some(7), ..preset() },
        TenantSettings { lock_after: Some(0), ..preset() },
        TenantSettings { lock_for: Some(Duration::ZERO), ..preset() },
        TenantSettings { strategies: Some(Vec::new()), ..preset() },
        TenantSettings {
            otp: Some(SecondStep::Forced),
            strategies: Some(vec![StrategyName::Jwt, StrategyName::Session]),
            ..preset()
        },
    ]
}

#[tokio::test]
async fn settings_that_contradict_each_other_are_refused_and_change_nothing() {
    let fixture = Fixture::new(MemoryStore::stores());
    let node = fixture.node().await;
    let acme = make(&node, "acme", TenantSettings::default()).await.unwrap();
    for settings in contradictions() {
        let refused = make(&node, "globex", settings.clone()).await;
        assert!(matches!(refused, Err(TenantAdminError::Settings(_))), "{settings:?}: {refused:?}");
        let wanted = settings.clone();
        let refused = node.change_tenant(&acme, move |_| wanted.clone()).await;
        assert!(matches!(refused, Err(TenantAdminError::Settings(_))), "{settings:?}: {refused:?}");
    }
    assert!(matches!(node.tenant(&tenant("globex")).await, Err(TenantError::Unknown(_))));
    assert_eq!(node.tenant_record(&acme).await.unwrap().settings, TenantSettings::default());
}

#[tokio::test]
async fn the_tenant_that_is_meant_where_none_is_named_cannot_be_suspended() {
    let fixture = Fixture::new(MemoryStore::stores());
    let node = fixture.node().await;
    let refused = node.suspend_tenant(&TenantId::default_tenant()).await;
    assert!(matches!(refused, Err(TenantAdminError::Default)), "{refused:?}");
    assert!(node.tenant(&TenantId::default_tenant()).await.is_ok());
}

// ASVS-map: SE5
#[tokio::test]
async fn a_suspended_tenant_is_refused_at_once_everywhere_and_nothing_comes_back() {
    let fixture = Fixture::new(MemoryStore::stores());
    let (node, other) = (fixture.node().await, fixture.node().await);
    let acme = make(&node, "acme", TenantSettings::default()).await.unwrap();
    let (ann, held) = signed_in_everywhere(&fixture, &other, &acme).await;
    for held in &held {
        held.authenticate(&other).await.unwrap();
    }
    fixture.clock.pass(Duration::from_mins(1));
    node.suspend_tenant(&acme).await.unwrap();
    for (held, node) in held.iter().flat_map(|held| [(held, &node), (held, &other)]) {
        let refused = held.authenticate(node).await;
        let is_suspended = matches!(refused, Err(AuthenticationError::Tenant(TenantError::Suspended)));
        assert!(is_suspended, "{}: {refused:?}", held.strategy);
        assert!(held.refresh(node).await.is_err());
    }
    let refused = ann.try_sign_in(&other, StrategyName::Jwt, PASSWORD, false).await;
    assert!(matches!(refused, Err(PasswordSignInError::Tenant(TenantError::Suspended))), "{refused:?}");

    fixture.clock.pass(Duration::from_mins(1));
    node.resume_tenant(&acme).await.unwrap();
    for (held, node) in held.iter().flat_map(|held| [(held, &node), (held, &other)]) {
        let refused = held.authenticate(node).await;
        assert!(refused.is_err(), "{} lives again", held.strategy);
        assert!(held.refresh(node).await.is_err());
    }
    for strategy in StrategyName::ROUTED {
        let anew = ann.password_sign_in(&other, strategy).await;
        assert!(anew.authenticate(&node).await.is_ok(), "{strategy}: what is issued now is good");
    }
}

/// However far a suspension got before its process died, no session is left once the tenant is open again.
// ASVS-map: SE5
#[tokio::test]
async fn a_suspension_whose_process_dies_half_way_lets_no_session_back_in() {
    for steps in 0..20 {
        let truth = MemoryStore::stores();
        let (stores, faults) = Faults::within(truth.clone());
        let mut fixture = Fixture::new(truth);
        let other = fixture.node().await;
        fixture.builder.stores = stores;
        let node = fixture.node().await;
        let acme = make(&other, "acme", TenantSettings::default()).await.unwrap();
        let ann = fixture.register(&other, &acme, "ann@example.com").await;
        let held = ann.password_sign_in(&other, StrategyName::Session).await;
        faults.stop_after(steps);
        let died = tokio::select! {
            biased;
            () = faults.stuck() => true,
            done = node.suspend_tenant(&acme) => { done.unwrap(); false }
        };
        let was_suspended = other.tenant(&acme).await.is_err();
        other.resume_tenant(&acme).await.unwrap();
        assert_eq!(held.authenticate(&other).await.is_err(), was_suspended, "after {steps} steps");
        if !died {
            assert!(steps > 3 && was_suspended);
            return;
        }
    }
    panic!("a suspension takes more steps than that");
}

// ASVS-map: TN1
#[tokio::test]
async fn the_users_of_a_tenant_with_a_database_of_its_own_are_stored_there_alone() {
    let mut fixture = Fixture::new(MemoryStore::stores());
    let databases = Arc::new(SeparateDatabases::default());
    fixture.builder.tenant_databases = databases.clone();
    let (node, other) = (fixture.node().await, fixture.node().await);
    let acme = tenant("acme");
    let database = Some("memory:acme".to_owned());
    node.create_tenant(acme.clone(), TenantSettings::default(), database).await.unwrap();
    let (ann, held) = signed_in_everywhere(&fixture, &node, &acme).await;
    let twin = fixture.register(&node, &TenantId::default_tenant(), "ann@example.com").await;

    let page = Page { after: None, limit: 10 };
    let there = databases.open("memory:acme").await.unwrap();
    let names = async |stores: &Stores, tenant: &TenantId| {
        let users = stores.users.list(tenant, "", page).await.unwrap();
        users.into_iter().map(|user| user.key).collect::<Vec<_>>()
    };
    let shared = &fixture.builder.stores;
    assert_eq!(names(&there, &acme).await, std::slice::from_ref(&ann.user.key));
    assert_eq!(names(shared, &acme).await, []);
    assert_eq!(names(shared, &TenantId::default_tenant()).await, [twin.user.key]);
    let page = Page { after: None, limit: 100 };
    assert_eq!(shared.sessions.list(&ann.user.key, page, node.now()).await.unwrap(), []);
    assert_eq!(there.sessions.list(&ann.user.key, page, node.now()).await.unwrap().len(), 6);

    for held in &held {
        assert!(held.authenticate(&other).await.is_ok(), "{}", held.strategy);
    }
    node.end_sessions(&ann.user.key, crate::session::EndReason::LogoutAll).await.unwrap();
    for held in held.iter().filter(|held| held.strategy == StrategyName::Device) {
        assert!(held.authenticate(&other).await.is_err(), "its feed is heard by every node");
    }
    let anew = ann.password_sign_in(&other, StrategyName::Session).await;
    node.suspend_tenant(&acme).await.unwrap();
    assert!(anew.authenticate(&other).await.is_err());
    node.resume_tenant(&acme).await.unwrap();
    assert!(anew.authenticate(&other).await.is_err());
}

#[tokio::test]
async fn a_database_that_is_down_does_not_keep_others_from_purging() {
    let (stores, faults) = Faults::within(MemoryStore::stores());
    let mut fixture = Fixture::new(stores);
    let databases = Arc::new(SeparateDatabases::default());
    fixture.builder.tenant_databases = databases.clone();
    let node = fixture.node().await;
    let acme = tenant("acme");
    let database = Some("memory:acme".to_owned());
    node.create_tenant(acme.clone(), TenantSettings::default(), database).await.unwrap();
    let ann = fixture.register(&node, &acme, "ann@example.com").await;
    ann.password_sign_in(&node, StrategyName::Session).await;
    fixture.new_user(&node).await.password_sign_in(&node, StrategyName::Session).await;

    fixture.clock.pass(Duration::from_hours(24 * 365));
    // The shared one is the first of them.
    faults.go_down();
    assert!(node.purge_sessions().await.is_err(), "it is said that one is away");
    let there = databases.open("memory:acme").await.unwrap();
    let page = Page { after: None, limit: 10 };
    assert_eq!(there.sessions.list(&ann.user.key, page, node.now()).await.unwrap(), []);
    faults.come_up();
    assert_eq!(node.purge_sessions().await.unwrap(), 1);
}

// ASVS-map: RV5
#[tokio::test]
async fn a_database_that_is_down_does_not_keep_the_others_from_signing_everyone_out() {
    let (theirs, faults) = Faults::within(MemoryStore::stores());
    let mut fixture = Fixture::new(MemoryStore::stores());
    fixture.builder.tenant_databases = Arc::new(SeparateDatabases::with("memory:acme", theirs));
    let (node, other) = (fixture.node().await, fixture.node().await);
    let mut held = vec![fixture.new_user(&node).await.password_sign_in(&node, StrategyName::Session).await];
    for (name, database) in
        [("acme", Some("memory:acme")), ("globex", None), ("initech", Some("memory:initech"))]
    {
        let tenant = tenant(name);
        let database = database.map(str::to_owned);
        node.create_tenant(tenant.clone(), TenantSettings::default(), database).await.unwrap();
        let ann = fixture.register(&node, &tenant, "ann@example.com").await;
        held.push(ann.password_sign_in(&node, StrategyName::Denylist).await);
    }
    faults.go_down();
    let fault = node.end_everyone().await.unwrap_err();
    assert!(fault.to_string().contains("acme"), "{fault}");
    faults.come_up();
    for held in &held {
        let is_in = [held.authenticate(&node).await.is_ok(), held.authenticate(&other).await.is_ok()];
        assert_eq!(is_in, [held.tenant.as_str() == "acme"; 2], "{}", held.tenant);
    }
    node.end_everyone().await.unwrap();
    assert!(held[1].authenticate(&other).await.is_err());
    assert_eq!(fixture.recorded_events.count(EventKind::EveryoneSignedOut), 3 + 4);
}

#[tokio::test]
async fn a_tenant_whose_database_cannot_be_opened_is_not_made() {
    let fixture = Fixture::new(MemoryStore::stores());
    let node = fixture.node().await;
    let nowhere = Some("nowhere".to_owned());
    let refused = node.create_tenant(tenant("acme"), TenantSettings::default(), nowhere).await;
    assert!(matches!(refused, Err(TenantAdminError::Store(_))), "{refused:?}");
    assert!(matches!(node.tenant(&tenant("acme")).await, Err(TenantError::Unknown(_))));
    assert!(node.user_by_email(&tenant("acme"), &email("ann@example.com")).await.is_err());
}

#[tokio::test]
async fn a_token_is_judged_by_what_its_own_tenant_offers() {
    let fixture = Fixture::new(MemoryStore::stores());
    let node = fixture.node().await;
    let acme = make(&node, "acme", TenantSettings::default()).await.unwrap();
    let (_, held) = signed_in_everywhere(&fixture, &node, &acme).await;
    let only_cookies =
        |settings| TenantSettings { strategies: Some(vec![StrategyName::Session]), ..settings };
    node.change_tenant(&TenantId::default_tenant(), only_cookies).await.unwrap();
    for held in held.iter().filter(|held| held.strategy != StrategyName::Session) {
        let shown =
            present(&node, None, held.strategy, held.signed_in.grant.carrier, held.credential()).await;
        assert!(shown.is_ok(), "{}: {shown:?}", held.strategy);
    }
}
