//! Durations in two forms.
//!
//! Ours is strict: `500ms`, `15m`, `1h30m`; a number without a unit is refused as ambiguous. The other is what Node's
//! `ms` package and `jsonwebtoken` accept, for the variables that services already set: one number, spaces, a unit in
//! any case, and seconds if there is no unit.

use std::time::Duration;

use super::Parsed;

const SECOND: u64 = 1000;
const MINUTE: u64 = 60 * SECOND;
const HOUR: u64 = 60 * MINUTE;
const DAY: u64 = 24 * HOUR;

const UNITS: [(&str, u64); 5] = [("d", DAY), ("h", HOUR), ("ms", 1), ("m", MINUTE), ("s", SECOND)];

/// Node's names for a unit, and its milliseconds; a year there has 365.25 days.
const NODE_UNITS: [(&[&str], u64); 7] = [
    (&["milliseconds", "millisecond", "msecs", "msec", "ms"], 1),
    (&["seconds", "second", "secs", "sec", "s", ""], SECOND),
    (&["minutes", "minute", "mins", "min", "m"], MINUTE),
    (&["hours", "hour", "hrs", "hr", "h"], HOUR),
    (&["days", "day", "d"], DAY),
    (&["weeks", "week", "w"], 7 * DAY),
    (&["years", "year", "yrs", "yr", "y"], 1461 * DAY / 4),
];

/// Parses a duration in our form, between two others.
pub fn duration(text: &str, least: &str, most: &str) -> Parsed<Duration> {
    let span =
        millis(text).ok_or_else(|| format!("{text:?} is not a duration: write 500ms, 15m, 7d or 1h30m"))?;
    if Some(span) < millis(least) || Some(span) > millis(most) {
        return Err(format!("{text:?} is not between {least} and {most}"));
    }
    Ok(Duration::from_millis(span))
}

/// The sum of numbers with units, each unit smaller than the one before it.
fn millis(text: &str) -> Option<u64> {
    let mut rest = text;
    let mut total: u64 = 0;
    let mut previous = u64::MAX;
    while !rest.is_empty() {
        let (number, after) = leading_number(rest)?;
        let (after, unit) = UNITS.iter().find_map(|(name, unit)| Some((after.strip_prefix(name)?, *unit)))?;
        if unit >= previous {
            return None;
        }
        total = total.checked_add(number.checked_mul(unit)?)?;
        (rest, previous) = (after, unit);
    }
    (!text.is_empty()).then_some(total)
}

fn leading_number(text: &str) -> Option<(u64, &str)> {
    let end = text.find(|c: char| !c.is_ascii_digit()).unwrap_or(text.len());
    let (digits, rest) = text.split_at_checked(end)?;
    Some((digits.parse().ok()?, rest))
}

/// Parses a duration in the form of Node's `ms`, from a second to ten years. A number alone is seconds, as in
/// `jsonwebtoken`.
pub fn node_duration(text: &str) -> Parsed<Duration> {
    let span = node_millis(text).ok_or_else(|| {
        format!("{text:?} is not a duration: write 15m, 7d, \"2 days\" or a number of seconds")
    })?;
    if (SECOND..=3650 * DAY).contains(&span) {
        Ok(Duration::from_millis(span))
    } else {
        Err(format!("{text:?} is not between 1s and 3650d"))
    }
}

fn node_millis(text: &str) -> Option<u64> {
    let end = text.find(|c: char| !c.is_ascii_digit() && c != '.').unwrap_or(text.len());
    let (number, unit) = text.split_at_checked(end)?;
    let unit = unit.trim_start_matches(' ').to_ascii_lowercase();
    let (_, millis) = NODE_UNITS.iter().find(|(names, _)| names.contains(&unit.as_str()))?;
    decimal(number, *millis)
}

/// A decimal fraction of a unit, rounded down; `.5` is a half, as in JavaScript.
fn decimal(number: &str, unit: u64) -> Option<u64> {
    let (whole, fraction) = number.split_once('.').unwrap_or((number, "0"));
    let whole: u64 = if whole.is_empty() && number.len() > 1 { 0 } else { whole.parse().ok()? };
    let scale = 10u64.checked_pow(u32::try_from(fraction.len()).ok()?)?;
    let part = fraction.parse::<u64>().ok()?.checked_mul(unit)?.checked_div(scale)?;
    whole.checked_mul(unit)?.checked_add(part)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn durations_are_numbers_with_units_largest_first() {
        let cases =
            [("500ms", 500), ("15m", 15 * MINUTE), ("7d", 7 * DAY), ("1h30m", 90 * MINUTE), ("0s", 0)];
        for (text, millis) in cases {
            assert_eq!(duration(text, "0s", "30d"), Ok(Duration::from_millis(millis)), "{text}");
        }
        for text in
            ["", "15", "m", "15 m", "15M", "1m1h", "1h1h", "-1s", "1.5h", "15mx", "99999999999999999999s"]
        {
            assert!(duration(text, "0s", "30d").unwrap_err().contains("is not a duration"), "{text}");
        }
    }

    #[test]
    fn a_duration_outside_its_bounds_is_told_the_bounds() {
        for text in ["999ms", "301s"] {
            assert_eq!(duration(text, "1s", "5m"), Err(format!("{text:?} is not between 1s and 5m")));
        }
        assert!(duration("1s", "1s", "5m").is_ok() && duration("5m", "1s", "5m").is_ok());
    }

    #[test]
    fn nodes_durations_mean_what_they_mean_there() {
        let cases = [
            ("15m", 15 * MINUTE),
            ("1h", HOUR),
            ("7d", 7 * DAY),
            ("3600", HOUR),
            ("3600s", HOUR),
            ("2 days", 2 * DAY),
            ("2.5 hrs", 150 * MINUTE),
            (".5h", 30 * MINUTE),
            ("1Week", 7 * DAY),
            ("1y", 31_557_600_000),
            ("90000 ms", 90 * SECOND),
        ];
        for (text, millis) in cases {
            assert_eq!(node_duration(text), Ok(Duration::from_millis(millis)), "{text}");
        }
        for text in
            ["", "h", ".", "1.", "-1h", "1h30m", "1 fortnight", "1e3", "1..5h", " 1h", "9999999999999999999d"]
        {
            assert!(node_duration(text).unwrap_err().contains("is not a duration"), "{text}");
        }
        for text in ["0", "999ms", "11y"] {
            assert!(node_duration(text).unwrap_err().contains("is not between"), "{text}");
        }
    }
}
