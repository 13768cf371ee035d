//! When records may be forgotten: by the second, so that no walk through all of them is needed.

use std::collections::BTreeMap;

use portcullis_core::clock::Ticks;

/// Keys of records, by the second after which they may be forgotten.
pub(super) struct RecordExpiries<K>(BTreeMap<u64, Vec<K>>);

impl<K> Default for RecordExpiries<K> {
    fn default() -> Self {
        Self(BTreeMap::new())
    }
}

impl<K> RecordExpiries<K> {
    pub(super) fn add(&mut self, key: K, end: Ticks) {
        self.0.entry(second(end).saturating_add(1)).or_default().push(key);
    }

    /// How many keys there are.
    #[cfg(test)]
    pub(super) fn len(&self) -> usize {
        self.0.values().map(Vec::len).sum()
    }

    /// Takes out the keys whose time is over. A record may have been given a later end since: the caller looks.
    pub(super) fn due(&mut self, now: Ticks) -> Vec<K> {
        let later = self.0.split_off(&second(now).saturating_add(1));
        std::mem::replace(&mut self.0, later).into_values().flatten().collect()
    }
}

fn second(ticks: Ticks) -> u64 {
    ticks.as_micros() / 1_000_000
}
