//! Writing the built-in files out, to be changed and named by `mail.templates`.

use std::fs::{self, OpenOptions};
use std::io::{self, Write as _};
use std::path::{Path, PathBuf};

use thiserror::Error;

use super::files::BUILT_IN;

/// The files were not written.
#[derive(Debug, Error)]
pub(crate) enum ExportError {
    /// There are such files already, and nothing was written.
    #[error("{} would be overwritten; --force overwrites", list(.0))]
    Exists(Vec<PathBuf>),
    /// The folder or a file cannot be written to.
    #[error("{} cannot be written: {fault}", path.display())]
    Io {
        /// The folder or file.
        path: PathBuf,
        /// What the system says.
        fault: io::Error,
    },
}

/// Writes every built-in file to `folder`, which is made if it does not exist, and returns their paths. Without
/// `overwrite` it writes all of them or none.
///
/// # Errors
/// [`ExportError`].
pub(crate) fn export(folder: &Path, overwrite: bool) -> Result<Vec<PathBuf>, ExportError> {
    let io = |path: &Path| {
        let path = path.to_owned();
        move |fault| ExportError::Io { path, fault }
    };
    let files = BUILT_IN.map(|(name, text)| (folder.join(name), text));
    let existing: Vec<PathBuf> =
        files.iter().map(|(path, _)| path).filter(|path| path.symlink_metadata().is_ok()).cloned().collect();
    if !overwrite && !existing.is_empty() {
        return Err(ExportError::Exists(existing));
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

fn list(paths: &[PathBuf]) -> String {
    paths.iter().map(|path| path.display().to_string()).collect::<Vec<_>>().join(", ")
}
