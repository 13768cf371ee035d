use thiserror::Error;
use unicode_normalization::UnicodeNormalization;
use zeroize::Zeroizing;

use crate::shown::shown_by_name;

/// A password in plain, as a user chose or entered it.
///
/// Every byte counts: nothing is cut off, trimmed or case-folded, and NUL is a character like any other. The one change
/// is Unicode normalisation: the NFC form is hashed. Keyboards write `é` as one code point or as two, the user cannot
/// see which, and both must be accepted (NIST SP 800-63B, section 3.1.1.2). That deviates from "verified exactly as
/// received" (OWASP ASVS 6.2.8) as little as possible: NFC joins only spellings of the same text. NFKC, which NIST also
/// allows, would make different characters equal (`ﬁ` and `fi`, `²` and `2`) and is not applied.
///
/// The text as received is kept as well, because other services made imported hashes of it.
#[derive(Clone)]
pub struct Password {
    received: Zeroizing<String>,
    normal: Zeroizing<String>,
}

/// The text is longer than a password may be.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Error)]
#[error("password must be shorter than or equal to {} bytes", Password::MAX_LENGTH)]
pub struct PasswordTooLong;

impl Password {
    /// The maximum length in bytes. A longer password is refused before anything is hashed.
    pub const MAX_LENGTH: usize = 1024;

    /// Takes a text as a password.
    ///
    /// # Errors
    ///
    /// [`PasswordTooLong`] if it has more than [`Password::MAX_LENGTH`] bytes.
    pub fn new(text: &str) -> Result<Self, PasswordTooLong> {
        if text.len() > Self::MAX_LENGTH {
            return Err(PasswordTooLong);
        }
        // NFC makes UTF-8 at most three times as long (Unicode Annex 15, section 9). With that capacity the string is
        // never reallocated, which would leave a copy that is not wiped.
        let mut normal = Zeroizing::new(String::with_capacity(3 * text.len()));
        normal.extend(text.nfc());
        Ok(Self { received: Zeroizing::new(text.to_owned()), normal })
    }

    /// The length in characters: code points of the normalised text.
    #[must_use]
    pub fn characters(&self) -> usize {
        self.normal.chars().count()
    }

    /// The normalised text, of which new hashes are made.
    pub(super) fn normal(&self) -> &str {
        &self.normal
    }

    /// The text as received, of which imported hashes were made.
    pub(super) fn received(&self) -> &str {
        &self.received
    }
}

shown_by_name!(Password);

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
    fn the_longest_password_is_not_reallocated_while_it_is_normalised() {
        let password = Password::new(&"\u{1d160}".repeat(256)).unwrap();
        assert!(password.normal().len() > 1024);
        assert_eq!(password.normal.capacity(), 3 * 1024);
    }

    // ASVS-map: OP6
    #[test]
    fn a_password_does_not_show_itself() {
        assert_eq!(format!("{:?}", Password::new("hunter2").unwrap()), "Password");
    }
}
