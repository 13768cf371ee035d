//! Keeps a read out of the cache if a change was announced while the read was under way.
//!
//! A fill starts [before its read is sent](FillGuard::before_read) and ends [after the answer
//! came](FillGuard::keep_if_unchanged). A change that is announced in between may or may not be in the answer, so the
//! answer is not kept. Each of a fixed number of stripes of keys has a counter: it says that *some* key of the stripe
//! changed, and a false alarm costs one more read. Each stripe of tenants has a generation in the same way: when it
//! moves, all entries of those tenants are void.

use super::primitives::{AtomicU64, Mutex, MutexGuard, Ordering, PoisonError, STRIPES};

/// A counter for each stripe of keys, and a generation for each stripe of tenants.
pub(crate) struct FillGuard {
    stripes: Vec<Mutex<u64>>,
    generations: Vec<AtomicU64>,
}

/// The counters at the time when a read was sent.
#[derive(Clone, Copy)]
pub(crate) struct PendingFill {
    stripe: usize,
    counter: u64,
    tenant: u64,
    generation: u64,
}

impl FillGuard {
    pub(crate) fn new() -> Self {
        Self {
            stripes: (0..STRIPES).map(|_| Mutex::new(0)).collect(),
            generations: (0..STRIPES).map(|_| AtomicU64::new(0)).collect(),
        }
    }

    /// The current generation of the tenant with this hash. An entry of another generation must not be served.
    pub(crate) fn generation(&self, tenant: u64) -> u64 {
        self.generations.get(stripe_of(tenant)).map_or(0, |generation| generation.load(Ordering::Acquire))
    }

    /// Call this before the read is sent, with the hashes of the key and of its tenant.
    pub(crate) fn before_read(&self, hash: u64, tenant: u64) -> PendingFill {
        let generation = self.generation(tenant);
        let stripe = stripe_of(hash);
        let counter = self.lock(stripe).map_or(0, |counter| *counter);
        PendingFill { stripe, counter, tenant, generation }
    }

    /// Call this with the answer: runs `keep` with the generation of the entry, unless a change was announced since.
    pub(crate) fn keep_if_unchanged(&self, begun: PendingFill, keep: impl FnOnce(u64)) {
        let Some(counter) = self.lock(begun.stripe) else { return };
        if *counter == begun.counter && self.generation(begun.tenant) == begun.generation {
            // Under the lock, so that no change can come between the comparison and the insertion. A clear can: it
            // moves the generation first, and an entry of the old generation is never served.
            keep(begun.generation);
        }
    }

    /// Call this with what this process has written, if it began before it was sent: runs `keep` with the generation
    /// of the entry, unless another change was announced since, and else `forget`. No read that is under way is kept,
    /// for it may have been sent before the write.
    pub(crate) fn keep_written(&self, begun: PendingFill, keep: impl FnOnce(u64), forget: impl FnOnce()) {
        let Some(mut counter) = self.lock(begun.stripe) else { return };
        let is_last = *counter == begun.counter && self.generation(begun.tenant) == begun.generation;
        *counter = counter.wrapping_add(1);
        if is_last {
            keep(begun.generation);
        } else {
            forget();
        }
    }

    /// Announces a change of one key; `forget` removes the old value.
    pub(crate) fn invalidate(&self, hash: u64, forget: impl FnOnce()) {
        if let Some(mut counter) = self.lock(stripe_of(hash)) {
            *counter = counter.wrapping_add(1);
            forget();
        }
    }

    /// Announces that any key of a tenant may have changed.
    pub(crate) fn invalidate_tenant(&self, tenant: u64) {
        if let Some(generation) = self.generations.get(stripe_of(tenant)) {
            generation.fetch_add(1, Ordering::AcqRel);
        }
    }

    /// Announces that any key may have changed.
    pub(crate) fn invalidate_all(&self) {
        for generation in &self.generations {
            generation.fetch_add(1, Ordering::AcqRel);
        }
    }

    fn lock(&self, stripe: usize) -> Option<MutexGuard<'_, u64>> {
        self.stripes.get(stripe).map(|counter| counter.lock().unwrap_or_else(PoisonError::into_inner))
    }
}

#[expect(clippy::cast_possible_truncation, reason = "only the low bits choose a stripe")]
const fn stripe_of(hash: u64) -> usize {
    hash as usize % STRIPES
}
