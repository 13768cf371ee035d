//! Prose: lines that fit on a screen, and sentences that say who acts.

use super::source::RustFile;
use crate::finding::TidyFinding;
use crate::text_files::TextFile;

/// A line of prose has at most this many characters.
const LINE: usize = 120;
/// Words in place of an actor that the sentence should name: client, user, operator, caller, thief.
const NAMELESS: [&str; 6] = ["somebody", "whoever", "nobody", "whom", "whomever", "anybody"];
/// How often they may stand in `crates/`.
const NAMELESS_AT_MOST: usize = 60;

/// Lines of a page or of comments that are too long. Tables, code blocks and links cannot be broken.
pub(super) fn long_lines(file: &TextFile) -> Vec<TidyFinding> {
    let is_page = file.is_page();
    let mut in_block = false;
    let mut findings = Vec::new();
    for (index, line) in file.text.lines().enumerate() {
        let is_written = is_page || line.trim_start().starts_with("//");
        let text =
            if is_page { line.trim_start() } else { line.trim_start().trim_start_matches(['/', '!', ' ']) };
        in_block ^= is_written && text.starts_with("```");
        let is_prose = is_written && !in_block && !text.starts_with('|');
        let length = line.chars().count();
        if is_prose && length > LINE && !text.contains("http") {
            let what = format!("{length} characters of prose, {LINE} are allowed: break the line");
            findings.push(TidyFinding::new(&file.path, index + 1, what));
        }
    }
    findings
}

/// Whether sentences in `crates/` too often leave out who acts.
pub(super) fn nameless(sources: &[RustFile]) -> Option<TidyFinding> {
    let product = sources.iter().filter(|source| source.path.starts_with("crates/"));
    let counts: Vec<(&str, usize)> =
        product.map(|source| (source.path.as_str(), count(&source.text))).collect();
    let total: usize = counts.iter().map(|(_, count)| count).sum();
    let (path, most) = counts.into_iter().max_by_key(|(_, count)| *count)?;
    (total > NAMELESS_AT_MOST).then(|| {
        let what = format!(
            "`{}` and the like stand {total} times in crates/, {NAMELESS_AT_MOST} are allowed: name the client, \
             user or operator; this file has {most}",
            NAMELESS.join("`, `")
        );
        TidyFinding::new(path, 1, what)
    })
}

fn count(text: &str) -> usize {
    let words = text.split(|c: char| !c.is_alphanumeric() && c != '_');
    words.filter(|word| NAMELESS.iter().any(|nameless| word.eq_ignore_ascii_case(nameless))).count()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn long(path: &str, text: &str) -> usize {
        long_lines(&TextFile { path: path.into(), text: text.into() }).len()
    }

    #[test]
    fn a_long_line_of_a_page_or_a_comment_is_found_and_one_that_cannot_be_broken_is_not() {
        let line = "x".repeat(121);
        assert_eq!((long("a.md", &line), long("a.md", &"é".repeat(120))), (1, 0));
        assert_eq!(long("a.rs", &format!("/// {line}\n    // {line}\nlet a = \"{line}\";")), 2);
        assert_eq!(long("a.md", &format!("| {line} |\n```\n{line}\n```\nhttps://{line}")), 0);
    }

    #[test]
    fn sentences_may_leave_out_who_acts_a_few_times() {
        let findings = |times: usize| {
            let text = format!("// {}", format!("{} ", NAMELESS[0]).repeat(times));
            let source = |path: &str| RustFile::parse(path, &text).unwrap();
            nameless(&[source("crates/a.rs"), source("tools/b.rs")])
        };
        assert_eq!(findings(60), None);
        assert!(findings(61).unwrap().what.contains("61 times"));
    }
}
