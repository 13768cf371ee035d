//! A path that a page names exists: in backticks, or as the target of a link.
//!
//! In backticks a path may leave out its beginning (`engine/mod.rs`); something in the repository must end with it. What
//! has neither the ending of a file nor a folder of ours in front is not taken for a path: `application/json`.

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
const MADE_LATER: [&str; 4] = ["portcullis.toml", "de.toml", "pt-br.toml", "target/tools"];

pub(super) fn check(files: &[TextFile]) -> Vec<TidyFinding> {
    let pages = files.iter().filter(|file| file.path.ends_with(".md"));
    pages.flat_map(|page| check_page(page, files)).collect()
}

fn check_page(page: &TextFile, files: &[TextFile]) -> Vec<TidyFinding> {
    let mut findings = Vec::new();
    let mut in_block = false;
    for (index, line) in page.text.lines().enumerate() {
        in_block ^= line.trim_start().starts_with("```");
        if in_block {
            continue;
        }
        let named = line.split('`').skip(1).step_by(2).filter(|text| is_path(text));
        let missing = named.filter(|path| !ends_a_path(path, files)).map(str::to_owned);
        let broken =
            links(line).filter(|target| !is_there(&resolved(&page.path, target), files)).map(str::to_owned);
        let report = |path: String| {
            let what = format!("there is no `{path}`: name what is there now");
            TidyFinding::new(&page.path, index + 1, what)
        };
        findings.extend(missing.chain(broken).map(report));
    }
    findings
}

fn is_path(text: &str) -> bool {
    let plain = text.chars().all(|c| c.is_ascii_alphanumeric() || "_./-".contains(c));
    let ours = ENDINGS.iter().any(|ending| text.len() > ending.len() && text.ends_with(ending))
        || FOLDERS.iter().any(|folder| text.starts_with(folder));
    plain && ours && !text.starts_with(['/', '.']) | text.starts_with(".ci/") && !MADE_LATER.contains(&text)
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

/// Whether this is a file, or a folder with something in it.
fn is_there(path: &str, files: &[TextFile]) -> bool {
    let rest =
        |file: &TextFile| file.path.strip_prefix(path).map(|rest| rest.is_empty() || rest.starts_with('/'));
    files.iter().any(|file| rest(file) == Some(true))
}

/// Whether a path that is there ends, or one of its folders does, with these parts.
fn ends_a_path(named: &str, files: &[TextFile]) -> bool {
    let inside = format!("/{}", named.trim_end_matches('/'));
    files.iter().any(|file| {
        let path = format!("/{}", file.path);
        path.match_indices(&inside).any(|(at, _)| {
            path.get(at + inside.len()..).is_some_and(|rest| rest.is_empty() || rest.starts_with('/'))
        })
    })
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
