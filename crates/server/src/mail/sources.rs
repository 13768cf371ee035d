//! Where texts and layouts come from: the binary, and a folder whose files replace what the binary brings along.

use std::collections::BTreeMap;
use std::fs;
use std::path::Path;

use super::fault::Fault;
use super::templates::ENGLISH;

/// A file's text, and how people are told of the file.
pub(super) struct Source {
    pub(super) file: String,
    pub(super) text: String,
}

impl Source {
    fn built_in(name: &str, text: &str) -> Self {
        Self { file: format!("built-in {name}"), text: text.to_owned() }
    }
}

/// All files.
pub(super) struct Sources {
    pub(super) text: Source,
    pub(super) html: Source,
    /// By tag.
    pub(super) languages: BTreeMap<String, Source>,
}

/// Reads the folder over what is built in.
pub(super) fn gather(folder: Option<&Path>, faults: &mut Vec<Fault>) -> Sources {
    let english = Source::built_in("en.toml", include_str!("texts/en.toml"));
    let mut sources = Sources {
        text: Source::built_in("layout.txt", include_str!("texts/layout.txt")),
        html: Source::built_in("layout.html", include_str!("texts/layout.html")),
        languages: BTreeMap::from([(ENGLISH.to_owned(), english)]),
    };
    if let Some(folder) = folder {
        sources.read(folder, faults);
    }
    sources
}

impl Sources {
    fn read(&mut self, folder: &Path, faults: &mut Vec<Fault>) {
        let shown = folder.to_string_lossy();
        let entries = match fs::read_dir(folder).and_then(Iterator::collect::<Result<Vec<_>, _>>) {
            Ok(entries) => entries,
            Err(error) => return faults.push(Fault::of_file(&shown, format!("cannot be read: {error}"))),
        };
        for path in entries.iter().map(fs::DirEntry::path) {
            let file = path.to_string_lossy().into_owned();
            let Some(name) = path.file_name().and_then(|name| name.to_str()) else { continue };
            let Some(is) = role(name) else { continue };
            match (is, fs::read_to_string(&path)) {
                (_, Err(error)) => faults.push(Fault::of_file(&file, format!("cannot be read: {error}"))),
                (Role::Text, Ok(text)) => self.text = Source { file, text },
                (Role::Html, Ok(text)) => self.html = Source { file, text },
                (Role::Language(tag), Ok(text)) => drop(self.languages.insert(tag, Source { file, text })),
                (Role::Unknown, Ok(_)) => faults.push(Fault::of_file(
                    &file,
                    "is nothing that letters are made of: there are layout.txt, layout.html, and texts such as en.toml \
                     or pt-br.toml",
                )),
            }
        }
    }
}

enum Role {
    Text,
    Html,
    Language(String),
    Unknown,
}

/// What a file of this name is for; none for what is obviously something else.
fn role(name: &str) -> Option<Role> {
    match name.rsplit_once('.')? {
        ("layout", "txt") => Some(Role::Text),
        ("layout", "html") => Some(Role::Html),
        (tag, "toml") if is_tag(tag) => Some(Role::Language(tag.to_owned())),
        (_, "txt" | "html" | "htm" | "toml") => Some(Role::Unknown),
        _ => None,
    }
}

/// Whether this is a language's tag as files are named: `en`, `pt-br`, `zh-hant`.
fn is_tag(text: &str) -> bool {
    let part = |part: &str| {
        (1..=8).contains(&part.len()) && part.bytes().all(|c| c.is_ascii_lowercase() || c.is_ascii_digit())
    };
    text.split('-').all(part)
}
