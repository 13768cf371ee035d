//! The parameters of a poll.

use std::fmt;
use std::str::FromStr;
use std::sync::Arc;
use std::time::Duration;

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use percent_encoding::percent_decode_str;
use thiserror::Error;

use super::{LONGEST_WAIT, MOST_POSITIONS};
use crate::random::{self, Random};
use crate::shown::shown_as_text;

/// Names one life of one node's log, for one set of tenants: 1 to 64 of the characters of base64url.
#[derive(Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct LogId(Arc<str>);

/// The text is not the name of a log.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Error)]
#[error("a log is named by 1 to 64 of A-Z, a-z, 0-9, - and _")]
pub struct InvalidLogId;

impl LogId {
    /// Names a life of a log: 128 random bits, so that no two of any node are the same.
    #[must_use]
    pub fn generate(random: &dyn Random) -> Self {
        Self(URL_SAFE_NO_PAD.encode(random::bytes::<16>(random)).into())
    }

    /// The name as it is written.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl FromStr for LogId {
    type Err = InvalidLogId;

    fn from_str(text: &str) -> Result<Self, InvalidLogId> {
        if is_token(text) { Ok(Self(text.into())) } else { Err(InvalidLogId) }
    }
}

shown_as_text!(LogId by as_str: Display, Debug, Serialize);

fn is_token(text: &str) -> bool {
    let plain = |c: u8| c.is_ascii_alphanumeric() || c == b'-' || c == b'_';
    (1..=64).contains(&text.len()) && text.bytes().all(plain)
}

/// How far a verifier has read a log: the number of the last record that it has, 0 before the first.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct LogPosition {
    /// The log.
    pub log: LogId,
    /// The number of the last record.
    pub number: u64,
}

impl FromStr for LogPosition {
    type Err = InvalidFeedQuery;

    fn from_str(text: &str) -> Result<Self, InvalidFeedQuery> {
        let (log, number) = text.split_once(':').ok_or(InvalidFeedQuery("at"))?;
        let log = log.parse().map_err(|_| InvalidFeedQuery("at"))?;
        Ok(Self { log, number: decimal(number).ok_or(InvalidFeedQuery("at"))? })
    }
}

impl fmt::Display for LogPosition {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}:{}", self.log, self.number)
    }
}

/// What a poll asks.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct FeedQuery {
    /// The logs that the verifier knows, and how far; none at first.
    pub at: Vec<LogPosition>,
    /// How long ago the verifier was last complete.
    pub age: Duration,
    /// How long the server may wait for something new.
    pub wait: Duration,
    /// What the answer repeats: new for each poll.
    pub nonce: String,
}

/// A parameter is missing, occurs twice, or has a wrong value.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Error)]
#[error("the parameter {0} is missing or has a wrong value")]
pub struct InvalidFeedQuery(pub &'static str);

impl FeedQuery {
    /// Reads the query of a URL, without the `?`. Unknown parameters are passed over.
    ///
    /// # Errors
    ///
    /// [`InvalidFeedQuery`] names the first parameter that is wrong. Only `at` may be missing or empty.
    pub fn parse(query: &str) -> Result<Self, InvalidFeedQuery> {
        let read = |name| parameter(query, name);
        let at = read("at")?.unwrap_or_default();
        let at: Vec<LogPosition> =
            at.split(',').filter(|_| !at.is_empty()).map(str::parse).collect::<Result<_, _>>()?;
        let age = read("age")?.as_deref().and_then(millis).ok_or(InvalidFeedQuery("age"))?;
        let wait = read("wait")?.as_deref().and_then(millis).ok_or(InvalidFeedQuery("wait"))?;
        let nonce = read("nonce")?.filter(|nonce| is_token(nonce)).ok_or(InvalidFeedQuery("nonce"))?;
        if at.len() > MOST_POSITIONS {
            return Err(InvalidFeedQuery("at"));
        }
        if wait > LONGEST_WAIT {
            return Err(InvalidFeedQuery("wait"));
        }
        Ok(Self { at, age, wait, nonce })
    }
}

/// As it stands behind the `?` of a URL. No character of it needs an escape.
impl fmt::Display for FeedQuery {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let at: Vec<String> = self.at.iter().map(LogPosition::to_string).collect();
        let (age, wait) = (self.age.as_millis(), self.wait.as_millis());
        write!(f, "at={}&age={age}&wait={wait}&nonce={}", at.join(","), self.nonce)
    }
}

/// The one value of a parameter, decoded.
fn parameter(query: &str, name: &'static str) -> Result<Option<String>, InvalidFeedQuery> {
    let pairs = query.split('&').map(|pair| pair.split_once('=').unwrap_or((pair, "")));
    let mut values = pairs.filter(|(key, _)| *key == name).map(|(_, value)| value);
    match (values.next(), values.next()) {
        (None, _) => Ok(None),
        (Some(value), None) => match percent_decode_str(value).decode_utf8() {
            Ok(text) => Ok(Some(text.into_owned())),
            Err(_) => Err(InvalidFeedQuery(name)),
        },
        (Some(_), Some(_)) => Err(InvalidFeedQuery(name)),
    }
}

fn millis(text: &str) -> Option<Duration> {
    decimal(text).map(Duration::from_millis)
}

/// Digits alone: no sign, which `parse` would take.
fn decimal(text: &str) -> Option<u64> {
    if text.bytes().all(|c| c.is_ascii_digit()) { text.parse().ok() } else { None }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn query() -> FeedQuery {
        FeedQuery {
            at: vec!["a-1:7".parse().unwrap(), "b_2:0".parse().unwrap()],
            age: Duration::from_millis(412),
            wait: Duration::from_millis(250),
            nonce: "r7Jq".to_owned(),
        }
    }

    #[test]
    fn a_query_is_read_as_it_was_written() {
        assert_eq!(query().to_string(), "at=a-1:7,b_2:0&age=412&wait=250&nonce=r7Jq");
        assert_eq!(FeedQuery::parse(&query().to_string()), Ok(query()));
        let escaped = "nonce=r7Jq&wait=250&at=a-1%3A7%2Cb_2%3A0&later=1&age=412";
        assert_eq!(FeedQuery::parse(escaped), Ok(query()));
        for first in ["age=0&wait=0&nonce=a", "at=&age=0&wait=0&nonce=a"] {
            assert!(FeedQuery::parse(first).unwrap().at.is_empty(), "{first}");
        }
    }

    #[test]
    fn a_wrong_parameter_is_named() {
        let many: Vec<String> = (0..17).map(|n| format!("l{n}:1")).collect();
        let many = format!("at={}&age=0&wait=0&nonce=a", many.join(","));
        for (bad, name) in [
            ("age=0&wait=0", "nonce"),
            ("age=0&wait=0&nonce=", "nonce"),
            ("age=0&wait=0&nonce=a%20b", "nonce"),
            ("age=0&wait=0&nonce=a&nonce=b", "nonce"),
            ("wait=0&nonce=a", "age"),
            ("age=-1&wait=0&nonce=a", "age"),
            ("age=+1&wait=0&nonce=a", "age"),
            ("age=1&nonce=a", "wait"),
            ("age=1&wait=10001&nonce=a", "wait"),
            ("age=1&wait=1s&nonce=a", "wait"),
            ("at=a&age=0&wait=0&nonce=a", "at"),
            ("at=a:1,&age=0&wait=0&nonce=a", "at"),
            ("at=a:x&age=0&wait=0&nonce=a", "at"),
            ("at=%ff:1&age=0&wait=0&nonce=a", "at"),
            (many.as_str(), "at"),
        ] {
            assert_eq!(FeedQuery::parse(bad), Err(InvalidFeedQuery(name)), "{bad}");
        }
    }
}
