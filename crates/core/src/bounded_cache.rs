//! Caches of a limited number of entries. What does not fit displaces what was used least.

use std::collections::hash_map::RandomState;
use std::hash::Hash;

use quick_cache::UnitWeighter;
use quick_cache::sync::{Cache, DefaultLifecycle};

/// A cache whose hasher has random keys: a client can choose what is looked up, and must not choose where it lies.
pub(crate) type BoundedCache<K, V> = Cache<K, V, UnitWeighter, RandomState>;

/// An empty cache of at most so many entries.
pub(crate) fn bounded_cache<K, V>(capacity: u64) -> BoundedCache<K, V>
where
    K: Eq + Hash,
    V: Clone,
{
    bounded_cache_with(capacity, RandomState::new())
}

/// The same with this hasher, for a caller who needs the hashes of keys too.
pub(crate) fn bounded_cache_with<K, V>(capacity: u64, hasher: RandomState) -> BoundedCache<K, V>
where
    K: Eq + Hash,
    V: Clone,
{
    let estimated = usize::try_from(capacity).unwrap_or(usize::MAX);
    Cache::with(estimated, capacity, UnitWeighter, hasher, DefaultLifecycle::default())
}
