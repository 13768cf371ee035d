//! What the tests of all change feeds share.
#![cfg(test)]

use std::sync::{Arc, Mutex};
use std::time::Duration;

use portcullis_core::clock::{Clock as _, Ticks};
use portcullis_core::id::TenantId;
use portcullis_core::machine::SystemClock;
use portcullis_core::revocation::Revoked;
use portcullis_core::session::{Session, SessionState};
use portcullis_core::store::conformance::records::{NOW, at, by_id, session, user};
use portcullis_core::store::{Change, ChangeSink, RevocationPage, Stores, Updated, UserVersions};
use portcullis_core::user::Role;
use tokio::time::error::Elapsed;
use tokio::time::{sleep, timeout};

#[derive(Clone, PartialEq, Debug)]
pub(crate) enum Announcement {
    Changed(Change),
    Proven(Ticks),
}

/// Records what the feed announces.
#[derive(Default)]
pub(crate) struct ChangeRecorder(Mutex<Vec<Announcement>>);

impl ChangeSink for ChangeRecorder {
    fn changed(&self, change: &Change) {
        self.0.lock().unwrap().push(Announcement::Changed(change.clone()));
    }

    fn proven(&self, sent: Ticks) {
        self.0.lock().unwrap().push(Announcement::Proven(sent));
    }
}

impl ChangeRecorder {
    pub(crate) fn announcements(&self) -> Vec<Announcement> {
        self.0.lock().unwrap().clone()
    }

    /// What a view has to forget. Revocations are for others.
    pub(crate) fn changes(&self) -> Vec<Change> {
        let changes = self.announcements().into_iter().filter_map(|told| match told {
            Announcement::Changed(Change::Revoked(_)) | Announcement::Proven(_) => None,
            Announcement::Changed(change) => Some(change),
        });
        changes.collect()
    }

    /// Forgets what was announced, once everything that has been written by now must have been.
    #[cfg(feature = "redis")]
    pub(crate) async fn forget_all(&self) {
        self.catches_up().await;
        self.0.lock().unwrap().clear();
    }

    /// What was announced since the last call, once everything that has been written by now must have been.
    #[cfg(feature = "postgres")]
    pub(crate) async fn news(&self) -> Vec<Change> {
        self.catches_up().await;
        let news = self.changes();
        self.0.lock().unwrap().clear();
        news
    }

    /// Waits until the feed must have announced everything that has been written by now.
    pub(crate) async fn catches_up(&self) {
        let now = SystemClock.ticks();
        let proven = |told: &Announcement| matches!(told, Announcement::Proven(sent) if *sent > now);
        self.wait_for(proven).await;
    }

    pub(crate) async fn wait_for(&self, what: impl Fn(&Announcement) -> bool) {
        until(|| self.announcements().iter().any(&what)).await.expect("it was never announced");
    }
}

async fn until(is_so: impl Fn() -> bool) -> Result<(), Elapsed> {
    let waiting = async {
        while !is_so() {
            sleep(Duration::from_millis(5)).await;
        }
    };
    timeout(Duration::from_mins(3), waiting).await
}

/// A watch that is dropped ends its thread, which holds the store's `clock` for as long as it runs.
pub(crate) async fn a_dropped_watch_ends_its_thread(stores: &Stores, clock: &Arc<SystemClock>) {
    let holders = Arc::strong_count(clock);
    let listener = Arc::new(ChangeRecorder::default());
    let watch = stores.feed.watch(listener.clone()).await.unwrap();
    listener.catches_up().await;
    assert!(Arc::strong_count(clock) > holders);
    drop(watch);
    assert_eq!(Arc::strong_count(&listener), 1);
    until(|| Arc::strong_count(clock) <= holders).await.expect("the thread goes on");
}

/// What is changed `by_hand`, of a session and of its user, counts as the change of another writer.
pub(crate) async fn is_counted_by_hand(stores: &Stores, by_hand: impl Fn(&str)) {
    let Stores { sessions, users, .. } = stores;
    let jo = user(&TenantId::default_tenant(), "jo@example.com");
    let known = session(&jo.key);
    users.insert(&jo).await.unwrap();
    sessions.insert(&known).await.unwrap();
    let used = known.clone().touch(at(1), None);
    let versions = UserVersions { user: jo.version, epochs: known.epochs };
    by_hand("UPDATE users SET role = 'user'");
    assert_eq!(sessions.update(&used, Some(versions)).await.unwrap(), Updated::Stale);
    by_hand("UPDATE sessions SET idle_expires = 1");
    assert_eq!(sessions.update(&used, None).await.unwrap(), Updated::Stale);
    let found = sessions.find(&by_id(&used), NOW).await.unwrap().unwrap();
    assert!(matches!(found.state, SessionState::Ended(_)));
}

/// What is deleted, demoted or disabled `by_hand` is revoked, and so is the user of a session that was deleted.
pub(crate) async fn is_revoked_by_hand(stores: &Stores, by_hand: impl Fn(&str)) {
    let now = SystemClock.now();
    let jo = user(&TenantId::default_tenant(), "jo@example.com");
    stores.users.insert(&jo).await.unwrap();
    stores.revocations.note_token_lifetime(Duration::from_hours(1)).await.unwrap();
    let ends = now.plus(Duration::from_hours(9));
    let live = Session { idle_expires: ends, absolute_expires: ends, ..session(&jo.key) };
    stores.sessions.insert(&live).await.unwrap();
    by_hand("DELETE FROM sessions");
    assert_eq!(newest(stores, "session").await, Revoked::Session(live.key.id));
    by_hand("UPDATE users SET role = 'user'");
    assert_eq!(newest(stores, "role").await, Revoked::Role { user: jo.key.id, role: Role::User });
    by_hand("UPDATE users SET disabled = NULL; UPDATE users SET disabled = 1");
    assert_eq!(newest(stores, "user").await, Revoked::User { user: jo.key.id, epoch: 1, kept: None });
    by_hand("DELETE FROM users");
    assert_eq!(newest(stores, "user").await, Revoked::User { user: jo.key.id, epoch: 2, kept: None });
    let latest = stores.revocations.latest(None, Duration::from_hours(1), 100).await.unwrap();
    for revoked in latest.unwrap() {
        let kept_for = revoked.until.since(revoked.at);
        assert!(
            (Duration::from_hours(1)..=Duration::from_hours(26)).contains(&kept_for)
                && revoked.at >= now.minus(Duration::from_secs(1)),
            "{revoked:?}"
        );
    }
}

async fn newest(stores: &Stores, kind: &str) -> Revoked {
    let page = RevocationPage { tenant: Some(TenantId::default_tenant()), after: None, limit: 100 };
    let listed = stores.revocations.list(&page).await.unwrap();
    let of_kind = listed.revocations.into_iter().filter(|revocation| revocation.what.kind() == kind);
    let [revocation]: [_; 1] = of_kind.collect::<Vec<_>>().try_into().expect(kind);
    revocation.what
}
