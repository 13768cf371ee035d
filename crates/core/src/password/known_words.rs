//! Passwords that are a mix of words which an attacker tries first: those of the service and of the user, and those
//! that most passwords are made of. Years, digits and signs between them make no difference.

use std::collections::HashSet;

/// Shorter parts of names are too common in good passwords.
const SHORTEST_PART: usize = 4;

/// A password needs this many different letters besides the words.
const ENOUGH_LETTERS: usize = 4;

/// The words of four letters and more that common passwords are made of, in lower case.
const COMMONEST: &[&str] = &[
    "password",
    "passwort",
    "passwd",
    "passphrase",
    "pass",
    "word",
    "kennwort",
    "contrasena",
    "motdepasse",
    "qwerty",
    "qwertz",
    "azerty",
    "asdf",
    "zxcv",
    "yxcv",
    "qazwsx",
    "1q2w3e",
    "abcd",
    "admin",
    "administrator",
    "root",
    "user",
    "users",
    "username",
    "guest",
    "test",
    "tester",
    "testing",
    "demo",
    "sample",
    "example",
    "default",
    "changeme",
    "change",
    "temp",
    "temporary",
    "initial",
    "first",
    "login",
    "logon",
    "signin",
    "account",
    "access",
    "system",
    "server",
    "service",
    "secure",
    "security",
    "secret",
    "private",
    "super",
    "master",
    "manager",
    "support",
    "company",
    "office",
    "work",
    "home",
    "welcome",
    "willkommen",
    "bienvenue",
    "hello",
    "hallo",
    "bonjour",
    "letmein",
    "iloveyou",
    "love",
    "lovely",
    "forever",
    "trustno",
    "whatever",
    "nothing",
    "please",
    "money",
    "angel",
    "princess",
    "prince",
    "sunshine",
    "flower",
    "rainbow",
    "butterfly",
    "monkey",
    "dragon",
    "tiger",
    "lion",
    "eagle",
    "killer",
    "hunter",
    "soccer",
    "football",
    "baseball",
    "basketball",
    "hockey",
    "superman",
    "batman",
    "spiderman",
    "pokemon",
    "starwars",
    "shadow",
    "freedom",
    "internet",
    "computer",
    "google",
    "facebook",
    "samsung",
    "apple",
    "microsoft",
    "windows",
    "linux",
    "spring",
    "summer",
    "autumn",
    "fall",
    "winter",
    "january",
    "february",
    "march",
    "april",
    "june",
    "july",
    "august",
    "september",
    "october",
    "november",
    "december",
    "monday",
    "tuesday",
    "wednesday",
    "thursday",
    "friday",
    "saturday",
    "sunday",
];

/// The word of `context` that a password is made of.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(super) enum MadeOf<'a> {
    /// A word of the context, maybe mixed with common ones.
    Context(&'a str),
    /// Common words alone.
    CommonWords,
}

/// What words a text is made of: known ones, and hardly a letter of its own. `None` if it has enough of its own. Text
/// and context are in lower case.
pub(super) fn made_of<'a>(text: &str, context: &[&'a str]) -> Option<MadeOf<'a>> {
    let parts = context.iter().flat_map(|name| parts(name).map(|part| (part, *name)));
    let known =
        COMMONEST.iter().map(|word| (*word, None)).chain(parts.map(|(part, name)| (part, Some(name))));
    let mut covered = vec![false; text.len()];
    let mut found = None;
    for (word, name) in known {
        for (start, _) in text.match_indices(word) {
            for is_covered in covered.iter_mut().skip(start).take(word.len()) {
                *is_covered = true;
            }
            found = name.map(MadeOf::Context).or(found).or(Some(MadeOf::CommonWords));
        }
    }
    let own = text.char_indices().filter(|(at, _)| !covered.get(*at).copied().unwrap_or_default());
    let letters: HashSet<char> = own.map(|(_, c)| c).filter(|c| c.is_alphabetic()).collect();
    found.filter(|_| letters.len() < ENOUGH_LETTERS)
}

/// A name, and what stands between its signs.
fn parts(name: &str) -> impl Iterator<Item = &str> {
    let parts = name.split(|c: char| !c.is_alphanumeric());
    std::iter::once(name).chain(parts).filter(|part| part.chars().count() >= SHORTEST_PART)
}

#[cfg(test)]
mod tests {
    use super::*;

    const CONTEXT: [&str; 4] = ["auth.umbrella.example", "acme-labs", "portcullis", "jo.bloggs"];

    // ASVS-map: PW4
    #[test]
    fn any_mix_of_known_words_years_and_digits_is_recognised() {
        for (text, word) in [
            ("default-password-2026", None),
            ("welcome.monday.1999", None),
            ("mypassword2026!!", None),
            ("portcullis12345", Some("portcullis")),
            ("2026umbrella-admin", Some("auth.umbrella.example")),
            ("labs labs labs 1", Some("acme-labs")),
            ("bloggs+secret+07", Some("jo.bloggs")),
            ("acmelabs1234567", Some("acme-labs")),
        ] {
            let expected = word.map_or(MadeOf::CommonWords, MadeOf::Context);
            assert_eq!(made_of(text, &CONTEXT), Some(expected), "{text}");
        }
    }

    #[test]
    fn known_words_beside_others_and_no_known_word_at_all_are_fine() {
        for text in [
            "correct horse battery staple",
            "my password, forged",
            "the labs of vexed quilts",
            "jo and her 17 quilts",
            "8302917465820193",
            "žluťoučký kůň 🐎",
        ] {
            assert_eq!(made_of(text, &CONTEXT), None, "{text}");
        }
    }

    #[test]
    fn every_common_word_is_long_enough_and_written_as_it_is_compared() {
        for word in COMMONEST {
            assert!(word.len() >= SHORTEST_PART && *word == word.to_lowercase(), "{word}");
        }
    }
}
