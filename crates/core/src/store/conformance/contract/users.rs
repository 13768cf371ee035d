//! What a [`UserStore`](crate::store::UserStore) must do.

use super::super::records::{NOW, at, bare_user, email, new_user_key, session, tenant, user};
use super::{Answered, each, rest_of_pages};
use crate::clock::Timestamp;
use crate::id::{TenantId, UserId, UserKey};
use crate::store::{
    Inserted, MendOutcome, Page, RecordKind, SessionHandle, Stores, UnreadableRecord, Updated, UserHandle,
};
use crate::user::{Role, User, UserCorrection};

pub(super) async fn all(make: &impl AsyncFn() -> Stores) {
    each!(make;
        a_user_is_found_as_written,
        no_user_is_found_where_none_is,
        an_insert_never_replaces,
        an_address_is_unique_however_it_is_spelt,
        an_update_is_compare_and_set,
        an_update_creates_no_user,
        pages_show_everyone_once_in_order,
        pages_show_who_stays_once_while_others_come,
        a_record_that_can_be_read_is_not_mended,
    );
}

async fn stored(stores: &Stores, key: &UserKey) -> Option<User> {
    stores.users.find(&UserHandle::Id(key.clone())).await.answered()
}

/// `find` returns what `insert` wrote, to the last millisecond and letter, by id and by address.
pub async fn a_user_is_found_as_written(stores: &Stores) {
    let acme = tenant("acme");
    for written in [user(&acme, "Zoë.O'Neill+1@BÜCHER.example"), bare_user(&acme, "jo@example.com")] {
        assert_eq!(stores.users.insert(&written).await.answered(), Inserted::Done);
        assert_eq!(stored(stores, &written.key).await.as_ref(), Some(&written));
        let by_address = UserHandle::Email(acme.clone(), written.email.clone());
        assert_eq!(stores.users.find(&by_address).await.answered(), Some(written));
    }
}

/// An unknown user is an answer, not an error.
pub async fn no_user_is_found_where_none_is(stores: &Stores) {
    let acme = tenant("acme");
    assert_eq!(stored(stores, &new_user_key(&acme)).await, None);
    let handle = UserHandle::Email(acme.clone(), email("nobody@example.com"));
    assert_eq!(stores.users.find(&handle).await.answered(), None);
    assert_eq!(stores.users.list(&acme, "", Page { after: None, limit: 10 }).await.answered(), []);
}

/// `insert` creates; if the id or the address is taken, nothing is written.
pub async fn an_insert_never_replaces(stores: &Stores) {
    let acme = tenant("acme");
    let first = user(&acme, "jo@example.com");
    assert_eq!(stores.users.insert(&first).await.answered(), Inserted::Done);

    let same_id = User { key: first.key.clone(), ..bare_user(&acme, "other@example.com") };
    assert_eq!(stores.users.insert(&same_id).await.answered(), Inserted::Clash);
    let same_address = bare_user(&acme, "jo@example.com");
    assert_eq!(stores.users.insert(&same_address).await.answered(), Inserted::Clash);
    assert_eq!(stores.users.insert(&first).await.answered(), Inserted::Clash);

    assert_eq!(stored(stores, &first.key).await, Some(first));
    assert_eq!(stored(stores, &same_address.key).await, None);
    let handle = UserHandle::Email(acme, same_id.email);
    assert_eq!(stores.users.find(&handle).await.answered(), None);
}

/// Addresses are compared in their canonical form, by `insert` and by `find`.
// ASVS-map: AU6
pub async fn an_address_is_unique_however_it_is_spelt(stores: &Stores) {
    let acme = tenant("acme");
    let first = bare_user(&acme, "Jo@BÜCHER.example");
    assert_eq!(stores.users.insert(&first).await.answered(), Inserted::Done);
    let respelt = bare_user(&acme, "jO@xn--bcher-kva.example");
    assert_eq!(stores.users.insert(&respelt).await.answered(), Inserted::Clash);
    let handle = UserHandle::Email(acme, respelt.email);
    assert_eq!(stores.users.find(&handle).await.answered(), Some(first));
}

/// `update` replaces the record of the version before, once.
pub async fn an_update_is_compare_and_set(stores: &Stores) {
    let first = user(&tenant("acme"), "jo@example.com");
    stores.users.insert(&first).await.answered();
    let next = first.clone().enabled(at(50)).with_role(Role::Admin, at(60));
    assert_eq!(next.version, first.version + 2);
    assert_eq!(stores.users.update(&next).await.answered(), Updated::Stale, "a version was left out");
    assert_eq!(stores.users.update(&first).await.answered(), Updated::Stale, "the version is the stored one");

    let next = first.clone().enabled(at(50));
    assert_eq!(stores.users.update(&next).await.answered(), Updated::Done);
    assert_eq!(stored(stores, &next.key).await.as_ref(), Some(&next));
    let other = first.with_role(Role::User, at(70));
    assert_eq!(stores.users.update(&other).await.answered(), Updated::Stale, "another writer was first");
    assert_eq!(stored(stores, &next.key).await, Some(next));
}

/// `update` of an unknown user writes nothing.
pub async fn an_update_creates_no_user(stores: &Stores) {
    let absent = bare_user(&tenant("acme"), "jo@example.com").with_role(Role::Admin, at(1));
    assert_eq!(stores.users.update(&absent).await.answered(), Updated::Stale);
    assert_eq!(stored(stores, &absent.key).await, None);
}

/// Users with equal and different creation times, in the order of their ids.
async fn crowd(stores: &Stores, tenant: &TenantId, from: u32, to: u32) -> Vec<UserId> {
    let mut ids = Vec::new();
    for number in from..to {
        let mut person = bare_user(tenant, &format!("user{number}@example.com"));
        let made = Timestamp::from_millis(person.created.as_millis() + i64::from(number / 3));
        person.key.id = UserId::generate(made, &crate::machine::SystemRandom);
        stores.users.insert(&person).await.answered();
        ids.push(person.key.id);
    }
    ids.sort();
    ids
}

async fn page(stores: &Stores, tenant: &TenantId, after: Option<UserId>, limit: u32) -> Vec<UserId> {
    let page = stores.users.list(tenant, "", Page { after, limit }).await.answered();
    assert!(page.len() <= limit as usize);
    page.into_iter().map(|user| user.key.id).collect()
}

/// `list` shows every user once, by id, with every page size.
pub async fn pages_show_everyone_once_in_order(stores: &Stores) {
    let acme = tenant("acme");
    let ids = crowd(stores, &acme, 0, 10).await;
    crowd(stores, &tenant("globex"), 0, 3).await;
    for limit in [1, 3, 10, 100] {
        let seen = rest_of_pages(Vec::new(), async |after| page(stores, &acme, after, limit).await).await;
        assert_eq!(seen, ids, "in pages of {limit}");
    }
}

/// A user that exists from the first page to the last is shown once, even if others arrive.
pub async fn pages_show_who_stays_once_while_others_come(stores: &Stores) {
    let acme = tenant("acme");
    let staying = crowd(stores, &acme, 0, 9).await;
    let seen = page(stores, &acme, None, 4).await;
    let coming = crowd(stores, &acme, 9, 18).await;
    let seen = rest_of_pages(seen, async |after| page(stores, &acme, after, 4).await).await;
    assert!(seen.is_sorted_by(|one, next| one < next));
    assert!(staying.iter().all(|id| seen.contains(id)));
    assert!(seen.iter().all(|id| staying.contains(id) || coming.contains(id)));
}

/// `mend` is no way to change a user or to end a session, nor does it create a record.
pub async fn a_record_that_can_be_read_is_not_mended(stores: &Stores) {
    let jo = user(&tenant("acme"), "jo@example.com");
    let live = session(&jo.key);
    assert_eq!(stores.users.insert(&jo).await.answered(), Inserted::Done);
    assert_eq!(stores.sessions.insert(&live).await.answered(), Inserted::Done);
    let absent = new_user_key(&jo.key.tenant).id.to_string();
    for id in [&jo.key.id.to_string(), &live.key.id.to_string(), &absent, "42", ""] {
        for record in [RecordKind::User, RecordKind::Session] {
            is_left_alone(stores, record, id).await;
        }
    }
    assert_eq!(stored(stores, &jo.key).await, Some(jo));
    let handle = SessionHandle::Id(live.key.clone());
    assert_eq!(stores.sessions.find(&handle, NOW).await.answered(), Some(live));
}

async fn is_left_alone(stores: &Stores, record: RecordKind, id: &str) {
    let acme = tenant("acme");
    let spelling = UserCorrection::of_spelling(new_user_key(&acme).id, at(9));
    let correction = UserCorrection { email: Some(email("eve@example.com")), gives_up: true, ..spelling };
    let record = UnreadableRecord { record, id: id.to_owned(), field: "email" };
    let outcome = stores.users.mend(&acme, &record, &correction).await.answered();
    assert_eq!(outcome, MendOutcome::NothingToMend, "{record:?}");
}
