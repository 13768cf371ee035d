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
mod fault;
mod feed;
mod file;
mod open_error;
mod owners_folder;
mod placement;
mod readers;
mod schema;
mod verbs;
mod writer;

use std::fmt;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use async_trait::async_trait;
use portcullis_core::clock::Clock;
use portcullis_core::store::{StoreError, Stored, Stores};
use tokio::task::spawn_blocking;

use crate::backend::{Backend, IfMissing, MigrationState, OpenDatabase};
use crate::feed_threads::FeedThreads;
use crate::sql::tenants;
use crate::{DatabaseUrl, DatabaseUrlError, PlacementStore};
use connection::{SqliteConnection, at_once};
pub use fault::SqliteFault;
use file::{DatabaseFile, OPENING_TIMEOUT, wait_for_opening, write_ahead};
pub use open_error::SqliteOpenError;
pub use owners_folder::OwnersFolder;
use readers::Readers;
use schema::ErrorPath;
use writer::Writer;

/// The verb in the errors of an opening.
const OPENING: &str = "open its database";

/// The file of a database, open or not.
#[derive(Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Debug)]
pub(crate) struct SqliteFile(pub(crate) PathBuf);

impl SqliteFile {
    /// Reads a whole URL.
    pub(crate) fn parse(url: &str) -> Result<Self, DatabaseUrlError> {
        let rest = url.strip_prefix("sqlite:").unwrap_or(url);
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
        let path = self.0.clone();
        elsewhere("read its migrations", move || schema::migrations(&path)).await
    }

    async fn backup(&self, to: &Path) -> Stored<()> {
        let (from, to) = (self.0.clone(), to.to_owned());
        elsewhere("back up its database", move || backup::backup(&from, &to)).await
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
    readers: Readers,
    feeds: Arc<FeedThreads>,
    clock: Arc<dyn Clock>,
}

impl SqliteStore {
    /// Opens the database at `path`, creates it if it is missing, and applies pending migrations. Its answers come by
    /// way of the runtime that this is called on.
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
        let path = path.to_owned();
        let (file, db) = elsewhere(OPENING, move || connect(&path, if_missing)).await?;
        let writer =
            Writer::start(file.clone(), db).map_err(|fault| StoreError::unavailable(OPENING, fault))?;
        let readers = Readers::new(file.clone(), clock.clone());
        Ok(Self { file, writer, readers, feeds: Arc::default(), clock })
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
        self.readers.scan(doing, |db| at_once(tenants::count(db))).await?;
        self.writer.write(doing, |_| Ok(())).await
    }

    /// Ends all watches, finishes pending writes and closes the file. Every later call is [`StoreError::Unavailable`].
    /// If no other process has the file open, everything is in it then: the connection that writes is closed last, and
    /// moves the write-ahead log into it.
    pub async fn close(&self) {
        let feeds = self.feeds.clone();
        // A panic of a watch's thread is logged there.
        let _ = spawn_blocking(move || feeds.stop()).await;
        self.readers.close().await;
        self.writer.close().await;
    }
}

#[async_trait]
impl OpenDatabase for SqliteStore {
    fn stores(&self) -> Stores {
        self.stores()
    }

    fn placement(&self) -> Arc<dyn PlacementStore> {
        Arc::new(self.clone())
    }

    fn identity(&self) -> Option<String> {
        Some(self.file.identity())
    }

    async fn described(&self) -> Stored<String> {
        Ok(format!("SQLite {}", rusqlite::version()))
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

/// The file, and a connection that writes to it, with all migrations applied.
fn connect(
    path: &Path,
    if_missing: IfMissing,
) -> Result<(Arc<DatabaseFile>, SqliteConnection), SqliteOpenError> {
    let file = match if_missing {
        IfMissing::Create => DatabaseFile::prepare(path)?,
        IfMissing::Refuse => DatabaseFile::existing(path)?,
    };
    file.check_writable()?;
    let fault = |fault| ErrorPath(path).fault(fault);
    let mut db = file.connect().map_err(fault)?;
    wait_for_opening(db.driver()).map_err(|refused| fault(refused.into()))?;
    if schema::applied(path, &db)?.is_empty() && if_missing == IfMissing::Refuse {
        return Err(SqliteOpenError::Empty { path: path.to_owned() });
    }
    schema::bring_up_to_date(path, &mut db)?;
    write_ahead(&db, OPENING_TIMEOUT).map_err(fault)?;
    Ok((Arc::new(file), db))
}

/// Does what takes long on a thread for such work.
async fn elsewhere<T, E>(
    doing: &'static str,
    work: impl FnOnce() -> Result<T, E> + Send + 'static,
) -> Stored<T>
where
    T: Send + 'static,
    E: std::error::Error + Send + Sync + 'static,
{
    let done = spawn_blocking(work).await.map_err(|panicked| StoreError::unavailable(doing, panicked))?;
    done.map_err(|fault| StoreError::unavailable(doing, fault))
}
