//! What the requests about one thing share while there are any, such as a mutex: kept by key, and forgotten with the
//! last of them.

use std::collections::HashMap;
use std::hash::Hash;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

/// Values by key. A value is kept only while it is held.
pub(super) struct SharedByKey<K: Eq + Hash, T> {
    values: Mutex<HashMap<K, SharedValue<T>>>,
}

struct SharedValue<T> {
    holders: usize,
    value: Arc<T>,
}

/// Holds the value of a key, until it is dropped.
pub(super) struct HeldByKey<'a, K: Eq + Hash, T> {
    all: &'a SharedByKey<K, T>,
    key: K,
    pub(super) value: Arc<T>,
}

impl<K: Eq + Hash, T> Default for SharedByKey<K, T> {
    fn default() -> Self {
        Self { values: Mutex::default() }
    }
}

impl<K: Clone + Eq + Hash, T: Default> SharedByKey<K, T> {
    /// The value of a key: that of the others who hold it, else a new one.
    pub(super) fn hold(&self, key: &K) -> HeldByKey<'_, K, T> {
        let mut values = self.values();
        let new = || SharedValue { holders: 0, value: Arc::default() };
        let shared = values.entry(key.clone()).or_insert_with(new);
        shared.holders += 1;
        HeldByKey { all: self, key: key.clone(), value: shared.value.clone() }
    }
}

impl<K: Eq + Hash, T> SharedByKey<K, T> {
    /// The value of a key; `None` if it is not held.
    pub(super) fn find(&self, key: &K) -> Option<Arc<T>> {
        self.values().get(key).map(|shared| shared.value.clone())
    }

    fn values(&self) -> MutexGuard<'_, HashMap<K, SharedValue<T>>> {
        self.values.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl<K: Eq + Hash, T> Drop for HeldByKey<'_, K, T> {
    fn drop(&mut self) {
        let mut values = self.all.values();
        let Some(shared) = values.get_mut(&self.key) else { return };
        shared.holders -= 1;
        if shared.holders == 0 {
            values.remove(&self.key);
        }
    }
}

#[cfg(test)]
mod tests {
    use std::thread;

    use super::*;

    #[test]
    fn a_value_is_shared_while_it_is_held_and_forgotten_with_its_last_holder() {
        let all = SharedByKey::<u8, Mutex<u8>>::default();
        let (one, other) = (all.hold(&7), all.hold(&7));
        *one.value.lock().unwrap() = 9;
        drop(one);
        assert_eq!(*other.value.lock().unwrap(), 9);
        assert!(all.find(&7).is_some() && all.find(&8).is_none());
        drop(other);
        assert!(all.find(&7).is_none());
        assert_eq!(*all.hold(&7).value.lock().unwrap(), 0);
    }

    #[test]
    fn a_key_is_forgotten_though_many_let_go_at_once() {
        let all = SharedByKey::<u8, ()>::default();
        thread::scope(|scope| {
            for _ in 0..8 {
                scope.spawn(|| (0..1_000).for_each(|_| drop(all.hold(&7))));
            }
        });
        assert_eq!(all.values().len(), 0);
    }
}
