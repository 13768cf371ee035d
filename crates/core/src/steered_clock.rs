//! A clock that shows the database's time, so that all nodes of a database agree on it, however wrong their machines'
//! clocks are.
//!
//! A store asks the database for the time when it is opened and with each barrier, and passes the answer to
//! [`Clock::compare`]. Half of the round trip is taken for the moment of the answer. Three answers in a row that agree
//! steer the clock; from then on it counts by the machine's ticks, so it does not matter if the machine's clock is set.
//! Until then it shows the machine's time, and so it does for good on a store that has no clock of its own.

#[cfg(test)]
mod tests;

use std::sync::atomic::{AtomicI64, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use tracing::{info, warn};

use crate::clock::{Clock, DatabaseTime, Ticks, Timestamp, millis};

/// How far three answers in a row may be apart, in milliseconds.
const AGREE_WITHIN: i64 = 500;

/// How far the clock may be off, in milliseconds, to be corrected bit by bit: time does not go back from one correction
/// to the next. If it is off by more, it is set at once.
const SLEWED_UP_TO: i64 = 1000;

/// A correction is at most this part of the time since the one before it.
const SLEWED_PART: i64 = 10;

/// How far the machine's clock may be off before that is said in the log.
const SAID_FROM: Duration = Duration::from_secs(5);

/// The difference that is not known yet.
const UNKNOWN: i64 = i64::MIN;

/// A clock that shows the time of a database.
pub struct SteeredClock {
    machine: Arc<dyn Clock>,
    /// What the database's clock showed when the ticks began, in milliseconds.
    zero: AtomicI64,
    steering: Mutex<Steering>,
}

#[derive(Default)]
struct Steering {
    /// What the last answers say.
    last: [Option<ZeroEstimate>; 3],
    /// When the clock was corrected.
    corrected: Option<Ticks>,
    /// Whether it was said that the machine's clock is wrong.
    is_said: bool,
}

/// When the ticks began by the database's clock, as one answer says.
#[derive(Clone, Copy)]
struct ZeroEstimate {
    zero: i64,
    /// In milliseconds. The estimate may be wrong by half of it.
    round_trip: i64,
}

impl SteeredClock {
    /// A clock that shows the time of `machine` until a database was asked, and counts by its ticks.
    #[must_use]
    pub fn over(machine: Arc<dyn Clock>) -> Self {
        Self { machine, zero: AtomicI64::new(UNKNOWN), steering: Mutex::default() }
    }

    fn zero(&self) -> Option<i64> {
        Some(self.zero.load(Ordering::Acquire)).filter(|zero| *zero != UNKNOWN)
    }

    /// Goes to what the answers say, or some of the way.
    fn correct(&self, agreed: ZeroEstimate, now: Ticks, corrected: Option<Ticks>) {
        let corrected_zero = match self.zero() {
            None => agreed.zero,
            Some(zero) => {
                let passed = corrected.map_or(0, |corrected| millis(now.since(corrected)));
                zero.saturating_add(correction(agreed, agreed.zero.saturating_sub(zero), passed))
            }
        };
        self.zero.store(corrected_zero, Ordering::Release);
    }

    /// Says once that the machine's clock is wrong, and once that it is right again.
    fn say(&self, steering: &mut Steering) {
        let ahead = self.machine_ahead().unwrap_or(0);
        let is_wrong = Duration::from_millis(ahead.unsigned_abs()) > SAID_FROM;
        if is_wrong != steering.is_said {
            steering.is_said = is_wrong;
            let milliseconds = ahead;
            if is_wrong {
                warn!(
                    milliseconds,
                    "the machine's clock is ahead of the database's (behind it, if negative)"
                );
            } else {
                info!(milliseconds, "the machine's clock agrees with the database's again");
            }
        }
    }
}

impl Clock for SteeredClock {
    fn now(&self) -> Timestamp {
        self.zero().map_or_else(|| self.machine.now(), |zero| shown_at(zero, self.machine.ticks()))
    }

    fn ticks(&self) -> Ticks {
        self.machine.ticks()
    }

    fn compare(&self, reading: &DatabaseTime) {
        let mut steering = self.steering.lock().unwrap_or_else(PoisonError::into_inner);
        steering.last.rotate_left(1);
        let [.., last] = &mut steering.last;
        *last = Some(ZeroEstimate::of(reading));
        if let Some(agreed) = agreed(steering.last) {
            self.correct(agreed, reading.answered, steering.corrected.replace(reading.answered));
            self.say(&mut steering);
        }
    }

    fn machine_ahead(&self) -> Option<i64> {
        let shown = shown_at(self.zero()?, self.machine.ticks());
        Some(self.machine.now().as_millis().saturating_sub(shown.as_millis()))
    }
}

impl ZeroEstimate {
    fn of(reading: &DatabaseTime) -> Self {
        let round_trip = reading.answered.since(reading.asked);
        let middle = reading.asked.as_millis().saturating_add(millis(round_trip / 2));
        Self { zero: reading.shown.as_millis().saturating_sub(middle), round_trip: millis(round_trip) }
    }
}

/// The most exact of three answers that agree.
fn agreed(last: [Option<ZeroEstimate>; 3]) -> Option<ZeroEstimate> {
    let [Some(one), Some(two), Some(three)] = last else { return None };
    let all = [one, two, three];
    let zeros = all.map(|estimate| estimate.zero);
    let spread = zeros.iter().max()?.saturating_sub(*zeros.iter().min()?);
    all.into_iter().filter(|_| spread <= AGREE_WITHIN).min_by_key(|estimate| estimate.round_trip)
}

/// How far the clock is corrected that is this far off, so long after the last correction. What an answer cannot tell
/// apart from no difference is none.
fn correction(agreed: ZeroEstimate, off: i64, passed: i64) -> i64 {
    match off.saturating_abs() {
        doubtful if doubtful <= agreed.round_trip / 2 + 1 => 0,
        little if little <= SLEWED_UP_TO => off.clamp(-passed / SLEWED_PART, passed / SLEWED_PART),
        _ => off,
    }
}

fn shown_at(zero: i64, ticks: Ticks) -> Timestamp {
    Timestamp::from_millis(zero.saturating_add(ticks.as_millis()))
}

/// The same clock for a store that must not steer it: only one of several databases may.
pub struct UnsteeredClock(pub Arc<dyn Clock>);

impl Clock for UnsteeredClock {
    fn now(&self) -> Timestamp {
        self.0.now()
    }

    fn ticks(&self) -> Ticks {
        self.0.ticks()
    }
}
