//! The time that is left for an answer, whatever it is spent on.

use std::sync::Arc;
use std::time::Duration;

use portcullis_core::clock::{Clock, Ticks};

/// How long a verb, or the opening of a connection, may take in all.
pub(super) struct OverallDeadline {
    clock: Arc<dyn Clock>,
    begun: Ticks,
    within: Duration,
}

impl OverallDeadline {
    /// From now on.
    pub(super) fn new(clock: &Arc<dyn Clock>, within: Duration) -> Self {
        Self { clock: clock.clone(), begun: clock.ticks(), within }
    }

    /// What is left of it.
    pub(super) fn left(&self) -> Duration {
        self.within.saturating_sub(self.clock.ticks().since(self.begun))
    }
}
