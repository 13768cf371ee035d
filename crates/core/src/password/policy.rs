use std::collections::HashSet;
use std::sync::LazyLock;

use thiserror::Error;
use unicode_normalization::UnicodeNormalization;
use zeroize::Zeroizing;

use super::Password;

/// The most common passwords, lower case, one a line; `common.md` says where they come from.
static COMMON: LazyLock<CommonPasswords> = LazyLock::new(|| {
    let words: HashSet<&str> = include_str!("common.txt").lines().collect();
    let lengths = || words.iter().map(|word| word.chars().count());
    let (shortest, longest) = (lengths().min().unwrap_or(0), lengths().max().unwrap_or(0));
    CommonPasswords { words, shortest, longest }
});

/// The first four bytes of the SHA-256 of each common password of fifteen characters and more, sorted.
static COMMON_LONG: &[u8] = include_bytes!("common_long.bin");

struct CommonPasswords {
    words: HashSet<&'static str>,
    shortest: usize,
    longest: usize,
}

/// What a new password must be. It is asked where a password is set, never at sign-in and never of an imported hash.
///
/// There are no rules of composition, and no password expires: both make people choose worse ones (NIST SP 800-63B,
/// section 3.1.1.2).
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct PasswordPolicy {
    /// The least number of characters.
    pub shortest: usize,
    /// Whether common passwords and those made of the account's own names are refused.
    pub refuse_common: bool,
}

/// Why a password was refused: text for the person who chose it.
#[derive(Clone, PartialEq, Eq, Debug, Error)]
pub enum WeakPassword {
    /// It has too few characters.
    #[error("password must be longer than or equal to {shortest} characters")]
    TooShort {
        /// The least number of characters.
        shortest: usize,
    },
    /// It is one of those that are tried first.
    #[error("password must not be a commonly used one")]
    Common,
    /// It is little more than a name that everybody knows here.
    #[error("password must not be made of {word}")]
    ContainsContext {
        /// The name.
        word: String,
    },
}

impl PasswordPolicy {
    /// For trying things out on one's own machine: 8 characters and nothing else.
    pub const DEVELOPMENT: Self = Self { shortest: 8, refuse_common: false };
    /// Where the password is all that is asked for.
    pub const SINGLE_FACTOR: Self = Self { shortest: 15, refuse_common: true };
    /// Where a second step always follows.
    pub const WITH_SECOND_STEP: Self = Self { shortest: 8, refuse_common: true };

    /// Whether the password may be chosen by somebody whom these words name: the tenant, the local part of the email
    /// address, the product.
    ///
    /// # Errors
    ///
    /// [`WeakPassword`] says what is wrong with it, the first of its faults in the order of the variants.
    pub fn check(&self, password: &Password, context: &[&str]) -> Result<(), WeakPassword> {
        if password.characters() < self.shortest {
            return Err(WeakPassword::TooShort { shortest: self.shortest });
        }
        if !self.refuse_common {
            return Ok(());
        }
        let folded = lower_case(password.normal());
        if is_common(&folded) {
            return Err(WeakPassword::Common);
        }
        let gives_away = |word: &&&str| {
            let word = lower_case(word);
            word.chars().count() >= SHORTEST_NAME && is_little_more_than(&folded, &word)
        };
        match context.iter().find(gives_away) {
            Some(word) => Err(WeakPassword::ContainsContext { word: (*word).to_owned() }),
            None => Ok(()),
        }
    }
}

/// A name of less than three characters says nothing.
const SHORTEST_NAME: usize = 3;

/// What makes a password one's own: this many different characters beside the word that everybody tries.
const ENOUGH_OF_ITS_OWN: usize = 8;

/// Whether the text is a common password, or one with a year and some signs behind it, or one several times over.
fn is_common(text: &str) -> bool {
    let entries: HashSet<&str> = pieces(text).filter(|piece| COMMON.words.contains(piece)).collect();
    is_common_and_long(text) || entries.into_iter().any(|entry| is_little_more_than(text, entry))
}

fn is_common_and_long(text: &str) -> bool {
    let digest = ring::digest::digest(&ring::digest::SHA256, text.as_bytes());
    let (marks, _) = COMMON_LONG.as_chunks::<4>();
    digest.as_ref().first_chunk().is_some_and(|mark| marks.binary_search(mark).is_ok())
}

/// Every run of characters that is as long as some entry of the list.
fn pieces(text: &str) -> impl Iterator<Item = &str> {
    let rests = text.char_indices().filter_map(|(start, _)| text.get(start..));
    rests.flat_map(|rest| {
        let ends = rest.char_indices().map(|(at, c)| at + c.len_utf8());
        let ends = ends.enumerate().skip_while(|(index, _)| index + 1 < COMMON.shortest);
        ends.take_while(|(index, _)| index < &COMMON.longest).filter_map(|(_, end)| rest.get(..end))
    })
}

/// Whether the text has the word and, without it, few different characters.
fn is_little_more_than(text: &str, word: &str) -> bool {
    let mut own = HashSet::new();
    let has_enough = |c| own.insert(c) && own.len() == ENOUGH_OF_ITS_OWN;
    text.contains(word) && !text.split(word).flat_map(str::chars).any(has_enough)
}

/// In NFC, as passwords are, and with room enough that the text never moves and leaves itself behind.
fn lower_case(text: &str) -> Zeroizing<String> {
    let mut lower = Zeroizing::new(String::with_capacity(3 * text.len()));
    lower.extend(text.nfc().flat_map(char::to_lowercase));
    lower
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check(policy: PasswordPolicy, text: &str) -> Result<(), WeakPassword> {
        policy.check(&Password::new(text).unwrap(), &["acme", "jo.bloggs", "eu"])
    }

    // ASVS-map: PW1
    #[test]
    fn a_password_alone_has_fifteen_characters_and_one_with_a_second_step_eight() {
        let short = |shortest| Err(WeakPassword::TooShort { shortest });
        assert_eq!(check(PasswordPolicy::SINGLE_FACTOR, "vexed quilt mo"), short(15));
        assert_eq!(check(PasswordPolicy::SINGLE_FACTOR, "vexed quilt mop"), Ok(()));
        assert_eq!(check(PasswordPolicy::WITH_SECOND_STEP, "vexedqu"), short(8));
        assert_eq!(check(PasswordPolicy::WITH_SECOND_STEP, "vexedqui"), Ok(()));
        assert_eq!(check(PasswordPolicy::DEVELOPMENT, "passwor"), short(8));
        assert_eq!(check(PasswordPolicy::DEVELOPMENT, "password"), Ok(()));
    }

    #[test]
    fn length_is_counted_in_characters_however_many_bytes_they_take() {
        assert_eq!(
            check(PasswordPolicy::SINGLE_FACTOR, "žluťoučkýkůň🐎"),
            Err(WeakPassword::TooShort { shortest: 15 })
        );
        assert_eq!(check(PasswordPolicy::SINGLE_FACTOR, "žluťoučký kůň 🐎"), Ok(()));
    }

    // ASVS-map: PW3
    #[test]
    fn no_kind_of_character_is_asked_for() {
        for text in ["quiltvexedmopfj", "QUILTVEXEDMOPFJ", "               quiltvexed", "8302917465820193"] {
            assert_eq!(check(PasswordPolicy::SINGLE_FACTOR, text), Ok(()), "{text:?}");
        }
    }

    // ASVS-map: PW4
    #[test]
    fn none_of_the_common_passwords_is_accepted_in_any_case() {
        let long_enough: Vec<_> = COMMON.words.iter().filter(|entry| entry.chars().count() >= 8).collect();
        assert!(long_enough.len() >= 3000, "{}", long_enough.len());
        for entry in long_enough {
            let refused = Err(WeakPassword::Common);
            assert_eq!(check(PasswordPolicy::WITH_SECOND_STEP, entry), refused, "{entry:?}");
            assert_eq!(
                check(PasswordPolicy::WITH_SECOND_STEP, &entry.to_ascii_uppercase()),
                refused,
                "{entry:?}"
            );
        }
    }

    // ASVS-map: PW4
    #[test]
    fn a_common_password_is_not_made_better_by_repeating_it_or_by_a_year() {
        for text in
            ["passwordpassword", "Password2026!!!!", "!!qwertyuiop2026", "aaaaaaaaaaaaaaa", "123456789012345"]
        {
            assert_eq!(check(PasswordPolicy::SINGLE_FACTOR, text), Err(WeakPassword::Common), "{text:?}");
        }
        assert_eq!(check(PasswordPolicy::SINGLE_FACTOR, "my password, forged"), Ok(()));
    }

    // ASVS-map: PW4
    #[test]
    fn common_passwords_that_are_long_enough_are_refused_too() {
        let (marks, rest) = COMMON_LONG.as_chunks::<4>();
        assert!(marks.len() >= 3000 && rest.is_empty(), "{}", marks.len());
        assert!(marks.is_sorted());
        for text in [
            "30secondstomars",
            "StairwayToHeaven",
            "perasperaadastra",
            "youngandrestless",
            "qwertyuiopasdfghjkl",
            "420842084208555",
            "saintpetersburg",
            "parliament12345",
        ] {
            assert_eq!(check(PasswordPolicy::SINGLE_FACTOR, text), Err(WeakPassword::Common), "{text:?}");
        }
    }

    #[test]
    fn hardly_a_password_of_ones_own_is_taken_for_a_common_one() {
        let mistaken = (0..10_000).filter(|number| is_common_and_long(&format!("vexed quilt mop {number}")));
        assert!(mistaken.count() <= 3);
    }

    // ASVS-map: PW4
    #[test]
    fn a_name_of_the_place_does_not_make_a_password() {
        let made_of = |word: &str| Err(WeakPassword::ContainsContext { word: word.to_owned() });
        assert_eq!(check(PasswordPolicy::SINGLE_FACTOR, "acme2026!!!!!!!!"), made_of("acme"));
        assert_eq!(check(PasswordPolicy::SINGLE_FACTOR, "ACME-Acme-aCmE-12"), made_of("acme"));
        assert_eq!(check(PasswordPolicy::SINGLE_FACTOR, "Jo.Bloggs 1999!"), made_of("jo.bloggs"));
        assert_eq!(check(PasswordPolicy::SINGLE_FACTOR, "the acme of vexed quilts"), Ok(()));
        assert_eq!(check(PasswordPolicy::SINGLE_FACTOR, "eu vexed quilts eu"), Ok(()));
    }

    #[test]
    fn the_refusal_says_why_in_words_for_people() {
        let text = |policy, text| check(policy, text).unwrap_err().to_string();
        let too_short = "password must be longer than or equal to 8 characters";
        assert_eq!(text(PasswordPolicy::DEVELOPMENT, "short"), too_short);
        assert_eq!(
            text(PasswordPolicy::WITH_SECOND_STEP, "iloveyou"),
            "password must not be a commonly used one"
        );
        assert_eq!(text(PasswordPolicy::WITH_SECOND_STEP, "acme2026"), "password must not be made of acme");
    }
}
