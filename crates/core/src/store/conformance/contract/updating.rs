//! What [`SessionStore::update`](crate::store::SessionStore::update) must do: a compare-and-set on the versions of the
//! session, of its user, and of the epochs.

use super::super::records::{
    NOW, at, bare_user, by_id, ending, new_user_key, numbered, redemption, session, tenant,
};
use super::uncached_node::touch;
use super::{Answered, Capabilities, each, races::fresh, sessions::found};
use crate::id::UserKey;
use crate::session::{DeviceProof, EndReason, RotationOutcome, Session};
use crate::store::{EndScope, EpochScope, Stores, Updated, UserVersions};
use crate::user::{Role, User};

pub(super) async fn all(make: &impl AsyncFn() -> Stores, can: Capabilities) {
    each!(make;
        what_a_transition_changes_is_written_and_nothing_else,
        of_two_changes_of_one_version_the_second_is_not_written,
        what_has_ended_is_not_updated,
    );
    if can.compares_users {
        each!(make;
            what_was_decided_on_another_version_of_the_user_is_not_written,
            what_was_decided_under_other_epochs_is_not_written,
        );
    }
}

/// A session in the store, and what its next rotation makes of it.
async fn rotated(stores: &Stores, before: Session) -> Session {
    stores.sessions.insert(&before).await.answered();
    match before.rotate(&redemption(3)) {
        RotationOutcome::Won(next) => next,
        #[expect(clippy::panic, reason = "a mistake in the suite itself")]
        other => panic!("{other:?}"),
    }
}

/// Rotation, proof, last use and end are replaced; what a sign-in has set stays.
pub async fn what_a_transition_changes_is_written_and_nothing_else(stores: &Stores) {
    let before = Session { version: 41, ..session(&new_user_key(&tenant("acme"))) };
    let next = rotated(stores, before).await;
    let proof = Some(DeviceProof { hash: numbered(9), shown: true });
    let next = Session { proof, ..next };
    assert_eq!(stores.sessions.update(&next, None).await.answered(), Updated::Done);
    assert_eq!(found(stores, &by_id(&next), NOW).await.as_ref(), Some(&next));

    let ended = next.end(ending(EndReason::RefreshReuse));
    assert_eq!(stores.sessions.update(&ended, None).await.answered(), Updated::Done);
    assert_eq!(found(stores, &by_id(&ended), NOW).await, Some(ended));
}

/// A session of a user who exists, what its next rotation makes of it, and the versions under which that was decided.
async fn decided(stores: &Stores) -> (Session, UserVersions) {
    let user = bare_user(&tenant("acme"), &format!("{}@example.com", fresh()));
    stores.users.insert(&user).await.answered();
    let next = rotated(stores, session(&user.key)).await;
    (next, UserVersions { user: user.version, epochs: stores.epochs.read(&user.key).await.answered() })
}

/// Every verb that changes a session counts as another writer, whether or not the user is compared, too.
// ASVS-map: RT5
pub async fn of_two_changes_of_one_version_the_second_is_not_written(stores: &Stores) {
    let absent = session(&new_user_key(&tenant("acme"))).touch(at(1), None);
    assert_eq!(stores.sessions.update(&absent, None).await.answered(), Updated::Stale);
    for (other, compared) in (0..3).flat_map(|other| [(other, false), (other, true)]) {
        let (next, mut versions) = decided(stores).await;
        let (key, user) = (&next.key, next.user_key());
        match other {
            0 => assert!(touch(stores, key, at(5), None).await),
            1 => assert!(stores.sessions.rename(key, "new", NOW).await.answered()),
            _ => {
                let except = EndScope::UserExcept(user, key.id);
                stores.sessions.end(&except, ending(EndReason::Admin)).await.answered();
            }
        }
        versions.epochs = stores.epochs.read(&next.user_key()).await.answered();
        let before = found(stores, &by_id(&next), NOW).await;
        let updated = stores.sessions.update(&next, compared.then_some(versions)).await.answered();
        assert_eq!(updated, Updated::Stale, "{other}, {compared}");
        assert_eq!(found(stores, &by_id(&next), NOW).await, before, "{other}, {compared}");
    }
}

/// Not even by a writer that has read its tombstone's version.
// ASVS-map: RT5
pub async fn what_has_ended_is_not_updated(stores: &Stores) {
    let (next, versions) = decided(stores).await;
    stores.sessions.end(&EndScope::One(next.key.clone()), ending(EndReason::Logout)).await.answered();
    let tombstone = found(stores, &by_id(&next), NOW).await;
    for (version, user) in (0..4).flat_map(|version| [(version, None), (version, Some(versions))]) {
        let revived = Session { version, ..next.clone() };
        assert_eq!(stores.sessions.update(&revived, user).await.answered(), Updated::Stale);
    }
    assert_eq!(found(stores, &by_id(&next), NOW).await, tombstone);
}

/// The user with the same id in another tenant, whose version and epochs have moved far.
async fn twin_in_another_tenant(stores: &Stores, next: &Session) {
    let key = UserKey { tenant: tenant("globex"), ..next.user_key() };
    let twin =
        User { key: key.clone(), version: 7, ..bare_user(&key.tenant, &format!("{}@example.com", fresh())) };
    stores.users.insert(&twin).await.answered();
    stores.sessions.end(&EndScope::User(key.clone()), ending(EndReason::Admin)).await.answered();
    stores.epochs.advance(&EpochScope::Tenant(key.tenant), ending(EndReason::Admin)).await.answered();
}

/// A role that was taken away is not signed again.
// ASVS-map: RT5 TN1
pub async fn what_was_decided_on_another_version_of_the_user_is_not_written(stores: &Stores) {
    let user = bare_user(&tenant("acme"), "jo@example.com");
    let next = rotated(stores, session(&user.key)).await;
    twin_in_another_tenant(stores, &next).await;
    let versions = UserVersions { user: user.version, epochs: next.epochs };
    let update = async |user| stores.sessions.update(&next, Some(user)).await.answered();
    assert_eq!(update(versions).await, Updated::Stale, "there is no such user");
    assert_eq!(
        update(UserVersions { user: 7, ..versions }).await,
        Updated::Stale,
        "that is another tenant's"
    );
    stores.users.insert(&user).await.answered();
    stores.users.update(&user.clone().with_role(Role::Admin, at(1))).await.answered();
    assert_eq!(update(versions).await, Updated::Stale);
    assert_eq!(update(UserVersions { user: user.version + 1, ..versions }).await, Updated::Done);
    assert_eq!(found(stores, &by_id(&next), NOW).await, Some(next));
}

/// None of the three may have moved; those of others do not matter.
// ASVS-map: RT5 TN1
pub async fn what_was_decided_under_other_epochs_is_not_written(stores: &Stores) {
    for moved in 0..4 {
        let (next, versions) = decided(stores).await;
        let (user, reason) = (next.user_key(), ending(EndReason::Admin));
        match moved {
            0 => stores.epochs.advance(&EpochScope::Everyone, reason).await.answered(),
            1 => stores.epochs.advance(&EpochScope::Tenant(user.tenant), reason).await.answered(),
            2 => {
                let another = session(&user).key.id;
                stores.sessions.end(&EndScope::UserExcept(user, another), reason).await.answered();
            }
            _ => twin_in_another_tenant(stores, &next).await,
        }
        let expected = if moved == 3 { Updated::Done } else { Updated::Stale };
        let updated = stores.sessions.update(&next, Some(versions)).await.answered();
        assert_eq!(updated, expected, "{moved}");
    }
}
