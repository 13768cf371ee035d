//! The rule by which a read may be remembered: only if nothing it depends on was announced as changed meanwhile.
//!
//! A fill [begins](Fills::begin) before its read is sent and [ends](Fills::end) after the answer came. Between the two a
//! change may be announced; whether it overtook the read's answer or not cannot be known, so the fill is dropped. A
//! counter for each of a fixed number of stripes says that *something* of the stripe changed: a false alarm costs one
//! more read.

use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Mutex, MutexGuard, PoisonError};

const STRIPES: usize = 1024;

/// The counters.
pub(crate) struct FillGuard {
    stripes: Vec<Mutex<u64>>,
    generation: AtomicU64,
}

/// What the counters stood at when a read was sent.
#[derive(Clone, Copy)]
pub(crate) struct PendingFill {
    stripe: usize,
    counter: u64,
    generation: u64,
}

impl FillGuard {
    pub(crate) fn new() -> Self {
        Self { stripes: (0..STRIPES).map(|_| Mutex::new(0)).collect(), generation: AtomicU64::new(0) }
    }

    /// The generation: what was remembered under another one is worth nothing.
    pub(crate) fn generation(&self) -> u64 {
        self.generation.load(Ordering::Acquire)
    }

    /// To be called before the read is sent.
    pub(crate) fn begin(&self, hash: u64) -> PendingFill {
        let generation = self.generation();
        let stripe = stripe_of(hash);
        let counter = self.lock(stripe).map_or(0, |counter| *counter);
        PendingFill { stripe, counter, generation }
    }

    /// To be called when the answer is there: runs `keep`, with the generation to remember it under, unless a change
    /// was announced in between.
    pub(crate) fn end(&self, begun: PendingFill, keep: impl FnOnce(u64)) {
        let Some(counter) = self.lock(begun.stripe) else { return };
        if *counter == begun.counter && self.generation() == begun.generation {
            // Under the lock, so that no change can be announced between the comparison and the keeping. A clear can: it
            // moves the generation first, and what is kept under the old one is never believed.
            keep(begun.generation);
        }
    }

    /// A change: `forget` is what removes the old value.
    pub(crate) fn changed(&self, hash: u64, forget: impl FnOnce()) {
        if let Some(mut counter) = self.lock(stripe_of(hash)) {
            *counter = counter.wrapping_add(1);
            forget();
        }
    }

    /// Anything may have changed.
    pub(crate) fn everything_changed(&self) {
        self.generation.fetch_add(1, Ordering::AcqRel);
    }

    fn lock(&self, stripe: usize) -> Option<MutexGuard<'_, u64>> {
        self.stripes.get(stripe).map(|counter| counter.lock().unwrap_or_else(PoisonError::into_inner))
    }
}

#[expect(clippy::cast_possible_truncation, reason = "only the low bits choose a stripe")]
const fn stripe_of(hash: u64) -> usize {
    hash as usize % STRIPES
}

#[cfg(test)]
mod tests {
    use super::*;

    fn kept(fills: &FillGuard, begun: PendingFill) -> bool {
        let mut kept = false;
        fills.end(begun, |_| kept = true);
        kept
    }

    #[test]
    fn a_read_with_no_change_beside_it_is_kept() {
        let fills = FillGuard::new();
        let begun = fills.begin(7);
        fills.changed(8, || ());
        assert!(kept(&fills, begun));
    }

    #[test]
    fn a_change_between_question_and_answer_drops_the_answer() {
        let fills = FillGuard::new();
        let begun = fills.begin(7);
        fills.changed(7, || ());
        assert!(!kept(&fills, begun));
        let begun = fills.begin(7);
        fills.everything_changed();
        assert!(!kept(&fills, begun));
    }
}
