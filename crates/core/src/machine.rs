//! The machine's clock and random source. `clippy.toml` forbids every other file to ask for them.

#![expect(clippy::disallowed_methods, reason = "this is the file the lint sends everyone to")]

use std::time::{Duration, SystemTime, UNIX_EPOCH};

use ring::rand::SecureRandom;
use rustix::time::{ClockId, clock_gettime};

use crate::clock::{Clock, Ticks, Timestamp};
use crate::random::Random;

/// The machine's clocks: `CLOCK_REALTIME`, and `CLOCK_BOOTTIME` for ticks because it counts through a suspend.
#[derive(Clone, Copy, Default, Debug)]
pub struct SystemClock;

impl Clock for SystemClock {
    fn now(&self) -> Timestamp {
        let since_1970 = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
        Timestamp::from_millis(i64::try_from(since_1970.as_millis()).unwrap_or(i64::MAX))
    }

    fn ticks(&self) -> Ticks {
        let reading = clock_gettime(ClockId::Boottime);
        let seconds = u64::try_from(reading.tv_sec).unwrap_or(0);
        let nanos = u32::try_from(reading.tv_nsec).unwrap_or(0);
        Ticks::new(Duration::new(seconds, nanos))
    }
}

/// The operating system's cryptographic random source.
#[derive(Clone, Copy, Default, Debug)]
pub struct SystemRandom;

impl Random for SystemRandom {
    fn fill(&self, bytes: &mut [u8]) {
        if ring::rand::SystemRandom::new().fill(bytes).is_err() {
            // Going on would hand out guessable secrets, and a caller could catch a panic.
            std::process::abort();
        }
    }
}

/// The random source in the type that `ring` asks for when it makes a key or a signature.
#[must_use]
pub(crate) fn ring_random() -> ring::rand::SystemRandom {
    ring::rand::SystemRandom::new()
}
