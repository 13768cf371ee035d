//! The licences of all works of others in the program, as each of them ships its own.

use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::path::Path;

use super::dependencies::LinkedCrate;
use super::files_in;
use crate::failure::VerbFailure;

/// How the name of a file with a licence begins, in capitals.
const NAMES: [&str; 7] = ["LICENSE", "LICENCE", "COPYING", "COPYRIGHT", "NOTICE", "UNLICENSE", "LICENSES"];

/// Folders that are not looked into.
const APART: [&str; 4] = ["benches", "examples", "target", "tests"];

/// Our own, for a crate that names the MIT licence and ships no text: what follows the line with the copyright.
const MIT: &str = include_str!("../../../LICENSE-MIT");
const TERMS: &str = "Permission is hereby granted";

const RULE: &str = "================================================================================";

/// A text, and what it is of.
pub(super) struct LicenceText {
    pub(super) work: String,
    pub(super) text: String,
}

/// All of them, with those of what is in the program beside crates.
pub(super) fn text(crates: &[LinkedCrate], others: Vec<LicenceText>) -> Result<String, VerbFailure> {
    let mut texts = of_crates(crates)?;
    texts.extend(others);
    Ok(written(texts))
}

fn of_crates(crates: &[LinkedCrate]) -> Result<Vec<LicenceText>, VerbFailure> {
    let mut all = Vec::new();
    for found in crates.iter().filter(|found| !found.is_ours()) {
        let expression = found.license.as_deref().unwrap_or("see below");
        let work = format!("{} {} ({expression})", found.name, found.version);
        all.extend(texts(found)?.into_iter().map(|text| LicenceText { work: work.clone(), text }));
    }
    Ok(all)
}

/// Each text once, below the works that it is of.
fn written(texts: Vec<LicenceText>) -> String {
    let mut works_by_text: BTreeMap<String, BTreeSet<String>> = BTreeMap::new();
    for LicenceText { work, text } in texts {
        let text = text.replace("\r\n", "\n").trim_matches('\n').trim_end().to_owned();
        works_by_text.entry(text).or_default().insert(work);
    }
    let sections = works_by_text.into_iter().map(|(text, works)| (Vec::from_iter(works), text));
    let sections: BTreeSet<(Vec<String>, String)> = sections.collect();
    let mut all = "Portcullis contains these works of others, under the licences below.\n".to_owned();
    for (works, text) in sections {
        all.extend(["\n", RULE, "\n", &works.join("\n"), "\n\n", &text, "\n"]);
    }
    all
}

/// The texts that a crate ships.
fn texts(found: &LinkedCrate) -> Result<Vec<String>, VerbFailure> {
    let mut texts = Vec::new();
    collect(found.folder(), false, &mut texts)?;
    if texts.is_empty() {
        let (name, version) = (&found.name, &found.version);
        let missing =
            || format!("the crate {name} {version} ships no text of its licence; add it to {}", file!());
        texts.push(our_mit_of(found).ok_or_else(|| VerbFailure::Broken(missing()))?);
    }
    Ok(texts)
}

fn our_mit_of(found: &LinkedCrate) -> Option<String> {
    let terms = MIT.find(TERMS).and_then(|start| MIT.get(start..))?;
    found.license.as_deref().filter(|expression| expression.contains("MIT"))?;
    Some(format!("Copyright (c) {}\n\n{}", found.authors.join(", "), terms.trim_end()))
}

/// The files with licences in a folder and below, as a crate may bring parts of others; and all those in a folder of
/// licences.
fn collect(folder: &Path, takes_all: bool, texts: &mut Vec<String>) -> Result<(), VerbFailure> {
    for path in files_in(folder)? {
        let takes = takes_all || has_licence(&path);
        if path.is_dir() && !path.is_symlink() {
            if !is_apart(&path) {
                collect(&path, takes, texts)?;
            }
        } else if takes && path.extension().is_none_or(|kind| kind != "rs") {
            let text = fs::read(&path);
            let text = text.map_err(VerbFailure::doing(format!("cannot read {}", path.display())))?;
            texts.push(String::from_utf8_lossy(&text).into_owned());
        }
    }
    Ok(())
}

/// Nothing of such a folder is in a program.
fn is_apart(folder: &Path) -> bool {
    let name = folder.file_name().unwrap_or_default().to_string_lossy();
    name.starts_with('.') || APART.contains(&name.as_ref())
}

fn has_licence(path: &Path) -> bool {
    let name = path.file_name().unwrap_or_default().to_string_lossy().to_uppercase();
    NAMES.iter().any(|begin| name.starts_with(begin))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn shipping(folder: &Path, name: &str, files: &[(&str, &str)]) -> LinkedCrate {
        let folder = folder.join(name);
        for (file, text) in files {
            let path = folder.join(file);
            fs::create_dir_all(path.parent().unwrap()).unwrap();
            fs::write(path, text).unwrap();
        }
        fs::create_dir_all(&folder).unwrap();
        serde_json::from_value(serde_json::json!({
            "id": name, "name": name, "version": "1", "license": "MIT", "authors": ["Ann"], "source": "registry",
            "manifest_path": folder.join("Cargo.toml"),
        }))
        .unwrap()
    }

    #[test]
    fn each_text_is_there_once_below_all_crates_that_ship_it() {
        let folder = tempfile::tempdir().unwrap();
        let crates = [
            shipping(
                folder.path(),
                "a",
                &[("LICENSE-MIT", "one\r\n"), ("src/copying.rs", "code"), ("tests/LICENSE", "test")],
            ),
            shipping(
                folder.path(),
                "b",
                &[("licenses/x.txt", "two"), ("LICENSE", "one"), ("src/spin/LICENSE", "three")],
            ),
            shipping(folder.path(), "c", &[]),
        ];
        let other = LicenceText { work: "a library".to_owned(), text: "\none\n".to_owned() };
        let text = text(&crates, vec![other]).unwrap();
        assert_eq!(text.matches("\none\n").count(), 1, "{text}");
        assert!(
            text.contains("a 1 (MIT)\na library\nb 1 (MIT)\n\none\n") && text.contains("b 1 (MIT)\n\ntwo\n"),
            "{text}"
        );
        assert!(text.contains("c 1 (MIT)\n\nCopyright (c) Ann\n\nPermission is hereby granted"), "{text}");
        assert!(text.contains("b 1 (MIT)\n\nthree\n"), "{text}");
        assert!(!text.contains("code") && !text.contains("test"), "{text}");
    }

    #[test]
    fn a_crate_without_a_text_is_a_fault_that_names_it() {
        let folder = tempfile::tempdir().unwrap();
        let mut found = shipping(folder.path(), "a", &[]);
        found.license = Some("Zlib".to_owned());
        let failure = text(&[found], Vec::new()).unwrap_err().to_string();
        assert!(failure.contains("the crate a 1 ships no text"), "{failure}");
    }
}
