//! What the server's clock shows, as far as its signed answers say.
//!
//! A record of the feed is kept until the tokens that it ends have expired, on a clock that nothing sets. Whether a
//! token has expired is a matter of the wall clock, and that of this machine may be an hour behind or be set back. Then
//! a token would be valid here that has expired everywhere else, and whose end is forgotten. So the server's time
//! counts where it is the later one.

use std::sync::atomic::{AtomicI64, Ordering};

use portcullis_core::clock::{Ticks, Timestamp};

const UNKNOWN: i64 = i64::MIN;

/// By how many milliseconds the server's clock is ahead of our ticks at the least, by its newest answer.
pub(crate) struct ServerClock(AtomicI64);

impl Default for ServerClock {
    fn default() -> Self {
        Self(AtomicI64::new(UNKNOWN))
    }
}

impl ServerClock {
    /// Notes that an answer was made at `issued`, and came at `came`. Only one with the nonce of its poll says so: any
    /// other may be an old one.
    pub(crate) fn note(&self, issued: Timestamp, came: Ticks) {
        self.0.store(issued.as_millis().saturating_sub(came.as_millis()), Ordering::Relaxed);
    }

    /// The later one of our wall clock and the server's time.
    pub(crate) fn or_later(&self, ours: Timestamp, ticks: Ticks) -> Timestamp {
        match self.0.load(Ordering::Relaxed) {
            UNKNOWN => ours,
            ahead => ours.max(Timestamp::from_millis(ahead.saturating_add(ticks.as_millis()))),
        }
    }
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::*;

    #[test]
    fn the_later_one_of_two_clocks_counts() {
        let (clock, at) = (ServerClock::default(), |seconds| Ticks::new(Duration::from_secs(seconds)));
        let wall = Timestamp::from_seconds;
        assert_eq!(clock.or_later(wall(900), at(50)), wall(900), "nothing is known of the server's");
        clock.note(wall(1_000), at(50));
        assert_eq!(clock.or_later(wall(900), at(53)), wall(1_003));
        assert_eq!(clock.or_later(wall(1_100), at(53)), wall(1_100));
        clock.note(wall(990), at(60));
        assert_eq!(clock.or_later(wall(900), at(60)), wall(990), "the newest answer counts");
    }
}
