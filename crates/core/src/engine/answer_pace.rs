//! When verifiers are answered: those that wait for the same news together, and no more often than a quarter of a core
//! allows.

use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use tokio::time::sleep;

use crate::clock::{Clock, Ticks};

/// The least pause from one batch of answers with records to the next.
const LEAST_PAUSE: Duration = Duration::from_millis(10);
/// The longest: a verifier must not grow stale of it.
const LONGEST_PAUSE: Duration = Duration::from_millis(250);
/// How much longer the pause is for each poll that is under way. An answer costs about a quarter of that.
const PAUSE_FOR_EACH: Duration = Duration::from_micros(160);
/// How long a batch takes polls in at least.
const LEAST_OPEN: Duration = Duration::from_millis(5);

/// The pace of one node.
pub(super) struct AnswerPace {
    clock: Arc<dyn Clock>,
    /// When the last batch began.
    batch: Mutex<Option<Ticks>>,
}

impl AnswerPace {
    pub(super) fn new(clock: Arc<dyn Clock>) -> Self {
        Self { clock, batch: Mutex::default() }
    }

    /// Waits until an answer with records is due, while so many polls are under way.
    pub(super) async fn turn(&self, polls: usize) {
        let polls = u32::try_from(polls).unwrap_or(u32::MAX);
        let pause = PAUSE_FOR_EACH.saturating_mul(polls).clamp(LEAST_PAUSE, LONGEST_PAUSE);
        while let Some(wait) = self.not_due_for(pause) {
            sleep(wait).await;
        }
    }

    /// How long no answer is due; `None` if one is. A batch is open for a quarter of the pause.
    fn not_due_for(&self, pause: Duration) -> Option<Duration> {
        let now = self.clock.ticks();
        let mut batch = self.batch.lock().unwrap_or_else(PoisonError::into_inner);
        match batch.map(|begun| now.since(begun)) {
            Some(passed) if passed < LEAST_OPEN.max(pause / 4) => None,
            Some(passed) if passed < pause => Some(pause.saturating_sub(passed)),
            _ => {
                *batch = Some(now);
                None
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::clock::Timestamp;
    use crate::store::conformance::fixture::HandClock;

    #[test]
    fn a_batch_takes_in_who_comes_at_once_and_the_next_one_keeps_its_distance() {
        let clock = Arc::new(HandClock::showing(Timestamp::from_millis(0)));
        let pace = AnswerPace::new(clock.clone());
        let at = |millis: u64| {
            clock.tick_to(Duration::from_millis(1000 + millis));
            pace.not_due_for(Duration::from_millis(160))
        };
        assert_eq!((at(0), at(39)), (None, None));
        assert_eq!((at(40), at(159)), (Some(Duration::from_millis(120)), Some(Duration::from_millis(1))));
        assert_eq!((at(160), at(170)), (None, None));
        assert_eq!(at(230), Some(Duration::from_millis(90)));
    }
}
