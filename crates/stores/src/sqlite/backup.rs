//! A copy of the database that is consistent while the server goes on writing.

use std::fs::File;
use std::io;
use std::path::{Path, PathBuf};

use tempfile::{NamedTempFile, PathPersistError};
use thiserror::Error;

use super::file::DatabaseFile;
use super::{SqliteFault, SqliteOpenError, schema};

/// Why there is no backup. Nothing is left at its path.
#[derive(Debug, Error)]
pub(super) enum SqliteBackupError {
    /// The database cannot be read.
    #[error(transparent)]
    Database(#[from] SqliteOpenError),
    /// There is a file at the path of the backup.
    #[error("{} exists, and is not overwritten", .path.display())]
    Exists {
        /// The path.
        path: PathBuf,
    },
    /// The copy cannot be written.
    #[error("{} cannot be written: {source}", .path.display())]
    Unwritable {
        /// The path of the backup.
        path: PathBuf,
        /// What the system said.
        source: io::Error,
    },
    /// The database cannot be copied.
    #[error("the copy was not made: {0}")]
    NotCopied(#[from] SqliteFault),
    /// The copy was read again, and is not sound.
    #[error("the copy is not sound ({0}): the database is damaged, or the disk is")]
    Unsound(String),
}

/// Writes a verified copy of the database at `from` to `to`, readable by its owner alone. It appears at its path when
/// it is whole and on the disk.
pub(super) fn backup(from: &Path, to: &Path) -> Result<(), SqliteBackupError> {
    let file = DatabaseFile::existing(from)?;
    let db = file.connect().map_err(|fault| schema::ErrorPath(from).fault(fault))?;
    let migrations = schema::applied(from, &db)?;
    let unwritable = |source| SqliteBackupError::Unwritable { path: to.to_owned(), source };
    if to.try_exists().map_err(unwritable)? {
        return Err(SqliteBackupError::Exists { path: to.to_owned() });
    }
    let directory = to.parent().filter(|parent| !parent.as_os_str().is_empty()).unwrap_or(Path::new("."));
    let copy = NamedTempFile::with_prefix_in(".portcullis-backup-", directory).map_err(unwritable)?;
    let path = copy.path().to_str().ok_or_else(|| unwritable(io::ErrorKind::InvalidFilename.into()))?;
    db.driver().execute("VACUUM INTO ?1", [path]).map_err(SqliteFault::from)?;
    db.close()?;
    verify(copy.path(), &migrations)?;
    copy.as_file().sync_all().map_err(unwritable)?;
    copy.into_temp_path().persist_noclobber(to).map_err(|PathPersistError { error, .. }| {
        match error.kind() {
            io::ErrorKind::AlreadyExists => SqliteBackupError::Exists { path: to.to_owned() },
            _ => unwritable(error),
        }
    })?;
    File::open(directory).and_then(|directory| directory.sync_all()).map_err(unwritable)
}

/// Reads the whole copy.
fn verify(copy: &Path, migrations: &[i64]) -> Result<(), SqliteBackupError> {
    let unreadable = |source| SqliteBackupError::Unwritable { path: copy.to_owned(), source };
    let db = DatabaseFile::at(copy).map_err(unreadable)?.reading()?;
    let soundness = db.driver().query_row("PRAGMA integrity_check(1)", [], |row| row.get::<_, String>(0));
    let soundness = soundness.map_err(SqliteFault::from)?;
    if soundness != "ok" {
        return Err(SqliteBackupError::Unsound(soundness));
    }
    if schema::applied(copy, &db)? != migrations {
        return Err(SqliteBackupError::Unsound("its migrations differ".to_owned()));
    }
    Ok(db.close()?)
}
