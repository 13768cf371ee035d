//! A store in one SQLite file: for one machine, with no server to run.
//!
//! Several processes may work on the file at once, as commands do while the server runs. Each sees what the others
//! write, and what an operator writes in SQLite's shell. An acknowledged write is on the disk. It does not work on
//! network file systems: SQLite's shared memory does not cross a network.
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

mod backup;
mod connection;
mod feed;
mod file;
mod schema;
mod verbs;
mod writer;

use std::fmt;
use std::fs;
use std::io;
use std::os::unix::fs::MetadataExt as _;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use async_trait::async_trait;
use portcullis_core::clock::Clock;
use portcullis_core::store::{StoreError, Stored, Stores};
use sqlx::migrate::MigrateError;
use sqlx::pool::PoolConnection;
use sqlx::sqlite::{SqliteConnection, SqlitePool, SqlitePoolOptions};
use thiserror::Error;
use tokio::time::timeout;

use crate::backend::{Backend, IfMissing, MigrationState, OpenDatabase};
use crate::sql::{SqlResult, tenants};
use crate::{DatabaseUrl, DatabaseUrlError};
use feed::Feeds;
use file::{DatabaseFile, write_ahead};
use schema::ErrorPath;
use writer::{DEADLINE, NoAnswer, Writer};

/// The verb in the errors of an opening.
const OPENING: &str = "open its database";

/// How many connections read at once.
const READERS: u32 = 4;

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
    #[error("{} is of a newer version (it has migration {migration}): upgrade this program", .path.display())]
    Newer {
        /// The file.
        path: PathBuf,
        /// The newest migration, which this version does not know.
        migration: i64,
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
        source: MigrateError,
    },
    /// SQLite could not open the file for another reason.
    #[error("{} cannot be opened: {source}", .path.display())]
    Database {
        /// The file.
        path: PathBuf,
        /// What the database said.
        source: sqlx::Error,
    },
}

impl SqliteOpenError {
    fn not_writable(path: PathBuf, source: io::Error) -> Self {
        let process = rustix::process::geteuid().as_raw();
        match fs::metadata(&path) {
            Ok(found) => Self::NotWritable { path, owner: found.uid(), process, source },
            Err(source) => Self::File { path, source },
        }
    }
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

    async fn backup(&self, to: &Path) -> Stored<()> {
        let copied = backup::backup(&self.0, to).await;
        copied.map_err(|fault| StoreError::unavailable("back up its database", fault))
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
    feeds: Arc<Feeds>,
    clock: Arc<dyn Clock>,
}

impl SqliteStore {
    /// Opens the database at `path`, creates it if it is missing, and applies pending migrations. Its writer is a task
    /// of the runtime that this is called on.
    ///
    /// # Errors
    /// [`StoreError::Unavailable`], with an [`SqliteOpenError`] that says what is wrong.
    pub async fn open(path: &Path, clock: Arc<dyn Clock>) -> Stored<Self> {
        Self::open_or(path, clock, IfMissing::Create).await
    }

    /// Opens the database at `path`, which [`SqliteStore::open`] has created before, and applies pending migrations. A
    /// file that is missing or empty was lost, and is not created anew.
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
        file.check_writable()?;
        let db = Self::connect(path, &file, if_missing).await?;
        let readers = SqlitePoolOptions::new()
            .max_connections(READERS)
            .acquire_timeout(DEADLINE)
            .test_before_acquire(false)
            .idle_timeout(None)
            .max_lifetime(None)
            .connect_lazy_with(file.reading());
        Ok(Self { writer: Writer::start(file.clone(), db), file, readers, feeds: Arc::default(), clock })
    }

    /// A connection that writes, to a database that is up to date.
    async fn connect(
        path: &Path,
        file: &DatabaseFile,
        if_missing: IfMissing,
    ) -> Result<SqliteConnection, SqliteOpenError> {
        let fault = |fault| ErrorPath(path).fault(fault);
        let mut db = file.connect().await.map_err(fault)?;
        if schema::applied(path, &mut db).await?.is_empty() && if_missing == IfMissing::Refuse {
            return Err(SqliteOpenError::Empty { path: path.to_owned() });
        }
        schema::bring_up_to_date(path, &mut db).await?;
        write_ahead(&mut db).await.map_err(fault)?;
        Ok(db)
    }

    /// This store as everything an engine needs.
    #[must_use]
    pub fn stores(&self) -> Stores {
        Stores::from_one(Arc::new(self.clone()))
    }

    /// Checks that the file is there and can be read, and that the lock for writing can be had.
    ///
    /// # Errors
    /// [`StoreError`] says which of them failed.
    pub async fn ping(&self) -> Stored<()> {
        let doing = "answer";
        in_time(doing, async { tenants::count(&mut *self.reader().await?).await }).await?;
        self.writer.write(doing, |_| Box::pin(async { Ok(()) })).await
    }

    /// Ends all watches, finishes pending writes and closes the file. Every later call is [`StoreError::Unavailable`].
    /// If no other process has the file open, everything is in it then: the connection that writes is closed last, and
    /// moves the write-ahead log into it.
    pub async fn close(&self) {
        self.feeds.stop();
        self.readers.close().await;
        self.writer.close().await;
    }

    async fn reader(&self) -> Result<PoolConnection<sqlx::Sqlite>, sqlx::Error> {
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

/// The answer of `step`, or an error at the deadline.
async fn in_time<T>(doing: &'static str, step: impl Future<Output = SqlResult<T>>) -> Stored<T> {
    match timeout(DEADLINE, step).await {
        Ok(done) => done.map_err(|fault| fault.while_doing(doing)),
        Err(_) => Err(StoreError::unavailable(doing, NoAnswer::Late)),
    }
}
