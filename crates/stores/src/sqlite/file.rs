//! The database file: readable by its owner alone, and checked for having been removed or replaced.

use std::cell::Cell;
use std::fs;
use std::io;
use std::os::unix::ffi::OsStrExt as _;
use std::os::unix::fs::MetadataExt as _;
use std::path::{Path, PathBuf, absolute};
use std::thread;
use std::time::Duration;

use portcullis_core::clock::{Clock as _, Ticks};
use portcullis_core::machine::SystemClock;
use rusqlite::{Connection, OpenFlags};
use rustix::fs::Access;
use rustix::io::Errno;

use super::connection::SqliteConnection;
use super::{OwnersFolder, SqliteFault, SqliteOpenError};

/// How long a connection waits for a lock that another process holds.
pub(super) const BUSY_TIMEOUT: Duration = Duration::from_secs(5);
/// To how many bytes the file of the write-ahead log is cut when the log begins anew.
const LONGEST_IDLE_LOG: i64 = 64 << 20;
/// How long it waits while it is opened: another process may be applying migrations, on a machine that is busy.
pub(super) const OPENING_TIMEOUT: Duration = Duration::from_mins(1);
/// The pause between two looks at a lock that another process holds: short at first, then longer.
const SHORTEST_PAUSE: Duration = Duration::from_micros(200);
const LONGEST_PAUSE: Duration = Duration::from_millis(2);
/// The pause before another try, where SQLite refuses a lock without waiting.
pub(super) const RETRY_AFTER: Duration = Duration::from_millis(20);

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
    /// The same for every path to the file.
    pub(super) fn identity(&self) -> String {
        format!("file {} on device {}", self.identity.1, self.identity.0)
    }

    /// The file at `path`. It and its directory are created if they are missing, readable by their owner alone, because
    /// they will hold keys and password hashes. SQLite gives its side files the same owner and mode.
    pub(super) fn prepare(path: &Path) -> Result<Self, SqliteOpenError> {
        let unusable = |source| SqliteOpenError::File { path: path.to_owned(), source };
        let directory =
            path.parent().filter(|parent| !parent.as_os_str().is_empty()).unwrap_or(Path::new("."));
        let folder = OwnersFolder::open_or_make(directory)
            .map_err(|source| SqliteOpenError::Directory { path: directory.to_owned(), source })?;
        let is_folder = path.as_os_str().as_bytes().ends_with(b"/");
        if let Some(name) = path.file_name().filter(|_| !is_folder).map(Path::new) {
            match folder.make_file(name) {
                Ok(_) => {}
                Err(fault) if fault.kind() == io::ErrorKind::AlreadyExists => {
                    folder.check_link(name).map_err(unusable)?;
                }
                Err(fault) => return Err(unusable(fault)),
            }
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

    pub(super) fn path(&self) -> &Path {
        &self.path
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
    pub(super) fn check(&self) -> io::Result<()> {
        match FileIdentity::of(&self.path) {
            Ok(identity) if identity == self.identity => Ok(()),
            Ok(_) => Err(self.gone("replaced")),
            Err(fault) if fault.kind() == io::ErrorKind::NotFound => Err(self.gone("removed")),
            Err(fault) => Err(fault),
        }
    }

    fn gone(&self, how: &str) -> io::Error {
        io::Error::new(io::ErrorKind::NotFound, format!("{} was {how}", self.path.display()))
    }

    /// A connection that writes, and appends to a write-ahead log. An acknowledged write is on the disk
    /// (`synchronous=FULL`).
    pub(super) fn writing(&self) -> Result<SqliteConnection, SqliteFault> {
        let db = self.connect()?;
        // The file of a log that a reader has made long becomes short again when the log begins anew.
        db.driver().pragma_update(None, "journal_size_limit", LONGEST_IDLE_LOG)?;
        write_ahead(&db, BUSY_TIMEOUT)?;
        Ok(db)
    }

    /// A connection that writes, in the journal mode that the file has. A file without content is filled in SQLite's
    /// first mode, where a broken-off transaction leaves it without content.
    pub(super) fn connect(&self) -> Result<SqliteConnection, SqliteFault> {
        let db = self.open(OpenFlags::SQLITE_OPEN_READ_WRITE)?;
        wait_for_lock(&db)?;
        // SQLite overwrites replaced and deleted content in every page that it writes anyway.
        db.pragma_update(None, "secure_delete", "FAST")?;
        db.pragma_update(None, "synchronous", "FULL")?;
        Ok(SqliteConnection::new(db))
    }

    /// Moves the write-ahead log into the database and empties it, so that earlier states of a page are in neither.
    pub(super) fn empty_log(&self) -> Result<(), SqliteFault> {
        let db = self.writing()?;
        let emptying = "PRAGMA wal_checkpoint(TRUNCATE)";
        let is_kept: bool = db.driver().query_row(emptying, [], |row| row.get(0))?;
        db.close()?;
        let kept =
            || io::Error::new(io::ErrorKind::ResourceBusy, "another process reads an earlier state of it");
        if is_kept { Err(kept().into()) } else { Ok(()) }
    }

    /// A connection that only reads, and that waits for no lock: its caller does.
    pub(super) fn reading(&self) -> Result<SqliteConnection, SqliteFault> {
        let db = self.open(OpenFlags::SQLITE_OPEN_READ_ONLY)?;
        db.busy_timeout(Duration::ZERO)?;
        Ok(SqliteConnection::new(db))
    }

    fn open(&self, access: OpenFlags) -> Result<Connection, SqliteFault> {
        self.check()?;
        // One thread at a time has a connection: its type says so.
        Ok(Connection::open_with_flags(&self.path, access | OpenFlags::SQLITE_OPEN_NO_MUTEX)?)
    }
}

/// Switches the file to write-ahead logging, unless it has been switched.
///
/// While one connection switches, SQLite refuses others that do the same at once, whatever their time-out. So they try
/// again.
pub(super) fn write_ahead(db: &SqliteConnection, most: Duration) -> Result<(), SqliteFault> {
    db.driver().busy_timeout(Duration::ZERO)?;
    let mut tries = most.as_millis() / RETRY_AFTER.as_millis();
    let switched = loop {
        let switched = db.driver().pragma_update(None, "journal_mode", "WAL").map_err(SqliteFault::from);
        match switched {
            Err(fault) if fault.is_locked() && tries > 0 => thread::sleep(RETRY_AFTER),
            switched => break switched,
        }
        tries -= 1;
    };
    wait_for_lock(db.driver())?;
    switched
}

/// Makes a connection wait for a lock for as long as [`BUSY_TIMEOUT`].
///
/// SQLite's own waiting looks ten times a second. A process that writes without a pause frees the lock for a moment
/// between two transactions, which so few looks miss for seconds on end.
pub(super) fn wait_for_lock(db: &Connection) -> rusqlite::Result<()> {
    db.busy_handler(Some(|looks| waits(looks, BUSY_TIMEOUT)))
}

/// The same for as long as [`OPENING_TIMEOUT`].
pub(super) fn wait_for_opening(db: &Connection) -> rusqlite::Result<()> {
    db.busy_handler(Some(|looks| waits(looks, OPENING_TIMEOUT)))
}

/// Sleeps before the next look; `false` once it has waited for long enough.
fn waits(looks: i32, most: Duration) -> bool {
    thread_local! {
        static WAITING_SINCE: Cell<Ticks> = const { Cell::new(Ticks::new(Duration::ZERO)) };
    }
    let now = SystemClock.ticks();
    if looks == 0 {
        WAITING_SINCE.set(now);
    }
    let waited = now.since(WAITING_SINCE.get());
    // Those that wait for long must not take the processor from the one that they wait for.
    thread::sleep((waited / 16).clamp(SHORTEST_PAUSE, LONGEST_PAUSE));
    waited < most
}
