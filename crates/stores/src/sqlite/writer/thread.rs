//! The thread that owns the writing connection.

use std::cell::Cell;
use std::io;
use std::mem;
use std::sync::Arc;
use std::thread;
use std::time::Duration;

use rusqlite::Row;
use rusqlite::hooks::Wal;
use tokio::sync::mpsc::{UnboundedReceiver, UnboundedSender, error::SendError, unbounded_channel};
use tracing::{error, info, warn};

use super::super::SqliteFault;
use super::super::connection::SqliteConnection;
use super::super::file::{DatabaseFile, wait_for_lock};
use super::NoAnswer;
use super::job::{Committed, Job};
use super::queue::{JobQueue, MOST_JOBS};

/// How many changes are kept for the feed. A feed that has missed more announces that anything may have changed.
const KEPT_CHANGES: i64 = 100_000;
/// How many jobs lie between two prunings of the changes, and the most that one pruning removes.
pub(super) const PRUNE_EVERY: usize = 1_000;
const PRUNE_STEP: i64 = 10_000;
/// How many pages the write-ahead log grows by between two checkpoints, and how many after one that a reader kept from
/// moving all of it.
const CHECKPOINT_EVERY: i32 = 2_000;
const RETRY_EVERY: i32 = 100;
/// From so many pages on, a checkpoint waits a moment for readers, so that the log can begin anew.
const LONG_LOG: i32 = 16_000;
const WAIT_FOR_READERS: Duration = Duration::from_millis(100);

const PRUNE: &str = "DELETE FROM changes WHERE seq IN (SELECT seq FROM changes \
    WHERE seq <= (SELECT max(seq) FROM changes) - ?1 ORDER BY seq LIMIT ?2)";

thread_local! {
    /// The length of the write-ahead log in pages after the last commit on this thread.
    static LOG_PAGES: Cell<i32> = const { Cell::new(0) };
}

/// Jobs of one transaction that is over.
struct Done {
    jobs: Vec<Box<dyn Job>>,
    committed: Committed,
}

impl Done {
    fn answer(self) {
        self.jobs.into_iter().for_each(|job| job.answer(&self.committed));
    }
}

/// Starts the thread. To wake a task of a runtime costs a thread outside of it a system call or several, so one task of
/// the runtime is woken for all answers of a transaction, and wakes the callers from within.
pub(super) fn start(
    queue: Arc<JobQueue>,
    file: Arc<DatabaseFile>,
    db: SqliteConnection,
) -> Result<(), SqliteFault> {
    let (answers, done) = unbounded_channel();
    let writer = WriterThread {
        queue,
        file,
        db: Some(watching_its_log(db)),
        answers,
        failing: false,
        since_pruning: PRUNE_EVERY,
        next_checkpoint: CHECKPOINT_EVERY,
    };
    thread::Builder::new().name("sqlite-writer".to_owned()).spawn(move || writer.run())?;
    tokio::spawn(answer(done));
    Ok(())
}

async fn answer(mut done: UnboundedReceiver<Done>) {
    while let Some(done) = done.recv().await {
        done.answer();
    }
}

struct WriterThread {
    queue: Arc<JobQueue>,
    file: Arc<DatabaseFile>,
    /// `None` after a transaction that could not be committed: its connection is not used again.
    db: Option<SqliteConnection>,
    answers: UnboundedSender<Done>,
    /// Whether the last transaction failed.
    failing: bool,
    /// How many jobs were done since the last pruning.
    since_pruning: usize,
    /// The length of the write-ahead log at which the next checkpoint is due.
    next_checkpoint: i32,
}

impl WriterThread {
    fn run(mut self) {
        let mut jobs = Vec::with_capacity(MOST_JOBS);
        while self.queue.take(&mut jobs) {
            self.write(mem::take(&mut jobs));
            self.checkpoint_if_due();
        }
        self.finish();
    }

    /// Leaves everything in the database file. A connection that has not used the log since it was opened would leave
    /// it at its close.
    fn finish(&mut self) {
        match self.connect().and_then(checkpoint) {
            Ok(true) => {}
            Ok(false) => warn!("a reader keeps the write-ahead log from a whole checkpoint"),
            Err(fault) => warn!(%fault, "the write-ahead log is left behind: there was no checkpoint"),
        }
        self.disconnect();
    }

    fn write(&mut self, mut jobs: Vec<Box<dyn Job>>) {
        let committed = self.commit(&mut jobs).map_err(Arc::new);
        self.log_change(&committed);
        if committed.is_err() {
            self.disconnect();
        }
        // A runtime that has ended takes no answers; callers on another one may wait for them.
        if let Err(SendError(done)) = self.answers.send(Done { jobs, committed }) {
            done.answer();
        }
    }

    fn commit(&mut self, jobs: &mut [Box<dyn Job>]) -> Result<(), SqliteFault> {
        let prunes = self.since_pruning + jobs.len() >= PRUNE_EVERY;
        let db = self.connect()?;
        db.run("BEGIN IMMEDIATE")?;
        jobs.iter_mut().try_for_each(|job| run(&mut **job, db))?;
        if prunes {
            prune(db)?;
        }
        db.run("COMMIT")?;
        self.since_pruning = if prunes { 0 } else { self.since_pruning + jobs.len() };
        Ok(())
    }

    /// The connection. A new one begins with a checkpoint: the log may have filled the disk, and then nothing else
    /// makes room.
    fn connect(&mut self) -> Result<&mut SqliteConnection, SqliteFault> {
        self.file.check()?;
        if self.db.is_none() {
            let db = self.db.insert(watching_its_log(self.file.writing()?));
            if let Err(fault) = checkpoint(db) {
                warn!(%fault, "no checkpoint of the write-ahead log was made");
            }
        }
        self.db.as_mut().ok_or_else(|| io::Error::from(io::ErrorKind::NotConnected).into())
    }

    /// Logs the first failure, and the first success after it.
    fn log_change(&mut self, committed: &Committed) {
        match committed {
            Err(fault) if !self.failing => warn!(%fault, "the database cannot be written to"),
            Ok(()) if self.failing => info!("the database can be written to again"),
            _ => {}
        }
        self.failing = committed.is_err();
    }

    fn checkpoint_if_due(&mut self) {
        let (pages, Some(db)) = (LOG_PAGES.get(), &mut self.db) else { return };
        if pages < self.next_checkpoint.min(CHECKPOINT_EVERY) {
            // It has begun anew.
            self.next_checkpoint = CHECKPOINT_EVERY;
        }
        if pages < self.next_checkpoint {
            return;
        }
        let moved = checkpoint(db);
        let pause = if matches!(moved, Ok(true)) { CHECKPOINT_EVERY } else { RETRY_EVERY };
        self.next_checkpoint = pages.saturating_add(pause);
        if let Err(fault) = moved {
            warn!(%fault, "no checkpoint of the write-ahead log was made");
        }
    }

    /// Closes the connection, which rolls back what was not committed.
    fn disconnect(&mut self) {
        if let Some(db) = self.db.take()
            && let Err(fault) = db.close()
        {
            warn!(%fault, "a connection was not closed cleanly");
        }
    }
}

fn run(job: &mut dyn Job, db: &mut SqliteConnection) -> Result<(), SqliteFault> {
    db.run("SAVEPOINT job")?;
    if !job.run(db) {
        if db.driver().is_autocommit() {
            // As after a fault of the disk: then no job's writes are kept.
            return Err(undone(&job.failure()));
        }
        db.run("ROLLBACK TO job")?;
    }
    db.run("RELEASE job")
}

fn undone(cause: &str) -> SqliteFault {
    io::Error::other(format!("a write has made SQLite undo the transaction: {cause}")).into()
}

/// Removes changes that no feed needs. That can wait, so a fault of it alone fails no job.
fn prune(db: &SqliteConnection) -> Result<(), SqliteFault> {
    let prepared = db.driver().prepare_cached(PRUNE);
    match prepared.and_then(|mut prune| prune.execute([KEPT_CHANGES, PRUNE_STEP])) {
        Err(fault) if db.driver().is_autocommit() => return Err(undone(&fault.to_string())),
        Err(fault) => warn!(%fault, "old changes were not removed"),
        Ok(_) => {}
    }
    Ok(())
}

/// Moves the write-ahead log into the database, but for what a reader still needs. Returns whether that was all.
fn checkpoint(db: &mut SqliteConnection) -> Result<bool, SqliteFault> {
    let is_long = LOG_PAGES.get() >= LONG_LOG;
    let mode = if is_long { "PRAGMA wal_checkpoint(RESTART)" } else { "PRAGMA wal_checkpoint(PASSIVE)" };
    db.driver().busy_timeout(WAIT_FOR_READERS)?;
    let columns = |row: &Row<'_>| Ok((row.get(0)?, row.get(1)?, row.get(2)?));
    let moved = db.driver().query_row(mode, [], columns);
    wait_for_lock(db.driver())?;
    let (is_busy, pages, moved): (bool, i32, i32) = moved?;
    Ok(!is_busy && moved >= pages)
}

/// However the thread ends, its callers are told.
impl Drop for WriterThread {
    fn drop(&mut self) {
        let why = if thread::panicking() { NoAnswer::Broken } else { NoAnswer::Closed };
        if why == NoAnswer::Broken {
            error!("the thread that writes to the database has panicked: nothing is written any more");
        }
        self.queue.end(why);
    }
}

/// A connection that notes how long the log is, and leaves it to this thread to move it.
fn watching_its_log(db: SqliteConnection) -> SqliteConnection {
    let note = |_: &Wal, pages| {
        LOG_PAGES.set(pages);
        Ok(())
    };
    db.driver().wal_hook(Some(note));
    db
}
