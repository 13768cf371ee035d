//! The database file: readable by its owner alone, and checked for having been removed or replaced.

use std::fs::{self, DirBuilder, OpenOptions};
use std::io;
use std::os::unix::fs::{DirBuilderExt as _, MetadataExt as _, OpenOptionsExt as _};
use std::path::{Path, PathBuf, absolute};
use std::time::Duration;

use rustix::fs::Access;
use rustix::io::Errno;
use sqlx::error::DatabaseError;
use sqlx::sqlite::{SqliteConnectOptions, SqliteConnection, SqliteSynchronous};
use sqlx::{ConnectOptions as _, Connection as _};
use tokio::time::{sleep, timeout};

use super::SqliteOpenError;

/// How long a connection waits for a lock that another process holds.
const BUSY_TIMEOUT: Duration = Duration::from_secs(5);
/// The pause before another try, where SQLite refuses a lock without waiting.
const RETRY_AFTER: Duration = Duration::from_millis(20);

/// A file that was opened. SQLite goes on with a file that was removed or replaced, as if its writes were kept. So the
/// open file is compared with the one at its path.
#[derive(Debug)]
pub(super) struct DatabaseFile {
    path: PathBuf,
    identity: FileIdentity,
}

/// Device and inode.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
struct FileIdentity(u64, u64);

impl FileIdentity {
    fn of(path: &Path) -> io::Result<Self> {
        fs::metadata(path).map(|found| Self(found.dev(), found.ino()))
    }
}

impl DatabaseFile {
    /// The file at `path`. It and its directory are created if they are missing, readable by their owner alone, because
    /// they will hold keys and password hashes. SQLite gives its side files the same mode.
    pub(super) fn prepare(path: &Path) -> Result<Self, SqliteOpenError> {
        let unusable = |source| SqliteOpenError::File { path: path.to_owned(), source };
        if let Some(directory) = path.parent().filter(|parent| !parent.as_os_str().is_empty()) {
            let made = DirBuilder::new().recursive(true).mode(0o700).create(directory);
            made.map_err(|source| SqliteOpenError::Directory { path: directory.to_owned(), source })?;
        }
        match OpenOptions::new().write(true).create_new(true).mode(0o600).open(path) {
            Err(fault) if fault.kind() != io::ErrorKind::AlreadyExists => return Err(unusable(fault)),
            _ => {}
        }
        Self::at(path).map_err(unusable)
    }

    /// The file at `path`, which must have been created before.
    pub(super) fn existing(path: &Path) -> Result<Self, SqliteOpenError> {
        Self::at(path).map_err(|source| match source.kind() {
            io::ErrorKind::NotFound => SqliteOpenError::Missing { path: path.to_owned() },
            _ => SqliteOpenError::File { path: path.to_owned(), source },
        })
    }

    /// The file at `path`, which must exist.
    pub(super) fn at(path: &Path) -> io::Result<Self> {
        if fs::metadata(path)?.is_dir() {
            return Err(io::ErrorKind::IsADirectory.into());
        }
        // SQLite gives `:memory:` and `file:…` a meaning of their own, but not in an absolute path.
        Ok(Self { path: absolute(path)?, identity: FileIdentity::of(path)? })
    }

    /// Checks that this process may write to the file, its side files and their directory. SQLite would only say that
    /// the database is read-only. A command that ran as another user may have left a file of that user.
    pub(super) fn check_writable(&self) -> Result<(), SqliteOpenError> {
        let beside = ["-wal", "-shm", "-journal"].map(|suffix| {
            let mut name = self.path.clone().into_os_string();
            name.push(suffix);
            PathBuf::from(name)
        });
        let directory = self.path.parent().map(Path::to_owned);
        let mut all = directory.into_iter().chain([self.path.clone()]).chain(beside);
        all.try_for_each(|path| match rustix::fs::access(&path, Access::WRITE_OK) {
            Ok(()) | Err(Errno::NOENT) => Ok(()),
            Err(fault) => Err(SqliteOpenError::not_writable(path, fault.into())),
        })
    }

    /// Checks that the file at the path is still the one that was opened.
    pub(super) fn check(&self) -> Result<(), sqlx::Error> {
        match FileIdentity::of(&self.path) {
            Ok(identity) if identity == self.identity => Ok(()),
            Ok(_) => Err(self.gone("replaced").into()),
            Err(fault) if fault.kind() == io::ErrorKind::NotFound => Err(self.gone("removed").into()),
            Err(fault) => Err(fault.into()),
        }
    }

    fn gone(&self, how: &str) -> io::Error {
        io::Error::new(io::ErrorKind::NotFound, format!("{} was {how}", self.path.display()))
    }

    /// A connection that writes, and appends to a write-ahead log. An acknowledged write is on the disk
    /// (`synchronous=FULL`).
    pub(super) async fn writing(&self) -> Result<SqliteConnection, sqlx::Error> {
        let mut db = self.connect().await?;
        write_ahead(&mut db).await?;
        Ok(db)
    }

    /// A connection that writes, in the journal mode that the file has. A file without content is filled in SQLite's
    /// first mode, where a broken-off transaction leaves it without content.
    pub(super) async fn connect(&self) -> Result<SqliteConnection, sqlx::Error> {
        self.check()?;
        // SQLite overwrites replaced and deleted content in every page that it writes anyway.
        let options = self.options().pragma("secure_delete", "FAST");
        options.synchronous(SqliteSynchronous::Full).connect().await
    }

    /// Moves the write-ahead log into the database and empties it, so that earlier states of a page are in neither.
    pub(super) async fn empty_log(&self) -> Result<(), sqlx::Error> {
        let mut db = self.writing().await?;
        let (busy, _, _): (i64, i64, i64) =
            sqlx::query_as("PRAGMA wal_checkpoint(TRUNCATE)").fetch_one(&mut db).await?;
        db.close().await?;
        let kept =
            || io::Error::new(io::ErrorKind::ResourceBusy, "another process reads an earlier state of it");
        if busy == 0 { Ok(()) } else { Err(kept().into()) }
    }

    /// Options of a connection that only reads.
    pub(super) fn reading(&self) -> SqliteConnectOptions {
        self.options().read_only(true)
    }

    fn options(&self) -> SqliteConnectOptions {
        SqliteConnectOptions::new()
            .filename(&self.path)
            .create_if_missing(false)
            .busy_timeout(BUSY_TIMEOUT)
            .foreign_keys(true)
            .disable_statement_logging()
    }
}

/// Switches the file to write-ahead logging, unless it has been switched.
///
/// While one connection switches, SQLite refuses others that do the same at once, whatever their time-out. So they try
/// again.
pub(super) async fn write_ahead(db: &mut SqliteConnection) -> Result<(), sqlx::Error> {
    let switch = async {
        loop {
            match sqlx::query("PRAGMA journal_mode = WAL").execute(&mut *db).await {
                Err(fault) if is_busy(&fault) => sleep(RETRY_AFTER).await,
                switched => return switched.map(drop),
            }
        }
    };
    let late = |_| Err(io::Error::new(io::ErrorKind::TimedOut, "another process keeps it locked").into());
    timeout(BUSY_TIMEOUT, switch).await.unwrap_or_else(late)
}

fn is_busy(fault: &sqlx::Error) -> bool {
    const SQLITE_BUSY: i32 = 5;
    let code = fault.as_database_error().and_then(DatabaseError::code);
    // The low byte is the kind of error, the others are details.
    code.and_then(|code| code.parse::<i32>().ok()).is_some_and(|code| code & 0xff == SQLITE_BUSY)
}
