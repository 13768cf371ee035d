//! The thread that owns the writing connection.

use std::cell::Cell;
use std::mem;
use std::sync::Arc;
use std::thread;

use rusqlite::hooks::Wal;
use tokio::sync::mpsc::{UnboundedReceiver, UnboundedSender, error::SendError, unbounded_channel};
use tracing::{info, warn};

use super::super::SqliteFault;
use super::super::connection::SqliteConnection;
use super::super::file::DatabaseFile;
use super::job::{Committed, Job};
use super::queue::{JobQueue, MOST_JOBS};

/// How many changes are kept for the feed. A feed that has missed more announces that anything may have changed.
const KEPT_CHANGES: i64 = 100_000;
/// How many jobs lie between two prunings of the changes, and the most that one pruning removes.
pub(super) const PRUNE_EVERY: usize = 1_000;
const PRUNE_STEP: i64 = 10_000;
/// How many pages the write-ahead log grows by between two attempts to move it into the database.
const CHECKPOINT_EVERY: i32 = 2_000;

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
        checkpointed_at: 0,
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
    /// The length of the write-ahead log at the last attempt to move it.
    checkpointed_at: i32,
}

impl WriterThread {
    fn run(mut self) {
        let mut jobs = Vec::with_capacity(MOST_JOBS);
        while self.queue.take(&mut jobs) {
            self.write(mem::take(&mut jobs));
            self.checkpoint_if_due();
        }
        // A connection that has not used the log since it was opened would leave it at its close.
        self.checkpoint();
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
        self.file.check()?;
        let db = match &mut self.db {
            Some(db) => db,
            none => none.insert(watching_its_log(self.file.writing()?)),
        };
        db.run("BEGIN IMMEDIATE")?;
        jobs.iter_mut().try_for_each(|job| run(&mut **job, db))?;
        self.since_pruning += jobs.len();
        if self.since_pruning >= PRUNE_EVERY {
            self.since_pruning = 0;
            db.driver().prepare_cached(PRUNE)?.execute([KEPT_CHANGES, PRUNE_STEP])?;
        }
        db.run("COMMIT")
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
        let pages = LOG_PAGES.get();
        if pages < self.checkpointed_at {
            // All of it was moved, and it has begun anew.
            self.checkpointed_at = 0;
        }
        if pages - self.checkpointed_at >= CHECKPOINT_EVERY {
            self.checkpointed_at = pages;
            self.checkpoint();
        }
    }

    /// Moves what no reader holds back. What is left waits for the next time.
    fn checkpoint(&self) {
        if let Some(db) = &self.db
            && let Err(fault) = db.driver().query_row("PRAGMA wal_checkpoint(PASSIVE)", [], |_| Ok(()))
        {
            warn!(%fault, "the write-ahead log was not moved into the database");
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
        // Fails if SQLite has already rolled the transaction back: then no job's writes are kept.
        db.run("ROLLBACK TO job")?;
    }
    db.run("RELEASE job")
}

/// However the thread ends, its callers are told.
impl Drop for WriterThread {
    fn drop(&mut self) {
        self.queue.end();
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
