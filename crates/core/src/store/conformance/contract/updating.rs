//! What [`SessionStore::update`](crate::store::SessionStore::update) must do: a compare-and-set on the versions of the
//! session, of its user, and of the epochs.

use super::super::records::{
    NOW, at, bare_user, by_id, ending, new_user_key, numbered, redemption, session, tenant,
};
use super::{Answered, each, sessions::found};
use crate::clock::Timestamp;
use crate::id::SessionKey;
use crate::session::{DeviceProof, EndReason, RotationOutcome, RotationRequest, Session, SessionState};
use crate::store::{EndScope, EpochScope, SessionHandle, Stores, Updated, UserVersions};
use crate::user::Role;

pub(super) async fn all(make: &impl AsyncFn() -> Stores) {
    each!(make;
        what_a_transition_changes_is_written_and_nothing_else,
        of_two_changes_of_one_version_the_second_is_not_written,
        what_has_ended_is_not_updated,
        what_was_decided_on_another_version_of_the_user_is_not_written,
        what_was_decided_under_other_epochs_is_not_written,
    );
}

/// Rotates as a node does that knows nothing: it decides on what it reads, and again if another writer was first.
pub(super) async fn rotate(stores: &Stores, key: &SessionKey, request: &RotationRequest) -> RotationOutcome {
    let handle = SessionHandle::Id(key.clone());
    while let Some(before) = found(stores, &handle, request.now).await {
        let rotated = before.clone().rotate(request);
        let Some(next) = rotated.to_write(&before) else { return rotated };
        if stores.sessions.update(next, None).await.answered() == Updated::Done {
            return rotated;
        }
    }
    RotationOutcome::Gone
}

/// Records a use in the same way; `false` if the session is gone or has ended.
pub(super) async fn touch(
    stores: &Stores,
    key: &SessionKey,
    seen: Timestamp,
    idle_expires: Option<Timestamp>,
) -> bool {
    let handle = SessionHandle::Id(key.clone());
    while let Some(live) = found(stores, &handle, seen).await.filter(|it| it.state == SessionState::Live) {
        let version = live.version;
        let used = live.touch(seen, idle_expires);
        if used.version == version || stores.sessions.update(&used, None).await.answered() == Updated::Done {
            return true;
        }
    }
    false
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

/// Every verb that changes a session counts as another writer.
// ASVS-map: RT5
pub async fn of_two_changes_of_one_version_the_second_is_not_written(stores: &Stores) {
    let jo = new_user_key(&tenant("acme"));
    let absent = session(&jo).touch(at(1), None);
    assert_eq!(stores.sessions.update(&absent, None).await.answered(), Updated::Stale);
    for other in 0..3 {
        let next = rotated(stores, session(&jo)).await;
        let (key, user) = (&next.key, next.user_key());
        match other {
            0 => assert!(touch(stores, key, at(5), None).await),
            1 => assert!(stores.sessions.rename(key, "new", NOW).await.answered()),
            _ => {
                drop(stores.sessions.end(&EndScope::UserExcept(user, key.id), ending(EndReason::Admin)).await)
            }
        }
        let before = found(stores, &by_id(&next), NOW).await;
        assert_eq!(stores.sessions.update(&next, None).await.answered(), Updated::Stale, "{other}");
        assert_eq!(found(stores, &by_id(&next), NOW).await, before, "{other}");
        stores.sessions.end(&EndScope::One(next.key), ending(EndReason::Logout)).await.answered();
    }
}

/// Not even by a writer that has read its tombstone's version.
// ASVS-map: RT5
pub async fn what_has_ended_is_not_updated(stores: &Stores) {
    let next = rotated(stores, session(&new_user_key(&tenant("acme")))).await;
    stores.sessions.end(&EndScope::One(next.key.clone()), ending(EndReason::Logout)).await.answered();
    let tombstone = found(stores, &by_id(&next), NOW).await;
    for version in 0..4 {
        let revived = Session { version, ..next.clone() };
        assert_eq!(stores.sessions.update(&revived, None).await.answered(), Updated::Stale);
    }
    assert_eq!(found(stores, &by_id(&next), NOW).await, tombstone);
}

/// A role that was taken away is not signed again.
// ASVS-map: RT5
pub async fn what_was_decided_on_another_version_of_the_user_is_not_written(stores: &Stores) {
    let user = bare_user(&tenant("acme"), "jo@example.com");
    let twin = bare_user(&tenant("globex"), "jo@example.com").with_role(Role::Admin, at(1));
    let next = rotated(stores, session(&user.key)).await;
    let versions = UserVersions { user: user.version, epochs: next.epochs };
    let update = async || stores.sessions.update(&next, Some(versions)).await.answered();
    assert_eq!(update().await, Updated::Stale, "there is no such user");
    stores.users.insert(&twin).await.answered();
    stores.users.insert(&user).await.answered();
    stores.users.update(&user.clone().with_role(Role::Admin, at(1))).await.answered();
    assert_eq!(update().await, Updated::Stale);
    let current = UserVersions { user: user.version + 1, ..versions };
    assert_eq!(stores.sessions.update(&next, Some(current)).await.answered(), Updated::Done);
    assert_eq!(found(stores, &by_id(&next), NOW).await, Some(next));
}

/// None of the three may have moved; those of others do not matter.
// ASVS-map: RT5
pub async fn what_was_decided_under_other_epochs_is_not_written(stores: &Stores) {
    let user = bare_user(&tenant("acme"), "jo@example.com");
    stores.users.insert(&user).await.answered();
    let other = bare_user(&tenant("globex"), "jo@example.com");
    for moved in 0..4 {
        let seen =
            UserVersions { user: user.version, epochs: stores.epochs.read(&user.key).await.answered() };
        let next = rotated(stores, Session { epochs: seen.epochs, ..session(&user.key) }).await;
        let reason = ending(EndReason::Admin);
        match moved {
            0 => stores.epochs.advance(&EpochScope::Everyone, reason).await.answered(),
            1 => stores.epochs.advance(&EpochScope::Tenant(user.key.tenant.clone()), reason).await.answered(),
            2 => {
                let kept = EndScope::UserExcept(user.key.clone(), session(&user.key).key.id);
                stores.sessions.end(&kept, reason).await.answered();
            }
            _ => {
                let scope = EpochScope::Tenant(other.key.tenant.clone());
                stores.epochs.advance(&scope, reason).await.answered();
                stores.sessions.end(&EndScope::User(other.key.clone()), reason).await.answered();
            }
        }
        let expected = if moved == 3 { Updated::Done } else { Updated::Stale };
        assert_eq!(stores.sessions.update(&next, Some(seen)).await.answered(), expected, "{moved}");
    }
}
