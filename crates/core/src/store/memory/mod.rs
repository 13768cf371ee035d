//! The reference store: everything in maps behind one lock, gone when it is dropped.
//!
//! It is what the suite's words mean, a store for tests, and one for a process that may forget. It announces each
//! change to its watchers before the write is acknowledged, so its view is never stale.

mod queues;

use std::collections::{BTreeMap, HashMap};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError, Weak};

use async_trait::async_trait;

use super::{
    Change, ChangeFeed, ChangeSink, EndScope, EpochScope, EpochStore, Inserted, KeyStore, Page,
    SessionHandle, SessionStore, Stored, Stores, TenantStore, Updated, UserHandle, UserStore, Watch,
};
use crate::clock::{Ticks, Timestamp};
use crate::id::{SessionId, SessionKey, TenantId, UserId, UserKey};
use crate::key::{KeyMaterial, KeyRecord, Kid};
use crate::session::{Ending, Epochs, RotationOutcome, RotationRequest, Session, SessionState};
use crate::tenant::{Installation, TenantRecord};
use crate::user::User;
use crate::username::Username;

/// All records of one process.
#[derive(Default)]
pub struct MemoryStore {
    records: Mutex<Records>,
    watchers: Mutex<Vec<Weak<Watcher>>>,
}

/// Somebody who watches, for as long as the guard that holds this lives.
struct Watcher(Arc<dyn ChangeSink>);

#[derive(Default)]
struct Records {
    users: BTreeMap<UserKey, User>,
    sessions: BTreeMap<SessionKey, Session>,
    user_epochs: HashMap<UserKey, u64>,
    tenant_epochs: HashMap<TenantId, u64>,
    everyone_epoch: u64,
    keys: BTreeMap<(TenantId, Kid), KeyRecord>,
    tenants: BTreeMap<TenantId, TenantRecord>,
    installation: Option<Installation>,
    tickets: queues::Tickets,
    guesses: queues::Counted,
    mail: queues::Queue,
}

impl MemoryStore {
    /// An empty store, as everything an engine needs.
    #[must_use]
    pub fn stores() -> Stores {
        let store = Arc::new(Self::default());
        Stores {
            users: store.clone(),
            sessions: store.clone(),
            epochs: store.clone(),
            keys: store.clone(),
            tenants: store.clone(),
            tickets: store.clone(),
            attempts: store.clone(),
            mail: store.clone(),
            feed: store,
        }
    }

    fn records(&self) -> MutexGuard<'_, Records> {
        self.records.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn announce(&self, changes: &[Change]) {
        let mut watchers = self.watchers.lock().unwrap_or_else(PoisonError::into_inner);
        watchers.retain(|watcher| match watcher.upgrade() {
            Some(watcher) => {
                for change in changes {
                    watcher.0.changed(change);
                }
                true
            }
            None => false,
        });
    }
}

#[async_trait]
impl UserStore for MemoryStore {
    async fn insert(&self, user: &User) -> Stored<Inserted> {
        let mut records = self.records();
        if records.users.contains_key(&user.key) || records.is_taken(user) {
            return Ok(Inserted::Clash);
        }
        records.users.insert(user.key.clone(), user.clone());
        drop(records);
        self.announce(&[Change::User(user.key.clone())]);
        Ok(Inserted::Done)
    }

    async fn find(&self, handle: &UserHandle) -> Stored<Option<User>> {
        let records = self.records();
        Ok(match handle {
            UserHandle::Id(key) => records.users.get(key).cloned(),
            UserHandle::Email(tenant, email) => {
                records.user(tenant, |user| user.email.canonical() == email.canonical())
            }
            UserHandle::Username(tenant, name) => {
                let canonical = Some(name.canonical());
                records.user(tenant, |user| user.username.as_ref().map(Username::canonical) == canonical)
            }
            UserHandle::Mobile(tenant, mobile) => {
                records.user(tenant, |user| user.mobile.as_ref() == Some(mobile))
            }
        })
    }

    async fn update(&self, user: &User) -> Stored<Updated> {
        let mut records = self.records();
        if records.is_taken(user) {
            return Ok(Updated::Stale);
        }
        match records.users.get_mut(&user.key) {
            Some(stored) if stored.version.checked_add(1) == Some(user.version) => *stored = user.clone(),
            _ => return Ok(Updated::Stale),
        }
        drop(records);
        self.announce(&[Change::User(user.key.clone())]);
        Ok(Updated::Done)
    }

    async fn list(&self, tenant: &TenantId, search: &str, page: Page<UserId>) -> Stored<Vec<User>> {
        let records = self.records();
        let of_tenant =
            records.users.values().filter(|user| user.key.tenant == *tenant && user.matches_search(search));
        let behind = of_tenant.filter(|user| page.after.is_none_or(|after| user.key.id > after));
        Ok(behind.take(page.limit as usize).cloned().collect())
    }
}

impl Records {
    fn user(&self, tenant: &TenantId, is_meant: impl Fn(&User) -> bool) -> Option<User> {
        self.users.values().find(|user| user.key.tenant == *tenant && is_meant(user)).cloned()
    }

    /// Whether another user of the tenant has something that only one may have.
    fn is_taken(&self, user: &User) -> bool {
        let clashes = |other: &User| {
            let same_name = other.username.as_ref().map(Username::canonical)
                == user.username.as_ref().map(Username::canonical);
            other.key != user.key
                && (other.email.canonical() == user.email.canonical()
                    || (user.username.is_some() && same_name)
                    || (user.mobile.is_some() && other.mobile == user.mobile))
        };
        self.user(&user.key.tenant, clashes).is_some()
    }

    fn end_where(&mut self, ending: Ending, doomed: impl Fn(&Session) -> bool) -> Vec<SessionKey> {
        let mut ended = Vec::new();
        for session in self.sessions.values_mut() {
            if doomed(session) && session.state_at(ending.at, session.epochs) == SessionState::Live {
                *session = session.clone().end(ending);
                ended.push(session.key.clone());
            }
        }
        ended
    }

    fn newest_of(&self, user: &UserKey, count: usize, now: Timestamp) -> Vec<SessionKey> {
        let of_user = self.sessions.values().rev().filter(|session| session.user_key() == *user);
        let live = of_user.filter(|session| session.state_at(now, session.epochs) == SessionState::Live);
        live.take(count).map(|session| session.key.clone()).collect()
    }

    /// Counts the user's epoch up and returns it.
    fn next_epoch(&mut self, user: &UserKey) -> u64 {
        let epoch = self.user_epochs.entry(user.clone()).or_default();
        *epoch += 1;
        *epoch
    }
}

#[async_trait]
impl SessionStore for MemoryStore {
    async fn insert(&self, session: &Session) -> Stored<Inserted> {
        let mut records = self.records();
        if records.sessions.contains_key(&session.key) {
            return Ok(Inserted::Clash);
        }
        records.sessions.insert(session.key.clone(), session.clone());
        drop(records);
        self.announce(&[Change::Session(session.key.clone())]);
        Ok(Inserted::Done)
    }

    async fn find(&self, handle: &SessionHandle, now: Timestamp) -> Stored<Option<Session>> {
        let records = self.records();
        let found = match handle {
            SessionHandle::Id(key) => records.sessions.get(key),
            SessionHandle::Cookie(cookie) => records.sessions.values().find(|session| {
                session.key.tenant == cookie.tenant && session.cookie.is_some_and(|hash| hash == cookie.hash)
            }),
        };
        Ok(found.cloned().map(|session| session.with_state_at(now)))
    }

    async fn rotate(&self, key: &SessionKey, redemption: &RotationRequest) -> Stored<RotationOutcome> {
        let mut records = self.records();
        let Some(stored) = records.sessions.get_mut(key) else { return Ok(RotationOutcome::Gone) };
        let rotated = stored.clone().rotate(redemption);
        if let RotationOutcome::Won(next) | RotationOutcome::Replayed(next) | RotationOutcome::Reused(next) =
            &rotated
        {
            *stored = next.clone();
        }
        drop(records);
        self.announce(&[Change::Session(key.clone())]);
        Ok(rotated)
    }

    async fn touch(
        &self,
        key: &SessionKey,
        seen: Timestamp,
        idle_expires: Option<Timestamp>,
    ) -> Stored<bool> {
        let mut records = self.records();
        let live = |session: &&mut Session| session.state_at(seen, session.epochs) == SessionState::Live;
        let Some(stored) = records.sessions.get_mut(key).filter(live) else { return Ok(false) };
        *stored = stored.clone().touch(seen, idle_expires);
        Ok(true)
    }

    async fn rename(&self, key: &SessionKey, name: &str, now: Timestamp) -> Stored<bool> {
        let mut records = self.records();
        let live = |session: &&mut Session| session.state_at(now, session.epochs) == SessionState::Live;
        let Some(stored) = records.sessions.get_mut(key).filter(live) else { return Ok(false) };
        name.clone_into(&mut stored.device.name);
        drop(records);
        self.announce(&[Change::Session(key.clone())]);
        Ok(true)
    }

    async fn end(&self, scope: &EndScope, ending: Ending) -> Stored<Vec<SessionId>> {
        let mut records = self.records();
        let mut changes = Vec::new();
        let ended = match scope {
            EndScope::One(key) => records.end_where(ending, |session| session.key == *key),
            EndScope::User(user) => {
                records.next_epoch(user);
                changes.push(Change::User(user.clone()));
                records.end_where(ending, |session| session.user_key() == *user)
            }
            EndScope::UserExcept(user, kept) => {
                let epoch = records.next_epoch(user);
                changes.push(Change::User(user.clone()));
                let kept = SessionKey { tenant: user.tenant.clone(), id: *kept };
                // One that an epoch has ended before must not come back.
                let of_last_epoch = |kept: &&mut Session| {
                    kept.user == user.id && kept.epochs.user.checked_add(1) == Some(epoch)
                };
                if let Some(session) = records.sessions.get_mut(&kept).filter(of_last_epoch) {
                    session.epochs.user = epoch;
                    changes.push(Change::Session(kept.clone()));
                }
                records.end_where(ending, |session| session.user_key() == *user && session.key != kept)
            }
            EndScope::UserStrategy(user, strategy) => records
                .end_where(ending, |session| session.user_key() == *user && session.strategy == *strategy),
            EndScope::UserBeyond(user, newest) => {
                let kept = records.newest_of(user, *newest as usize, ending.at);
                records
                    .end_where(ending, |session| session.user_key() == *user && !kept.contains(&session.key))
            }
        };
        drop(records);
        changes.extend(ended.iter().cloned().map(Change::Session));
        self.announce(&changes);
        Ok(ended.into_iter().map(|key| key.id).collect())
    }

    async fn list(&self, user: &UserKey, page: Page<SessionId>, now: Timestamp) -> Stored<Vec<Session>> {
        let records = self.records();
        let of_user = records.sessions.values().filter(|session| session.user_key() == *user);
        let behind = of_user.filter(|session| page.after.is_none_or(|after| session.key.id > after));
        Ok(behind.take(page.limit as usize).cloned().map(|session| session.with_state_at(now)).collect())
    }

    async fn purge(&self, now: Timestamp, limit: u32) -> Stored<u64> {
        let mut records = self.records();
        let spent = records.sessions.values().filter(|session| session.kept_until() <= now);
        let spent: Vec<SessionKey> = spent.take(limit as usize).map(|session| session.key.clone()).collect();
        for key in &spent {
            records.sessions.remove(key);
        }
        drop(records);
        let count = spent.len() as u64;
        self.announce(&spent.into_iter().map(Change::Session).collect::<Vec<_>>());
        Ok(count)
    }
}

#[async_trait]
impl EpochStore for MemoryStore {
    async fn read(&self, user: &UserKey) -> Stored<Epochs> {
        let records = self.records();
        Ok(Epochs {
            user: records.user_epochs.get(user).copied().unwrap_or_default(),
            tenant: records.tenant_epochs.get(&user.tenant).copied().unwrap_or_default(),
            everyone: records.everyone_epoch,
        })
    }

    async fn advance(&self, scope: &EpochScope, _ending: Ending) -> Stored<()> {
        let mut records = self.records();
        let change = match scope {
            EpochScope::Tenant(tenant) => {
                *records.tenant_epochs.entry(tenant.clone()).or_default() += 1;
                Change::Tenant(tenant.clone())
            }
            EpochScope::Everyone => {
                records.everyone_epoch += 1;
                Change::Everything
            }
        };
        drop(records);
        self.announce(&[change]);
        Ok(())
    }
}

#[async_trait]
impl KeyStore for MemoryStore {
    async fn insert(&self, key: &KeyRecord) -> Stored<Inserted> {
        let mut records = self.records();
        let place = (key.tenant.clone(), key.kid.clone());
        if records.keys.contains_key(&place) {
            return Ok(Inserted::Clash);
        }
        records.keys.insert(place, key.clone());
        drop(records);
        self.announce(&[Change::Tenant(key.tenant.clone())]);
        Ok(Inserted::Done)
    }

    async fn list(&self, tenant: &TenantId) -> Stored<Vec<KeyRecord>> {
        Ok(self.records().keys.values().filter(|key| key.tenant == *tenant).cloned().collect())
    }

    async fn rewrap(&self, tenant: &TenantId, kid: &Kid, material: &KeyMaterial) -> Stored<bool> {
        let mut records = self.records();
        let stored = records.keys.get_mut(&(tenant.clone(), kid.clone()));
        Ok(stored.map(|key| key.material = material.clone()).is_some())
    }

    async fn remove(&self, tenant: &TenantId, kid: &Kid) -> Stored<bool> {
        let removed = self.records().keys.remove(&(tenant.clone(), kid.clone())).is_some();
        self.announce(&[Change::Tenant(tenant.clone())]);
        Ok(removed)
    }
}

#[async_trait]
impl TenantStore for MemoryStore {
    async fn get_or_create_installation(&self, proposed: &Installation) -> Stored<Installation> {
        Ok(self.records().installation.get_or_insert_with(|| proposed.clone()).clone())
    }

    async fn insert(&self, tenant: &TenantRecord) -> Stored<Inserted> {
        let mut records = self.records();
        if records.tenants.contains_key(&tenant.id) {
            return Ok(Inserted::Clash);
        }
        records.tenants.insert(tenant.id.clone(), tenant.clone());
        drop(records);
        self.announce(&[Change::Tenant(tenant.id.clone())]);
        Ok(Inserted::Done)
    }

    async fn update(&self, tenant: &TenantRecord) -> Stored<Updated> {
        let mut records = self.records();
        match records.tenants.get_mut(&tenant.id) {
            Some(stored) if stored.version.checked_add(1) == Some(tenant.version) => *stored = tenant.clone(),
            _ => return Ok(Updated::Stale),
        }
        drop(records);
        self.announce(&[Change::Tenant(tenant.id.clone())]);
        Ok(Updated::Done)
    }

    async fn find(&self, id: &TenantId) -> Stored<Option<TenantRecord>> {
        Ok(self.records().tenants.get(id).cloned())
    }

    async fn list(&self, page: Page<TenantId>) -> Stored<Vec<TenantRecord>> {
        let records = self.records();
        let behind = records
            .tenants
            .values()
            .filter(|tenant| page.after.as_ref().is_none_or(|after| tenant.id > *after));
        Ok(behind.take(page.limit as usize).cloned().collect())
    }
}

impl ChangeFeed for MemoryStore {
    fn watch(&self, sink: Arc<dyn ChangeSink>) -> Stored<Watch> {
        let watcher = Arc::new(Watcher(sink));
        self.watchers.lock().unwrap_or_else(PoisonError::into_inner).push(Arc::downgrade(&watcher));
        // Changes are announced before they are acknowledged: from now on there is nothing left to prove, ever.
        watcher.0.proven(Ticks::NEVER_STALE);
        Ok(Watch::new(watcher))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::store::conformance::{Capabilities, behaviour, everything, two_nodes};

    #[tokio::test(flavor = "multi_thread", worker_threads = 4)]
    async fn the_memory_store_does_what_a_store_must() {
        everything(async || MemoryStore::stores(), Capabilities { rounds: 100, ..Capabilities::default() })
            .await;
    }

    #[tokio::test(flavor = "multi_thread", worker_threads = 4)]
    async fn two_who_share_a_memory_store_are_two_nodes() {
        let shared = async || {
            let stores = MemoryStore::stores();
            (stores.clone(), stores)
        };
        two_nodes(shared, Capabilities::default()).await;
    }

    #[tokio::test(flavor = "multi_thread", worker_threads = 2)]
    async fn every_strategy_behaves_on_the_memory_store() {
        behaviour::every_strategy(async || MemoryStore::stores(), Capabilities::default()).await;
    }

    #[tokio::test]
    async fn every_kind_of_token_opens_its_own_door_alone_on_the_memory_store() {
        behaviour::every_kind_of_token_opens_its_own_door_alone(MemoryStore::stores()).await;
    }
}
