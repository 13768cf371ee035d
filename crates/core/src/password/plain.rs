use std::fmt;

use thiserror::Error;
use unicode_normalization::UnicodeNormalization;
use zeroize::Zeroizing;

/// A password in plain, as somebody chose or presented it.
///
/// Every byte counts: nothing is cut off, trimmed or case-folded, and NUL is a character like any other. The one thing
/// that is done to it is Unicode normalisation, here and nowhere else: what is hashed is the NFC form. Two keyboards
/// write `é` as one code point or as two, their owner cannot see which, and both must open the account (NIST SP
/// 800-63B, section 3.1.1.2). That is at odds with the letter of "verified exactly as received" (OWASP ASVS 6.2.8), and
/// NFC is the smallest step that serves both: it joins only spellings of the same text. NFKC, which the NIST text also
/// allows, would make different characters equal (`ﬁ` and `fi`, `²` and `2`) and is not applied.
///
/// The text as received is kept beside it, because a hash that was made elsewhere was made of that.
#[derive(Clone)]
pub struct Password {
    received: Zeroizing<String>,
    normal: Zeroizing<String>,
}

/// The text is longer than a password may be.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Error)]
#[error("password must be shorter than or equal to {} bytes", Password::LONGEST)]
pub struct PasswordTooLong;

impl Password {
    /// The most bytes a password may have: more is refused before anything is hashed.
    pub const LONGEST: usize = 1024;

    /// The password that is this text.
    ///
    /// # Errors
    ///
    /// [`PasswordTooLong`] if it has more than [`Password::LONGEST`] bytes.
    pub fn new(text: &str) -> Result<Self, PasswordTooLong> {
        if text.len() > Self::LONGEST {
            return Err(PasswordTooLong);
        }
        // NFC makes UTF-8 at most three times as long (Unicode Annex 15, section 9). With room for that the string never
        // moves, so that no piece of it is left behind unwiped.
        let mut normal = Zeroizing::new(String::with_capacity(3 * text.len()));
        normal.extend(text.nfc());
        Ok(Self { received: Zeroizing::new(text.to_owned()), normal })
    }

    /// How many characters it has: code points of the normalised text.
    #[must_use]
    pub fn characters(&self) -> usize {
        self.normal.chars().count()
    }

    /// The normalised text, which our own hashes are made of.
    pub(super) fn normal(&self) -> &str {
        &self.normal
    }

    /// The text as it came, which the hashes of others were made of.
    pub(super) fn received(&self) -> &str {
        &self.received
    }
}

impl fmt::Debug for Password {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Password")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    // ASVS-map: PW7
    #[test]
    fn a_password_has_at_most_1024_bytes() {
        assert!(Password::new(&"x".repeat(1024)).is_ok());
        assert_eq!(Password::new(&"x".repeat(1025)).unwrap_err(), PasswordTooLong);
        assert_eq!(Password::new(&"é".repeat(513)).unwrap_err(), PasswordTooLong);
    }

    // ASVS-map: PW9
    #[test]
    fn spellings_of_the_same_text_are_one_password_and_nothing_else_is() {
        let normal = |text| Password::new(text).unwrap().normal().to_owned();
        assert_eq!(normal("caf\u{e9}"), normal("cafe\u{301}"));
        for (one, other) in
            [("é", "É"), ("ﬁ", "fi"), ("²", "2"), (" a", "a"), ("a ", "a"), ("a\0b", "a\0c"), ("a\0", "a")]
        {
            assert_ne!(normal(one), normal(other), "{one:?} {other:?}");
        }
    }

    #[test]
    fn the_longest_password_of_the_worst_kind_does_not_move_while_it_is_normalised() {
        let password = Password::new(&"\u{1d160}".repeat(256)).unwrap();
        assert!(password.normal().len() > 1024);
        assert_eq!(password.normal.capacity(), 3 * 1024);
    }

    #[test]
    fn a_password_does_not_show_itself() {
        assert_eq!(format!("{:?}", Password::new("hunter2").unwrap()), "Password");
    }
}
