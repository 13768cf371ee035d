//! Text that no file may contain: hosts of package registries and paths of one machine.
//!
//! Everybody builds through their own cargo, npm and pip configuration; a host in a file would go past it. The
//! needles are written in two halves here, so that this file does not find itself.

use crate::finding::TidyFinding;
use crate::text_files::TextFile;

struct Word {
    text: &'static str,
    /// Whether it counts only where no longer path leads up to it.
    leading: bool,
    cure: &'static str,
}

const HOST: &str = "let the package manager's own configuration name the registry";
const MACHINE: &str = "write the path from the root of the repository";

const WORDS: [Word; 9] = [
    Word { text: concat!("../sha", "red"), leading: false, cure: "point inside the repository" },
    Word { text: concat!("crates", ".io"), leading: false, cure: HOST },
    Word { text: concat!("npmjs", ".org"), leading: false, cure: HOST },
    Word { text: concat!("npmjs", ".com"), leading: false, cure: HOST },
    Word { text: concat!("pypi", ".org"), leading: false, cure: HOST },
    Word { text: concat!("python", "hosted.org"), leading: false, cure: HOST },
    Word { text: concat!("/wo", "rk/"), leading: true, cure: MACHINE },
    Word { text: concat!("/ro", "ot/"), leading: true, cure: MACHINE },
    Word { text: concat!("/tmp/tar", "get"), leading: true, cure: MACHINE },
];

/// Cargo itself writes this into every lock file: the name of the index, which any mirror can stand in for.
const INDEX: &str = concat!("rust-lang/crates", ".io-index");

pub(super) fn check(file: &TextFile) -> Vec<TidyFinding> {
    let is_lock = file.name() == "Cargo.lock";
    let lines = file.text.lines().enumerate();
    lines
        .flat_map(|(index, line)| {
            let line = if is_lock { line.replace(INDEX, "") } else { line.to_ascii_lowercase() };
            let found = WORDS.iter().filter(move |word| word.stands_in(&line));
            found.map(move |word| TidyFinding::new(&file.path, index + 1, word.refusal()))
        })
        .collect()
}

impl Word {
    fn stands_in(&self, line: &str) -> bool {
        line.match_indices(self.text).any(|(at, _)| !self.leading || begins_a_path(line, at))
    }

    fn refusal(&self) -> String {
        format!("`{}` must not stand in the repository: {}", self.text, self.cure)
    }
}

fn begins_a_path(line: &str, at: usize) -> bool {
    let before = line.get(..at).and_then(|text| text.chars().next_back());
    before.is_none_or(|c| !c.is_alphanumeric() && !"._-~/}>)*".contains(c))
}

#[cfg(test)]
mod tests {
    use super::*;

    const NONE: [usize; 0] = [];

    fn lines(path: &str, text: &str) -> Vec<usize> {
        let file = TextFile { path: path.into(), text: text.into() };
        check(&file).iter().map(|finding| finding.line).collect()
    }

    #[test]
    fn every_word_is_found_in_any_kind_of_file_and_case() {
        for word in &WORDS {
            for line in [format!("see {}x", word.text), word.text.to_uppercase(), format!("\"{}", word.text)]
            {
                assert_eq!(lines("docs/a.md", &format!("first\n{line}")), [2], "{line}");
            }
        }
    }

    #[test]
    fn a_path_in_the_middle_of_another_is_nobodys_machine() {
        let middle = format!("src{} and https://host{}", WORDS[6].text, WORDS[7].text);
        assert_eq!(lines("docs/a.md", &middle), NONE);
    }

    #[test]
    fn a_lock_file_may_name_the_index_and_no_other_host() {
        let index = format!("source = \"registry+https://github.com/{INDEX}\"");
        assert_eq!(lines("Cargo.lock", &index), NONE);
        assert_eq!(lines("README.md", &index), [1]);
        assert_eq!(lines("Cargo.lock", &format!("https://static.{}/x", WORDS[1].text)), [1]);
    }
}
