//! Whether the stores take writes. A full disk lets reads through.

use std::sync::atomic::{AtomicBool, Ordering};

use crate::store::{StoreError, Stored};

/// What the last write found.
#[derive(Default)]
pub(super) struct WriteHealth {
    is_impaired: AtomicBool,
}

impl WriteHealth {
    /// Notes an outage of the store, or that something was written.
    pub(super) fn note(&self, is_outage: bool, has_written: bool) {
        if is_outage || has_written {
            self.is_impaired.store(is_outage, Ordering::Relaxed);
        }
    }

    /// Notes the answer of a verb that writes. One that found nothing to write proves nothing.
    pub(super) fn note_answer<T>(&self, answer: &Stored<T>, has_written: impl Fn(&T) -> bool) {
        let is_outage = matches!(answer, Err(StoreError::Unavailable { .. }));
        self.note(is_outage, answer.as_ref().is_ok_and(has_written));
    }

    pub(super) fn are_refused(&self) -> bool {
        self.is_impaired.load(Ordering::Relaxed)
    }
}
