//! The machine: its clock, and the time that it needs for a password hash.

use std::time::Duration;

use portcullis_core::clock::Timestamp;
use portcullis_core::machine::SystemRandom;
use portcullis_core::password::{Argon2Cost, Hasher, Password};
use portcullis_core::random;

use super::{Finding, Stopwatch};
use crate::cli::failure::Failure;
use crate::cli::output::moment;
use crate::config::Config;
use crate::open::pool_size;

/// 2026-01-01: no correct clock shows an earlier time.
const LONG_PAST: Timestamp = Timestamp::from_seconds(1_767_225_600);

/// How far the clock may be behind a time that another clock wrote.
const TOLERANCE: Duration = Duration::from_mins(1);

/// The number of hashes that are timed; the median counts.
const HASHES: usize = 3;

/// A hash that takes longer keeps users waiting.
const SLOW: Duration = Duration::from_millis(750);

/// Whether the clock can be right. `newest` is a time in the past.
pub(super) fn clock(now: Timestamp, newest: Option<Timestamp>) -> Finding {
    let shown = moment(now);
    match newest {
        _ if now < LONG_PAST => {
            Finding::broken("clock", format!("it shows {shown}, which is long past: set the clock"))
        }
        Some(newest) if newest.since(now) > TOLERANCE => {
            let newest = moment(newest);
            Finding::broken(
                "clock",
                format!("it shows {shown}, but a key was created at {newest}: set the clock"),
            )
        }
        _ => Finding::ok("clock", format!("it shows {shown}")),
    }
}

pub(super) fn hashing(config: &Config) -> Result<Finding, Failure> {
    let password = Password::new("correct horse battery staple").map_err(Failure::other)?;
    let mut hasher = Hasher::new(Argon2Cost::RECOMMENDED);
    let mut times = [Duration::ZERO; HASHES];
    for time in &mut times {
        let watch = Stopwatch::start();
        hasher.hash(&password, random::bytes(&SystemRandom)).map_err(Failure::other)?;
        *time = watch.elapsed();
    }
    times.sort_unstable();
    let took = times.get(HASHES / 2).copied().unwrap_or_default();
    let threads = pool_size(config).threads;
    let detail = format!("Argon2id on {threads} threads; each sign-in with a password takes one hash");
    let finding = if took > SLOW {
        Finding::note("password hashing", format!("slow: users wait for it. {detail}"))
    } else {
        Finding::ok("password hashing", detail)
    };
    Ok(finding.took(took))
}

#[cfg(test)]
mod tests {
    use super::super::Status;
    use super::*;

    #[test]
    fn a_clock_that_shows_less_than_was_written_down_is_broken() {
        let now = LONG_PAST.plus(Duration::from_hours(1));
        for (newest, status) in [
            (None, Status::Ok),
            (Some(now), Status::Ok),
            (Some(now.plus(TOLERANCE)), Status::Ok),
            (Some(now.plus(TOLERANCE * 2)), Status::Broken),
        ] {
            assert_eq!(clock(now, newest).status, status, "{newest:?}");
        }
        assert_eq!(clock(Timestamp::from_millis(0), None).status, Status::Broken);
    }
}
