//! What a [`RevocationStore`](crate::store::RevocationStore) and a [`FeedKeyStore`](crate::store::FeedKeyStore) must
//! do.

use std::sync::Arc;
use std::time::Duration;

use super::super::records::redemption;
use super::super::records::{
    IDLE, NOW, at, bare_user, ending, key, new_user_key, parsed, session, tenant, unproven_session,
};
use super::feed::{RecordingSink, becomes_true};
use super::uncached_node::rotate;
use super::{Answered, Capabilities, each, rest_of_pages};
use crate::id::{FeedKeyId, TenantId, UserKey};
use crate::key::{KeyRecord, KeyUse};
use crate::machine::SystemRandom;
use crate::revocation::{FeedKey, FeedTenants, Revoked, StoredRevocation};
use crate::secret::PlainSecret;
use crate::session::{EndReason, Epochs, RotationRequest, Session};
use crate::store::{Change, EndScope, EpochScope, Inserted, Page, RevocationPage, Stores};
use crate::tenant::TenantRecord;
use crate::user::Role;

pub(super) async fn all(make: &impl AsyncFn() -> Stores, can: Capabilities) {
    let same = make().await;
    what_ends_tokens_is_announced_with_its_content(&same, &same, can).await;
    each!(make;
        what_was_revoked_lately_is_read,
        what_matters_is_listed_page_by_page,
        a_session_that_an_epoch_has_ended_is_not_kept,
        feed_keys_are_found_by_their_hash,
        feed_keys_are_listed_page_by_page,
        the_use_of_a_feed_key_never_moves_back,
        a_feed_key_is_removed_once,
    );
}

/// The same for what another process wrote, if the store can.
pub(super) async fn of_another(make: &impl AsyncFn() -> (Stores, Stores), can: Capabilities) {
    if can.announces_others {
        let (one, other) = make().await;
        what_ends_tokens_is_announced_with_its_content(&one, &other, can).await;
    }
}

impl RecordingSink {
    /// Waits until exactly this was revoked, and forgets it.
    async fn wait_for_revocation(
        &self,
        of: Option<&TenantId>,
        what: &Revoked,
        doing: &str,
        can: Capabilities,
    ) {
        let is_meant = |it: &StoredRevocation| it.tenant.as_ref() == of && it.what == *what;
        let has_come = || {
            let announced = self.announced();
            announced.changes.iter().any(|change| matches!(change, Change::Revoked(it) if is_meant(it)))
        };
        assert!(becomes_true(can, has_come).await, "{doing}: {what:?} is not announced as revoked");
        self.forget();
    }
}

/// Whatever ends tokens is announced as a [`StoredRevocation`] that says all of it, and nothing else is.
// ASVS-map: RV1, RV2
pub async fn what_ends_tokens_is_announced_with_its_content(
    watched: &Stores,
    writer: &Stores,
    can: Capabilities,
) {
    let sink = Arc::new(RecordingSink::default());
    let _watch = watched.feed.watch(sink.clone()).await.answered();
    ends_of_sessions(writer, &sink, can).await;
    ends_by_an_epoch(writer, &sink, can).await;
    changes_of_users(writer, &sink, can).await;
    changes_of_tenants(writer, &sink, can).await;
}

async fn signed_in(writer: &Stores, user: &UserKey) -> Session {
    let epochs = writer.epochs.read(user).await.answered();
    let written = Session { epochs, ..session(user) };
    writer.sessions.insert(&written).await.answered();
    written
}

async fn ends_of_sessions(writer: &Stores, sink: &RecordingSink, can: Capabilities) {
    let jo = new_user_key(&tenant("acme"));
    let acme = Some(&jo.tenant);
    let scopes: [fn(&Session) -> EndScope; 3] = [
        |session| EndScope::One(session.key.clone()),
        |session| EndScope::UserStrategy(session.user_key(), session.strategy),
        |session| EndScope::UserBeyond(session.user_key(), 0),
    ];
    for scope in scopes {
        let ended = signed_in(writer, &jo).await;
        writer.sessions.end(&scope(&ended), ending(EndReason::Logout)).await.answered();
        sink.wait_for_revocation(acme, &Revoked::Session(ended.key.id), "end a session", can).await;
    }
    let reused = unproven_session(&jo);
    writer.sessions.insert(&reused).await.answered();
    rotate(writer, &reused.key, &RotationRequest { proof: None, ..redemption(1) }).await;
    sink.wait_for_revocation(acme, &Revoked::Session(reused.key.id), "present a used token", can).await;
}

async fn ends_by_an_epoch(writer: &Stores, sink: &RecordingSink, can: Capabilities) {
    let jo = new_user_key(&tenant("acme"));
    let kept = signed_in(writer, &jo).await;
    let of_user = |epoch, kept| Revoked::User { user: jo.id, epoch, kept };
    let all_but_one = EndScope::UserExcept(jo.clone(), kept.key.id);
    writer.sessions.end(&all_but_one, ending(EndReason::PasswordChange)).await.answered();
    sink.wait_for_revocation(Some(&jo.tenant), &of_user(1, Some(kept.key.id)), "end all but one", can).await;
    writer.sessions.end(&EndScope::User(jo.clone()), ending(EndReason::LogoutAll)).await.answered();
    sink.wait_for_revocation(Some(&jo.tenant), &of_user(2, None), "end all", can).await;
    let reason = ending(EndReason::Tenant);
    writer.epochs.advance(&EpochScope::Tenant(jo.tenant.clone()), reason).await.answered();
    sink.wait_for_revocation(Some(&jo.tenant), &Revoked::Tenant, "end all of a tenant", can).await;
    writer.epochs.advance(&EpochScope::Everyone, reason).await.answered();
    sink.wait_for_revocation(None, &Revoked::Everyone, "end everyone's", can).await;
}

async fn changes_of_users(writer: &Stores, sink: &RecordingSink, can: Capabilities) {
    let jo = bare_user(&tenant("acme"), "jo@example.com");
    let (acme, id) = (Some(&jo.key.tenant), jo.key.id);
    writer.users.insert(&jo).await.answered();
    let promoted = jo.clone().with_role(Role::Admin, at(1));
    writer.users.update(&promoted).await.answered();
    let role = Revoked::Role { user: id, role: Role::Admin };
    sink.wait_for_revocation(acme, &role, "give another role", can).await;
    writer.users.update(&promoted.disabled(at(2))).await.answered();
    let over = Revoked::User { user: id, epoch: 1, kept: None };
    sink.wait_for_revocation(acme, &over, "disable a user", can).await;
    assert_eq!(writer.epochs.read(&jo.key).await.answered().user, 1);
}

async fn changes_of_tenants(writer: &Stores, sink: &RecordingSink, can: Capabilities) {
    let record = TenantRecord::new(tenant("globex"), NOW);
    let globex = Some(&record.id);
    writer.tenants.insert(&record).await.answered();
    let suspended = record.clone().suspended(NOW);
    writer.tenants.update(&suspended).await.answered();
    sink.wait_for_revocation(globex, &Revoked::Tenant, "suspend a tenant", can).await;
    writer.tenants.update(&suspended.resumed(NOW)).await.answered();
    sink.wait_for_revocation(globex, &Revoked::Tenant, "resume a tenant", can).await;
    let signing =
        KeyRecord { usage: KeyUse::Access, algorithm: KeyUse::Access.algorithm(), ..key(&record.id, "one") };
    writer.keys.insert(&signing).await.answered();
    sink.wait_for_revocation(globex, &Revoked::KeySet, "insert a key", can).await;
    writer.keys.remove(&record.id, &signing.kid).await.answered();
    sink.wait_for_revocation(globex, &Revoked::Key(signing.kid), "remove a key", can).await;
}

/// `latest` gives back what was revoked within the span, of one tenant or of all, and nothing where that is more than
/// it was asked for.
pub async fn what_was_revoked_lately_is_read(stores: &Stores) {
    let (jo, bob) = (new_user_key(&tenant("acme")), new_user_key(&tenant("globex")));
    for user in [&jo, &bob] {
        stores.sessions.end(&EndScope::User(user.clone()), ending(EndReason::LogoutAll)).await.answered();
    }
    let lately = Duration::from_hours(1);
    let users = async |tenant| {
        let latest = stores.revocations.latest(tenant, lately, 100).await.answered().unwrap_or_default();
        let users = latest.iter().filter_map(|it| match it.what {
            Revoked::User { user, .. } => Some(user),
            _ => None,
        });
        users.collect::<Vec<_>>()
    };
    assert_eq!(users(Some(jo.tenant.clone())).await, [jo.id]);
    let counted = async |tenant, most| {
        stores.revocations.latest(tenant, lately, most).await.answered().map(|latest| latest.len())
    };
    assert_eq!(counted(Some(jo.tenant.clone()), 1).await, Some(1));
    assert_eq!(counted(Some(jo.tenant.clone()), 0).await, None);
    assert_eq!(counted(None, 1).await, None, "there are two");
    let mut both = users(None).await;
    both.sort_unstable();
    let mut written = [jo.id, bob.id];
    written.sort_unstable();
    assert_eq!(both, written);
}

/// `list` gives back each revocation that may still matter once, the newest of its kind and id, page by page.
pub async fn what_matters_is_listed_page_by_page(stores: &Stores) {
    stores.revocations.note_token_lifetime(IDLE).await.answered();
    let users: Vec<UserKey> = (0..5).map(|_| new_user_key(&tenant("acme"))).collect();
    for user in users.iter().chain(&users) {
        stores.sessions.end(&EndScope::User(user.clone()), ending(EndReason::LogoutAll)).await.answered();
    }
    stores
        .sessions
        .end(&EndScope::User(new_user_key(&tenant("globex"))), ending(EndReason::Logout))
        .await
        .answered();
    let mut found: Vec<Revoked> = Vec::new();
    let mut page = RevocationPage { tenant: Some(tenant("acme")), after: None, limit: 2 };
    loop {
        let listed = stores.revocations.list(&page).await.answered();
        found.extend(listed.revocations.into_iter().map(|revocation| revocation.what));
        page.after = listed.next;
        if page.after.is_none() {
            break;
        }
    }
    let mut ended: Vec<Revoked> =
        users.iter().map(|user| Revoked::User { user: user.id, epoch: 2, kept: None }).collect();
    found.sort_by_key(Revoked::id);
    ended.sort_by_key(Revoked::id);
    assert_eq!(found, ended);
}

/// The end of all sessions but one does not spare the one if an earlier epoch has ended it.
pub async fn a_session_that_an_epoch_has_ended_is_not_kept(stores: &Stores) {
    let jo = new_user_key(&tenant("acme"));
    let epochs = Epochs { user: 0, ..Epochs::default() };
    stores.sessions.end(&EndScope::User(jo.clone()), ending(EndReason::LogoutAll)).await.answered();
    // A sign-in that was under way: it was made under the epoch of before.
    let over = Session { epochs, ..session(&jo) };
    stores.sessions.insert(&over).await.answered();
    let all_but_one = EndScope::UserExcept(jo.clone(), over.key.id);
    stores.sessions.end(&all_but_one, ending(EndReason::PasswordChange)).await.answered();
    let latest =
        stores.revocations.latest(Some(jo.tenant.clone()), Duration::from_hours(1), 100).await.answered();
    let of_user =
        latest.into_iter().flatten().find(|it| matches!(it.what, Revoked::User { .. })).map(|it| it.what);
    assert_eq!(of_user, Some(Revoked::User { user: jo.id, epoch: 2, kept: None }));
}

pub(super) fn feed_key(tenants: FeedTenants) -> FeedKey {
    FeedKey::generate(tenants, NOW, &SystemRandom).0
}

/// `find` gives back the key that `insert` wrote, for one tenant, several or all; no other secret finds it. An id is
/// taken once.
// ASVS-map: SE1
pub async fn feed_keys_are_found_by_their_hash(stores: &Stores) {
    let names = ["acme", "globex"].map(tenant);
    let several = FeedTenants::Some(names.into_iter().collect());
    let one = FeedTenants::Some([tenant("acme")].into_iter().collect());
    for tenants in [FeedTenants::All, one, several] {
        let written = feed_key(tenants);
        assert_eq!(stores.feed_keys.insert(&written).await.answered(), Inserted::Done);
        assert_eq!(stores.feed_keys.insert(&written).await.answered(), Inserted::Clash);
        assert_eq!(stores.feed_keys.find(&written.hash).await.answered(), Some(written));
    }
    let other = FeedKey::hash_of(&PlainSecret::generate(&SystemRandom));
    assert_eq!(stores.feed_keys.find(&other).await.answered(), None);
}

/// `list` gives back all keys, page by page.
pub async fn feed_keys_are_listed_page_by_page(stores: &Stores) {
    let mut written: Vec<FeedKey> = (0..5).map(|_| feed_key(FeedTenants::All)).collect();
    for key in &written {
        stores.feed_keys.insert(key).await.answered();
    }
    written.sort_by_key(|key| key.id);
    let listed = rest_of_pages(Vec::new(), async |last: Option<FeedKey>| {
        let page = Page { after: last.map(|key| key.id), limit: 2 };
        stores.feed_keys.list(page).await.answered()
    });
    assert_eq!(listed.await, written);
}

/// `note_use` records the latest use.
pub async fn the_use_of_a_feed_key_never_moves_back(stores: &Stores) {
    let key = feed_key(FeedTenants::All);
    stores.feed_keys.insert(&key).await.answered();
    for (noted, known) in [(at(5), at(5)), (at(3), at(5)), (at(9), at(9))] {
        stores.feed_keys.note_use(key.id, noted).await.answered();
        let found = stores.feed_keys.find(&key.hash).await.answered();
        assert_eq!(found.and_then(|key| key.last_used), Some(known));
    }
    let unknown: FeedKeyId = parsed("00000000-0000-4000-8000-000000000000");
    stores.feed_keys.note_use(unknown, NOW).await.answered();
}

/// `remove` removes a key, and gives it back once.
pub async fn a_feed_key_is_removed_once(stores: &Stores) {
    let (one, other) = (feed_key(FeedTenants::All), feed_key(FeedTenants::All));
    stores.feed_keys.insert(&one).await.answered();
    stores.feed_keys.insert(&other).await.answered();
    assert_eq!(stores.feed_keys.remove(one.id).await.answered().as_ref(), Some(&one));
    assert_eq!(stores.feed_keys.remove(one.id).await.answered(), None);
    assert_eq!(stores.feed_keys.find(&one.hash).await.answered(), None);
    assert_eq!(stores.feed_keys.find(&other.hash).await.answered(), Some(other));
}
