//! "Did you mean …?"

/// The end of a message that names the candidate most similar to `written`; empty if none is similar.
#[must_use]
pub fn did_you_mean<'a>(written: &str, candidates: impl Iterator<Item = &'a str>) -> String {
    nearest(written, candidates).map_or_else(String::new, |name| format!("; did you mean {name}?"))
}

/// The candidate with the fewest typing errors, at most one in three letters; or one that ends in the same word, for a
/// key that was written outside its table.
fn nearest<'a>(written: &str, candidates: impl Iterator<Item = &'a str>) -> Option<&'a str> {
    let near = candidates.filter_map(|candidate| Some((distance(written, candidate)?, candidate)));
    near.min().map(|(_, candidate)| candidate)
}

/// The edit distance of two names; `None` if they are not similar. Words that both begin with are not counted.
fn distance(written: &str, candidate: &str) -> Option<usize> {
    if candidate.rsplit_once('.').is_some_and(|(_, last)| last == written) {
        return Some(0);
    }
    let same = written.bytes().zip(candidate.bytes()).take_while(|(a, b)| a == b).count();
    let words = written.get(..same).and_then(|start| start.rfind(['.', '_'])).map_or(0, |end| end + 1);
    let (written, candidate) = (written.get(words..)?, candidate.get(words..)?);
    let distance = strsim::damerau_levenshtein(written, candidate);
    (distance <= written.chars().count() / 3).then_some(distance)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn near_names_are_suggested_and_far_ones_are_not() {
        let names =
            ["listen", "limits.body", "limits.headers", "strategies.refresh.max", "PORTCULLIS_LISTEN"];
        for (written, meant) in [
            ("lisen", Some("listen")),
            ("limit.body", Some("limits.body")),
            ("body", Some("limits.body")),
            ("limits.bdy", Some("limits.body")),
            ("PORTCULLIS_LSITEN", Some("PORTCULLIS_LISTEN")),
            ("strategies.refresh.idle", None),
            ("PORTCULLIS_X", None),
            ("colour", None),
            ("x", None),
        ] {
            assert_eq!(nearest(written, names.into_iter()), meant, "{written}");
        }
    }
}
