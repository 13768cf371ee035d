//! Writing the built-in files out, to be changed and named by `mail.templates`.

use std::fs::{self, OpenOptions};
use std::io::{self, Write as _};
use std::path::{Path, PathBuf};

use super::files::BUILT_IN;

/// Writes every built-in file to `folder`, which is made if it does not exist, and returns their paths. Without
/// `overwrite` it writes all of them or none.
///
/// # Errors
/// There are such files already, or the folder or a file cannot be written to.
pub fn export(folder: &Path, overwrite: bool) -> io::Result<Vec<PathBuf>> {
    let io = |path: &Path| {
        let path = path.display().to_string();
        move |fault: io::Error| io::Error::new(fault.kind(), format!("{path} cannot be written: {fault}"))
    };
    let files = BUILT_IN.map(|(name, text)| (folder.join(name), text));
    let existing = files.iter().map(|(path, _)| path).filter(|path| path.symlink_metadata().is_ok());
    let existing: Vec<String> = existing.map(|path| path.display().to_string()).collect();
    if !overwrite && !existing.is_empty() {
        let fault = format!("{} would be overwritten; --force overwrites", existing.join(", "));
        return Err(io::Error::new(io::ErrorKind::AlreadyExists, fault));
    }
    fs::create_dir_all(folder).map_err(io(folder))?;
    for (path, text) in &files {
        let mut options = OpenOptions::new();
        options.write(true).create(true).truncate(true).create_new(!overwrite);
        let mut file = options.open(path).map_err(io(path))?;
        file.write_all(text.as_bytes()).map_err(io(path))?;
    }
    Ok(files.map(|(path, _)| path).into())
}
