//! The writer's thread, and its group commit.
//!
//! All writes of a process go through one thread with one connection. It takes all pending jobs, runs them in one
//! transaction, and hands their answers back together when that is on the disk: many writes share one wait for the
//! disk, and one wake-up. Each job has a savepoint of its own: one that fails or panics does not undo the others. A job
//! is done even if its caller no longer waits. Between two transactions the thread makes a checkpoint: it moves the
//! write-ahead log into the database. On another thread, the log grows faster than it is moved.
//!
//! `BEGIN IMMEDIATE` waits for the lock before the first read. This keeps several processes from writing at once.

mod job;
mod queue;
mod thread;

use std::sync::Arc;
use std::time::Duration;

use portcullis_core::store::{StoreError, Stored};
use thiserror::Error;
use tokio::sync::oneshot;
use tokio::time::timeout;

use super::SqliteFault;
use super::connection::SqliteConnection;
use super::file::DatabaseFile;
use crate::sql::SqlResult;
use job::Work;
use queue::{JobQueue, NotQueued};

/// How long a caller waits for an answer.
pub(super) const DEADLINE: Duration = Duration::from_secs(5);

/// Why a caller does not learn what became of its job.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Error)]
pub(super) enum NoAnswer {
    /// The answer did not come in time. The job may still be done.
    #[error("there was no answer within {} seconds", DEADLINE.as_secs())]
    Late,
    /// The writer has ended.
    #[error("the database has been closed")]
    Closed,
    /// The writer has panicked.
    #[error("the thread that writes to the database has panicked: restart this process")]
    Broken,
    /// The job panicked, and has written nothing.
    #[error("the step panicked")]
    Panicked,
}

/// Hands jobs to the writer's thread, which ends when all handles are dropped, or at [`Writer::close`].
#[derive(Clone)]
pub(super) struct Writer(Arc<WriterHandle>);

struct WriterHandle(Arc<JobQueue>);

impl Drop for WriterHandle {
    fn drop(&mut self) {
        self.0.close(None);
    }
}

impl Writer {
    /// Starts the writer's thread on a connection to `file`. Answers are handed to the runtime that this is called on.
    pub(super) fn start(file: Arc<DatabaseFile>, db: SqliteConnection) -> Result<Self, SqliteFault> {
        let queue = Arc::new(JobQueue::default());
        thread::start(queue.clone(), file, db)?;
        Ok(Self(Arc::new(WriterHandle(queue))))
    }

    /// Does `step` inside a transaction, and answers when that has been committed.
    pub(super) async fn write<T, F>(&self, doing: &'static str, step: F) -> Stored<T>
    where
        T: Send + 'static,
        F: FnOnce(&mut SqliteConnection) -> SqlResult<T> + Send + 'static,
    {
        let (caller, answer) = oneshot::channel();
        let queued = self.0.0.push(Box::new(Work::new(doing, step, caller)));
        queued.map_err(|fault| match fault {
            NotQueued::Full => StoreError::Overloaded,
            NotQueued::Closed => StoreError::unavailable(doing, self.0.0.ended()),
        })?;
        match timeout(DEADLINE, answer).await {
            Ok(Ok(answer)) => answer,
            Ok(Err(_)) => Err(StoreError::unavailable(doing, self.0.0.ended())),
            Err(_) => Err(StoreError::unavailable(doing, NoAnswer::Late)),
        }
    }

    /// Takes no more jobs, finishes those it has, and closes the connection.
    pub(super) async fn close(&self) {
        let (caller, closed) = oneshot::channel();
        self.0.0.close(Some(caller));
        // An error only says that the thread had ended before, which is what the caller wants.
        let _ = closed.await;
    }
}

#[cfg(test)]
mod tests;
