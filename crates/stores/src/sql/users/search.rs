//! The column that users are searched by: what core makes of everything that names a user, a line each.
//!
//! The program writes it, because databases disagree about which letters have a lower case.

use portcullis_core::user::UserSearch;

/// The patterns that find what was typed in such lines: one of both matches. `None` if no name can contain it.
pub(super) fn patterns(typed: &str) -> Option<[String; 2]> {
    let search = UserSearch::parse(typed)?;
    let patterns: Vec<String> = search.alternatives().map(pattern).collect();
    Some([patterns.first()?.clone(), patterns.last()?.clone()])
}

fn pattern(text: &str) -> String {
    let mut pattern = "%".to_owned();
    for c in text.chars() {
        if matches!(c, '%' | '_' | '\\') {
            pattern.push('\\');
        }
        pattern.push(c);
    }
    pattern.push('%');
    pattern
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_a_pattern_gives_a_meaning_to_is_looked_for_as_it_is() {
        let both = |pattern: &str| Some([pattern.to_owned(), pattern.to_owned()]);
        assert_eq!(patterns("50%_\\É"), both("%50\\%\\_\\\\é%"));
        assert_eq!(patterns(""), both("%%"));
        assert_eq!(patterns("170 123"), Some(["%170 123%".to_owned(), "%170123%".to_owned()]));
        assert_eq!(patterns("a\nb"), None);
    }
}
