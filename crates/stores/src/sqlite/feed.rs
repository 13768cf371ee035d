//! The change feed: a thread that polls for what was written, by this process or any other.
//!
//! Triggers write every change into a table of its own, in the transaction that makes the change. `PRAGMA data_version`
//! costs a few microseconds and says whether another connection has committed since the last poll; only then does the
//! thread read the table. The answer proves the time before the question. Thread and connection belong to the watch
//! alone, so that load on the server's runtime does not delay them.

use std::sync::Arc;
use std::sync::mpsc::{self, Receiver, RecvTimeoutError};
use std::time::Duration;

use portcullis_core::clock::Clock;
use portcullis_core::store::{Change, ChangeSink, Stored, Watch};
use rusqlite::{OptionalExtension as _, Row};
use tracing::{info, warn};

use super::SqliteFault;
use super::connection::SqliteConnection;
use super::file::DatabaseFile;
use super::writer::{DEADLINE, NoAnswer};
use crate::feed_threads::{FeedReady, FeedThreads, announced};

/// The pause between polls, and the longest pause while the database is out of reach.
const POLL: Duration = Duration::from_millis(50);
const LONGEST_PAUSE: Duration = Duration::from_secs(1);
/// The most changes that are announced one by one.
const MOST_CHANGES: i64 = 10_000;

const VERSION: &str = "PRAGMA data_version";
/// The newest sequence number, even if its change has been pruned.
const HEAD: &str = "SELECT seq FROM sqlite_sequence WHERE name = 'changes'";
const CHANGES: &str = "SELECT head.seq AS head, changes.seq AS seq, kind, tenant, id FROM sqlite_sequence AS head \
    LEFT JOIN changes ON changes.seq > ?1 WHERE head.name = 'changes' ORDER BY changes.seq LIMIT ?2";

/// A value that is never sent: the thread ends when the sender is dropped.
enum Never {}

/// Announces what is written to the file from now on. The feed ends with the store: SQLite moves the write-ahead log
/// into the database when the last connection closes, and only one that writes can do so.
pub(super) async fn watch(
    feeds: &FeedThreads,
    file: Arc<DatabaseFile>,
    clock: Arc<dyn Clock>,
    sink: Arc<dyn ChangeSink>,
) -> Stored<Watch> {
    let (stop, stopped) = mpsc::channel();
    let run = move |sink, ready| Follower { file, clock, sink, bookmark: None }.run(ready, &stopped);
    feeds.watch("sqlite-feed", stop, NoAnswer::Closed, sink, run).await
}

struct Follower {
    file: Arc<DatabaseFile>,
    clock: Arc<dyn Clock>,
    sink: Arc<dyn ChangeSink>,
    /// None while the database is out of reach.
    bookmark: Option<Bookmark>,
}

impl Follower {
    fn run(mut self, ready: FeedReady<SqliteFault>, stopped: &Receiver<Never>) {
        let begun = Bookmark::open(&self.file).map(|bookmark| self.bookmark = Some(bookmark));
        let has_begun = begun.is_ok();
        // An error only says that the caller has given up the watch: then `stopped` says so too.
        let _ = ready.send(begun);
        if has_begun {
            self.follow(stopped);
        }
    }

    fn follow(&mut self, stopped: &Receiver<Never>) {
        let mut pause = POLL;
        while matches!(stopped.recv_timeout(pause), Err(RecvTimeoutError::Timeout)) {
            pause = match self.poll() {
                Ok(()) => POLL,
                Err(fault) => {
                    self.lose(&fault);
                    (pause * 2).min(LONGEST_PAUSE)
                }
            };
        }
        if let Some(bookmark) = self.bookmark.take()
            && let Err(fault) = bookmark.db.close()
        {
            warn!(%fault, "the change feed's connection was not closed cleanly");
        }
    }

    fn lose(&mut self, fault: &SqliteFault) {
        if self.bookmark.take().is_some() {
            warn!(%fault, "the change feed is lost");
        }
    }

    fn poll(&mut self) -> Result<(), SqliteFault> {
        let sent = self.clock.ticks();
        self.file.check()?;
        match &mut self.bookmark {
            Some(bookmark) => bookmark.read_on(&*self.sink)?,
            None => self.resume()?,
        }
        self.sink.proven(sent);
        Ok(())
    }

    /// The file may have been replaced meanwhile, so changes are not announced one by one.
    fn resume(&mut self) -> Result<(), SqliteFault> {
        self.bookmark = Some(Bookmark::open(&self.file)?);
        info!("the change feed is back");
        self.sink.changed(&Change::Everything);
        Ok(())
    }
}

/// How far the changes have been read.
struct Bookmark {
    db: SqliteConnection,
    version: i64,
    seq: i64,
}

impl Bookmark {
    /// A bookmark after everything that was written before.
    fn open(file: &DatabaseFile) -> Result<Self, SqliteFault> {
        let db = file.reading()?;
        db.driver().busy_timeout(DEADLINE)?;
        let version = version(&db)?;
        let seq = db.driver().query_row(HEAD, [], |row| row.get(0)).optional()?;
        Ok(Self { db, version, seq: seq.unwrap_or_default() })
    }

    /// Announces what was written since.
    fn read_on(&mut self, sink: &dyn ChangeSink) -> Result<(), SqliteFault> {
        let version = version(&self.db)?;
        if version == self.version {
            return Ok(());
        }
        let (head, changes) = self.changes()?;
        // Numbers have no gaps: fewer changes than numbers means that some were pruned before they were read.
        let is_whole = i64::try_from(changes.len()).ok() == head.checked_sub(self.seq);
        for change in if is_whole { changes } else { vec![Change::Everything] } {
            sink.changed(&change);
        }
        (self.seq, self.version) = (head, version);
        Ok(())
    }

    /// The newest number, and the changes since this bookmark's.
    fn changes(&self) -> Result<(i64, Vec<Change>), SqliteFault> {
        let mut statement = self.db.driver().prepare_cached(CHANGES)?;
        let mut rows = statement.query([self.seq, MOST_CHANGES])?;
        let (mut head, mut changes) = (0, Vec::new());
        while let Some(row) = rows.next()? {
            head = row.get("head")?;
            if row.get::<_, Option<i64>>("seq")?.is_some() {
                changes.push(change(row));
            }
        }
        Ok((head, changes))
    }
}

fn version(db: &SqliteConnection) -> Result<i64, SqliteFault> {
    Ok(db.driver().prepare_cached(VERSION)?.query_row([], |row| row.get(0))?)
}

/// A column that cannot be read was written by hand.
fn change(row: &Row<'_>) -> Change {
    let text = |column| row.get_ref(column).ok().and_then(|value| value.as_str().ok()).unwrap_or_default();
    announced(text("kind"), text("tenant"), text("id"))
}
