//! The files: those of the binary, and those of a folder that replace them.

use std::collections::BTreeMap;
use std::fs;
use std::path::Path;

use super::fault::TemplateFault;

/// The files of the binary, by name.
pub(super) const BUILT_IN: [(&str, &str); 5] = [
    ("en.toml", include_str!("built_in/en.toml")),
    (MAIL_TEXT, include_str!("built_in/layout.txt")),
    (MAIL_HTML, include_str!("built_in/layout.html")),
    (PAGE, include_str!("built_in/page.html")),
    (STYLE, include_str!("built_in/page.css")),
];

/// The layout of a mail as text.
pub const MAIL_TEXT: &str = "layout.txt";
/// The layout of a mail as HTML.
pub const MAIL_HTML: &str = "layout.html";
/// The layout of a page.
pub const PAGE: &str = "page.html";
/// The style of pages. It is no template: browsers get it as it is.
pub const STYLE: &str = "page.css";

/// The text of a file, and the path that messages give for it.
#[derive(Debug)]
pub(super) struct TemplateFile {
    pub(super) path: String,
    pub(super) text: String,
}

/// All files, by name.
#[derive(Default, Debug)]
pub(super) struct TemplateFiles(pub(super) BTreeMap<String, TemplateFile>);

impl TemplateFiles {
    /// Reads the files of `folder` over those of the binary.
    pub(super) fn read(folder: Option<&Path>, faults: &mut Vec<TemplateFault>) -> Self {
        let mut files = Self::default();
        for (name, text) in BUILT_IN {
            files.add(name, TemplateFile { path: format!("built-in {name}"), text: text.to_owned() }, faults);
        }
        if let Some(folder) = folder {
            files.add_folder(folder, faults);
        }
        files
    }

    /// The texts of each language, by its tag.
    pub(super) fn languages(&self) -> impl Iterator<Item = (&str, &TemplateFile)> {
        self.0.iter().filter_map(|(name, file)| Some((name.strip_suffix(".toml")?, file)))
    }

    fn add_folder(&mut self, folder: &Path, faults: &mut Vec<TemplateFault>) {
        let unreadable = |path: &str, error| TemplateFault::of_file(path, format!("cannot be read: {error}"));
        let entries = match fs::read_dir(folder).and_then(Iterator::collect::<Result<Vec<_>, _>>) {
            Ok(entries) => entries,
            Err(error) => return faults.push(unreadable(&folder.to_string_lossy(), error)),
        };
        for file in entries.iter().map(fs::DirEntry::path) {
            let path = file.to_string_lossy().into_owned();
            let Some(name) = file.file_name().and_then(|name| name.to_str()) else { continue };
            if !["txt", "html", "htm", "toml", "css"].iter().any(|it| name.ends_with(&format!(".{it}"))) {
                continue;
            }
            match fs::read_to_string(&file) {
                Ok(text) => self.add(name, TemplateFile { path, text }, faults),
                Err(error) => faults.push(unreadable(&path, error)),
            }
        }
    }

    fn add(&mut self, name: &str, file: TemplateFile, faults: &mut Vec<TemplateFault>) {
        let is_built_in = || BUILT_IN.iter().any(|(known, _)| *known == name);
        if name.strip_suffix(".toml").map_or_else(is_built_in, is_tag) {
            self.0.insert(name.to_owned(), file);
        } else {
            faults.push(TemplateFault::of_file(
                &file.path,
                "is not a template: rename it to layout.txt, layout.html, page.html, page.css, or after its language, \
                 such as en.toml or pt-br.toml",
            ));
        }
    }
}

/// Whether this is the tag of a language as files are named: `en`, `pt-br`, `zh-hant`.
fn is_tag(text: &str) -> bool {
    let part = |part: &str| {
        (1..=8).contains(&part.len()) && part.bytes().all(|c| c.is_ascii_lowercase() || c.is_ascii_digit())
    };
    text.split('-').all(part)
}
