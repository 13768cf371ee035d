//! Reads claims by name and type, with a fault that names the missing or wrong one.

use std::fmt::Display;
use std::str::FromStr;

use serde_json::Value;

use super::TokenFault;
use crate::clock::Timestamp;
use crate::strict_json::JsonObject;

/// The greatest integer that every JSON reader reads exactly (RFC 7493, section 2.2).
const MAX_INTEGER: u64 = (1 << 53) - 1;

/// The claims of a token whose signature was verified, or of one that is only inspected.
#[derive(Clone, Copy)]
pub(super) struct Claims<'a>(&'a JsonObject);

impl<'a> Claims<'a> {
    pub(super) const fn new(members: &'a JsonObject) -> Self {
        Self(members)
    }

    fn value(self, name: &'static str) -> Result<&'a Value, TokenFault> {
        self.0.get(name).ok_or(TokenFault::MissingClaim(name))
    }

    pub(super) fn text(self, name: &'static str) -> Result<&'a str, TokenFault> {
        self.value(name)?.as_str().ok_or(TokenFault::BadClaim(name))
    }

    pub(super) fn optional_text(self, name: &'static str) -> Result<Option<&'a str>, TokenFault> {
        optional(self.text(name))
    }

    /// A name or an id in its canonical spelling.
    pub(super) fn parsed<T: FromStr + Display>(self, name: &'static str) -> Result<T, TokenFault> {
        let text = self.text(name)?;
        let parsed: T = text.parse().map_err(|_| TokenFault::BadClaim(name))?;
        if parsed.to_string() == text { Ok(parsed) } else { Err(TokenFault::BadClaim(name)) }
    }

    /// An integer from 0 to 2^53 - 1, written as one: `1.0`, `1e3` and text are refused.
    pub(super) fn integer(self, name: &'static str) -> Result<u64, TokenFault> {
        let number = self.value(name)?.as_u64().filter(|number| *number <= MAX_INTEGER);
        number.ok_or(TokenFault::BadClaim(name))
    }

    /// A list of integers of the same range.
    pub(super) fn optional_integers(self, name: &'static str) -> Result<Option<Vec<u64>>, TokenFault> {
        let integer = |value: &Value| value.as_u64().filter(|number| *number <= MAX_INTEGER);
        optional(self.list(name, integer))
    }

    /// A list of texts.
    pub(super) fn texts(self, name: &'static str) -> Result<Vec<&'a str>, TokenFault> {
        self.list(name, Value::as_str)
    }

    fn list<T>(
        self,
        name: &'static str,
        read: impl Fn(&'a Value) -> Option<T>,
    ) -> Result<Vec<T>, TokenFault> {
        let items = self.value(name)?.as_array().ok_or(TokenFault::BadClaim(name))?;
        items.iter().map(|item| read(item).ok_or(TokenFault::BadClaim(name))).collect()
    }

    pub(super) fn truth(self, name: &'static str) -> Result<bool, TokenFault> {
        self.value(name)?.as_bool().ok_or(TokenFault::BadClaim(name))
    }

    /// A `NumericDate` (RFC 7519, section 2) in whole seconds, from 1970 on.
    pub(super) fn time(self, name: &'static str) -> Result<Timestamp, TokenFault> {
        let seconds = i64::try_from(self.integer(name)?).map_err(|_| TokenFault::BadClaim(name))?;
        Ok(Timestamp::from_seconds(seconds))
    }

    pub(super) fn optional_time(self, name: &'static str) -> Result<Option<Timestamp>, TokenFault> {
        optional(self.time(name))
    }

    /// Checks that a claim is exactly this text; `otherwise` is the fault if it is another.
    pub(super) fn exactly(
        self,
        name: &'static str,
        expected: &str,
        otherwise: TokenFault,
    ) -> Result<(), TokenFault> {
        if self.text(name)? == expected { Ok(()) } else { Err(otherwise) }
    }
}

fn optional<T>(claim: Result<T, TokenFault>) -> Result<Option<T>, TokenFault> {
    match claim {
        Ok(value) => Ok(Some(value)),
        Err(TokenFault::MissingClaim(_)) => Ok(None),
        Err(fault) => Err(fault),
    }
}
