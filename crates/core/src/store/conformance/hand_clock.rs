//! A clock for tests.

use std::sync::atomic::{AtomicI64, AtomicU64, Ordering};
use std::time::Duration;

use crate::clock::{Clock, Ticks, Timestamp};
use crate::machine::SystemClock;

/// A clock whose wall time a test moves. Its ticks are the machine's, because feeds give proofs by those, until a test
/// sets them too.
#[derive(Debug)]
pub struct HandClock {
    now: AtomicI64,
    ticks: AtomicU64,
}

impl HandClock {
    /// A clock that shows `now`.
    #[must_use]
    pub const fn showing(now: Timestamp) -> Self {
        Self { now: AtomicI64::new(now.as_millis()), ticks: AtomicU64::new(0) }
    }

    /// Sets the wall time, forward or back.
    pub fn set(&self, now: Timestamp) {
        self.now.store(now.as_millis(), Ordering::SeqCst);
    }

    /// Moves the wall time forward.
    pub fn pass(&self, span: Duration) {
        self.set(self.now().plus(span));
    }

    /// Stops the ticks at this reading.
    pub fn tick_to(&self, reading: Duration) {
        self.ticks.store(Ticks::new(reading).as_micros(), Ordering::SeqCst);
    }
}

impl Clock for HandClock {
    fn now(&self) -> Timestamp {
        Timestamp::from_millis(self.now.load(Ordering::SeqCst))
    }

    fn ticks(&self) -> Ticks {
        match self.ticks.load(Ordering::SeqCst) {
            0 => SystemClock.ticks(),
            by_hand => Ticks::from_micros(by_hand),
        }
    }
}
