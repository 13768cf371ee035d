//! Signing up and signing in.

use tokio::task::JoinSet;

use crate::engine::{Engine, NewUser, PasswordSignIn, PasswordSignInError, Register, RegisterError};
use crate::event::EventKind;
use crate::id::TenantId;
use crate::password::{PasswordHash, PasswordPolicy, WeakPassword};
use crate::session::Device;
use crate::store::conformance::fixture::{Fixture, PASSWORD, password, person_name, try_sign_in};
use crate::store::conformance::records::{email, tenant};
use crate::store::memory::MemoryStore;
use crate::store::{Page, UserHandle};
use crate::strategy::StrategyName;
use crate::user::User;
use crate::username::LoginName;

fn request(address: &str, chosen: &str) -> Register {
    Register {
        tenant: TenantId::default_tenant(),
        strategy: StrategyName::Session,
        new: NewUser::new(email(address), Some(person_name())),
        password: password(chosen),
    }
}

/// How many of so many sign-ups with one address at once succeed; the others are told that it is taken.
async fn claim(nodes: &[Engine], count: usize) -> usize {
    let mut claims = JoinSet::new();
    for node in nodes.iter().cycle().take(count) {
        let node = node.clone();
        claims.spawn(async move { node.register(request("jo@example.com", PASSWORD)).await });
    }
    let answers = claims.join_all().await;
    assert!(answers.iter().all(|answer| matches!(answer, Ok(_) | Err(RegisterError::Taken))), "{answers:?}");
    answers.iter().filter(|answer| answer.is_ok()).count()
}

// ASVS-map: AU6
#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn of_two_hundred_who_claim_one_address_one_is_taken_in_and_one_hash_is_paid_for() {
    let fixture = Fixture::new(MemoryStore::stores());
    let node = fixture.node().await;
    assert_eq!(claim(std::slice::from_ref(&node), 200).await, 1);
    assert_eq!(fixture.passwords.hashed(), 1);
    assert_eq!(fixture.recorded_events.count(EventKind::SignedUp), 1);
    let page = Page { after: None, limit: 10 };
    assert_eq!(node.users(&TenantId::default_tenant(), "", page).await.unwrap().len(), 1);
}

// ASVS-map: AU6
#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn on_two_nodes_still_one_is_taken_in() {
    let fixture = Fixture::new(MemoryStore::stores());
    let nodes = [fixture.node().await, fixture.node().await];
    assert_eq!(claim(&nodes, 200).await, 1);
    assert!(fixture.passwords.hashed() <= 2, "one for each node");
}

#[tokio::test]
async fn a_weak_password_is_refused_before_it_is_hashed() {
    let fixture = Fixture::new(MemoryStore::stores());
    let fixture = fixture.with_policy(|policy| policy.password = PasswordPolicy::SINGLE_FACTOR);
    let node = fixture.node().await;
    let short = node.register(request("jo@example.com", "short")).await;
    assert!(
        matches!(short, Err(RegisterError::Weak(WeakPassword::TooShort { min_length: 15 }))),
        "{short:?}"
    );
    let own = node.register(request("jo.bloggs@example.com", "jo.bloggs123456")).await;
    assert!(matches!(own, Err(RegisterError::Weak(_))), "{own:?}");
    assert_eq!(fixture.passwords.hashed(), 0);
}

// ASVS-map: AU2
#[tokio::test]
async fn unknown_wrong_and_disabled_are_one_answer_and_one_hash() {
    let fixture = Fixture::new(MemoryStore::stores());
    let node = fixture.node().await;
    let (ann, bob) = (fixture.new_user(&node).await, fixture.new_user(&node).await);
    node.disable_user(&bob.user.key).await.unwrap();
    for (email, with) in [
        (email("unknown@example.com"), PASSWORD),
        (ann.user.email, "wrong password"),
        (bob.user.email, PASSWORD),
    ] {
        let before = fixture.passwords.hashed();
        let tenant = TenantId::default_tenant();
        let refused = try_sign_in(&node, &tenant, &email, StrategyName::Session, with, false).await;
        assert!(matches!(refused, Err(PasswordSignInError::InvalidCredentials)), "{email}: {refused:?}");
        assert_eq!(fixture.passwords.hashed(), before + 1, "{email}");
    }
    assert_eq!(fixture.recorded_events.count(EventKind::SignInRefused), 3);
    assert_eq!(fixture.recorded_events.count(EventKind::SignedIn), 0);
}

// ASVS-map: TN3
#[tokio::test]
async fn one_address_in_two_tenants_has_two_passwords() {
    let fixture = Fixture::new(MemoryStore::stores());
    let node = fixture.node().await;
    let tenants = ["acme", "globex"].map(tenant);
    let mut members = Vec::new();
    for tenant in &tenants {
        fixture.create_tenant(tenant).await;
        members.push(fixture.register(&node, tenant, "jo@example.com").await);
    }
    node.set_password(&members[0].user.key, password("brisk lantern")).await.unwrap();
    for (member, with, is_in) in [
        (&members[0], "brisk lantern", true),
        (&members[0], PASSWORD, false),
        (&members[1], "brisk lantern", false),
        (&members[1], PASSWORD, true),
    ] {
        let answer = member.try_sign_in(&node, StrategyName::Session, with, false).await;
        assert_eq!(answer.is_ok(), is_in, "{} {with}", member.user.key.tenant);
    }
}

fn bcrypt(text: &str) -> PasswordHash {
    let parts = bcrypt::hash_with_salt(text.as_bytes(), 4, *b"sixteen bytes ok").unwrap();
    PasswordHash::parse(&parts.format_for_version(bcrypt::Version::TwoB)).unwrap()
}

// ASVS-map: PW6
#[tokio::test]
async fn an_imported_hash_is_replaced_at_the_first_sign_in() {
    let fixture = Fixture::new(MemoryStore::stores());
    let node = fixture.node().await;
    let mut ann = fixture.new_user(&node).await;
    let users = &fixture.builder.stores.users;
    ann.user = ann.user.rehashed(bcrypt(PASSWORD));
    users.update(&ann.user).await.unwrap();
    let stored = async || users.find(&UserHandle::Id(ann.user.key.clone())).await.unwrap().unwrap();

    let wrong = ann.try_sign_in(&node, StrategyName::Session, "wrong password", false).await;
    assert!(wrong.is_err());
    assert_eq!(stored().await, ann.user);
    let held = ann.password_sign_in(&node, StrategyName::Session).await;
    let after = stored().await;
    assert!(after.password.as_ref().unwrap().as_str().starts_with("$argon2id$"));
    let expected =
        User { password: after.password.clone(), version: ann.user.version + 1, ..ann.user.clone() };
    assert_eq!(after, expected);
    assert!(held.authenticate(&node).await.is_ok());
    ann.password_sign_in(&node, StrategyName::Session).await;
    assert_eq!(stored().await, after, "it is replaced once");
}

// ASVS-map: AU5
#[tokio::test]
async fn a_sign_in_over_a_live_session_ends_it_and_a_refused_one_does_not() {
    let fixture = Fixture::new(MemoryStore::stores());
    let node = fixture.node().await;
    let ann = fixture.new_user(&node).await;
    let first = ann.password_sign_in(&node, StrategyName::Session).await;
    let again = async |with: &str| {
        let request = PasswordSignIn {
            tenant: TenantId::default_tenant(),
            strategy: StrategyName::Session,
            login: LoginName::Email(ann.user.email.clone()),
            password: password(with),
            device: Device::default(),
            native: false,
            device_secret: None,
            replaces: vec![first.credential().to_owned()],
        };
        node.password_sign_in(request).await
    };
    assert!(again("wrong password").await.is_err());
    assert!(first.authenticate(&node).await.is_ok());
    let second = again(PASSWORD).await.unwrap();
    assert_ne!(second.grant.credential, first.signed_in.grant.credential);
    assert!(first.authenticate(&node).await.is_err());
}

#[tokio::test]
async fn what_is_not_on_offer_is_refused_everywhere() {
    let fixture = Fixture::new(MemoryStore::stores());
    let fixture =
        fixture.with_policy(|policy| policy.strategies.retain(|name, _| *name == StrategyName::Jwt));
    let node = fixture.node().await;
    let refused = node.register(request("jo@example.com", PASSWORD)).await;
    assert!(matches!(refused, Err(RegisterError::NotOffered)), "{refused:?}");
    let ann = fixture.new_user(&node).await;
    let refused = ann.try_sign_in(&node, StrategyName::Session, PASSWORD, false).await;
    assert!(matches!(refused, Err(PasswordSignInError::NotOffered)), "{refused:?}");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn every_sign_in_while_an_imported_hash_is_replaced_succeeds() {
    let fixture = Fixture::new(MemoryStore::stores());
    let node = fixture.node().await;
    let mut ann = fixture.new_user(&node).await;
    ann.user = ann.user.rehashed(bcrypt(PASSWORD));
    fixture.builder.stores.users.update(&ann.user).await.unwrap();
    let password_sign_in = || ann.try_sign_in(&node, StrategyName::Session, PASSWORD, false);
    let (first, second, third) = tokio::join!(password_sign_in(), password_sign_in(), password_sign_in());
    assert!(first.is_ok() && second.is_ok() && third.is_ok());
}
