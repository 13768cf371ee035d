//! How often a view answered from memory, and how often it had to ask the store.

use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

/// The look-ups of one kind of record since the start, and what is in memory now.
#[derive(Clone, Copy, PartialEq, Eq, Default, Debug)]
pub struct LookUpCounts {
    /// Answered from memory.
    pub hits: u64,
    /// Read from the store, because the record was not in memory.
    pub misses: u64,
    /// Read from the store, because the feed had not proven for too long that memory misses nothing.
    pub bypasses: u64,
    /// Records in memory.
    pub entries: u64,
}

/// The state of one view.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct ViewState {
    /// How long ago it was proven that the view misses nothing.
    pub staleness: Duration,
    /// Look-ups of sessions.
    pub sessions: LookUpCounts,
    /// Look-ups of users.
    pub users: LookUpCounts,
}

/// Counts look-ups.
#[derive(Default)]
pub(super) struct LookUpCounter {
    hits: AtomicU64,
    misses: AtomicU64,
    bypasses: AtomicU64,
}

impl LookUpCounter {
    pub(super) fn hit(&self) {
        self.hits.fetch_add(1, Ordering::Relaxed);
    }

    /// A read from the store; the view was `fresh` or not.
    pub(super) fn read(&self, fresh: bool) {
        let counter = if fresh { &self.misses } else { &self.bypasses };
        counter.fetch_add(1, Ordering::Relaxed);
    }

    pub(super) fn with_entries(&self, entries: usize) -> LookUpCounts {
        let count = |counter: &AtomicU64| counter.load(Ordering::Relaxed);
        let (hits, misses, bypasses) = (count(&self.hits), count(&self.misses), count(&self.bypasses));
        LookUpCounts { hits, misses, bypasses, entries: entries as u64 }
    }
}
