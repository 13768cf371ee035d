//! What a [`ChangeFeed`](crate::store::ChangeFeed) must do: announce every change, and never claim to have announced
//! more than it has.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use tokio::time::sleep;

use super::records::{NOW, at, bare_user, ending, key, redemption, session, somebody, tenant};
use super::{Answered, Capabilities};
use crate::clock::{Clock, Ticks};
use crate::id::SessionKey;
use crate::machine::SystemClock;
use crate::session::EndReason;
use crate::store::{Change, ChangeSink, EndScope, EpochScope, Stores, UserHandle};
use crate::tenant::TenantRecord;
use crate::user::{Role, User};

pub(super) async fn all(make: &impl AsyncFn() -> Stores, can: Capabilities) {
    let same = make().await;
    every_change_is_announced(&same, &same, can).await;
    let same = make().await;
    no_proof_runs_ahead(&same, &same, can).await;
    a_watch_ends_with_its_guard(&make().await, can).await;
    every_watcher_is_told(&make().await, can).await;
}

/// The same of what another process wrote, if the backend can.
pub(super) async fn of_another(make: &impl AsyncFn() -> (Stores, Stores), can: Capabilities) {
    let (one, other) = make().await;
    if can.announces_others {
        every_change_is_announced(&one, &other, can).await;
        let (one, other) = make().await;
        no_proof_runs_ahead(&one, &other, can).await;
    } else {
        what_another_wrote_is_there(&one, &other).await;
    }
}

/// Remembers what it is told, and notes when it is told too much.
#[derive(Default)]
struct Ear(Mutex<Heard>);

#[derive(Default)]
struct Heard {
    changes: Vec<Change>,
    proven: Option<Ticks>,
    /// Sessions that were written: when that was acknowledged, and whether it has been announced.
    sessions: HashMap<SessionKey, Written>,
    ran_ahead: Vec<SessionKey>,
}

#[derive(Default)]
struct Written {
    acknowledged: Option<Ticks>,
    announced: bool,
}

impl Written {
    /// Whether a proof of this time says that it has been announced, and it has not been.
    fn is_missing(&self, proven: Ticks) -> bool {
        !self.announced && self.acknowledged.is_some_and(|acknowledged| acknowledged < proven)
    }
}

impl Ear {
    fn heard(&self) -> MutexGuard<'_, Heard> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn has_heard(&self, change: &Change) -> bool {
        let heard = self.heard();
        heard.changes.contains(change) || heard.changes.contains(&Change::Everything)
    }

    fn forget(&self) {
        self.heard().changes.clear();
    }

    /// Waits for the announcement; the feed may take its time, and must not forget.
    async fn hears(&self, change: &Change, doing: &str, can: Capabilities) {
        let in_time = patiently(can, || self.has_heard(change)).await;
        assert!(in_time, "{doing}: {change:?} is not announced within {:?}", can.patience);
    }

    fn acknowledge(&self, key: &SessionKey, at: Ticks) {
        let mut heard = self.heard();
        heard.sessions.entry(key.clone()).or_default().acknowledged = Some(at);
        // Where the feed says that it is never behind, the change must have been announced by now.
        let proven = heard.proven;
        heard.compare(proven);
    }
}

impl Heard {
    fn compare(&mut self, proven: Option<Ticks>) {
        let Some(proven) = proven else { return };
        let missing = self.sessions.iter().filter(|(_, written)| written.is_missing(proven));
        let missing: Vec<SessionKey> = missing.map(|(key, _)| key.clone()).collect();
        self.ran_ahead.extend(missing);
    }
}

impl ChangeSink for Ear {
    fn changed(&self, change: &Change) {
        let mut heard = self.heard();
        heard.changes.push(change.clone());
        match change {
            Change::Session(key) => heard.sessions.entry(key.clone()).or_default().announced = true,
            Change::Everything => heard.sessions.values_mut().for_each(|written| written.announced = true),
            Change::User(_) | Change::Tenant(_) => (),
        }
    }

    fn proven(&self, sent: Ticks) {
        let mut heard = self.heard();
        heard.proven = heard.proven.max(Some(sent));
        heard.compare(Some(sent));
    }
}

/// Whether it becomes true in time.
async fn patiently(can: Capabilities, mut is_so: impl FnMut() -> bool) -> bool {
    let step = Duration::from_millis(5);
    let mut waited = Duration::ZERO;
    while !is_so() {
        if waited >= can.patience {
            return false;
        }
        sleep(step).await;
        waited += step;
    }
    true
}

/// Everything that is written through `writer` is announced to those who watch `watched`.
pub async fn every_change_is_announced(watched: &Stores, writer: &Stores, can: Capabilities) {
    let ear = Arc::new(Ear::default());
    let _watch = watched.feed.watch(ear.clone()).answered();
    changes_of_users_are_announced(writer, &ear, can).await;
    changes_of_sessions_are_announced(writer, &ear, can).await;
    ends_are_announced(writer, &ear, can).await;
    changes_of_tenants_are_announced(writer, &ear, can).await;
}

async fn changes_of_users_are_announced(writer: &Stores, ear: &Ear, can: Capabilities) {
    let jo = bare_user(&tenant("acme"), "jo@example.com");
    let change = Change::User(jo.key.clone());
    writer.users.insert(&jo).await.answered();
    ear.hears(&change, "insert a user", can).await;
    ear.forget();
    let changed: User = jo.with_role(Role::Admin, at(1));
    writer.users.update(&changed).await.answered();
    ear.hears(&change, "update a user", can).await;
    ear.forget();
}

async fn changes_of_sessions_are_announced(writer: &Stores, ear: &Ear, can: Capabilities) {
    let first = session(&somebody(&tenant("acme")));
    let change = Change::Session(first.key.clone());
    writer.sessions.insert(&first).await.answered();
    ear.hears(&change, "insert a session", can).await;
    ear.forget();
    // A use is not announced: hits would be dropped for nothing. What is written behind it shows that it was not late.
    writer.sessions.touch(&first.key, at(1), None).await.answered();
    let behind = session(&somebody(&tenant("acme")));
    writer.sessions.insert(&behind).await.answered();
    ear.hears(&Change::Session(behind.key), "insert a session behind a use", can).await;
    assert!(!ear.heard().changes.contains(&change), "a use is announced");
    writer.sessions.rename(&first.key, "new", at(1)).await.answered();
    ear.hears(&change, "rename a session", can).await;
    ear.forget();
    writer.sessions.rotate(&first.key, &redemption(3)).await.answered();
    ear.hears(&change, "rotate a session", can).await;
    ear.forget();
    writer.sessions.purge(first.kept_until().plus(Duration::from_hours(9)), 100).await.answered();
    ear.hears(&change, "purge a session", can).await;
    ear.forget();
}

async fn ends_are_announced(writer: &Stores, ear: &Ear, can: Capabilities) {
    let jo = somebody(&tenant("acme"));
    let kept = session(&jo);
    writer.sessions.insert(&kept).await.answered();
    let scopes = |ended: &SessionKey| {
        let strategy = EndScope::UserStrategy(jo.clone(), kept.strategy);
        let except = EndScope::UserExcept(jo.clone(), kept.key.id);
        [EndScope::One(ended.clone()), except, EndScope::User(jo.clone()), strategy]
    };
    for number in 0..4 {
        let mut ended = session(&jo);
        ended.epochs = writer.epochs.read(&jo).await.answered();
        writer.sessions.insert(&ended).await.answered();
        ear.hears(&Change::Session(ended.key.clone()), "insert a session", can).await;
        ear.forget();
        let Some(scope) = scopes(&ended.key).into_iter().nth(number) else { return };
        writer.sessions.end(&scope, ending(EndReason::Logout)).await.answered();
        ear.hears(&Change::Session(ended.key), "end a session", can).await;
        if matches!(scope, EndScope::User(_) | EndScope::UserExcept(..)) {
            ear.hears(&Change::User(jo.clone()), "count a user's epoch up", can).await;
        }
        if matches!(scope, EndScope::UserExcept(..)) {
            ear.hears(&Change::Session(kept.key.clone()), "take a session over", can).await;
        }
        ear.forget();
    }
}

async fn changes_of_tenants_are_announced(writer: &Stores, ear: &Ear, can: Capabilities) {
    let globex = tenant("globex");
    let change = Change::Tenant(globex.clone());
    let record = TenantRecord::new(globex.clone(), NOW);
    writer.tenants.insert(&record).await.answered();
    ear.hears(&change, "insert a tenant", can).await;
    ear.forget();
    writer.tenants.update(&record.suspended(NOW)).await.answered();
    ear.hears(&change, "update a tenant", can).await;
    ear.forget();
    let key = key(&globex, "one");
    writer.keys.insert(&key).await.answered();
    ear.hears(&change, "insert a key", can).await;
    ear.forget();
    writer.keys.remove(&globex, &key.kid).await.answered();
    ear.hears(&change, "remove a key", can).await;
    ear.forget();
    let reason = ending(EndReason::Tenant);
    writer.epochs.advance(&EpochScope::Tenant(globex), reason).await.answered();
    ear.hears(&change, "count a tenant's epoch up", can).await;
    ear.forget();
    writer.epochs.advance(&EpochScope::Everyone, reason).await.answered();
    ear.hears(&Change::Everything, "count everyone's epoch up", can).await;
    ear.forget();
}

/// When the feed says that everything acknowledged before some time has been announced, it has been; and it says so
/// again and again.
// ASVS-map: RV2
pub async fn no_proof_runs_ahead(watched: &Stores, writer: &Stores, can: Capabilities) {
    let ear = Arc::new(Ear::default());
    let _watch = watched.feed.watch(ear.clone()).answered();
    let mut last = SystemClock.ticks();
    for _ in 0..(10 * can.rounds) {
        let written = session(&somebody(&tenant("acme")));
        writer.sessions.insert(&written).await.answered();
        last = SystemClock.ticks();
        ear.acknowledge(&written.key, last);
    }
    let caught_up = patiently(can, || ear.heard().proven.is_some_and(|proven| proven > last)).await;
    assert!(caught_up, "the feed has proven nothing within {:?}", can.patience);
    assert_eq!(ear.heard().ran_ahead, [], "not announced, although proven to be complete");
}

/// Nobody is told anything after the guard is gone.
pub async fn a_watch_ends_with_its_guard(stores: &Stores, can: Capabilities) {
    let (gone, staying) = (Arc::new(Ear::default()), Arc::new(Ear::default()));
    let first = stores.feed.watch(gone.clone()).answered();
    let _watch = stores.feed.watch(staying.clone()).answered();
    drop(first);
    gone.forget();
    let written = session(&somebody(&tenant("acme")));
    stores.sessions.insert(&written).await.answered();
    let change = Change::Session(written.key);
    staying.hears(&change, "insert a session", can).await;
    assert!(!gone.has_heard(&change), "a watch outlives its guard");
}

/// Each of several watchers is told of everything.
pub async fn every_watcher_is_told(stores: &Stores, can: Capabilities) {
    let ears = [Arc::new(Ear::default()), Arc::new(Ear::default())];
    let _watches = ears.clone().map(|ear| stores.feed.watch(ear).answered());
    let written = session(&somebody(&tenant("acme")));
    stores.sessions.insert(&written).await.answered();
    for ear in ears {
        ear.hears(&Change::Session(written.key.clone()), "insert a session", can).await;
    }
}

/// What another process wrote is read, even where nobody announces it.
pub async fn what_another_wrote_is_there(one: &Stores, other: &Stores) {
    let jo = bare_user(&tenant("acme"), "jo@example.com");
    other.users.insert(&jo).await.answered();
    assert_eq!(one.users.find(&UserHandle::Id(jo.key.clone())).await.answered(), Some(jo));
}
