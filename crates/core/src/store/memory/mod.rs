//! The reference store: everything in maps behind one lock, gone when it is dropped.
//!
//! It serves tests, and a process that may forget its users. It announces each change to its watchers before the write
//! is acknowledged, so a view of it is never stale.

mod attempts;
mod mail;
mod revocations;
mod sessions;
mod tenants;
mod tickets;
mod users;

use std::collections::{BTreeMap, HashMap};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError, Weak};

use async_trait::async_trait;

use super::{Change, ChangeFeed, ChangeSink, Stored, Stores, Watch};
use crate::clock::Ticks;
use crate::id::{SessionKey, TenantId, UserKey};
use crate::key::{KeyRecord, Kid};
use crate::revocation::FeedKey;
use crate::session::Session;
use crate::tenant::{Installation, TenantRecord};
use crate::user::User;

/// All records of one process.
#[derive(Default)]
pub struct MemoryStore {
    records: Mutex<Records>,
    watchers: Mutex<Vec<Weak<Watcher>>>,
}

/// A sink that is told of changes for as long as the guard that holds this lives.
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
    tickets: tickets::Tickets,
    attempts: attempts::Attempts,
    mail: mail::MailQueue,
    revocations: revocations::Revocations,
    feed_keys: Vec<FeedKey>,
}

impl MemoryStore {
    /// An empty store, as everything an engine needs.
    #[must_use]
    pub fn stores() -> Stores {
        Stores::from_one(Arc::new(Self::default()))
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
impl ChangeFeed for MemoryStore {
    async fn watch(&self, sink: Arc<dyn ChangeSink>) -> Stored<Watch> {
        let watcher = Arc::new(Watcher(sink));
        self.watchers.lock().unwrap_or_else(PoisonError::into_inner).push(Arc::downgrade(&watcher));
        // Changes are announced before they are acknowledged: from now on there is nothing left to prove, ever.
        watcher.0.proven(Ticks::NEVER_STALE);
        Ok(Watch::new(watcher))
    }
}

#[cfg(test)]
mod tests;
