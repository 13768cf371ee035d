//! Mobile numbers: digits with or without a `+` in front, as E.164 writes them.
//!
//! Separators are dropped, so `+49 170 123-4567` and `+491701234567` are the same number. The module knows no country
//! codes: `0170 1234567` and `+49 170 1234567` are two numbers. It does not check that a number exists.
//!
//! ```
//! use portcullis_core::mobile::Mobile;
//!
//! let mobile = Mobile::parse("+49 (170) 123-4567").unwrap();
//! assert_eq!(mobile.as_str(), "+491701234567");
//! ```

use thiserror::Error;

use crate::shown::shown_as_text;

/// The minimum number of digits. Shorter numbers are the short codes of services.
const FEWEST: usize = 6;
/// The maximum number of digits (E.164, section 6).
const MOST: usize = 15;
/// The maximum length of the text in bytes: every digit with separators around it.
const MAX_LENGTH: usize = 64;

/// A mobile number.
#[derive(Clone, PartialEq, Eq, Hash, Debug)]
pub struct Mobile(String);

/// The text is not a mobile number.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Error)]
#[error("mobile must be a valid phone number")]
pub struct InvalidMobile;

impl Mobile {
    /// Reads a number.
    ///
    /// # Errors
    ///
    /// [`InvalidMobile`] if the text is not a number.
    pub fn parse(text: &str) -> Result<Self, InvalidMobile> {
        let text = text.trim();
        if text.len() > MAX_LENGTH {
            return Err(InvalidMobile);
        }
        let canonical: String = text.chars().filter(|c| !is_separator(*c)).collect();
        let digits = canonical.strip_prefix('+').unwrap_or(&canonical);
        let is_number = digits.bytes().all(|c| c.is_ascii_digit()) && (FEWEST..=MOST).contains(&digits.len());
        if is_number { Ok(Self(canonical)) } else { Err(InvalidMobile) }
    }

    /// The number without separators, to show, to compare and to look up by.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

shown_as_text!(Mobile by as_str: Display, Serialize);

/// Whether people write this character between the digits of a number.
pub(crate) const fn is_separator(c: char) -> bool {
    matches!(c, ' ' | '-' | '.' | '/' | '(' | ')')
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn separators_do_not_change_a_number() {
        for text in ["+491701234567", "\t+49 170 1234567\u{a0}", "+49 (170) 123-4567", "(+49) 170/123.45.67"]
        {
            assert_eq!(Mobile::parse(text).unwrap().as_str(), "+491701234567", "{text}");
        }
        assert_eq!(Mobile::parse("0170 1234567").unwrap().to_string(), "01701234567");
    }

    #[test]
    fn a_number_has_6_to_15_digits() {
        for text in ["123456", "+123456", "123456789012345", "+123456789012345"] {
            assert!(Mobile::parse(text).is_ok(), "{text}");
        }
        for text in ["12345", "+12345", "1234567890123456", "+1234567890123456"] {
            assert_eq!(Mobile::parse(text), Err(InvalidMobile), "{text}");
        }
    }

    #[test]
    fn a_text_that_is_not_a_number_is_refused() {
        for text in [
            "",
            "+",
            "()-",
            "++123456",
            "123+456",
            "123456+",
            "123456x7",
            "tel:123456",
            "123\t456",
            "123\u{a0}456",
            "١٢٣٤٥٦",
            "１２３４５６",
            "123456\0",
            "123456\r\nBcc: jo",
            &format!("123456{}7", " ".repeat(60)),
        ] {
            assert_eq!(Mobile::parse(text), Err(InvalidMobile), "{text:?}");
        }
    }
}
