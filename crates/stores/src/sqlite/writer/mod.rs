//! The one that writes, and its group commit.
//!
//! All writes of a process go through one task with one connection. It takes whatever waits, runs it in one
//! transaction, and answers when that is on the disk: many writes share one wait for the disk. Each has a savepoint of
//! its own, so that one that fails takes nobody along. Somebody who no longer waits changes nothing: what was asked for
//! is done.
//!
//! `BEGIN IMMEDIATE` takes the lock before the first read, and waits for it: this is what keeps several processes apart.

use std::pin::Pin;
use std::sync::Arc;
use std::time::Duration;

use sqlx::{Connection as _, SqliteConnection};
use thiserror::Error;
use tokio::sync::{mpsc, oneshot};
use tokio::time::timeout;
use tracing::{info, warn};

use super::file::DatabaseFile;
use crate::sql::Step;
use portcullis_core::store::{StoreError, Stored};

/// The most jobs of one transaction.
const MOST_JOBS: usize = 64;
/// The most jobs that wait.
const MOST_WAITING: usize = 1024;
/// How long somebody waits for an answer.
pub(super) const DEADLINE: Duration = Duration::from_secs(5);
/// How many changes are kept for those who watch; whoever has missed more is told that anything may have changed.
const KEPT_CHANGES: i64 = 100_000;
/// How many jobs between two looks for changes that may go, and the most that go at once.
const PRUNE_EVERY: usize = 1_000;
const PRUNE_STEP: i64 = 10_000;

const PRUNE: &str = "DELETE FROM changes WHERE seq IN (SELECT seq FROM changes \
    WHERE seq <= (SELECT max(seq) FROM changes) - $1 ORDER BY seq LIMIT $2)";

/// Why nothing is known of what was asked for.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Error)]
pub(super) enum NoAnswer {
    /// It did not come in time. It may still be done.
    #[error("there was no answer within {} seconds", DEADLINE.as_secs())]
    Late,
    /// Nobody is there to do it.
    #[error("the database has been closed")]
    Closed,
}

type BoxFuture<'c, T> = Pin<Box<dyn Future<Output = T> + Send + 'c>>;

/// What a job does while it has the connection.
pub(super) type Working<'c, T> = BoxFuture<'c, Step<T>>;

/// Where writes are handed in.
#[derive(Clone, Debug)]
pub(super) struct Writer {
    orders: mpsc::Sender<Order>,
}

enum Order {
    Write(Box<dyn Job>),
    Close(oneshot::Sender<()>),
}

impl Writer {
    /// Starts a writer on a connection to `file`. It ends when all handles to it are gone, or at [`Writer::close`].
    pub(super) fn start(file: Arc<DatabaseFile>, db: SqliteConnection) -> Self {
        let (orders, waiting) = mpsc::channel(MOST_WAITING);
        let desk = WriterTask {
            file,
            db: Some(db),
            waiting,
            closing: Vec::new(),
            failing: false,
            since_pruning: PRUNE_EVERY,
        };
        tokio::spawn(desk.work());
        Self { orders }
    }

    /// Does `work` inside a transaction; the answer comes when it has been committed.
    pub(super) async fn write<T, F>(&self, doing: &'static str, work: F) -> Stored<T>
    where
        T: Send + 'static,
        F: for<'c> FnOnce(&'c mut SqliteConnection) -> Working<'c, T> + Send + 'static,
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

    /// Takes no more orders, finishes those it has, and lets go of the file.
    pub(super) async fn close(&self) {
        let (caller, closed) = oneshot::channel();
        if self.orders.send(Order::Close(caller)).await.is_ok() {
            // An error only says that the task has gone, which is what was asked for.
            let _ = closed.await;
        }
    }
}

/// Something to write, and somebody to answer.
trait Job: Send {
    /// Does it: whether what it wrote is to be kept.
    fn run<'c>(&'c mut self, db: &'c mut SqliteConnection) -> BoxFuture<'c, bool>;

    /// Answers, now that the transaction it was part of has been committed, or not.
    fn answer(self: Box<Self>, committed: &Result<(), Arc<sqlx::Error>>);
}

struct Work<T, F> {
    doing: &'static str,
    step: Option<F>,
    done: Option<Step<T>>,
    caller: oneshot::Sender<Stored<T>>,
}

impl<T, F> Job for Work<T, F>
where
    T: Send,
    F: for<'c> FnOnce(&'c mut SqliteConnection) -> Working<'c, T> + Send,
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
        // An error only says that nobody waits any more.
        let _ = self.caller.send(answer);
    }
}

/// The writer's task.
struct WriterTask {
    file: Arc<DatabaseFile>,
    /// None after a transaction that could not be committed: nothing of its connection is trusted.
    db: Option<SqliteConnection>,
    waiting: mpsc::Receiver<Order>,
    closing: Vec<oneshot::Sender<()>>,
    /// Whether the last transaction failed.
    failing: bool,
    /// How many jobs were done since.
    since_pruning: usize,
}

impl WriterTask {
    async fn work(mut self) {
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
        self.let_go().await;
        for caller in self.closing {
            let _ = caller.send(());
        }
    }

    async fn write(&mut self, mut jobs: Vec<Box<dyn Job>>) {
        if jobs.is_empty() {
            return;
        }
        let committed = self.commit(&mut jobs).await.map_err(Arc::new);
        self.note(&committed);
        if committed.is_err() {
            self.let_go().await;
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
                // Fails where the fault has undone the whole transaction already: then nobody's write is kept.
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

    /// Says once that nothing can be written, and once that it can be again.
    fn note(&mut self, committed: &Result<(), Arc<sqlx::Error>>) {
        match committed {
            Err(fault) if !self.failing => warn!(%fault, "the database cannot be written to"),
            Ok(()) if self.failing => info!("the database can be written to again"),
            _ => {}
        }
        self.failing = committed.is_err();
    }

    /// Closing undoes what was not committed.
    async fn let_go(&mut self) {
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
