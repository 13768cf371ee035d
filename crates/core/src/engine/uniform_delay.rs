//! The time of an answer that must not tell what was found.
//!
//! The steps are the same for every user, but a store does not take the same time for a row that exists and one that
//! does not. So such an answer comes a fixed time after the request, longer than the steps take. The time of the
//! password hash is added: it is the same for every user.

use std::future::Future;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use tokio::time::sleep;

use crate::clock::{Clock, Ticks};

/// How long everything but the hash takes, as a client sees it.
pub(super) const ALL_BUT_HASHING: Duration = Duration::from_millis(25);

/// The delay of one answer.
pub(super) struct UniformDelay {
    clock: Arc<dyn Clock>,
    begun: Ticks,
    hashing: Mutex<Duration>,
}

impl UniformDelay {
    /// Begins with the request.
    pub(super) fn begin(clock: &Arc<dyn Clock>) -> Self {
        Self { clock: clock.clone(), begun: clock.ticks(), hashing: Mutex::default() }
    }

    /// Waits for a password hash. It takes the same time for every user.
    pub(super) async fn hashing<T>(&self, work: impl Future<Output = T>) -> T {
        let begun = self.clock.ticks();
        let done = work.await;
        *self.hashing.lock().unwrap_or_else(PoisonError::into_inner) += self.clock.ticks().since(begun);
        done
    }

    /// Waits until the answer may be given.
    pub(super) async fn kept(&self) {
        let hashing = *self.hashing.lock().unwrap_or_else(PoisonError::into_inner);
        let steps = self.clock.ticks().since(self.begun).saturating_sub(hashing);
        sleep(ALL_BUT_HASHING.saturating_sub(steps)).await;
    }
}

#[cfg(test)]
mod tests {
    use tokio::time::Instant;

    use super::*;
    use crate::clock::Timestamp;

    /// Goes with the timers.
    struct Timers(Instant);

    impl Clock for Timers {
        fn now(&self) -> Timestamp {
            Timestamp::from_seconds(0)
        }

        fn ticks(&self) -> Ticks {
            Ticks::new(self.0.elapsed())
        }
    }

    /// How long an answer takes after these steps and this hash.
    async fn taken(steps: Duration, hash: Duration) -> Duration {
        let begun = Instant::now();
        let clock: Arc<dyn Clock> = Arc::new(Timers(begun));
        let pace = UniformDelay::begin(&clock);
        sleep(steps / 2).await;
        pace.hashing(sleep(hash)).await;
        sleep(steps / 2).await;
        pace.kept().await;
        begun.elapsed()
    }

    // ASVS-map: AU2
    #[tokio::test(start_paused = true)]
    async fn an_answer_takes_as_long_whatever_its_steps_took() {
        let hash = Duration::from_millis(40);
        for steps in [0, 2, 8, 24].map(Duration::from_millis) {
            assert_eq!(taken(steps, hash).await, ALL_BUT_HASHING + hash, "{steps:?} of steps");
        }
    }

    #[tokio::test(start_paused = true)]
    async fn an_answer_that_is_late_waits_no_longer() {
        let late = Duration::from_millis(300);
        assert_eq!(taken(late, Duration::ZERO).await, late);
    }
}
