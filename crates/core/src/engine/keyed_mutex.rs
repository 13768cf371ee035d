//! A mutex for each key: of many requests for one thing, one does the costly part, and the others wait for it.

use tokio::sync::{Mutex, OwnedMutexGuard};

use super::shared_by_key::{HeldByKey, SharedByKey};
use crate::id::TenantId;

type Key = (TenantId, String);

/// Mutexes by key.
#[derive(Default)]
pub(super) struct KeyedMutex(SharedByKey<Key, Mutex<()>>);

/// Holds the mutex of one key until it is dropped.
pub(super) struct KeyedMutexGuard<'a> {
    _locked: OwnedMutexGuard<()>,
    _mutex: HeldByKey<'a, Key, Mutex<()>>,
}

impl KeyedMutex {
    /// Locks `subject` in `tenant`.
    pub(super) async fn take(&self, tenant: &TenantId, subject: &str) -> KeyedMutexGuard<'_> {
        let mutex = self.0.hold(&(tenant.clone(), subject.to_owned()));
        KeyedMutexGuard { _locked: mutex.value.clone().lock_owned().await, _mutex: mutex }
    }
}
