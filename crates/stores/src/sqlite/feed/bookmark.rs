//! How far a feed has read the table of changes.

use portcullis_core::store::{Change, ChangeSink};
use rusqlite::{OptionalExtension as _, Row};

use super::super::SqliteFault;
use super::super::connection::SqliteConnection;
use super::super::file::DatabaseFile;
use super::super::writer::DEADLINE;
use crate::feed_threads::announced;

/// The most changes that are announced one by one.
const MOST_CHANGES: i64 = 10_000;

const VERSION: &str = "PRAGMA data_version";
/// The newest sequence number, even if its change has been pruned.
const HEAD: &str = "SELECT seq FROM sqlite_sequence WHERE name = 'changes'";
const CHANGES: &str = "SELECT head.seq AS head, changes.seq AS seq, kind, tenant, id FROM sqlite_sequence AS head \
    LEFT JOIN changes ON changes.seq > ?1 WHERE head.name = 'changes' ORDER BY changes.seq LIMIT ?2";

/// How far the changes have been read.
pub(super) struct Bookmark {
    db: SqliteConnection,
    version: i64,
    seq: i64,
}

impl Bookmark {
    /// A bookmark after everything that was written before.
    pub(super) fn open(file: &DatabaseFile) -> Result<Self, SqliteFault> {
        let db = file.reading()?;
        db.driver().busy_timeout(DEADLINE)?;
        let version = version(&db)?;
        let seq = db.driver().query_row(HEAD, [], |row| row.get(0)).optional()?;
        Ok(Self { db, version, seq: seq.unwrap_or_default() })
    }

    /// Announces what was written since. Returns whether something was, even if it is nothing to announce.
    pub(super) fn read_on(&mut self, sink: &dyn ChangeSink) -> Result<bool, SqliteFault> {
        let version = version(&self.db)?;
        if version == self.version {
            return Ok(false);
        }
        let (head, changes) = self.changes()?;
        // Numbers have no gaps: fewer changes than numbers means that some were pruned before they were read.
        let is_whole = i64::try_from(changes.len()).ok() == head.checked_sub(self.seq);
        let changes = if is_whole { changes } else { vec![Some(Change::Everything)] };
        for change in changes.iter().flatten() {
            sink.changed(change);
        }
        (self.seq, self.version) = (head, version);
        Ok(true)
    }

    pub(super) fn close(self) -> Result<(), SqliteFault> {
        self.db.close()
    }

    /// The newest number, and the changes since this bookmark's.
    fn changes(&self) -> Result<(i64, Vec<Option<Change>>), SqliteFault> {
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
fn change(row: &Row<'_>) -> Option<Change> {
    let text = |column| row.get_ref(column).ok().and_then(|value| value.as_str().ok()).unwrap_or_default();
    announced(text("kind"), text("tenant"), text("id"))
}
