//! Time, as an argument.
//!
//! This crate does not ask the machine for the time: the caller passes a [`Clock`] or the time itself. Two kinds of
//! time are different types. A [`Timestamp`] can be stored and compared between machines; [`Ticks`] measure spans on
//! one.
//!
//! ```
//! use std::time::Duration;
//! use portcullis_core::clock::Timestamp;
//!
//! let noon = Timestamp::from_millis(1_769_638_376_311);
//! assert_eq!(noon.to_string(), "2026-01-28T22:12:56.311Z");
//! assert!(noon.plus(Duration::from_secs(1)) > noon);
//! ```

use std::fmt;
use std::time::Duration;

use serde::{Serialize, Serializer};

/// A source of both kinds of time.
pub trait Clock: Send + Sync + 'static {
    /// The wall-clock time, in UTC.
    fn now(&self) -> Timestamp;

    /// Time since a fixed moment in this machine's past. It never goes back, and it advances while the machine is
    /// suspended.
    fn ticks(&self) -> Ticks;

    /// Hears what the clock of the database showed. Only a clock that follows it cares.
    fn compare(&self, _reading: &DatabaseTime) {}

    /// How many milliseconds the machine's clock is ahead of the database's, whose time this clock shows. `None` if it
    /// shows the machine's.
    fn machine_ahead(&self) -> Option<i64> {
        None
    }
}

/// What the clock of a database showed at a moment of the span in which it was asked.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct DatabaseTime {
    /// Before the question was sent.
    pub asked: Ticks,
    /// After the answer came.
    pub answered: Ticks,
    /// What it showed in between.
    pub shown: Timestamp,
}

/// A moment: milliseconds since 1970-01-01T00:00:00Z, without leap seconds.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Debug)]
pub struct Timestamp(i64);

impl Timestamp {
    /// The moment this many milliseconds after 1970 began.
    #[must_use]
    pub const fn from_millis(millis: i64) -> Self {
        Self(millis)
    }

    /// The moment this many seconds after 1970 began, as a JWT's `NumericDate` counts (RFC 7519, section 2).
    #[must_use]
    pub const fn from_seconds(seconds: i64) -> Self {
        Self(seconds.saturating_mul(1000))
    }

    /// Milliseconds since 1970 began.
    #[must_use]
    pub const fn as_millis(self) -> i64 {
        self.0
    }

    /// Whole seconds since 1970 began, rounded down.
    #[must_use]
    pub const fn as_seconds(self) -> i64 {
        self.0.div_euclid(1000)
    }

    /// The same moment without its milliseconds, as a `NumericDate` carries it.
    #[must_use]
    pub const fn whole_second(self) -> Self {
        Self::from_seconds(self.as_seconds())
    }

    /// The moment `span` later.
    #[must_use]
    pub fn plus(self, span: Duration) -> Self {
        Self(self.0.saturating_add(millis(span)))
    }

    /// The moment `span` earlier.
    #[must_use]
    pub fn minus(self, span: Duration) -> Self {
        Self(self.0.saturating_sub(millis(span)))
    }

    /// The span from `earlier` to this moment. Zero if `earlier` is not earlier.
    #[must_use]
    pub fn since(self, earlier: Self) -> Duration {
        Duration::from_millis(u64::try_from(self.0.saturating_sub(earlier.0)).unwrap_or(0))
    }
}

/// The milliseconds of a span.
pub(crate) fn millis(span: Duration) -> i64 {
    i64::try_from(span.as_millis()).unwrap_or(i64::MAX)
}

/// RFC 3339 in UTC with three decimals, ending in `Z`.
impl fmt::Display for Timestamp {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match jiff::Timestamp::from_millisecond(self.0) {
            Ok(moment) => write!(f, "{moment:.3}"),
            Err(_) => write!(f, "{} ms", self.0),
        }
    }
}

impl Serialize for Timestamp {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(self)
    }
}

/// A reading of a clock that only moves forward; comparable on one machine only.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Debug)]
pub struct Ticks(Duration);

impl Ticks {
    /// Later than every reading: the stamp of what can never be stale.
    pub const NEVER_STALE: Self = Self(Duration::MAX);

    /// The clock's start: earlier than every other reading.
    pub const START: Self = Self(Duration::ZERO);

    /// The reading `span` after the clock started.
    #[must_use]
    pub const fn new(span: Duration) -> Self {
        Self(span)
    }

    /// The span from `earlier` to this reading. Zero if `earlier` is not earlier.
    #[must_use]
    pub fn since(self, earlier: Self) -> Duration {
        self.0.saturating_sub(earlier.0)
    }

    /// The reading `span` later.
    #[must_use]
    pub const fn plus(self, span: Duration) -> Self {
        Self(self.0.saturating_add(span))
    }

    /// The reading `span` earlier; that of the clock's start if there is none.
    #[must_use]
    pub const fn minus(self, span: Duration) -> Self {
        Self(self.0.saturating_sub(span))
    }

    /// Milliseconds since the clock started, to compare with those of a [`Timestamp`].
    #[must_use]
    pub fn as_millis(self) -> i64 {
        millis(self.0)
    }

    /// Microseconds since the clock started, for a reading that is kept in an atomic.
    #[must_use]
    pub fn as_micros(self) -> u64 {
        u64::try_from(self.0.as_micros()).unwrap_or(u64::MAX)
    }

    /// The reading that [`Ticks::as_micros`] returned.
    #[must_use]
    pub fn from_micros(micros: u64) -> Self {
        if micros == u64::MAX { Self::NEVER_STALE } else { Self(Duration::from_micros(micros)) }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_timestamp_is_written_with_milliseconds_even_if_they_are_zero() {
        assert_eq!(Timestamp::from_millis(0).to_string(), "1970-01-01T00:00:00.000Z");
        assert_eq!(Timestamp::from_millis(-1).to_string(), "1969-12-31T23:59:59.999Z");
    }

    #[test]
    fn seconds_round_down_on_both_sides_of_1970() {
        assert_eq!(Timestamp::from_millis(1999).as_seconds(), 1);
        assert_eq!(Timestamp::from_millis(-1).as_seconds(), -1);
    }

    #[test]
    fn the_ends_of_time_do_not_overflow() {
        let end = Timestamp::from_millis(i64::MAX);
        assert_eq!(end.plus(Duration::MAX), end);
        assert_eq!(Timestamp::from_millis(0).since(end), Duration::ZERO);
        assert_eq!(end.to_string(), format!("{} ms", i64::MAX));
    }
}
