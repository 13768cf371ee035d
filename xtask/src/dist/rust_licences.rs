//! The licences of Rust's standard library, which is in every program, as the compiler ships them.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

use super::files_in;
use super::licences::LicenceText;
use crate::failure::VerbFailure;
use crate::workspace;

/// Who holds which part of it, and what other crates are in there with their texts.
const NOTICES: &str = "COPYRIGHT-library.html";
/// Precedes each of these crates there.
const CRATE: &str = "<h3>\u{1f4e6} ";

/// Them all.
pub(super) fn texts() -> Result<Vec<LicenceText>, VerbFailure> {
    let folder = documents()?;
    let notices = fs::read_to_string(folder.join(NOTICES)).map_err(|error| {
        let cure = "use the compiler of rustup, which ships the licences of the standard library";
        VerbFailure::Usage(format!("cannot read {NOTICES} in {}: {error}; {cure}", folder.display()))
    })?;
    let (summary, crates) = notices.split_at(notices.find(CRATE).unwrap_or(notices.len()));
    let summary = plain(summary);
    let mut texts: Vec<LicenceText> = crates.split(CRATE).skip(1).flat_map(texts_of).collect();
    texts.extend(named_licences(&folder.join("licenses"), &summary)?);
    texts.push(of_library(summary));
    Ok(texts)
}

fn of_library(text: String) -> LicenceText {
    LicenceText { work: "Rust's standard library (MIT OR Apache-2.0)".to_owned(), text }
}

fn documents() -> Result<PathBuf, VerbFailure> {
    let rustc = std::env::var_os("RUSTC").unwrap_or_else(|| "rustc".into());
    let root = workspace::output(Command::new(rustc).args(["--print", "sysroot"]))?;
    Ok(Path::new(root.trim()).join("share/doc/rust"))
}

/// The texts that the summary names by their names in SPDX; others are of the compiler.
fn named_licences(folder: &Path, summary: &str) -> Result<Vec<LicenceText>, VerbFailure> {
    let mut texts = Vec::new();
    for path in files_in(folder)? {
        let name = path.file_stem().unwrap_or_default().to_string_lossy();
        if summary.contains(name.as_ref()) {
            let text = fs::read_to_string(&path);
            let text = text.map_err(VerbFailure::doing(format!("cannot read {}", path.display())))?;
            texts.push(of_library(text));
        }
    }
    Ok(texts)
}

/// What a crate ships: each text is in an element of its own.
fn texts_of(section: &str) -> Vec<LicenceText> {
    let name = section.split("</h3>").next().unwrap_or_default();
    let work = format!("{name}, in Rust's standard library");
    let preformatted = section.split("<pre>").skip(1).filter_map(|rest| rest.split("</pre>").next());
    preformatted.map(|text| LicenceText { work: work.clone(), text: unescaped(text) }).collect()
}

/// The text of a page, without its elements and without more than one empty line.
fn plain(page: &str) -> String {
    let page = page.split_once("<body>").map_or(page, |(_, body)| body);
    let mut parts = page.split('<');
    let mut text = parts.next().unwrap_or_default().to_owned();
    text.extend(parts.filter_map(|part| part.split_once('>')).map(|(_, text)| text));
    let mut lines: Vec<&str> = text.lines().map(str::trim).collect();
    lines.dedup_by(|next, line| next.is_empty() && line.is_empty());
    unescaped(&lines.join("\n"))
}

/// The four characters that the compiler's page escapes, and the one that begins an escape, last.
fn unescaped(text: &str) -> String {
    let escapes = [("&#34;", "\""), ("&#39;", "'"), ("&#60;", "<"), ("&#62;", ">"), ("&#38;", "&")];
    escapes.iter().fold(text.to_owned(), |text, (escape, character)| text.replace(escape, character))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_compiler_ships_the_library_and_the_crates_in_it() {
        let texts = texts().unwrap();
        let all: Vec<String> = texts.iter().map(|text| format!("{}\n{}", text.work, text.text)).collect();
        let has = |work: &str, words: &str| {
            assert!(all.iter().any(|text| text.starts_with(work) && text.contains(words)), "{work}: {words}");
        };
        has("Rust's standard library", "Short version for non-lawyers");
        has("Rust's standard library", "Permission is hereby granted");
        has("Rust's standard library", "UNICODE LICENSE V3");
        has("hashbrown-", "Copyright (c) 2016 Amanieu d'Antras");
        assert!(!all.iter().any(|text| text.contains("GNU GENERAL PUBLIC") || text.contains("&#")));
    }

    #[test]
    fn a_page_becomes_its_text() {
        assert_eq!(plain("<head>x</head><body>\n<p>a &#60;b&#62;</p>\n\n\n<b>c</b>"), "\na <b>\n\nc");
    }
}
