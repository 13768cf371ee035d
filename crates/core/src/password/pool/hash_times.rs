//! How long hashes take on this machine: to estimate a wait, and for answers that take as long without a hash.

use std::time::Duration;

/// What a hash of the recommended cost takes, until one was measured.
const EXPECTED: Duration = Duration::from_millis(25);

/// A hash is never counted as faster. So the number of jobs that may wait is bounded whatever they cost.
const FASTEST: Duration = Duration::from_millis(1);

/// How many of the latest hashes are remembered.
const REMEMBERED: usize = 64;

/// The share of the latest hash in what is typical.
const SMOOTHING: u32 = 8;

/// The times of the latest hashes.
pub(super) struct HashTimes {
    latest: [Duration; REMEMBERED],
    measured: usize,
    typical: Duration,
}

impl HashTimes {
    pub(super) const fn new() -> Self {
        Self { latest: [EXPECTED; REMEMBERED], measured: 0, typical: EXPECTED }
    }

    /// Adds a hash.
    pub(super) fn add(&mut self, took: Duration) {
        if let Some(oldest) = self.latest.get_mut(self.measured % REMEMBERED) {
            *oldest = took;
        }
        self.measured += 1;
        self.typical = ((self.typical * (SMOOTHING - 1) + took) / SMOOTHING).max(FASTEST);
    }

    /// What a hash usually takes.
    pub(super) const fn typical(&self) -> Duration {
        self.typical
    }

    /// What one of the latest hashes took, chosen by `draw`.
    pub(super) fn one_of_the_latest(&self, draw: u32) -> Duration {
        let known = self.measured.clamp(1, REMEMBERED);
        let chosen = draw as usize % known;
        self.latest.get(chosen).copied().unwrap_or(EXPECTED)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_typical_follows_what_is_measured() {
        let mut times = HashTimes::new();
        assert_eq!((times.typical(), times.one_of_the_latest(7)), (EXPECTED, EXPECTED));
        for _ in 0..100 {
            times.add(Duration::from_millis(80));
        }
        assert!(times.typical() > Duration::from_millis(79), "{:?}", times.typical());
        assert!((0..99).all(|draw| times.one_of_the_latest(draw) == Duration::from_millis(80)));
        for _ in 0..100 {
            times.add(Duration::ZERO);
        }
        assert_eq!(times.typical(), FASTEST);
    }

    #[test]
    fn what_was_never_measured_is_not_told_and_what_was_measured_is() {
        let mut times = HashTimes::new();
        let (quick, slow) = (Duration::from_millis(3), Duration::from_millis(9));
        times.add(quick);
        times.add(slow);
        let told: Vec<_> = (0..4).map(|draw| times.one_of_the_latest(draw)).collect();
        assert_eq!(told, [quick, slow, quick, slow]);
    }
}
