//! Parsers of values.
//!
//! Each takes the text that a flag, a variable or a file states. It returns the value, or one sentence that says what
//! is wrong and what would be right. The sentence repeats the text, unless that may hold a secret.

mod address;
mod duration;
mod forward_auth;
mod web;

use std::fmt::Display;
use std::ops::RangeInclusive;
use std::path::PathBuf;
use std::str::FromStr;

pub use address::{Listen, TcpListen, is_loopback, listen, network, socket, socket_path, tcp_listen};
pub use duration::{duration, node_duration};
pub use forward_auth::{ForwardAuth, ForwardAuthPolicy, policy_names};
pub use web::{
    LONGEST_NAME, PublicUrl, WebOrigin, authority_of, cookie_domain, cookie_name, display_name, login_page,
    public_url, web_host, web_origin, web_page,
};

use portcullis_core::user::Role;
use tracing::Level;

use crate::suggest::did_you_mean;

/// The value, or a sentence about what is wrong.
pub type Parsed<T> = Result<T, String>;

/// Parses one of a few words.
pub fn choice<T: Copy>(text: &str, words: &[(&'static str, T)]) -> Parsed<T> {
    if let Some((_, value)) = words.iter().find(|(word, _)| *word == text) {
        return Ok(*value);
    }
    let names: Vec<&str> = words.iter().map(|(word, _)| *word).collect();
    Err(format!("{text:?} is not one of {}{}", names.join(", "), did_you_mean(text, names.iter().copied())))
}

/// Parses the least severe level that is logged.
pub fn log_level(text: &str) -> Parsed<Level> {
    let levels = [
        ("error", Level::ERROR),
        ("warn", Level::WARN),
        ("info", Level::INFO),
        ("debug", Level::DEBUG),
        ("trace", Level::TRACE),
    ];
    choice(text, &levels)
}

/// Parses a role.
pub fn role(text: &str) -> Parsed<Role> {
    choice(text, &Role::ALL.map(|role| (role.as_str(), role)))
}

/// Parses `true` or `false`.
pub fn boolean(text: &str) -> Parsed<bool> {
    choice(text, &[("true", true), ("false", false)])
}

/// Takes the name of a file or directory as it is.
pub fn path(text: &str) -> Parsed<PathBuf> {
    if text.is_empty() || text.contains('\0') {
        return Err(format!("{text:?} names no file"));
    }
    Ok(PathBuf::from(text))
}

/// Parses any text that fits on a line.
pub fn plain(text: &str) -> Parsed<String> {
    if text.is_empty() || text.contains(char::is_control) {
        return Err(format!("{text:?} is empty or holds control characters"));
    }
    Ok(text.to_owned())
}

/// Parses a whole number.
pub fn number<T>(text: &str, allowed: RangeInclusive<T>) -> Parsed<T>
where
    T: FromStr + PartialOrd + Display,
{
    match text.parse() {
        Ok(number) if allowed.contains(&number) => Ok(number),
        _ => Err(format!("{text:?} is not a whole number from {} to {}", allowed.start(), allowed.end())),
    }
}

/// Parses a list, separated by commas; an empty text is an empty list.
pub fn list<T>(text: &str, item: impl Fn(&str) -> Parsed<T>) -> Parsed<Vec<T>> {
    if text.is_empty() {
        return Ok(Vec::new());
    }
    text.split(',').map(|part| item(part.trim())).collect()
}

const SIZE_UNITS: [(&str, usize); 4] = [("KiB", 1 << 10), ("MiB", 1 << 20), ("GiB", 1 << 30), ("B", 1)];

/// Parses a number of bytes: `65536`, `64KiB`, `1MiB`.
pub fn size(text: &str, least: &str, most: &str) -> Parsed<usize> {
    let bytes = bytes(text)
        .ok_or_else(|| format!("{text:?} is not a size: write a number of bytes, or 64KiB or 1MiB"))?;
    if Some(bytes) < self::bytes(least) || Some(bytes) > self::bytes(most) {
        return Err(format!("{text:?} is not between {least} and {most}"));
    }
    Ok(bytes)
}

fn bytes(text: &str) -> Option<usize> {
    let (digits, unit) = SIZE_UNITS
        .iter()
        .find_map(|(suffix, unit)| Some((text.strip_suffix(suffix)?, *unit)))
        .unwrap_or((text, 1));
    digits.trim_end().parse::<usize>().ok()?.checked_mul(unit)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_word_that_is_nearly_right_is_suggested() {
        assert_eq!(
            choice("lacks", &[("lax", 1), ("strict", 2)]),
            Err("\"lacks\" is not one of lax, strict".to_owned())
        );
        assert_eq!(
            choice("strikt", &[("lax", 1), ("strict", 2)]),
            Err("\"strikt\" is not one of lax, strict; did you mean strict?".to_owned())
        );
    }

    #[test]
    fn sizes_are_bytes_or_powers_of_1024() {
        for (text, bytes) in [("65536", 65_536), ("64KiB", 65_536), ("1 MiB", 1_048_576), ("1024B", 1024)] {
            assert_eq!(size(text, "1KiB", "16MiB"), Ok(bytes), "{text}");
        }
        for text in ["", "64kb", "64K", "-1", "1.5MiB", "KiB", "99999999999999999999", "18014398509481984KiB"]
        {
            assert!(size(text, "1KiB", "16MiB").unwrap_err().contains("is not a size"), "{text}");
        }
        assert_eq!(size("1023", "1KiB", "2KiB"), Err("\"1023\" is not between 1KiB and 2KiB".to_owned()));
        assert_eq!(size("2049", "1KiB", "2KiB"), Err("\"2049\" is not between 1KiB and 2KiB".to_owned()));
    }

    #[test]
    fn a_number_outside_its_range_is_told_the_range() {
        assert_eq!(number("4", 1..=4), Ok(4));
        for text in ["0", "5", "four", "4.0", "99999999999999999999"] {
            assert_eq!(number(text, 1..=4), Err(format!("{text:?} is not a whole number from 1 to 4")));
        }
    }

    #[test]
    fn a_list_is_separated_by_commas_and_may_be_empty() {
        assert_eq!(list("a, b,c", |item| Ok(item.to_owned())), Ok(vec!["a".into(), "b".into(), "c".into()]));
        assert_eq!(list("", |_| Err::<(), _>("never asked".to_owned())), Ok(vec![]));
        assert_eq!(list("1,x", |item| number(item, 0..=9)).unwrap_err(), number("x", 0..=9).unwrap_err());
    }
}
