//! How long the feed waits: for an answer, and before it asks again.
//!
//! A verifier that hurries loads a server that is in trouble already, and thousands do it at the same moment. So pauses
//! grow from fault to fault, and chance spreads them.

use std::time::Duration;

use portcullis_core::random::Random;
use portcullis_core::revocation::wire::LONGEST_WAIT;

use crate::jitter::spread;

/// The first pause after a second fault in a row, and the longest.
const FIRST_PAUSE: Duration = Duration::from_millis(50);
const LONGEST_PAUSE: Duration = Duration::from_secs(2);

/// The first pause before a second snapshot in a row, and the longest.
const FIRST_SNAPSHOT_PAUSE: Duration = Duration::from_secs(1);
const LONGEST_SNAPSHOT_PAUSE: Duration = Duration::from_mins(1);

/// The longest wait for an answer beyond what the poll itself asks the server to wait.
const MOST_PATIENCE: Duration = Duration::from_secs(10);

/// How many answers in a row may prove nothing before that counts as a fault: of nodes that do not know the verifier,
/// and of one that has more. A log has ten answers' worth.
const MOST_UNPROVEN: u32 = 16;

/// How the last polls went.
pub(super) struct PollPace {
    /// The part of `max_staleness` that a poll may cost.
    quarter: Duration,
    faults: u32,
    late: u32,
    unproven: u32,
    snapshots: u32,
}

impl PollPace {
    pub(super) fn new(max_staleness: Duration) -> Self {
        Self { quarter: max_staleness / 4, faults: 0, late: 0, unproven: 0, snapshots: 0 }
    }

    /// How long a poll asks the server to wait. What is stale waits for nothing.
    pub(super) fn wait(&self, is_fresh: bool) -> Duration {
        if is_fresh { self.quarter.min(LONGEST_WAIT) } else { Duration::ZERO }
    }

    /// How long an answer may take beyond that. It grows while answers are late: the way may be a long one.
    pub(super) fn patience(&self) -> Duration {
        doubled(self.quarter.saturating_mul(2), self.late, MOST_PATIENCE)
    }

    /// After a proof: an answer without news that came sooner than it was asked for is not asked for again at once.
    pub(super) fn proven(&mut self, took: Duration, is_empty: bool) -> Duration {
        *self = Self { quarter: self.quarter, faults: 0, late: 0, unproven: 0, snapshots: 0 };
        if is_empty { (self.quarter / 4).saturating_sub(took) } else { Duration::ZERO }
    }

    /// After an answer of a node that does not know the verifier, or has more.
    pub(super) fn unproven(&mut self, random: &dyn Random) -> Duration {
        self.unproven = self.unproven.saturating_add(1);
        if self.unproven > MOST_UNPROVEN { self.fault(false, random) } else { Duration::ZERO }
    }

    /// After a fault. The first one costs no pause: a node that restarts closes its connections.
    pub(super) fn fault(&mut self, was_late: bool, random: &dyn Random) -> Duration {
        self.late = if was_late { self.late.saturating_add(1) } else { self.late };
        let pause = match self.faults {
            0 => Duration::ZERO,
            before => doubled(FIRST_PAUSE, before - 1, LONGEST_PAUSE),
        };
        self.faults = self.faults.saturating_add(1);
        spread(pause, random)
    }

    /// Before a snapshot. The first one after a proof costs no pause.
    pub(super) fn snapshot(&mut self, random: &dyn Random) -> Duration {
        let pause = match self.snapshots {
            0 => Duration::ZERO,
            before => doubled(FIRST_SNAPSHOT_PAUSE, before - 1, LONGEST_SNAPSHOT_PAUSE),
        };
        self.snapshots = self.snapshots.saturating_add(1);
        spread(pause, random)
    }
}

fn doubled(first: Duration, times: u32, longest: Duration) -> Duration {
    first.saturating_mul(1 << times.min(16)).min(longest)
}

#[cfg(test)]
mod tests {
    use portcullis_core::machine::SystemRandom;

    use super::*;

    #[test]
    fn pauses_grow_to_a_limit_and_a_proof_ends_them() {
        let mut pace = PollPace::new(Duration::from_secs(1));
        let pauses: Vec<Duration> = (0..12).map(|_| pace.fault(true, &SystemRandom)).collect();
        assert_eq!(pauses[0], Duration::ZERO);
        assert!(pauses[1] <= FIRST_PAUSE && pauses[11] >= LONGEST_PAUSE / 2 && pauses[11] <= LONGEST_PAUSE);
        assert_eq!(pace.patience(), MOST_PATIENCE);
        pace.proven(Duration::ZERO, false);
        assert_eq!(pace.fault(false, &SystemRandom), Duration::ZERO);
        assert_eq!(pace.patience(), Duration::from_millis(500));
    }

    #[test]
    fn snapshots_in_a_row_are_up_to_a_minute_apart() {
        let mut pace = PollPace::new(Duration::from_secs(1));
        assert_eq!(pace.snapshot(&SystemRandom), Duration::ZERO);
        assert!(pace.snapshot(&SystemRandom) >= FIRST_SNAPSHOT_PAUSE / 2);
        let later = (0..10).map(|_| pace.snapshot(&SystemRandom)).last().unwrap();
        assert!(later >= LONGEST_SNAPSHOT_PAUSE / 2 && later <= LONGEST_SNAPSHOT_PAUSE);
    }

    #[test]
    fn a_node_that_never_knows_the_verifier_is_not_asked_without_a_pause() {
        let mut pace = PollPace::new(Duration::from_secs(1));
        let pauses: Vec<Duration> = (0..40).map(|_| pace.unproven(&SystemRandom)).collect();
        assert!(pauses[..16].iter().all(Duration::is_zero));
        assert!(pauses[20..].iter().all(|pause| !pause.is_zero()));
    }

    #[test]
    fn an_answer_without_news_that_came_too_soon_is_not_asked_for_again_at_once() {
        let mut pace = PollPace::new(Duration::from_secs(1));
        assert_eq!(pace.wait(true), Duration::from_millis(250));
        assert_eq!(pace.wait(false), Duration::ZERO);
        assert!(!pace.proven(Duration::ZERO, true).is_zero());
        assert!(pace.proven(Duration::from_millis(250), true).is_zero());
        assert!(pace.proven(Duration::ZERO, false).is_zero());
    }
}
