//! How users are searched: a text finds what a list shows, as people type it.

use super::{PersonName, User};
use crate::email::lower_case;
use crate::mobile::{Mobile, is_separator};
use crate::username::Username;

/// A longer text is in no name, and a database would refuse it as a pattern.
const LONGEST: usize = 10_000;

/// A text to look for.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct UserSearch {
    text: String,
    /// The text as a part of a mobile number, which is kept without separators.
    number: Option<String>,
}

impl UserSearch {
    /// Reads what a person typed; `None` if no name can contain it. A line break is in no name.
    #[must_use]
    pub fn parse(typed: &str) -> Option<Self> {
        let typed = typed.trim();
        if typed.len() > LONGEST || typed.chars().any(char::is_control) {
            return None;
        }
        let number: String = typed.chars().filter(|c| !is_separator(*c)).collect();
        let is_number = number.chars().any(|c| c.is_ascii_digit())
            && number.trim_start_matches('+').chars().all(|c| c.is_ascii_digit());
        Some(Self { text: comparable(typed), number: is_number.then_some(number) })
    }

    /// The texts of which [`User::search_lines`] must contain one. They have no line break.
    pub fn alternatives(&self) -> impl Iterator<Item = &str> {
        std::iter::once(self.text.as_str()).chain(self.number.as_deref())
    }
}

/// The form in which texts are compared: NFC, lower case letter by letter, one space between words. The two small
/// sigmas are one, and so are the i of `İ` and any other.
fn comparable(text: &str) -> String {
    let lower = lower_case(text).replace('ς', "σ").replace("i\u{307}", "i");
    lower.split_whitespace().collect::<Vec<_>>().join(" ")
}

impl User {
    /// Everything that a list shows and that names the user, in the form in which texts are compared, a line each.
    #[must_use]
    pub fn search_lines(&self) -> String {
        let username = self.username.as_ref();
        let shown = [
            Some(self.email.as_typed()),
            Some(self.email.canonical()),
            username.map(Username::as_typed),
            username.map(Username::canonical),
            self.mobile.as_ref().map(Mobile::as_str),
            self.name.as_ref().map(PersonName::full),
            self.name.as_ref().and_then(PersonName::given),
            self.name.as_ref().and_then(PersonName::last),
        ];
        let mut lines = vec![self.key.id.to_string()];
        for line in shown.into_iter().flatten().map(comparable) {
            if !lines.contains(&line) {
                lines.push(line);
            }
        }
        lines.join("\n")
    }

    /// Whether what a list shows of the user contains `typed`.
    #[must_use]
    pub fn matches_search(&self, typed: &str) -> bool {
        let lines = self.search_lines();
        UserSearch::parse(typed).is_some_and(|search| search.alternatives().any(|text| lines.contains(text)))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::store::conformance::records::{bare_user, email, tenant};

    #[test]
    fn what_a_list_shows_is_found_as_people_type_it() {
        let user = User {
            email: email("Zoë.Bloggs@BÜCHER.example"),
            username: Username::parse("Zoë_B").ok(),
            mobile: Mobile::parse("+49 170 1234567").ok(),
            name: PersonName::from_parts("Zoë  Ångström", "Οδυσσεύς").ok(),
            ..bare_user(&tenant("acme"), "jo@example.com")
        };
        let id = user.key.id.to_string();
        for typed in [
            "",
            " ",
            "ZOË.bloggs@bücher.example",
            "@bücher",
            "xn--bcher-kva",
            "  zoë_b\t",
            "zoe\u{308}",
            "A\u{30a}NGSTRO\u{308}M ΟΔΥΣΣΕΎΣ",
            "ångström    οδυσ",
            "Οδυς",
            "+49 170 1234567",
            "170",
            "170 / 123-45",
            "(+49) 170",
            &id,
            &id.to_uppercase(),
            &id[..13],
        ] {
            assert!(user.matches_search(typed), "{typed:?}");
        }
        let named = |name| User { name: PersonName::new(name).ok(), ..user.clone() };
        assert!(named("İrem").matches_search("irem") && named("Irem").matches_search("İREM"));
        assert!(named("Room 50 50").matches_search("50 50"));
        for typed in ["zoe", "ångström\nzoë", "zoë\0", "example zoë", &"z".repeat(LONGEST + 1)] {
            assert!(!user.matches_search(typed), "{typed:?}");
        }
    }
}
