//! A bounded map in front of a store: hits without I/O, misses with one read however many ask.

use std::collections::HashMap;
use std::collections::hash_map::RandomState;
use std::future::Future;
use std::hash::{BuildHasher, Hash};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use moka::sync::Cache;
use tokio::sync::{OnceCell, Semaphore};
use tokio::time::timeout;

use super::fill_guard::FillGuard;
use crate::clock::Ticks;
use crate::store::{StoreError, Stored};

/// The most reads of one shelf that are under way at once; more would only queue in the store.
const MOST_READS: usize = 64;

/// How long a read waits for its turn. After a restart everybody misses at once, and that is soon over; a store that
/// hangs must not gather all requests behind it.
const PATIENCE: Duration = Duration::from_secs(1);

/// Values of one kind, by key.
pub(crate) struct SingleFlightCache<K, V> {
    entries: Cache<K, Entry<V>, RandomState>,
    hasher: RandomState,
    fills: FillGuard,
    flights: Mutex<HashMap<K, Arc<InFlightRead<V>>>>,
    reads: Semaphore,
}

#[derive(Clone)]
struct Entry<V> {
    generation: u64,
    value: V,
}

/// A read that is under way, and when it was sent.
struct InFlightRead<V> {
    sent: Ticks,
    answer: OnceCell<Stored<V>>,
}

impl<K, V> SingleFlightCache<K, V>
where
    K: Clone + Eq + Hash + Send + Sync + 'static,
    V: Clone + Send + Sync + 'static,
{
    pub(crate) fn new(capacity: u64) -> Self {
        let hasher = RandomState::new();
        Self {
            entries: Cache::builder().max_capacity(capacity).build_with_hasher(hasher.clone()),
            hasher,
            fills: FillGuard::new(),
            flights: Mutex::new(HashMap::new()),
            reads: Semaphore::new(MOST_READS),
        }
    }

    /// What is remembered of `key`.
    pub(crate) fn hit(&self, key: &K) -> Option<V> {
        let entry = self.entries.get(key)?;
        (entry.generation == self.fills.generation()).then_some(entry.value)
    }

    /// `key` has changed.
    pub(crate) fn forget(&self, key: &K) {
        self.fills.changed(self.hasher.hash_one(key), || self.entries.invalidate(key));
        // A read that is under way may have been sent before the change: nobody joins it from now on.
        self.flights().remove(key);
    }

    /// Anything may have changed.
    pub(crate) fn forget_everything(&self) {
        self.fills.everything_changed();
        self.entries.invalidate_all();
        self.flights().clear();
    }

    /// Reads `key`, or joins a read of it that was sent less than `join` ago, and remembers the answer if `keep`.
    pub(crate) async fn read<F>(&self, key: &K, now: Ticks, join: Duration, keep: bool, read: F) -> Stored<V>
    where
        F: Future<Output = Stored<V>> + Send,
    {
        let flight = self.flight(key, now, join);
        let _landing = InFlightGuard { shelf: self, key, flight: &flight };
        flight.answer.get_or_init(|| self.fetch(key, keep, read)).await.clone()
    }

    async fn fetch(&self, key: &K, keep: bool, read: impl Future<Output = Stored<V>> + Send) -> Stored<V> {
        let Ok(Ok(_turn)) = timeout(PATIENCE, self.reads.acquire()).await else {
            return Err(StoreError::Overloaded);
        };
        let begun = self.fills.begin(self.hasher.hash_one(key));
        let value = read.await?;
        if keep {
            self.fills.end(begun, |generation| {
                self.entries.insert(key.clone(), Entry { generation, value: value.clone() });
            });
        }
        Ok(value)
    }

    fn flight(&self, key: &K, now: Ticks, join: Duration) -> Arc<InFlightRead<V>> {
        let mut flights = self.flights();
        match flights.get(key) {
            Some(flight) if now.since(flight.sent) < join => flight.clone(),
            _ => {
                let flight = Arc::new(InFlightRead { sent: now, answer: OnceCell::new() });
                flights.insert(key.clone(), flight.clone());
                flight
            }
        }
    }

    fn flights(&self) -> MutexGuard<'_, HashMap<K, Arc<InFlightRead<V>>>> {
        self.flights.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// Takes a flight off the board when the first of those who wait for it leaves, be it with the answer or because it
/// gave up: those who come later must not join a read that may have been answered long ago.
struct InFlightGuard<'a, K, V>
where
    K: Clone + Eq + Hash + Send + Sync + 'static,
    V: Clone + Send + Sync + 'static,
{
    shelf: &'a SingleFlightCache<K, V>,
    key: &'a K,
    flight: &'a Arc<InFlightRead<V>>,
}

impl<K, V> Drop for InFlightGuard<'_, K, V>
where
    K: Clone + Eq + Hash + Send + Sync + 'static,
    V: Clone + Send + Sync + 'static,
{
    fn drop(&mut self) {
        let mut flights = self.shelf.flights();
        if flights.get(self.key).is_some_and(|flight| Arc::ptr_eq(flight, self.flight)) {
            flights.remove(self.key);
        }
    }
}
