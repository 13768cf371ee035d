//! The writer task, and its group commit.
//!
//! All writes of a process go through one task with one connection. It takes all pending jobs, runs them in
//! one transaction, and answers when that is on the disk, so that many writes share one wait for the disk. Each job has
//! a savepoint of its own: one that fails does not undo the others. A job is done even if its caller no longer waits.
//!
//! `BEGIN IMMEDIATE` waits for the lock before the first read. This keeps several processes from writing at once.

use std::pin::Pin;
use std::sync::Arc;
use std::time::Duration;

use sqlx::{Connection as _, SqliteConnection};
use thiserror::Error;
use tokio::sync::{mpsc, oneshot};
use tokio::time::timeout;
use tracing::{info, warn};

use super::file::DatabaseFile;
use crate::sql::SqlResult;
use portcullis_core::store::{StoreError, Stored};

/// The most jobs of one transaction.
const MOST_JOBS: usize = 64;
/// The most jobs that may wait in the queue.
const MOST_WAITING: usize = 1024;
/// How long a caller waits for an answer.
pub(super) const DEADLINE: Duration = Duration::from_secs(5);
/// How many changes are kept for the feed. A feed that has missed more announces that anything may have changed.
const KEPT_CHANGES: i64 = 100_000;
/// How many jobs lie between two prunings of the changes, and the most that one pruning removes.
const PRUNE_EVERY: usize = 1_000;
const PRUNE_STEP: i64 = 10_000;

const PRUNE: &str = "DELETE FROM changes WHERE seq IN (SELECT seq FROM changes \
    WHERE seq <= (SELECT max(seq) FROM changes) - $1 ORDER BY seq LIMIT $2)";

/// Why a caller does not learn what became of its job.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Error)]
pub(super) enum NoAnswer {
    /// The answer did not come in time. The job may still be done.
    #[error("there was no answer within {} seconds", DEADLINE.as_secs())]
    Late,
    /// The writer has ended.
    #[error("the database has been closed")]
    Closed,
}

type BoxFuture<'c, T> = Pin<Box<dyn Future<Output = T> + Send + 'c>>;

/// The work of a job while it has the connection.
pub(super) type JobFuture<'c, T> = BoxFuture<'c, SqlResult<T>>;

/// Hands jobs to the writer task.
#[derive(Clone, Debug)]
pub(super) struct Writer {
    orders: mpsc::Sender<Order>,
}

enum Order {
    Write(Box<dyn Job>),
    Close(oneshot::Sender<()>),
}

impl Writer {
    /// Starts the writer task on a connection to `file`. It ends when all handles are dropped, or at [`Writer::close`].
    pub(super) fn start(file: Arc<DatabaseFile>, db: SqliteConnection) -> Self {
        let (orders, waiting) = mpsc::channel(MOST_WAITING);
        let task = WriterTask {
            file,
            db: Some(db),
            waiting,
            closing: Vec::new(),
            failing: false,
            since_pruning: PRUNE_EVERY,
        };
        tokio::spawn(task.run());
        Self { orders }
    }

    /// Does `work` inside a transaction, and answers when that has been committed.
    pub(super) async fn write<T, F>(&self, doing: &'static str, work: F) -> Stored<T>
    where
        T: Send + 'static,
        F: for<'c> FnOnce(&'c mut SqliteConnection) -> JobFuture<'c, T> + Send + 'static,
    {
        let (caller, answer) = oneshot::channel();
        let job = Work { doing, step: Some(work), done: None, caller };
        self.orders.try_send(Order::Write(Box::new(job))).map_err(|fault| match fault {
            mpsc::error::TrySendError::Full(_) => StoreError::Overloaded,
            mpsc::error::TrySendError::Closed(_) => StoreError::unavailable(doing, NoAnswer::Closed),
        })?;
        match timeout(DEADLINE, answer).await {
            Ok(Ok(answer)) => answer,
            Ok(Err(_)) => Err(StoreError::unavailable(doing, NoAnswer::Closed)),
            Err(_) => Err(StoreError::unavailable(doing, NoAnswer::Late)),
        }
    }

    /// Takes no more jobs, finishes those it has, and closes the connection.
    pub(super) async fn close(&self) {
        let (caller, closed) = oneshot::channel();
        if self.orders.send(Order::Close(caller)).await.is_ok() {
            // An error only says that the task has ended, which is what the caller wants.
            let _ = closed.await;
        }
    }
}

/// Something to write, and the caller to answer.
trait Job: Send {
    /// Does the work, and returns whether its writes are to be kept.
    fn run<'c>(&'c mut self, db: &'c mut SqliteConnection) -> BoxFuture<'c, bool>;

    /// Answers the caller after the transaction was committed or rolled back.
    fn answer(self: Box<Self>, committed: &Result<(), Arc<sqlx::Error>>);
}

struct Work<T, F> {
    doing: &'static str,
    step: Option<F>,
    done: Option<SqlResult<T>>,
    caller: oneshot::Sender<Stored<T>>,
}

impl<T, F> Job for Work<T, F>
where
    T: Send,
    F: for<'c> FnOnce(&'c mut SqliteConnection) -> JobFuture<'c, T> + Send,
{
    fn run<'c>(&'c mut self, db: &'c mut SqliteConnection) -> BoxFuture<'c, bool> {
        Box::pin(async move {
            let Some(step) = self.step.take() else { return false };
            let done = step(db).await;
            let keep = done.is_ok();
            self.done = Some(done);
            keep
        })
    }

    fn answer(self: Box<Self>, committed: &Result<(), Arc<sqlx::Error>>) {
        let answer = match (self.done, committed) {
            (Some(Err(fault)), _) => Err(fault.while_doing(self.doing)),
            (Some(Ok(value)), Ok(())) => Ok(value),
            (_, Err(fault)) => Err(StoreError::Unavailable { doing: self.doing, source: fault.clone() }),
            (None, Ok(())) => Err(StoreError::unavailable(self.doing, NoAnswer::Closed)),
        };
        // An error only says that the caller no longer waits.
        let _ = self.caller.send(answer);
    }
}

/// The task that owns the writing connection.
struct WriterTask {
    file: Arc<DatabaseFile>,
    /// `None` after a transaction that could not be committed: its connection is not used again.
    db: Option<SqliteConnection>,
    waiting: mpsc::Receiver<Order>,
    closing: Vec<oneshot::Sender<()>>,
    /// Whether the last transaction failed.
    failing: bool,
    /// How many jobs were done since the last pruning.
    since_pruning: usize,
}

impl WriterTask {
    async fn run(mut self) {
        let mut orders = Vec::with_capacity(MOST_JOBS);
        while self.waiting.recv_many(&mut orders, MOST_JOBS).await > 0 {
            let mut jobs = Vec::with_capacity(orders.len());
            for order in orders.drain(..) {
                match order {
                    Order::Write(job) => jobs.push(job),
                    Order::Close(caller) => self.closing.push(caller),
                }
            }
            if !self.closing.is_empty() {
                self.waiting.close();
            }
            self.write(jobs).await;
        }
        // A connection that has not used the log since it was opened would leave it at its close.
        if let Some(db) = &mut self.db
            && let Err(fault) = execute(db, "PRAGMA wal_checkpoint(PASSIVE)").await
        {
            warn!(%fault, "the write-ahead log was not moved into the database");
        }
        self.disconnect().await;
        for caller in self.closing {
            let _ = caller.send(());
        }
    }

    async fn write(&mut self, mut jobs: Vec<Box<dyn Job>>) {
        if jobs.is_empty() {
            return;
        }
        let committed = self.commit(&mut jobs).await.map_err(Arc::new);
        self.log_change(&committed);
        if committed.is_err() {
            self.disconnect().await;
        }
        for job in jobs {
            job.answer(&committed);
        }
    }

    async fn commit(&mut self, jobs: &mut [Box<dyn Job>]) -> Result<(), sqlx::Error> {
        self.file.check()?;
        let db = match &mut self.db {
            Some(db) => db,
            none => none.insert(self.file.writing().await?),
        };
        // Each call crosses to the connection's thread and back, which costs more than these statements do.
        let mut next_job = "BEGIN IMMEDIATE; SAVEPOINT job";
        for job in &mut *jobs {
            execute(db, std::mem::replace(&mut next_job, "RELEASE job; SAVEPOINT job")).await?;
            if !job.run(db).await {
                // Fails if SQLite has already rolled the transaction back: then no job's writes are kept.
                execute(db, "ROLLBACK TO job").await?;
            }
        }
        self.since_pruning += jobs.len();
        if self.since_pruning >= PRUNE_EVERY {
            self.since_pruning = 0;
            sqlx::query(PRUNE).bind(KEPT_CHANGES).bind(PRUNE_STEP).execute(&mut *db).await?;
        }
        execute(db, "RELEASE job; COMMIT").await
    }

    /// Logs the first failure, and the first success after it.
    fn log_change(&mut self, committed: &Result<(), Arc<sqlx::Error>>) {
        match committed {
            Err(fault) if !self.failing => warn!(%fault, "the database cannot be written to"),
            Ok(()) if self.failing => info!("the database can be written to again"),
            _ => {}
        }
        self.failing = committed.is_err();
    }

    /// Closes the connection, which rolls back what was not committed.
    async fn disconnect(&mut self) {
        if let Some(db) = self.db.take()
            && let Err(fault) = db.close().await
        {
            warn!(%fault, "a connection was not closed cleanly");
        }
    }
}

async fn execute(db: &mut SqliteConnection, statement: &'static str) -> Result<(), sqlx::Error> {
    sqlx::query(statement).execute(db).await.map(drop)
}

#[cfg(test)]
mod tests;
