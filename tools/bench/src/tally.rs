//! What one measurement counted.

use std::time::Duration;

use hdrhistogram::Histogram;

/// Latencies up to ten minutes, to three digits, in microseconds.
const LONGEST: u64 = 600_000_000;

/// Answers of one measurement: how many, how fast, and how often the server was busy.
#[derive(Debug)]
pub(crate) struct Tally {
    latencies: Histogram<u64>,
    /// Refusals with 503; they count in no rate and no latency.
    pub(crate) busy: u64,
    /// How many of those said when to come back.
    pub(crate) busy_with_retry_after: u64,
    /// From the first request to the last answer.
    pub(crate) elapsed: Duration,
}

impl Tally {
    #[expect(
        clippy::expect_used,
        reason = "whether the library takes these constants does not depend on the run"
    )]
    pub(crate) fn new() -> Self {
        let latencies = Histogram::new_with_bounds(1, LONGEST, 3).expect("bounds in order, three digits");
        Self { latencies, busy: 0, busy_with_retry_after: 0, elapsed: Duration::ZERO }
    }

    pub(crate) fn done(&mut self, latency: Duration) {
        self.latencies.saturating_record(u64::try_from(latency.as_micros()).unwrap_or(LONGEST));
    }

    pub(crate) fn refused(&mut self, said_when: bool) {
        self.busy += 1;
        self.busy_with_retry_after += u64::from(said_when);
    }

    /// Adds what was counted beside this.
    pub(crate) fn merge(&mut self, other: &Self) {
        // Both have the same bounds, so nothing can be out of them.
        let _ = self.latencies.add(&other.latencies);
        self.busy += other.busy;
        self.busy_with_retry_after += other.busy_with_retry_after;
        self.elapsed = self.elapsed.max(other.elapsed);
    }

    /// Answers that were what was asked for.
    pub(crate) fn count(&self) -> u64 {
        self.latencies.len()
    }

    /// Answers a second.
    #[expect(clippy::cast_precision_loss, reason = "no run has 2^52 answers")]
    pub(crate) fn rate(&self) -> f64 {
        let seconds = self.elapsed.as_secs_f64();
        if seconds > 0.0 { self.count() as f64 / seconds } else { 0.0 }
    }

    /// The latency in microseconds that this share of the answers stayed within.
    #[expect(clippy::cast_precision_loss, reason = "microseconds of a latency are far below 2^52")]
    pub(crate) fn quantile(&self, share: f64) -> f64 {
        self.latencies.value_at_quantile(share) as f64
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
