//! Tenants are isolated: the same id, address or hash under two of them means two records.

use super::super::records::{
    NOW, at, by_cookie, by_id, email, ending, key, redemption, session, tenant, user, username,
};
use super::uncached_node::{rotate, touch};
use super::{Answered, each, sessions::found};
use crate::id::{SessionKey, TenantId, UserKey};
use crate::key::KeyMaterial;
use crate::session::{EndReason, Epochs, RotationOutcome, Session};
use crate::store::{EndScope, Inserted, Page, Stores, Updated, UserHandle};
use crate::user::{Role, User};

pub(super) async fn all(make: &impl AsyncFn() -> Stores) {
    each!(make;
        users_of_one_id_and_address_are_two,
        what_is_done_to_a_user_is_done_in_one_tenant,
        sessions_of_one_id_and_cookie_are_two,
        what_is_done_to_a_session_is_done_in_one_tenant,
        ending_a_user_ends_nothing_in_another_tenant,
        keys_of_one_name_are_two,
    );
}

fn both() -> [TenantId; 2] {
    [tenant("acme"), tenant("globex")]
}

fn twin(of: &User, tenant: &TenantId) -> User {
    User { key: UserKey { tenant: tenant.clone(), id: of.key.id }, ..of.clone() }
}

fn session_twin(of: &Session, tenant: &TenantId) -> Session {
    Session { key: SessionKey { tenant: tenant.clone(), id: of.key.id }, ..of.clone() }
}

async fn twins(stores: &Stores) -> [Session; 2] {
    let [acme, globex] = both();
    let one = session(&user(&acme, "jo@example.com").key);
    let other = session_twin(&one, &globex);
    for session in [&one, &other] {
        assert_eq!(stores.sessions.insert(session).await.answered(), Inserted::Done);
    }
    [one, other]
}

/// A user is found in its own tenant alone, and another tenant may have a user with the same id and address.
// ASVS-map: TN1 TN3
pub async fn users_of_one_id_and_address_are_two(stores: &Stores) {
    let [acme, globex] = both();
    let one = user(&acme, "jo@example.com");
    stores.users.insert(&one).await.answered();
    let elsewhere = UserKey { tenant: globex.clone(), id: one.key.id };
    assert_eq!(stores.users.find(&UserHandle::Id(elsewhere)).await.answered(), None);
    let address = UserHandle::Email(globex.clone(), email("jo@example.com"));
    let name = UserHandle::Username(globex.clone(), username("jo.example.com"));
    let handles = [
        Some(address.clone()),
        Some(name),
        one.mobile.clone().map(|mobile| UserHandle::Mobile(globex.clone(), mobile)),
    ];
    for handle in handles.into_iter().flatten() {
        assert_eq!(stores.users.find(&handle).await.answered(), None);
    }
    assert_eq!(stores.users.list(&globex, "", Page { after: None, limit: 9 }).await.answered(), []);

    let other = User { password: None, ..twin(&one, &globex) };
    assert_eq!(stores.users.insert(&other).await.answered(), Inserted::Done);
    assert_eq!(stores.users.find(&address).await.answered().as_ref(), Some(&other));
    for (tenant, user) in [(acme, one), (globex, other)] {
        assert_eq!(stores.users.list(&tenant, "", Page { after: None, limit: 9 }).await.answered(), [user]);
    }
}

/// An update reaches the record of its own tenant alone.
// ASVS-map: TN3
pub async fn what_is_done_to_a_user_is_done_in_one_tenant(stores: &Stores) {
    let [acme, globex] = both();
    let one = user(&acme, "jo@example.com");
    let other = twin(&one, &globex);
    stores.users.insert(&one).await.answered();
    let elsewhere = other.clone().with_role(Role::Admin, at(1));
    assert_eq!(stores.users.update(&elsewhere).await.answered(), Updated::Stale);
    stores.users.insert(&other).await.answered();
    assert_eq!(stores.users.update(&elsewhere).await.answered(), Updated::Done);
    assert_eq!(stores.users.find(&UserHandle::Id(one.key.clone())).await.answered(), Some(one));
}

/// A session is found in its own tenant alone, by id and by cookie.
// ASVS-map: TN1
pub async fn sessions_of_one_id_and_cookie_are_two(stores: &Stores) {
    let [acme, globex] = both();
    let one = session(&user(&acme, "jo@example.com").key);
    let other = session_twin(&one, &globex);
    stores.sessions.insert(&one).await.answered();
    assert_eq!(found(stores, &by_id(&other), NOW).await, None);
    assert_eq!(found(stores, &by_cookie(&other), NOW).await, None);
    let page = Page { after: None, limit: 9 };
    assert_eq!(stores.sessions.list(&other.user_key(), page, NOW).await.answered(), []);

    assert_eq!(stores.sessions.insert(&other).await.answered(), Inserted::Done);
    for session in [one, other] {
        assert_eq!(found(stores, &by_id(&session), NOW).await.as_ref(), Some(&session));
        assert_eq!(found(stores, &by_cookie(&session), NOW).await.as_ref(), Some(&session));
        assert_eq!(stores.sessions.list(&session.user_key(), page, NOW).await.answered(), [session]);
    }
}

/// No verb that takes a session's key reaches the same id in another tenant.
// ASVS-map: TN1
pub async fn what_is_done_to_a_session_is_done_in_one_tenant(stores: &Stores) {
    let [one, other] = twins(stores).await;
    assert!(stores.sessions.rename(&one.key, "renamed", NOW).await.answered());
    assert!(touch(stores, &one.key, at(9), Some(at(9_999_999))).await);
    let rotated = rotate(stores, &one.key, &redemption(3)).await;
    assert!(matches!(rotated, RotationOutcome::Won(_)));
    let scope = EndScope::One(one.key.clone());
    assert_eq!(stores.sessions.end(&scope, ending(EndReason::Logout)).await.answered(), [one.key.id]);
    assert_eq!(found(stores, &by_id(&other), NOW).await, Some(other));
}

/// Ending a user's sessions leaves the user with the same id in another tenant signed in.
// ASVS-map: TN1
pub async fn ending_a_user_ends_nothing_in_another_tenant(stores: &Stores) {
    let [one, other] = twins(stores).await;
    let user = one.user_key();
    for scope in [
        EndScope::UserStrategy(user.clone(), one.strategy),
        EndScope::UserBeyond(user.clone(), 0),
        EndScope::UserExcept(user.clone(), one.key.id),
        EndScope::User(user),
    ] {
        stores.sessions.end(&scope, ending(EndReason::Logout)).await.answered();
    }
    assert_eq!(stores.epochs.read(&other.user_key()).await.answered(), Epochs::default());
    assert_eq!(found(stores, &by_id(&other), NOW).await, Some(other));
}

/// A key's name is unique in its tenant, and no verb reaches the same name in another.
// ASVS-map: TN1
pub async fn keys_of_one_name_are_two(stores: &Stores) {
    let [acme, globex] = both();
    let (one, other) = (key(&acme, "one"), key(&globex, "one"));
    stores.keys.insert(&one).await.answered();
    let material = KeyMaterial::Sealed(vec![1]);
    assert!(!stores.keys.rewrap(&globex, &one.kid, &material).await.answered());
    assert!(!stores.keys.remove(&globex, &one.kid).await.answered());
    assert_eq!(stores.keys.insert(&other).await.answered(), Inserted::Done);
    assert!(stores.keys.remove(&acme, &one.kid).await.answered());
    assert_eq!(stores.keys.list(&acme).await.answered(), []);
    assert_eq!(stores.keys.list(&globex).await.answered(), [other]);
}
