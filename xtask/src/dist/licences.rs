//! The licences of all crates in the program, as each of them ships its own.

use std::collections::BTreeMap;
use std::fs;
use std::path::Path;

use super::dependencies::LinkedCrate;
use crate::failure::VerbFailure;

/// How the name of a file with a licence begins, in capitals.
const NAMES: [&str; 7] = ["LICENSE", "LICENCE", "COPYING", "COPYRIGHT", "NOTICE", "UNLICENSE", "LICENSES"];

/// Our own, for a crate that names the MIT licence and ships no text: what follows the line with the copyright.
const MIT: &str = include_str!("../../../LICENSE-MIT");
const TERMS: &str = "Permission is hereby granted";

const RULE: &str = "================================================================================";

/// All of them: each text once, below the crates that it is of.
pub(super) fn text(crates: &[LinkedCrate]) -> Result<String, VerbFailure> {
    let mut crates_by_text: BTreeMap<String, Vec<String>> = BTreeMap::new();
    for found in crates.iter().filter(|found| !found.is_ours()) {
        let expression = found.license.as_deref().unwrap_or("see below");
        let name = format!("{} {} ({expression})", found.name, found.version);
        for text in texts(found)? {
            crates_by_text.entry(text).or_default().push(name.clone());
        }
    }
    let mut sections: Vec<(Vec<String>, String)> =
        crates_by_text.into_iter().map(|(text, names)| (names, text)).collect();
    sections.sort();
    let mut all = "Portcullis contains these works of others, under the licences below.\n".to_owned();
    for (names, text) in sections {
        all.extend(["\n", RULE, "\n", &names.join("\n"), "\n\n", &text, "\n"]);
    }
    Ok(all)
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

/// The files with licences in a folder, and all those in a folder of licences.
fn collect(folder: &Path, takes_all: bool, texts: &mut Vec<String>) -> Result<(), VerbFailure> {
    let failed = || VerbFailure::doing(format!("cannot read the licences in {}", folder.display()));
    let entries = fs::read_dir(folder).map_err(failed())?;
    let mut paths = entries
        .map(|entry| entry.map(|entry| entry.path()))
        .collect::<Result<Vec<_>, _>>()
        .map_err(failed())?;
    paths.sort();
    for path in paths.iter().filter(|path| takes_all || has_licence(path)) {
        if path.is_dir() {
            collect(path, true, texts)?;
        } else if path.extension().is_none_or(|kind| kind != "rs") {
            let text = fs::read(path).map_err(failed())?;
            texts.push(String::from_utf8_lossy(&text).replace("\r\n", "\n").trim_end().to_owned());
        }
    }
    Ok(())
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
            shipping(folder.path(), "a", &[("LICENSE-MIT", "one\r\n"), ("src.rs", "code")]),
            shipping(folder.path(), "b", &[("licenses/x.txt", "two"), ("LICENSE", "one")]),
            shipping(folder.path(), "c", &[]),
        ];
        let text = text(&crates).unwrap();
        assert_eq!(text.matches("\none\n").count(), 1, "{text}");
        assert!(
            text.contains("a 1 (MIT)\nb 1 (MIT)\n\none\n") && text.contains("b 1 (MIT)\n\ntwo\n"),
            "{text}"
        );
        assert!(text.contains("c 1 (MIT)\n\nCopyright (c) Ann\n\nPermission is hereby granted"), "{text}");
        assert!(!text.contains("code"));
    }

    #[test]
    fn a_crate_without_a_text_is_a_fault_that_names_it() {
        let folder = tempfile::tempdir().unwrap();
        let mut found = shipping(folder.path(), "a", &[]);
        found.license = Some("Zlib".to_owned());
        let failure = text(&[found]).unwrap_err().to_string();
        assert!(failure.contains("the crate a 1 ships no text"), "{failure}");
    }
}
