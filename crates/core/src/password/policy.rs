use std::collections::HashSet;
use std::sync::LazyLock;

use thiserror::Error;
use unicode_normalization::UnicodeNormalization;
use zeroize::Zeroizing;

use super::Password;
use super::known_words::{MadeOf, made_of};

/// The most common passwords in lower case, one a line; `common.md` says where they come from.
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

/// What a new password must satisfy. It is checked when a password is set, not at sign-in, and not for imported hashes.
///
/// There are no rules of composition, and no password expires: both make users choose worse ones (NIST SP 800-63B,
/// section 3.1.1.2).
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct PasswordPolicy {
    /// The minimum length, in characters.
    pub min_length: usize,
    /// Whether common passwords and those made of the user's own names are refused.
    pub refuse_common: bool,
}

/// Why a password was refused. The user who chose it sees the text.
#[derive(Clone, PartialEq, Eq, Debug, Error)]
pub enum WeakPassword {
    /// It has too few characters.
    #[error("password must be longer than or equal to {min_length} characters")]
    TooShort {
        /// The minimum length, in characters.
        min_length: usize,
    },
    /// It is one of the passwords that attackers try first.
    #[error("password must not be a commonly used one")]
    Common,
    /// It is little more than a word that an attacker knows.
    #[error("password must not be made of {word}")]
    ContainsContext {
        /// The word.
        word: String,
    },
}

impl PasswordPolicy {
    /// For development mode: 8 characters, without other rules.
    pub const DEVELOPMENT: Self = Self { min_length: 8, refuse_common: false };
    /// For sign-ins with a password alone.
    pub const SINGLE_FACTOR: Self = Self { min_length: 15, refuse_common: true };
    /// For sign-ins that always have a second step.
    pub const WITH_SECOND_STEP: Self = Self { min_length: 8, refuse_common: true };

    /// Checks a new password. `context` has the words that an attacker knows: the public host, the tenant, the local
    /// part of the user's address, the product. A mix of them, common words, years and digits is refused.
    ///
    /// # Errors
    ///
    /// [`WeakPassword`] for the first rule, in the order of the variants, that the password breaks.
    pub fn check(&self, password: &Password, context: &[&str]) -> Result<(), WeakPassword> {
        if password.characters() < self.min_length {
            return Err(WeakPassword::TooShort { min_length: self.min_length });
        }
        if !self.refuse_common {
            return Ok(());
        }
        let folded = lower_case(password.normal());
        if is_common(&folded) {
            return Err(WeakPassword::Common);
        }
        let names: Vec<_> = context.iter().map(|name| lower_case(name)).collect();
        let names: Vec<&str> = names.iter().map(|name| name.as_str()).collect();
        let gives_away =
            |name: &&str| name.chars().count() >= SHORTEST_NAME && is_little_more_than(&folded, name);
        let contains = |word: &str| WeakPassword::ContainsContext { word: word.to_owned() };
        match (names.iter().copied().find(gives_away), made_of(&folded, &names)) {
            (Some(name), _) | (None, Some(MadeOf::Context(name))) => Err(contains(name)),
            (None, Some(MadeOf::CommonWords)) => Err(WeakPassword::Common),
            (None, None) => Ok(()),
        }
    }
}

/// Words with fewer characters are too common in good passwords to refuse.
const SHORTEST_NAME: usize = 3;

/// A password needs this many different characters besides a common word.
const ENOUGH_OF_ITS_OWN: usize = 8;

/// Whether the text is a common password, one with a year or signs appended, or one repeated.
fn is_common(text: &str) -> bool {
    let entries: HashSet<&str> = pieces(text).filter(|piece| COMMON.words.contains(piece)).collect();
    is_common_and_long(text) || entries.into_iter().any(|entry| is_little_more_than(text, entry))
}

fn is_common_and_long(text: &str) -> bool {
    let digest = ring::digest::digest(&ring::digest::SHA256, text.as_bytes());
    let (marks, _) = COMMON_LONG.as_chunks::<4>();
    digest.as_ref().first_chunk().is_some_and(|mark| marks.binary_search(mark).is_ok())
}

/// Every substring whose length is that of some entry of the list.
fn pieces(text: &str) -> impl Iterator<Item = &str> {
    let rests = text.char_indices().filter_map(|(start, _)| text.get(start..));
    rests.flat_map(|rest| {
        let ends = rest.char_indices().map(|(at, c)| at + c.len_utf8());
        let ends = ends.enumerate().skip_while(|(index, _)| index + 1 < COMMON.shortest);
        ends.take_while(|(index, _)| index < &COMMON.longest).filter_map(|(_, end)| rest.get(..end))
    })
}

/// Whether the text contains the word and few different characters besides.
fn is_little_more_than(text: &str, word: &str) -> bool {
    let mut own = HashSet::new();
    let has_enough = |c| own.insert(c) && own.len() == ENOUGH_OF_ITS_OWN;
    text.contains(word) && !text.split(word).flat_map(str::chars).any(has_enough)
}

/// In NFC as passwords are, with capacity enough that no reallocation leaves a copy that is not wiped.
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
        let short = |min_length| Err(WeakPassword::TooShort { min_length });
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
            Err(WeakPassword::TooShort { min_length: 15 })
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
    fn an_uncommon_password_is_hardly_ever_taken_for_a_common_one() {
        let mistaken = (0..10_000).filter(|number| is_common_and_long(&format!("vexed quilt mop {number}")));
        assert!(mistaken.count() <= 3);
    }

    // ASVS-map: PW4
    #[test]
    fn a_password_made_of_the_tenants_or_users_name_is_refused() {
        let made_of = |word: &str| Err(WeakPassword::ContainsContext { word: word.to_owned() });
        assert_eq!(check(PasswordPolicy::SINGLE_FACTOR, "acme2026!!!!!!!!"), made_of("acme"));
        assert_eq!(check(PasswordPolicy::SINGLE_FACTOR, "ACME-Acme-aCmE-12"), made_of("acme"));
        assert_eq!(check(PasswordPolicy::SINGLE_FACTOR, "Jo.Bloggs 1999!"), made_of("jo.bloggs"));
        assert_eq!(check(PasswordPolicy::SINGLE_FACTOR, "the acme of vexed quilts"), Ok(()));
        assert_eq!(check(PasswordPolicy::SINGLE_FACTOR, "eu vexed quilts eu"), Ok(()));
    }

    // ASVS-map: PW4
    #[test]
    fn a_mix_of_common_words_and_names_with_years_and_digits_is_refused() {
        let made_of = |word: &str| Err(WeakPassword::ContainsContext { word: word.to_owned() });
        let check = |text| check(PasswordPolicy::SINGLE_FACTOR, text);
        assert_eq!(check("default-password-2026"), Err(WeakPassword::Common));
        assert_eq!(check("Welcome.Monday.1999"), Err(WeakPassword::Common));
        assert_eq!(check("Acme.Summer-1985-7"), made_of("acme"));
        assert_eq!(check("bloggs/secret/8317"), made_of("jo.bloggs"));
        assert_eq!(check("correct horse battery staple"), Ok(()));
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
