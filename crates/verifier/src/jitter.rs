//! Chance in pauses: thousands of verifiers must not ask at the same moment.

use std::time::Duration;

use portcullis_core::random::{self, Random};

/// Between half of a pause and all of it.
pub(crate) fn spread(pause: Duration, random: &dyn Random) -> Duration {
    let [part] = random::bytes::<1>(random);
    pause / 2 + (pause / 2).mul_f64(f64::from(part) / 255.0)
}
