//! A store in one SQLite file: for one machine, with no server to run.
//!
//! Several processes may work on the file at once, as the command line does while the server runs; each sees what the
//! others write, and what somebody writes by hand in SQLite's shell. An acknowledged write is on the disk. What it does
//! not do: file systems of other machines (SQLite's shared memory does not cross a network).
//!
//! ```no_run
//! use std::path::Path;
//! use std::sync::Arc;
//! use portcullis_core::machine::SystemClock;
//! use portcullis_stores::sqlite::SqliteStore;
//!
//! # async fn open() -> Result<(), portcullis_core::store::StoreError> {
//! let store = SqliteStore::open(Path::new("portcullis-data/portcullis.db"), Arc::new(SystemClock)).await?;
//! let stores = store.stores();
//! # drop(stores);
//! store.close().await;
//! # Ok(())
//! # }
//! ```

mod feed;
mod file;
mod schema;
mod verbs;
mod writer;

use std::fmt;
use std::io;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use async_trait::async_trait;
use portcullis_core::clock::Clock;
use portcullis_core::store::{StoreError, Stored, Stores};
use sqlx::migrate::MigrateError;
use sqlx::pool::PoolConnection;
use sqlx::sqlite::{SqlitePool, SqlitePoolOptions};
use thiserror::Error;
use tokio::time::timeout;

use crate::backend::{Backend, IfMissing, MigrationState, OpenDatabase};
use crate::sql::{Database, Step, tenants};
use crate::{DatabaseUrl, DatabaseUrlError};
use file::DatabaseFile;
use schema::Place;
use writer::{DEADLINE, NoAnswer, Writer};

/// What is asked of the store, in the words of its errors.
const OPENING: &str = "open its database";

/// How many read at once.
const READERS: u32 = 4;

/// Why a database was not opened.
#[derive(Debug, Error)]
pub enum SqliteOpenError {
    /// There is no directory for it.
    #[error("the directory {} cannot be made: {source}", .path.display())]
    Directory {
        /// The directory.
        path: PathBuf,
        /// What the system said.
        source: io::Error,
    },
    /// There is no file, or none that can be used.
    #[error("the file {} cannot be used: {source}", .path.display())]
    File {
        /// The file.
        path: PathBuf,
        /// What the system said.
        source: io::Error,
    },
    /// There is no file, where there was one.
    #[error(
        "there is no database {}, and none is made in its place: mount the volume that it is on, restore the file, or \
         name the data directory that it is in",
        .path.display()
    )]
    Missing {
        /// The file.
        path: PathBuf,
    },
    /// The file has none of our tables, and had them.
    #[error("{} is empty, and is left so: restore the file", .path.display())]
    Empty {
        /// The file.
        path: PathBuf,
    },
    /// The file is something else.
    #[error("{} is no SQLite database", .path.display())]
    NotADatabase {
        /// The file.
        path: PathBuf,
    },
    /// The database has been used by a newer version, and is left as it is.
    #[error("{} is of a newer version (it has migration {migration}): upgrade this program", .path.display())]
    Newer {
        /// The file.
        path: PathBuf,
        /// What this version does not know.
        migration: i64,
    },
    /// The tables were not made by this program.
    #[error("{} was made otherwise: its migration {migration} is none of this program's", .path.display())]
    Altered {
        /// The file.
        path: PathBuf,
        /// The migration that differs.
        migration: i64,
    },
    /// The tables could not be made.
    #[error("{} cannot be brought up to date: {source}", .path.display())]
    Migration {
        /// The file.
        path: PathBuf,
        /// What the database said.
        source: MigrateError,
    },
    /// Anything else.
    #[error("{} cannot be opened: {source}", .path.display())]
    Database {
        /// The file.
        path: PathBuf,
        /// What the database said.
        source: sqlx::Error,
    },
}

/// The file of a database, open or not.
#[derive(Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Debug)]
pub(crate) struct SqliteFile(pub(crate) PathBuf);

impl SqliteFile {
    /// Reads what stands behind `sqlite:` in a URL.
    pub(crate) fn parse(rest: &str) -> Result<Self, DatabaseUrlError> {
        let path = rest.strip_prefix("//").unwrap_or(rest);
        if path.is_empty() || path.starts_with(":memory:") {
            Err(DatabaseUrlError::NoFile)
        } else if path.contains('?') {
            Err(DatabaseUrlError::Parameters)
        } else {
            Ok(Self(PathBuf::from(path)))
        }
    }
}

#[async_trait]
impl Backend for SqliteFile {
    fn product(&self) -> &'static str {
        "SQLite"
    }

    fn url(&self) -> String {
        format!("sqlite:{}", self.0.display())
    }

    fn based_in(&self, directory: &Path) -> DatabaseUrl {
        Self(directory.join(&self.0)).into()
    }

    fn file(&self) -> Option<&Path> {
        Some(&self.0)
    }

    async fn migrations(&self) -> Stored<Vec<MigrationState>> {
        schema::migrations(&self.0).await
    }

    async fn open(&self, clock: Arc<dyn Clock>, if_missing: IfMissing) -> Stored<Arc<dyn OpenDatabase>> {
        Ok(Arc::new(SqliteStore::open_or(&self.0, clock, if_missing).await?))
    }
}

/// All records in one SQLite file.
#[derive(Clone)]
pub struct SqliteStore {
    file: Arc<DatabaseFile>,
    writer: Writer,
    readers: SqlitePool,
    clock: Arc<dyn Clock>,
}

impl SqliteStore {
    /// Opens the database at `path`, makes it if there is none, and brings it up to date. Its writer is a task of the
    /// runtime that this is called on.
    ///
    /// # Errors
    /// [`StoreError::Unavailable`], with an [`SqliteOpenError`] that says what is wrong.
    pub async fn open(path: &Path, clock: Arc<dyn Clock>) -> Stored<Self> {
        Self::open_or(path, clock, IfMissing::Create).await
    }

    /// Opens the database at `path`, which [`SqliteStore::open`] has made before, and brings it up to date: where it is
    /// not, or is empty, it was lost, and is not made anew.
    ///
    /// # Errors
    /// [`StoreError::Unavailable`], with an [`SqliteOpenError`] that says what is wrong.
    pub async fn open_existing(path: &Path, clock: Arc<dyn Clock>) -> Stored<Self> {
        Self::open_or(path, clock, IfMissing::Refuse).await
    }

    async fn open_or(path: &Path, clock: Arc<dyn Clock>, if_missing: IfMissing) -> Stored<Self> {
        let opened = Self::try_open(path, clock, if_missing).await;
        opened.map_err(|fault| StoreError::unavailable(OPENING, fault))
    }

    async fn try_open(
        path: &Path,
        clock: Arc<dyn Clock>,
        if_missing: IfMissing,
    ) -> Result<Self, SqliteOpenError> {
        let file = Arc::new(match if_missing {
            IfMissing::Create => DatabaseFile::prepare(path)?,
            IfMissing::Refuse => DatabaseFile::existing(path)?,
        });
        let mut db = file.writing().await.map_err(|fault| Place(path).fault(fault))?;
        if if_missing == IfMissing::Refuse && schema::is_empty(path, &mut db).await? {
            return Err(SqliteOpenError::Empty { path: path.to_owned() });
        }
        schema::bring_up_to_date(path, &mut db).await?;
        let readers = SqlitePoolOptions::new()
            .max_connections(READERS)
            .acquire_timeout(DEADLINE)
            .test_before_acquire(false)
            .idle_timeout(None)
            .max_lifetime(None)
            .connect_lazy_with(file.reading());
        Ok(Self { writer: Writer::start(file.clone(), db), file, readers, clock })
    }

    /// This store as everything an engine needs.
    #[must_use]
    pub fn stores(&self) -> Stores {
        Stores::from_one(Arc::new(self.clone()))
    }

    /// Asks a reader and the writer for a sign of life: the file is there, can be read, and the lock can be had.
    ///
    /// # Errors
    /// One of them gives none.
    pub async fn ping(&self) -> Stored<()> {
        let doing = "answer";
        in_time(doing, async { tenants::count(&mut *self.reader().await?).await }).await?;
        self.writer.write(doing, |_| Box::pin(async { Ok(()) })).await
    }

    /// Finishes what was asked for and lets go of the file; whatever is asked later is [`StoreError::Unavailable`].
    /// Watches last until they are dropped.
    pub async fn close(&self) {
        self.writer.close().await;
        self.readers.close().await;
    }

    async fn reader(&self) -> Result<PoolConnection<Database>, sqlx::Error> {
        self.file.check()?;
        self.readers.acquire().await
    }
}

#[async_trait]
impl OpenDatabase for SqliteStore {
    fn stores(&self) -> Stores {
        self.stores()
    }

    async fn ping(&self) -> Stored<()> {
        self.ping().await
    }

    async fn close(&self) {
        self.close().await;
    }
}

impl fmt::Debug for SqliteStore {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("SqliteStore").field("file", &self.file).finish_non_exhaustive()
    }
}

/// The answer of `step`, but not for ever.
async fn in_time<T>(doing: &'static str, step: impl Future<Output = Step<T>>) -> Stored<T> {
    match timeout(DEADLINE, step).await {
        Ok(done) => done.map_err(|fault| fault.while_doing(doing)),
        Err(_) => Err(StoreError::unavailable(doing, NoAnswer::Late)),
    }
}
