//! Whether the stores take writes. A full disk lets reads through.

use std::sync::atomic::{AtomicBool, Ordering};

use super::EngineCore;
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

    pub(super) fn are_refused(&self) -> bool {
        self.is_impaired.load(Ordering::Relaxed)
    }
}

impl EngineCore {
    /// Notes the answer of a verb that writes. One that found nothing to write proves nothing, and a store that does
    /// not answer reads either is away as a whole.
    pub(super) async fn note_answer<T>(&self, answer: &Stored<T>, has_written: impl Fn(&T) -> bool) {
        let is_outage = matches!(answer, Err(StoreError::Unavailable { .. })) && self.ping().await.is_ok();
        self.writes.note(is_outage, answer.as_ref().is_ok_and(has_written));
    }
}
