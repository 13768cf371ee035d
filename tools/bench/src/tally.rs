//! What one measurement counted.

use std::time::Duration;

use hdrhistogram::Histogram;
use serde::{Deserialize, Serialize};

/// Latencies up to ten minutes, to three digits, in microseconds.
const LONGEST: u64 = 600_000_000;

/// Answers of one measurement: how many, how fast, and how often the server was busy.
#[derive(Debug)]
pub struct Tally {
    latencies: Histogram<u64>,
    /// Refusals with 503; they count in no rate and no latency.
    pub busy: u64,
    /// How many of those said when to come back.
    pub busy_with_retry_after: u64,
    /// From the first request to the last answer.
    pub elapsed: Duration,
}

/// What is told of a measurement.
#[derive(Clone, Copy, PartialEq, Serialize, Deserialize, Debug)]
pub struct TallySummary {
    /// Answers.
    pub count: u64,
    /// Answers a second.
    pub rate: f64,
    /// Median latency, microseconds.
    pub p50: f64,
    /// 99th percentile of the latency, microseconds.
    pub p99: f64,
    /// The longest latency, microseconds.
    pub max: f64,
}

impl Default for Tally {
    fn default() -> Self {
        Self::new()
    }
}

impl Tally {
    /// Nothing yet.
    #[must_use]
    #[expect(
        clippy::expect_used,
        clippy::missing_panics_doc,
        reason = "whether the library takes these constants does not depend on the run"
    )]
    pub fn new() -> Self {
        let latencies = Histogram::new_with_bounds(1, LONGEST, 3).expect("bounds in order, three digits");
        Self { latencies, busy: 0, busy_with_retry_after: 0, elapsed: Duration::ZERO }
    }

    /// Counts an answer.
    pub fn done(&mut self, latency: Duration) {
        self.latencies.saturating_record(u64::try_from(latency.as_micros()).unwrap_or(LONGEST));
    }

    /// Counts a refusal with 503.
    pub fn refused(&mut self, said_when: bool) {
        self.busy += 1;
        self.busy_with_retry_after += u64::from(said_when);
    }

    /// Adds what was counted beside this.
    pub fn merge(&mut self, other: &Self) {
        // Both have the same bounds, so nothing can be out of them.
        let _ = self.latencies.add(&other.latencies);
        self.busy += other.busy;
        self.busy_with_retry_after += other.busy_with_retry_after;
        self.elapsed = self.elapsed.max(other.elapsed);
    }

    /// Answers that were what was asked for.
    #[must_use]
    pub fn count(&self) -> u64 {
        self.latencies.len()
    }

    /// Answers a second.
    #[must_use]
    #[expect(clippy::cast_precision_loss, reason = "no run has 2^52 answers")]
    pub fn rate(&self) -> f64 {
        let seconds = self.elapsed.as_secs_f64();
        if seconds > 0.0 { self.count() as f64 / seconds } else { 0.0 }
    }

    /// The latency in microseconds that this share of the answers stayed within.
    #[must_use]
    #[expect(clippy::cast_precision_loss, reason = "microseconds of a latency are far below 2^52")]
    pub fn quantile(&self, share: f64) -> f64 {
        self.latencies.value_at_quantile(share) as f64
    }

    /// The figures of it.
    #[must_use]
    pub fn summary(&self) -> TallySummary {
        let [p50, p99, max] = [0.5, 0.99, 1.0].map(|share| self.quantile(share));
        TallySummary { count: self.count(), rate: self.rate(), p50, p99, max }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn tally_of(millis: impl IntoIterator<Item = u64>) -> Tally {
        let mut tally = Tally::new();
        millis.into_iter().for_each(|millis| tally.done(Duration::from_millis(millis)));
        tally.elapsed = Duration::from_secs(2);
        tally
    }

    fn near(figure: f64, expected: f64) -> bool {
        (figure - expected).abs() <= expected / 500.0
    }

    #[test]
    fn quantiles_are_those_of_all_that_was_merged() {
        let mut tally = tally_of(1..=50);
        tally.merge(&tally_of(51..=100));
        assert_eq!(tally.count(), 100);
        assert!(near(tally.quantile(0.5), 50_000.0), "{}", tally.quantile(0.5));
        assert!(near(tally.quantile(0.99), 99_000.0), "{}", tally.quantile(0.99));
        assert!(near(tally.rate(), 50.0), "{}", tally.rate());
    }

    #[test]
    fn a_refusal_is_in_no_rate() {
        let mut tally = tally_of([1]);
        tally.refused(true);
        tally.refused(false);
        assert_eq!((tally.count(), tally.busy, tally.busy_with_retry_after), (1, 2, 1));
    }

    #[test]
    fn an_absurd_latency_is_kept_as_the_longest_there_is() {
        let mut tally = tally_of([]);
        tally.done(Duration::MAX);
        assert_eq!(tally.count(), 1);
        assert!(tally.quantile(1.0) >= 600_000_000.0 * 0.998);
    }
}
