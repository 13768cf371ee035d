//! What a [`ChangeFeed`](crate::store::ChangeFeed) must do: announce every change, and never claim to have announced
//! more than it has.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use tokio::time::sleep;

use super::super::records::{
    NOW, at, bare_user, ending, key, new_user_key, redemption, session, tenant, unproven_session,
};
use super::uncached_node::{rotate, touch};
use super::{Answered, Capabilities};
use crate::clock::{Clock, Ticks};
use crate::id::SessionKey;
use crate::machine::SystemClock;
use crate::session::{EndReason, RotationRequest};
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

/// The same for what another process wrote, if the store can.
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

/// Records what the feed announces, and every proof that the feed gave too early.
#[derive(Default)]
pub(super) struct RecordingSink(Mutex<Announced>);

#[derive(Default)]
pub(super) struct Announced {
    pub(super) changes: Vec<Change>,
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
    /// Whether a proof of this time claims an announcement that has not been made.
    fn is_missing(&self, proven: Ticks) -> bool {
        !self.announced && self.acknowledged.is_some_and(|acknowledged| acknowledged < proven)
    }
}

impl RecordingSink {
    pub(super) fn announced(&self) -> MutexGuard<'_, Announced> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn has_announced(&self, change: &Change) -> bool {
        let announced = self.announced();
        announced.changes.contains(change) || announced.changes.contains(&Change::Everything)
    }

    pub(super) fn forget(&self) {
        self.announced().changes.clear();
    }

    /// Waits for the announcement, up to the time-out.
    async fn wait_for(&self, change: &Change, doing: &str, can: Capabilities) {
        let in_time = becomes_true(can, || self.has_announced(change)).await;
        assert!(in_time, "{doing}: {change:?} is not announced within {:?}", can.announcement_timeout);
    }

    async fn wait_and_forget(&self, change: &Change, doing: &str, can: Capabilities) {
        self.wait_for(change, doing, can).await;
        self.forget();
    }

    fn acknowledge(&self, key: &SessionKey, at: Ticks) {
        let mut announced = self.announced();
        announced.sessions.entry(key.clone()).or_default().acknowledged = Some(at);
        // A feed that is never behind must have announced the change by now.
        let proven = announced.proven;
        announced.compare(proven);
    }
}

impl Announced {
    fn compare(&mut self, proven: Option<Ticks>) {
        let Some(proven) = proven else { return };
        let missing = self.sessions.iter().filter(|(_, written)| written.is_missing(proven));
        let missing: Vec<SessionKey> = missing.map(|(key, _)| key.clone()).collect();
        self.ran_ahead.extend(missing);
    }
}

impl ChangeSink for RecordingSink {
    fn changed(&self, change: &Change) {
        let mut announced = self.announced();
        announced.changes.push(change.clone());
        match change {
            Change::Session(key) => announced.sessions.entry(key.clone()).or_default().announced = true,
            Change::Everything => {
                announced.sessions.values_mut().for_each(|written| written.announced = true);
            }
            Change::AllSessions | Change::User(_) | Change::Tenant(_) | Change::Revoked(_) => (),
        }
    }

    fn proven(&self, sent: Ticks) {
        let mut announced = self.announced();
        announced.proven = announced.proven.max(Some(sent));
        announced.compare(Some(sent));
    }
}

/// Whether the condition becomes true before the time-out.
pub(super) async fn becomes_true(can: Capabilities, mut is_so: impl FnMut() -> bool) -> bool {
    let step = Duration::from_millis(5);
    let mut waited = Duration::ZERO;
    while !is_so() {
        if waited >= can.announcement_timeout {
            return false;
        }
        sleep(step).await;
        waited += step;
    }
    true
}

/// Everything that is written through `writer` is announced to watchers of `watched`.
pub async fn every_change_is_announced(watched: &Stores, writer: &Stores, can: Capabilities) {
    let sink = Arc::new(RecordingSink::default());
    let _watch = watched.feed.watch(sink.clone()).await.answered();
    changes_of_users_are_announced(writer, &sink, can).await;
    changes_of_sessions_are_announced(writer, &sink, can).await;
    ends_are_announced(writer, &sink, can).await;
    changes_of_tenants_are_announced(writer, &sink, can).await;
}

async fn changes_of_users_are_announced(writer: &Stores, sink: &RecordingSink, can: Capabilities) {
    let jo = bare_user(&tenant("acme"), "jo@example.com");
    let change = Change::User(jo.key.clone());
    writer.users.insert(&jo).await.answered();
    sink.wait_and_forget(&change, "insert a user", can).await;
    let changed: User = jo.with_role(Role::Admin, at(1));
    writer.users.update(&changed).await.answered();
    sink.wait_and_forget(&change, "update a user", can).await;
}

async fn changes_of_sessions_are_announced(writer: &Stores, sink: &RecordingSink, can: Capabilities) {
    let first = session(&new_user_key(&tenant("acme")));
    let change = Change::Session(first.key.clone());
    writer.sessions.insert(&first).await.answered();
    sink.wait_and_forget(&change, "insert a session", can).await;
    // Neither a use nor a rotation is announced, because hits would be dropped for nothing. The next write shows that
    // they were not only late.
    touch(writer, &first.key, at(1), None).await;
    rotate(writer, &first.key, &redemption(3)).await;
    let behind = session(&new_user_key(&tenant("acme")));
    writer.sessions.insert(&behind).await.answered();
    sink.wait_for(&Change::Session(behind.key), "insert a session behind them", can).await;
    assert!(!sink.announced().changes.contains(&change), "a use or a rotation is announced");
    writer.sessions.rename(&first.key, "new", at(1)).await.answered();
    sink.wait_and_forget(&change, "rename a session", can).await;
    rotations_that_a_check_sees_are_announced(writer, sink, can).await;
    if can.purges_live_sessions {
        writer.sessions.purge(first.kept_until().plus(Duration::from_hours(9)), 100).await.answered();
        sink.wait_and_forget(&change, "purge a session", can).await;
    }
}

/// Those that end the session, or bind it to a device: another node must not take the device for an unknown one.
async fn rotations_that_a_check_sees_are_announced(writer: &Stores, sink: &RecordingSink, can: Capabilities) {
    let pins = RotationRequest { pins: true, ..redemption(3) };
    let reused = RotationRequest { proof: None, ..redemption(1) };
    for (request, doing) in [(pins, "bind a session to a device"), (reused, "end a session by a used token")]
    {
        let written = unproven_session(&new_user_key(&tenant("acme")));
        let change = Change::Session(written.key.clone());
        writer.sessions.insert(&written).await.answered();
        sink.wait_and_forget(&change, "insert a session", can).await;
        rotate(writer, &written.key, &request).await;
        sink.wait_and_forget(&change, doing, can).await;
    }
}

async fn ends_are_announced(writer: &Stores, sink: &RecordingSink, can: Capabilities) {
    let jo = new_user_key(&tenant("acme"));
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
        sink.wait_and_forget(&Change::Session(ended.key.clone()), "insert a session", can).await;
        let Some(scope) = scopes(&ended.key).into_iter().nth(number) else { return };
        writer.sessions.end(&scope, ending(EndReason::Logout)).await.answered();
        sink.wait_for(&Change::Session(ended.key), "end a session", can).await;
        if matches!(scope, EndScope::User(_) | EndScope::UserExcept(..)) {
            sink.wait_for(&Change::User(jo.clone()), "count a user's epoch up", can).await;
        }
        if matches!(scope, EndScope::UserExcept(..)) {
            sink.wait_for(&Change::Session(kept.key.clone()), "take a session over", can).await;
        }
        sink.forget();
    }
}

async fn changes_of_tenants_are_announced(writer: &Stores, sink: &RecordingSink, can: Capabilities) {
    let globex = tenant("globex");
    let change = Change::Tenant(globex.clone());
    let record = TenantRecord::new(globex.clone(), NOW);
    writer.tenants.insert(&record).await.answered();
    sink.wait_and_forget(&change, "insert a tenant", can).await;
    writer.tenants.update(&record.suspended(NOW)).await.answered();
    sink.wait_and_forget(&change, "update a tenant", can).await;
    let key = key(&globex, "one");
    writer.keys.insert(&key).await.answered();
    sink.wait_and_forget(&change, "insert a key", can).await;
    writer.keys.remove(&globex, &key.kid).await.answered();
    sink.wait_and_forget(&change, "remove a key", can).await;
    let reason = ending(EndReason::Tenant);
    writer.epochs.advance(&EpochScope::Tenant(globex), reason).await.answered();
    sink.wait_and_forget(&change, "count a tenant's epoch up", can).await;
    writer.epochs.advance(&EpochScope::Everyone, reason).await.answered();
    sink.wait_and_forget(&Change::Everything, "count everyone's epoch up", can).await;
}

/// When the feed proves that everything acknowledged before some time has been announced, it has been. The feed gives
/// such a proof again and again.
// ASVS-map: RV2
pub async fn no_proof_runs_ahead(watched: &Stores, writer: &Stores, can: Capabilities) {
    let sink = Arc::new(RecordingSink::default());
    let _watch = watched.feed.watch(sink.clone()).await.answered();
    let mut last = SystemClock.ticks();
    for _ in 0..(10 * can.rounds) {
        let written = session(&new_user_key(&tenant("acme")));
        writer.sessions.insert(&written).await.answered();
        last = SystemClock.ticks();
        sink.acknowledge(&written.key, last);
    }
    let caught_up = becomes_true(can, || sink.announced().proven.is_some_and(|proven| proven > last)).await;
    assert!(caught_up, "the feed has proven nothing within {:?}", can.announcement_timeout);
    assert_eq!(sink.announced().ran_ahead, [], "not announced, although proven to be complete");
}

/// A sink is told nothing after its guard is dropped.
pub async fn a_watch_ends_with_its_guard(stores: &Stores, can: Capabilities) {
    let (gone, staying) = (Arc::new(RecordingSink::default()), Arc::new(RecordingSink::default()));
    let first = stores.feed.watch(gone.clone()).await.answered();
    let _watch = stores.feed.watch(staying.clone()).await.answered();
    drop(first);
    gone.forget();
    let written = session(&new_user_key(&tenant("acme")));
    stores.sessions.insert(&written).await.answered();
    let change = Change::Session(written.key);
    staying.wait_for(&change, "insert a session", can).await;
    assert!(!gone.has_announced(&change), "a watch outlives its guard");
}

/// Each of several watchers is told of every change.
pub async fn every_watcher_is_told(stores: &Stores, can: Capabilities) {
    let (one, other) = (Arc::new(RecordingSink::default()), Arc::new(RecordingSink::default()));
    let _watches =
        [stores.feed.watch(one.clone()).await.answered(), stores.feed.watch(other.clone()).await.answered()];
    let written = session(&new_user_key(&tenant("acme")));
    stores.sessions.insert(&written).await.answered();
    for sink in [one, other] {
        sink.wait_for(&Change::Session(written.key.clone()), "insert a session", can).await;
    }
}

/// A process reads what another wrote, even if the feed does not announce it.
pub async fn what_another_wrote_is_there(one: &Stores, other: &Stores) {
    let jo = bare_user(&tenant("acme"), "jo@example.com");
    other.users.insert(&jo).await.answered();
    assert_eq!(one.users.find(&UserHandle::Id(jo.key.clone())).await.answered(), Some(jo));
}
