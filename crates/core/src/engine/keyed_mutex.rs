//! A mutex for each key: of many requests for one thing, one does the costly part, and the others wait for it.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use tokio::sync::OwnedMutexGuard;

use crate::id::TenantId;

type Key = (TenantId, String);

/// Mutexes by key. A key is kept only while a guard for it exists or is waited for.
#[derive(Default)]
pub(super) struct KeyedMutex {
    queues: Mutex<HashMap<Key, Arc<tokio::sync::Mutex<()>>>>,
}

/// Holds the mutex of one key until it is dropped.
pub(super) struct KeyedMutexGuard<'a> {
    turns: &'a KeyedMutex,
    key: Key,
    held: Option<OwnedMutexGuard<()>>,
}

impl KeyedMutex {
    /// Locks `subject` in `tenant`.
    pub(super) async fn take(&self, tenant: &TenantId, subject: &str) -> KeyedMutexGuard<'_> {
        let key = (tenant.clone(), subject.to_owned());
        let queue = self.queues().entry(key.clone()).or_default().clone();
        let mut turn = KeyedMutexGuard { turns: self, key, held: None };
        turn.held = Some(queue.lock_owned().await);
        turn
    }

    fn queues(&self) -> MutexGuard<'_, HashMap<Key, Arc<tokio::sync::Mutex<()>>>> {
        self.queues.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Drop for KeyedMutexGuard<'_> {
    fn drop(&mut self) {
        self.held = None;
        let mut queues = self.turns.queues();
        // No task can join between the count and the removal: joining takes the same lock.
        if queues.get(&self.key).is_some_and(|queue| Arc::strong_count(queue) == 1) {
            queues.remove(&self.key);
        }
    }
}
