//! What the fill protocol is made of here: at each use of a lock, a counter or the map, the scheduler decides which
//! thread goes on.

use std::collections::HashMap;
use std::hash::{BuildHasherDefault, DefaultHasher, Hash};

pub(crate) use shuttle::sync::atomic::{AtomicU64, Ordering};
pub(crate) use shuttle::sync::{Mutex, MutexGuard, PoisonError};

/// Without random keys: a schedule that failed fails again.
pub(crate) type RandomState = BuildHasherDefault<DefaultHasher>;

/// Two, so that a walk over all of them can be interrupted.
pub(crate) const STRIPES: usize = 2;

pub(crate) struct BoundedCache<K, V>(Mutex<HashMap<K, V>>);

/// A map that never has to drop anything: a protocol that fails is found sooner.
pub(crate) fn bounded_cache_with<K, V>(_capacity: u64, _hasher: RandomState) -> BoundedCache<K, V> {
    BoundedCache(Mutex::new(HashMap::new()))
}

impl<K: Eq + Hash, V: Clone> BoundedCache<K, V> {
    pub(crate) fn get(&self, key: &K) -> Option<V> {
        self.entries().get(key).cloned()
    }

    pub(crate) fn len(&self) -> usize {
        self.entries().len()
    }

    pub(crate) fn insert(&self, key: K, value: V) {
        self.entries().insert(key, value);
    }

    pub(crate) fn remove(&self, key: &K) -> Option<V> {
        self.entries().remove(key)
    }

    pub(crate) fn clear(&self) {
        self.entries().clear();
    }

    fn entries(&self) -> MutexGuard<'_, HashMap<K, V>> {
        self.0.lock().unwrap()
    }
}
