//! The time of an answer that must not tell what was found.
//!
//! The steps are the same for every user, but a store does not take the same time for a row that exists and one that
//! does not. So such an answer comes a fixed time after the request, longer than the steps take. The time of the
//! password hash is added: it is the same for every user.

use std::future::Future;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use tokio::time::sleep;

use crate::clock::{Clock, Ticks};

/// How long everything but the hash takes, as a client sees it.
pub(super) const ALL_BUT_HASHING: Duration = Duration::from_millis(25);

/// The delay of one answer.
pub(super) struct UniformDelay {
    clock: Arc<dyn Clock>,
    measured: Mutex<Measured>,
}

struct Measured {
    begun: Ticks,
    hashing: Duration,
    owed: Duration,
}

impl Measured {
    const fn from(begun: Ticks) -> Self {
        Self { begun, hashing: Duration::ZERO, owed: Duration::ZERO }
    }
}

impl UniformDelay {
    /// Begins now.
    pub(super) fn begin(clock: &Arc<dyn Clock>) -> Self {
        Self { clock: clock.clone(), measured: Mutex::new(Measured::from(clock.ticks())) }
    }

    /// Begins again, because what went before takes the same time for every user.
    pub(super) fn restart(&self) {
        *self.measured() = Measured::from(self.clock.ticks());
    }

    /// Waits for a password hash. It takes the same time for every user.
    pub(super) async fn hashing<T>(&self, work: impl Future<Output = T>) -> T {
        let begun = self.clock.ticks();
        let done = work.await;
        self.measured().hashing += self.clock.ticks().since(begun);
        done
    }

    /// Adds the time of a password hash that is not made, because the answer is known without it.
    pub(super) fn owe(&self, hash: Duration) {
        self.measured().owed += hash;
    }

    /// Waits until the answer may be given.
    pub(super) async fn kept(&self) {
        sleep(self.rest()).await;
    }

    /// What everything but the hash has not taken yet, and the hashes that were not made.
    fn rest(&self) -> Duration {
        let Measured { begun, hashing, owed } = *self.measured();
        let steps = self.clock.ticks().since(begun).saturating_sub(hashing);
        (ALL_BUT_HASHING + owed).saturating_sub(steps)
    }

    fn measured(&self) -> MutexGuard<'_, Measured> {
        self.measured.lock().unwrap_or_else(PoisonError::into_inner)
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

    // ASVS-map: AU2
    #[tokio::test(start_paused = true)]
    async fn a_delay_that_begins_again_counts_only_what_comes_after() {
        let begun = Instant::now();
        let clock: Arc<dyn Clock> = Arc::new(Timers(begun));
        let delay = UniformDelay::begin(&clock);
        delay.hashing(sleep(Duration::from_millis(5))).await;
        sleep(Duration::from_millis(15)).await;
        delay.restart();
        delay.kept().await;
        assert_eq!(begun.elapsed(), Duration::from_millis(20) + ALL_BUT_HASHING);
    }

    // ASVS-map: AU2
    #[tokio::test(start_paused = true)]
    async fn an_answer_without_a_hash_takes_as_long_as_one_with_it() {
        let (line, hash) = (Duration::from_millis(30), Duration::from_millis(40));
        for steps in [0, 2, 8, 24].map(Duration::from_millis) {
            let begun = Instant::now();
            let clock: Arc<dyn Clock> = Arc::new(Timers(begun));
            let delay = UniformDelay::begin(&clock);
            delay.hashing(sleep(line)).await;
            delay.owe(hash);
            sleep(steps).await;
            delay.kept().await;
            assert_eq!(begun.elapsed(), taken(steps, line + hash).await, "{steps:?} of steps");
        }
    }

    #[tokio::test(start_paused = true)]
    async fn an_answer_that_is_late_waits_no_longer() {
        let late = Duration::from_millis(300);
        assert_eq!(taken(late, Duration::ZERO).await, late);
    }
}
