//! A bounded cache in front of a store: a hit does no I/O, and all requests that miss one key share one read.

use std::collections::HashMap;
use std::future::Future;
use std::hash::{BuildHasher, Hash};
use std::sync::Arc;
use std::time::Duration;

use tokio::sync::{OnceCell, Semaphore, SemaphorePermit};
use tokio::time::timeout;

use super::fill_guard::{FillGuard, PendingFill};
use super::primitives::{BoundedCache, Mutex, MutexGuard, PoisonError, RandomState, bounded_cache_with};
use crate::clock::Ticks;
use crate::id::{SessionKey, TenantId, UserKey};
use crate::store::{CookieKey, StoreError, Stored};

/// The most reads of one cache that are under way at once; more would only queue in the store.
const MOST_READS: usize = 64;

/// How long a read waits for its turn. After a restart all requests miss at once, which is soon over; a store that
/// hangs must not hold up all requests.
const TURN_TIMEOUT: Duration = Duration::from_secs(1);

/// A key of something that belongs to a tenant.
pub(crate) trait TenantOwned: Clone + Eq + Hash + Send + Sync + 'static {
    /// The tenant.
    fn owner(&self) -> &TenantId;
}

impl TenantOwned for SessionKey {
    fn owner(&self) -> &TenantId {
        &self.tenant
    }
}

impl TenantOwned for UserKey {
    fn owner(&self) -> &TenantId {
        &self.tenant
    }
}

impl TenantOwned for CookieKey {
    fn owner(&self) -> &TenantId {
        &self.tenant
    }
}

impl TenantOwned for TenantId {
    fn owner(&self) -> &TenantId {
        self
    }
}

/// Cached values of one kind, by key.
pub(crate) struct SingleFlightCache<K, V> {
    entries: BoundedCache<K, Entry<V>>,
    hasher: RandomState,
    guard: FillGuard,
    in_flight: Mutex<HashMap<K, Arc<InFlightRead<V>>>>,
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
    K: TenantOwned,
    V: Clone + Send + Sync + 'static,
{
    pub(crate) fn new(capacity: u64) -> Self {
        let hasher = RandomState::new();
        Self {
            entries: bounded_cache_with(capacity, hasher.clone()),
            hasher,
            guard: FillGuard::new(),
            in_flight: Mutex::new(HashMap::new()),
            reads: Semaphore::new(MOST_READS),
        }
    }

    /// The cached value of `key`.
    pub(crate) fn hit(&self, key: &K) -> Option<V> {
        let entry = self.entries.get(key)?;
        (entry.generation == self.guard.generation(self.owner_hash(key))).then_some(entry.value)
    }

    /// How many values are cached.
    pub(crate) fn len(&self) -> usize {
        self.entries.len()
    }

    /// Forgets the value of `key`, which has changed.
    pub(crate) fn forget(&self, key: &K) {
        self.guard.invalidate(self.hasher.hash_one(key), || drop(self.entries.remove(key)));
        // A read that is under way may have been sent before the change: no request may join it from now on.
        self.in_flight().remove(key);
    }

    /// Forgets the value of `key` when it is dropped, unless it is disarmed.
    pub(crate) const fn forgetting<'a>(&'a self, key: &'a K) -> Forgetting<'a, K, V> {
        Forgetting { cache: Some(self), key }
    }

    /// Call this before a write is sent, and [`Self::keep_written`] with what it has written.
    pub(crate) fn before_write(&self, key: &K) -> PendingFill {
        self.guard.before_read(self.hasher.hash_one(key), self.owner_hash(key))
    }

    /// Caches what this process has written, unless another change was announced meanwhile: then it forgets the value.
    pub(crate) fn keep_written(&self, key: &K, begun: PendingFill, value: V) {
        let keep = |generation| self.entries.insert(key.clone(), Entry { generation, value });
        self.guard.keep_written(begun, keep, || drop(self.entries.remove(key)));
        self.in_flight().remove(key);
    }

    /// Forgets all values of a tenant: any of them may have changed.
    pub(crate) fn forget_tenant(&self, tenant: &TenantId) {
        self.guard.invalidate_tenant(self.hasher.hash_one(tenant));
        self.in_flight().retain(|key, _| key.owner() != tenant);
    }

    /// Forgets all values: any of them may have changed.
    pub(crate) fn forget_everything(&self) {
        self.guard.invalidate_all();
        self.entries.clear();
        self.in_flight().clear();
    }

    /// Reads `key`, or joins a read of it that was sent less than `join` ago. Caches the answer if `keep` is true.
    pub(crate) async fn read<F>(&self, key: &K, now: Ticks, join: Duration, keep: bool, read: F) -> Stored<V>
    where
        F: Future<Output = Stored<V>> + Send,
    {
        let shared = self.join_or_start(key, now, join);
        let _guard = InFlightGuard { cache: self, key, read: &shared };
        shared.answer.get_or_init(|| self.fetch(key, keep, read)).await.clone()
    }

    /// Waits for a turn to read.
    pub(crate) async fn turn(&self) -> Stored<SemaphorePermit<'_>> {
        match timeout(TURN_TIMEOUT, self.reads.acquire()).await {
            Ok(Ok(turn)) => Ok(turn),
            _ => Err(StoreError::Overloaded),
        }
    }

    async fn fetch(&self, key: &K, keep: bool, read: impl Future<Output = Stored<V>> + Send) -> Stored<V> {
        let _turn = self.turn().await?;
        let begun = self.guard.before_read(self.hasher.hash_one(key), self.owner_hash(key));
        let value = read.await?;
        if keep {
            self.guard.keep_if_unchanged(begun, |generation| {
                self.entries.insert(key.clone(), Entry { generation, value: value.clone() });
            });
        }
        Ok(value)
    }

    fn join_or_start(&self, key: &K, now: Ticks, join: Duration) -> Arc<InFlightRead<V>> {
        let mut reads = self.in_flight();
        match reads.get(key) {
            Some(read) if now.since(read.sent) < join => read.clone(),
            _ => {
                let read = Arc::new(InFlightRead { sent: now, answer: OnceCell::new() });
                reads.insert(key.clone(), read.clone());
                read
            }
        }
    }

    fn owner_hash(&self, key: &K) -> u64 {
        self.hasher.hash_one(key.owner())
    }

    fn in_flight(&self) -> MutexGuard<'_, HashMap<K, Arc<InFlightRead<V>>>> {
        self.in_flight.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// Forgets a value when it is dropped: what a write that was cut short has done is not known.
pub(crate) struct Forgetting<'a, K, V>
where
    K: TenantOwned,
    V: Clone + Send + Sync + 'static,
{
    cache: Option<&'a SingleFlightCache<K, V>>,
    key: &'a K,
}

impl<K, V> Forgetting<'_, K, V>
where
    K: TenantOwned,
    V: Clone + Send + Sync + 'static,
{
    pub(crate) fn disarm(mut self) {
        self.cache = None;
    }
}

impl<K, V> Drop for Forgetting<'_, K, V>
where
    K: TenantOwned,
    V: Clone + Send + Sync + 'static,
{
    fn drop(&mut self) {
        if let Some(cache) = self.cache {
            cache.forget(self.key);
        }
    }
}

/// Removes a read from the map as soon as the first request that waits for it is answered or gives up. Later requests
/// must not join a read that may have been answered long ago.
struct InFlightGuard<'a, K, V>
where
    K: TenantOwned,
    V: Clone + Send + Sync + 'static,
{
    cache: &'a SingleFlightCache<K, V>,
    key: &'a K,
    read: &'a Arc<InFlightRead<V>>,
}

impl<K, V> Drop for InFlightGuard<'_, K, V>
where
    K: TenantOwned,
    V: Clone + Send + Sync + 'static,
{
    fn drop(&mut self) {
        let mut reads = self.cache.in_flight();
        if reads.get(self.key).is_some_and(|read| Arc::ptr_eq(read, self.read)) {
            reads.remove(self.key);
        }
    }
}
