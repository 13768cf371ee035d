//! User names, and the one text by which a user signs in.
//!
//! Two user names are the same account if their canonical forms are the same bytes: NFKC, in lower case letter by
//! letter as for [addresses](crate::email). Compatibility forms are merged, unlike those of addresses: no mailbox
//! depends on a user name, and a client that signs up as `ｊｏ` beside `jo` is told that the name is taken.
//!
//! A user name never reads as an address or as a mobile number, so a [`LoginName`] is exactly one of the three.
//! Look-alikes across scripts (`jо` with a Cyrillic `о`) are different names.
//!
//! ```
//! use portcullis_core::username::{LoginName, Username};
//!
//! let username = Username::parse("Jo_Bloggs").unwrap();
//! assert_eq!((username.as_typed(), username.canonical()), ("Jo_Bloggs", "jo_bloggs"));
//! assert!(matches!(LoginName::parse("jo@example.com"), Ok(LoginName::Email(_))));
//! assert!(matches!(LoginName::parse("+49 170 1234567"), Ok(LoginName::Mobile(_))));
//! assert!(matches!(LoginName::parse("JO_BLOGGS"), Ok(LoginName::Username(_))));
//! ```

use thiserror::Error;
use unicode_normalization::UnicodeNormalization;

use crate::email::{self, Email};
use crate::invisible::is_invisible;
use crate::mobile::Mobile;
use crate::shown::shown_as_text;

/// A user name.
#[derive(Clone, PartialEq, Eq, Hash, Debug)]
pub struct Username {
    shown: String,
    canonical: String,
}

/// Why a text is not a user name.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Error)]
pub enum InvalidUsername {
    /// The text is empty.
    #[error("should not be empty")]
    Empty,
    /// It has more than [`Username::MAX_LENGTH`] characters.
    #[error("must be shorter than or equal to {} characters", Username::MAX_LENGTH)]
    TooLong,
    /// It has an `@`, white space or an invisible character.
    #[error("must not contain @, white space or control characters")]
    Unfit,
    /// It reads as a mobile number.
    #[error("must not read as a phone number")]
    Number,
}

impl Username {
    /// The maximum number of characters.
    pub const MAX_LENGTH: usize = 64;

    /// Reads a user name.
    ///
    /// # Errors
    ///
    /// [`InvalidUsername`] says what is wrong with the text.
    pub fn parse(text: &str) -> Result<Self, InvalidUsername> {
        let text = text.trim();
        if text.is_empty() {
            return Err(InvalidUsername::Empty);
        }
        // First, because a client can send a very long text.
        fits(text)?;
        let shown: String = text.nfc().collect();
        let canonical = canonical(&shown);
        // Both forms are checked: the canonical one of `＠` is an `@`, and one character may become eighteen.
        for form in [&shown, &canonical] {
            fits(form)?;
            if !form.chars().all(is_fit) {
                return Err(InvalidUsername::Unfit);
            }
            if Mobile::parse(form).is_ok() {
                return Err(InvalidUsername::Number);
            }
        }
        Ok(Self { shown, canonical })
    }

    /// The name as the user typed it, in NFC.
    #[must_use]
    pub fn as_typed(&self) -> &str {
        &self.shown
    }

    /// The canonical form, to compare and to look up by.
    #[must_use]
    pub fn canonical(&self) -> &str {
        &self.canonical
    }
}

shown_as_text!(Username by as_typed: Display, Serialize);

fn fits(text: &str) -> Result<(), InvalidUsername> {
    // A character has at most four bytes.
    let is_short = text.len() <= Username::MAX_LENGTH * 4 && text.chars().count() <= Username::MAX_LENGTH;
    if is_short { Ok(()) } else { Err(InvalidUsername::TooLong) }
}

fn canonical(text: &str) -> String {
    let merged: String = text.nfkc().collect();
    email::lower_case(&merged).nfkc().collect()
}

fn is_fit(c: char) -> bool {
    c != '@' && !c.is_whitespace() && !is_invisible(c)
}

/// The text by which a user signs in. Its form says which of three names it is.
#[derive(Clone, PartialEq, Eq, Hash, Debug)]
pub enum LoginName {
    /// A text with an `@`.
    Email(Email),
    /// A text that reads as a number.
    Mobile(Mobile),
    /// Any other text.
    Username(Username),
}

/// The text is neither a user name nor an address nor a mobile number.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Error)]
#[error("must be a username, an email or a phone number")]
pub struct InvalidLoginName;

impl LoginName {
    /// The canonical form of the name.
    #[must_use]
    pub fn canonical(&self) -> &str {
        match self {
            Self::Email(email) => email.canonical(),
            Self::Mobile(mobile) => mobile.as_str(),
            Self::Username(username) => username.canonical(),
        }
    }

    /// Reads a name of any of the three forms.
    ///
    /// # Errors
    ///
    /// [`InvalidLoginName`] if the text has none of them.
    pub fn parse(text: &str) -> Result<Self, InvalidLoginName> {
        if text.contains('@') {
            return Email::parse(text).map(Self::Email).map_err(|_| InvalidLoginName);
        }
        match Mobile::parse(text) {
            Ok(mobile) => Ok(Self::Mobile(mobile)),
            Err(_) => Username::parse(text).map(Self::Username).map_err(|_| InvalidLoginName),
        }
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn canonical_of(text: &str) -> String {
        Username::parse(text).unwrap_or_else(|fault| panic!("{text:?} {fault}")).canonical
    }

    #[test]
    fn a_name_is_shown_as_typed_and_compared_in_lower_case() {
        let username = Username::parse("Jo.Bloggs-7").unwrap();
        assert_eq!(username.to_string(), "Jo.Bloggs-7");
        assert_eq!(username.canonical(), "jo.bloggs-7");
        assert_eq!(canonical_of("用户"), "用户");
        assert_eq!(canonical_of("BU\u{308}CHER"), "bücher");
    }

    #[test]
    fn compatibility_forms_are_one_name_and_letters_of_other_scripts_are_not() {
        for text in ["ｊｏ", "ＪＯ", "𝐣𝐨", "ⓙⓞ"] {
            assert_eq!(canonical_of(text), "jo", "{text}");
        }
        assert_ne!(canonical_of("jо"), "jo");
        assert_ne!(canonical_of("straße"), canonical_of("strasse"));
        assert_ne!(canonical_of("ı"), canonical_of("i"));
    }

    #[test]
    fn a_name_has_1_to_64_characters() {
        assert_eq!(Username::parse(""), Err(InvalidUsername::Empty));
        assert_eq!(Username::parse(" \t"), Err(InvalidUsername::Empty));
        assert_eq!(Username::parse("\u{3000}jo \n").unwrap().as_typed(), "jo");
        assert!(Username::parse(&"é".repeat(64)).is_ok());
        assert_eq!(Username::parse(&"x".repeat(65)), Err(InvalidUsername::TooLong));
        assert_eq!(Username::parse(&"é".repeat(1_000_000)), Err(InvalidUsername::TooLong));
        // Seventeen characters as typed, but more than 64 in canonical form.
        assert_eq!(Username::parse(&"㍿".repeat(17)), Err(InvalidUsername::TooLong));
    }

    #[test]
    fn a_text_with_an_at_sign_or_an_invisible_character_is_not_a_user_name() {
        for c in [
            '@', '＠', '﹫', ' ', '\t', '\n', '\0', '\u{7f}', '\u{85}', '\u{a0}', '\u{3000}', '\u{200b}',
            '\u{202e}', '\u{2028}', '\u{feff}', '\u{ad}', '¨',
        ] {
            assert_eq!(Username::parse(&format!("jo{c}x")), Err(InvalidUsername::Unfit), "{c:?}");
        }
    }

    #[test]
    fn a_text_that_reads_as_a_number_is_not_a_user_name() {
        for text in ["123456", "+491701234567", "0170-123.456", "１２３４５６", "(12)3456"] {
            assert_eq!(Username::parse(text), Err(InvalidUsername::Number), "{text}");
        }
        for text in ["12345", "1234567890123456", "r2d2", "+x123456"] {
            assert!(Username::parse(text).is_ok(), "{text}");
        }
    }

    #[test]
    fn a_login_name_is_an_address_by_its_at_sign_a_number_by_its_digits_and_otherwise_a_user_name() {
        assert_eq!(
            LoginName::parse("Jo@Example.com"),
            Ok(LoginName::Email(Email::parse("Jo@Example.com").unwrap()))
        );
        assert_eq!(
            LoginName::parse("+49 170 12345"),
            Ok(LoginName::Mobile(Mobile::parse("+4917012345").unwrap()))
        );
        assert_eq!(LoginName::parse("jo"), Ok(LoginName::Username(Username::parse("jo").unwrap())));
        for text in ["", "jo@", "j o", "jo\0", "123@456", "1234 567890123456", "＠", &"x".repeat(65)] {
            assert_eq!(LoginName::parse(text), Err(InvalidLoginName), "{text:?}");
        }
    }

    proptest! {
        #[test]
        fn a_canonical_name_is_a_name_and_its_own_canonical_form(text in "\\PC{1,12}") {
            if let Ok(username) = Username::parse(&text) {
                let again = Username::parse(username.canonical());
                prop_assert_eq!(again.as_ref().map(Username::canonical), Ok(username.canonical()));
                let parsed = LoginName::parse(&text);
                prop_assert_eq!(parsed, Ok(LoginName::Username(username)));
            }
        }

        #[test]
        fn no_text_makes_the_parser_panic(text in any::<String>()) {
            let _ = LoginName::parse(&text);
        }
    }

    #[test]
    fn the_canonical_form_of_every_character_is_its_own_canonical_form() {
        for c in '\0'..=char::MAX {
            let once = canonical(&c.to_string());
            assert_eq!(canonical(&once), once, "{c:?}");
        }
    }
}
