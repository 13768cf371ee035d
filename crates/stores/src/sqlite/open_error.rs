//! Why a database is not opened, with what an operator can do about it.

use std::fs;
use std::io;
use std::os::unix::fs::MetadataExt as _;
use std::path::PathBuf;

use portcullis_core::store::StoreError;
use thiserror::Error;

use super::SqliteFault;
use crate::NewerDatabase;

/// Why a database was not opened.
#[derive(Debug, Error)]
pub enum SqliteOpenError {
    /// The directory of the file cannot be created.
    #[error("the directory {} cannot be made: {source}", .path.display())]
    Directory {
        /// The directory.
        path: PathBuf,
        /// What the system said.
        source: io::Error,
    },
    /// The file cannot be created or read.
    #[error("the file {} cannot be used: {source}", .path.display())]
    File {
        /// The file.
        path: PathBuf,
        /// What the system said.
        source: io::Error,
    },
    /// The file, one of its side files or their directory cannot be written to.
    #[error(
        "{} cannot be written to by user {process}, as which this process runs: {source}; it belongs to user {owner}: \
         `chown {process} {}`",
        .path.display(), .path.display()
    )]
    NotWritable {
        /// The file or directory.
        path: PathBuf,
        /// The number of the user that it belongs to.
        owner: u32,
        /// The number of the user that this process runs as.
        process: u32,
        /// What the system said.
        source: io::Error,
    },
    /// The file existed before and is missing.
    #[error(
        "there is no database {}, and none is made in its place: mount the volume that it is on, restore the file, or \
         name the data directory that it is in",
        .path.display()
    )]
    Missing {
        /// The file.
        path: PathBuf,
    },
    /// The file has none of this program's tables, and had them before.
    #[error("{} is empty, and is left so: restore the file", .path.display())]
    Empty {
        /// The file.
        path: PathBuf,
    },
    /// The file has content, and none of this program's tables.
    #[error(
        "{} is not empty and has none of this program's tables: was it copied without its `-wal` file? copy a database \
         with `portcullis backup`, or name another file",
        .path.display()
    )]
    Foreign {
        /// The file.
        path: PathBuf,
    },
    /// The file is no SQLite database.
    #[error("{} is no SQLite database", .path.display())]
    NotADatabase {
        /// The file.
        path: PathBuf,
    },
    /// A newer version has migrated the database. It is left as it is.
    #[error("{} {newer}", .path.display())]
    Newer {
        /// The file.
        path: PathBuf,
        /// The versions of the database and of this program.
        newer: NewerDatabase,
    },
    /// Another program made the tables, or an operator changed their history.
    #[error("{} was made otherwise: its migration {migration} is none of this program's", .path.display())]
    Altered {
        /// The file.
        path: PathBuf,
        /// The migration that differs.
        migration: i64,
    },
    /// A migration failed.
    #[error("{} cannot be brought up to date: {source}", .path.display())]
    Migration {
        /// The file.
        path: PathBuf,
        /// What the database said.
        source: StoreError,
    },
    /// SQLite could not open the file for another reason.
    #[error("{} cannot be opened: {source}", .path.display())]
    Database {
        /// The file.
        path: PathBuf,
        /// What the database said.
        source: SqliteFault,
    },
}

impl SqliteOpenError {
    pub(super) fn not_writable(path: PathBuf, source: io::Error) -> Self {
        let process = rustix::process::geteuid().as_raw();
        match fs::metadata(&path) {
            Ok(found) => Self::NotWritable { path, owner: found.uid(), process, source },
            Err(source) => Self::File { path, source },
        }
    }
}
