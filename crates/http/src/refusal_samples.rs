//! Refusals that come in floods, 429 and 503: each is counted, and the log shows one of each kind a minute, with the
//! number of those before it.

use std::collections::BTreeMap;
use std::sync::{Mutex, PoisonError};
use std::time::Duration;

use metrics::counter;
use portcullis_api::refusal::Refusal;
use portcullis_core::clock::{Clock as _, Ticks};
use portcullis_core::machine::SystemClock;
use tracing::info;

use crate::request_span::AUDIT;

/// How long the log shows no other one of the same kind.
const EVERY: Duration = Duration::from_mins(1);

static SAMPLES: Samples = Samples(Mutex::new(BTreeMap::new()));

/// Counts a refusal that says to come back later, and logs it if it is a sample.
pub fn note(refusal: &Refusal) {
    if !matches!(refusal.code.status(), 429 | 503) {
        return;
    }
    let code = refusal.code.as_str();
    counter!("portcullis_refused_total", "code" => code).increment(1);
    if let Some(count) = SAMPLES.sampled(code, SystemClock.ticks()) {
        info!(target: AUDIT, event = "refused", code, count);
    }
}

/// What was refused since the last sample of each kind.
struct Samples(Mutex<BTreeMap<&'static str, Sample>>);

struct Sample {
    shown: Ticks,
    since: u64,
}

impl Samples {
    /// How many refusals this one stands for, itself among them; `None` if it is not shown.
    fn sampled(&self, code: &'static str, now: Ticks) -> Option<u64> {
        let mut samples = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let Some(sample) = samples.get_mut(code) else {
            samples.insert(code, Sample { shown: now, since: 0 });
            return Some(1);
        };
        sample.since += 1;
        let is_due = now.since(sample.shown) >= EVERY;
        is_due.then(|| std::mem::replace(sample, Sample { shown: now, since: 0 }).since)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    // ASVS-map: LG1
    #[test]
    fn of_a_flood_one_a_minute_is_shown_with_the_number_of_all() {
        let samples = Samples(Mutex::new(BTreeMap::new()));
        let at = |seconds: u64| Ticks::new(Duration::from_secs(seconds));
        assert_eq!(samples.sampled("BUSY", at(0)), Some(1));
        assert_eq!(samples.sampled("TOO_MANY_REQUESTS", at(1)), Some(1));
        for seconds in 1..60 {
            assert_eq!(samples.sampled("BUSY", at(seconds)), None);
        }
        assert_eq!(samples.sampled("BUSY", at(60)), Some(60));
        assert_eq!(samples.sampled("BUSY", at(61)), None);
    }
}
