//! The text files of the repository.
//!
//! Git is not asked, so that an unpacked archive and another user's checkout are read too: everything counts
//! except `.git` and what the root's `.gitignore` names. Of its patterns only plain names and `*.ending` are
//! understood; any other hides nothing, which shows at once where it matters.

use std::fs;
use std::path::Path;

use crate::failure::VerbFailure;

/// A file that is valid UTF-8 and has no NUL in it.
pub(crate) struct TextFile {
    /// From the root of the repository, with `/`.
    pub(crate) path: String,
    pub(crate) text: String,
}

impl TextFile {
    pub(crate) fn is_rust(&self) -> bool {
        self.extension() == Some("rs")
    }

    /// Whether it is a page of documentation.
    pub(crate) fn is_page(&self) -> bool {
        self.extension() == Some("md")
    }

    /// The last part of the path.
    pub(crate) fn name(&self) -> &str {
        self.path.rsplit('/').next().unwrap_or(&self.path)
    }

    fn extension(&self) -> Option<&str> {
        Path::new(&self.path).extension().and_then(|extension| extension.to_str())
    }
}

/// Every text file below `root`, in order of path.
pub(crate) fn read(root: &Path) -> Result<Vec<TextFile>, VerbFailure> {
    let hidden = Hidden::of(&fs::read_to_string(root.join(".gitignore")).unwrap_or_default());
    let mut files = Vec::new();
    descend(root, "", &hidden, &mut files)
        .map_err(VerbFailure::doing(format!("cannot read the files below {}", root.display())))?;
    files.sort_by(|a, b| a.path.cmp(&b.path));
    Ok(files)
}

fn descend(folder: &Path, prefix: &str, hidden: &Hidden, files: &mut Vec<TextFile>) -> std::io::Result<()> {
    for entry in fs::read_dir(folder)? {
        let entry = entry?;
        let name = entry.file_name().to_string_lossy().into_owned();
        let path = format!("{prefix}{name}");
        let kind = entry.file_type()?;
        if hidden.hides(&name, prefix.is_empty()) {
            continue;
        }
        if kind.is_dir() {
            descend(&entry.path(), &format!("{path}/"), hidden, files)?;
        } else if kind.is_file() {
            files.extend(text(fs::read(entry.path())?).map(|text| TextFile { path, text }));
        }
    }
    Ok(())
}

fn text(bytes: Vec<u8>) -> Option<String> {
    String::from_utf8(bytes).ok().filter(|text| !text.contains('\0'))
}

/// What `.gitignore` leaves out.
struct Hidden {
    /// Names at the root only: `/target`.
    at_root: Vec<String>,
    /// Names and endings anywhere: `node_modules`, `*.db`.
    anywhere: Vec<String>,
}

impl Hidden {
    fn of(gitignore: &str) -> Self {
        let patterns =
            gitignore.lines().map(str::trim).filter(|line| !line.is_empty() && !line.starts_with('#'));
        let (at_root, mut anywhere): (Vec<&str>, Vec<&str>) =
            patterns.partition(|line| line.starts_with('/'));
        anywhere.push(".git");
        let plain = |line: &str| line.trim_matches('/').to_owned();
        Self {
            at_root: at_root.into_iter().map(plain).collect(),
            anywhere: anywhere.into_iter().map(plain).collect(),
        }
    }

    fn hides(&self, name: &str, at_root: bool) -> bool {
        let is = |pattern: &String| match pattern.strip_prefix('*') {
            Some(ending) => name.ends_with(ending),
            None => name == pattern,
        };
        self.anywhere.iter().any(is) || (at_root && self.at_root.iter().any(is))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn text_files_are_found_wherever_they_are_and_what_is_ignored_is_not() {
        let root = tempfile::tempdir().unwrap();
        let write = |path: &str, bytes: &[u8]| {
            let path = root.path().join(path);
            fs::create_dir_all(path.parent().unwrap()).unwrap();
            fs::write(path, bytes).unwrap();
        };
        write(".gitignore", b"# builds\n/target\nnode_modules\n*.db\n");
        write("a/target/kept.rs", b"");
        write("a/node_modules/x.js", b"");
        write("a/sessions.db", b"");
        write("a/picture.png", b"\x89PNG\0");
        write("target/debug/x.rs", b"");
        write(".git/config", b"");
        write(".ci/run", b"");

        let files = read(root.path()).unwrap();
        let paths: Vec<&str> = files.iter().map(|file| file.path.as_str()).collect();
        assert_eq!(paths, [".ci/run", ".gitignore", "a/target/kept.rs"]);
        assert!(files.iter().any(|file| file.is_rust() && file.name() == "kept.rs"));
    }

    #[test]
    fn a_folder_that_cannot_be_read_is_a_failure() {
        assert!(read(Path::new("/no/such/folder")).is_err());
    }
}
