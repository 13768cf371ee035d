//! A path that a page names exists: in backticks, or as the target of a link.
//!
//! In backticks a path may leave out its beginning (`engine/mod.rs`). Text with neither the ending of a file nor a
//! folder of ours in front is not a path: `application/json`.

use std::collections::HashSet;

use crate::finding::TidyFinding;
use crate::text_files::TextFile;

/// The endings of files that pages name.
const ENDINGS: [&str; 7] = [".rs", ".md", ".toml", ".tsv", ".sql", ".mjs", ".py"];
/// Folders that a path without such an ending begins with.
const FOLDERS: [&str; 13] = [
    "crates/",
    "docs/",
    "tools/",
    "xtask/",
    "fuzz/",
    "examples/",
    ".ci/",
    "core/",
    "stores/",
    "api/",
    "server/",
    "portcullis/",
    "adr/",
];
/// Files that an operator or a contributor makes.
const MADE_LATER: [&str; 4] = ["portcullis.toml", "de.toml", "de-at.toml", "pt-br.toml"];

pub(super) fn check(files: &[TextFile]) -> Vec<TidyFinding> {
    let places = Places::of(files);
    let pages = files.iter().filter(|file| file.is_page());
    pages.flat_map(|page| check_page(page, &places)).collect()
}

fn check_page(page: &TextFile, places: &Places<'_>) -> Vec<TidyFinding> {
    let mut findings = Vec::new();
    let mut in_block = false;
    for (index, line) in page.text.lines().enumerate() {
        in_block ^= line.trim_start().starts_with("```");
        if in_block {
            continue;
        }
        let report = |path: &str| {
            let what = format!("there is no `{path}`: name what is there now");
            TidyFinding::new(&page.path, index + 1, what)
        };
        findings.extend(missing(line, &page.path, places).map(report));
    }
    findings
}

fn is_path(text: &str) -> bool {
    let plain = text.chars().all(|c| c.is_ascii_alphanumeric() || "_./-".contains(c));
    let ours = ENDINGS.iter().any(|ending| text.len() > ending.len() && text.ends_with(ending))
        || FOLDERS.iter().any(|folder| text.starts_with(folder));
    plain && ours && !text.starts_with(['/', '.']) | text.starts_with(".ci/") && !MADE_LATER.contains(&text)
}

/// What a line of a page names or links to, and is not there.
fn missing<'a>(line: &'a str, page: &'a str, places: &'a Places<'_>) -> impl Iterator<Item = &'a str> {
    let named = line.split('`').skip(1).step_by(2).filter(|text| is_path(text));
    let broken = links(line).filter(move |target| !places.have(&resolved(page, target)));
    named.filter(|path| !places.have_ending(path)).chain(broken)
}

fn links(line: &str) -> impl Iterator<Item = &str> {
    let targets = line.split("](").skip(1).filter_map(|rest| rest.split([')', '#']).next());
    targets.filter(|target| !target.is_empty() && !target.contains(':') && !target.contains('`'))
}

/// A link's target from the root of the repository.
fn resolved(page: &str, target: &str) -> String {
    let mut parts: Vec<&str> = page.split('/').collect();
    parts.pop();
    for part in target.split('/') {
        match part {
            "." | "" => (),
            ".." => drop(parts.pop()),
            name => parts.push(name),
        }
    }
    parts.join("/")
}

/// All files and the folders around them, and every way to leave out the beginning of their paths.
struct Places<'a> {
    whole: HashSet<&'a str>,
    endings: HashSet<&'a str>,
}

impl<'a> Places<'a> {
    fn of(files: &'a [TextFile]) -> Self {
        let ends = |path: &'a str| path.match_indices('/').filter_map(|(at, _)| path.get(..at)).chain([path]);
        let whole: HashSet<&str> = files.iter().flat_map(|file| ends(&file.path)).collect();
        let starts =
            |path: &'a str| path.match_indices('/').filter_map(|(at, _)| path.get(at + 1..)).chain([path]);
        let endings = whole.iter().copied().flat_map(starts).collect();
        Self { whole, endings }
    }

    fn have(&self, path: &str) -> bool {
        self.whole.contains(path)
    }

    fn have_ending(&self, named: &str) -> bool {
        self.endings.contains(named.trim_end_matches('/'))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn findings(line: &str) -> usize {
        let file = |path: &str, text: &str| TextFile { path: path.to_owned(), text: text.to_owned() };
        let files =
            [file("docs/adr/a.md", line), file("docs/b.md", ""), file("crates/core/src/engine/mod.rs", "")];
        check(&files).len()
    }

    #[test]
    fn a_path_that_is_gone_is_found() {
        for line in ["see `core/src/home.rs`", "`engine/post.rs` and more", "[x](../c.md)", "`docs/adr/b.md`"]
        {
            assert_eq!(findings(line), 1, "{line}");
        }
    }

    #[test]
    fn what_is_there_and_what_is_no_path_are_left_alone() {
        for line in [
            "`core/src/engine/mod.rs`, `engine/mod.rs`, `crates/core/`, `b.md` and `mod.rs`",
            "[x](../b.md#part), [y](https://example.com/c.md), [z](a.md)",
            "`application/json`, `/auth/login`, `GET /docs/x.md`, `crates/*/src`, `portcullis.toml`",
            "```\n`core/src/home.rs`\n```",
        ] {
            assert_eq!(findings(line), 0, "{line}");
        }
    }
}
