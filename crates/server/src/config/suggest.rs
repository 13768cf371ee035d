//! "Did you mean …?"

/// The end of a sentence that names the candidate nearest to what was written, or nothing where none is near.
pub(super) fn did_you_mean<'a>(written: &str, candidates: impl Iterator<Item = &'a str>) -> String {
    nearest(written, candidates).map_or_else(String::new, |name| format!("; did you mean {name}?"))
}

/// The candidate with the fewest slips of the finger, a third of the letters at most; or one that ends in the same
/// word, for a key that was written outside its table.
fn nearest<'a>(written: &str, candidates: impl Iterator<Item = &'a str>) -> Option<&'a str> {
    let most = (written.chars().count() / 3).min(4);
    let slips = |candidate: &str| match candidate.rsplit_once('.') {
        Some((_, last)) if last == written => 0,
        _ => strsim::damerau_levenshtein(written, candidate),
    };
    candidates.map(|name| (slips(name), name)).filter(|(slips, _)| *slips <= most).min().map(|(_, name)| name)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn near_names_are_suggested_and_far_ones_are_not() {
        let names = ["listen", "limits.body", "limits.headers"];
        for (written, meant) in [
            ("lisen", Some("listen")),
            ("limit.body", Some("limits.body")),
            ("body", Some("limits.body")),
            ("colour", None),
            ("x", None),
        ] {
            assert_eq!(nearest(written, names.into_iter()), meant, "{written}");
        }
    }
}
