//! A write, and the caller to answer.

use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::Arc;

use portcullis_core::store::{StoreError, Stored};
use tokio::sync::oneshot;

use super::super::SqliteFault;
use super::super::connection::SqliteConnection;
use super::NoAnswer;
use crate::sql::SqlResult;

/// Whether a transaction is on the disk.
pub(super) type Committed = Result<(), Arc<SqliteFault>>;

/// Something to write, and the caller to answer.
pub(super) trait Job: Send {
    /// Does the work, and returns whether its writes are to be kept.
    fn run(&mut self, db: &mut SqliteConnection) -> bool;

    /// Why its writes are not to be kept.
    fn failure(&self) -> String;

    /// Answers the caller after the transaction was committed or rolled back.
    fn answer(self: Box<Self>, committed: &Committed);
}

/// A step, and what became of it.
pub(super) struct Work<T, F> {
    doing: &'static str,
    step: Option<F>,
    /// `None` before the step, and if it panicked.
    done: Option<SqlResult<T>>,
    caller: oneshot::Sender<Stored<T>>,
}

impl<T, F> Work<T, F> {
    pub(super) const fn new(doing: &'static str, step: F, caller: oneshot::Sender<Stored<T>>) -> Self {
        Self { doing, step: Some(step), done: None, caller }
    }
}

impl<T, F> Job for Work<T, F>
where
    T: Send,
    F: FnOnce(&mut SqliteConnection) -> SqlResult<T> + Send,
{
    /// A panic is the end of its own job alone: its savepoint is rolled back like that of a job that failed.
    fn run(&mut self, db: &mut SqliteConnection) -> bool {
        let step = self.step.take();
        let done = catch_unwind(AssertUnwindSafe(|| step.map(|step| step(db))));
        self.done = done.unwrap_or_default();
        matches!(self.done, Some(Ok(_)))
    }

    fn failure(&self) -> String {
        match &self.done {
            Some(Err(fault)) => format!("{}: {fault}", self.doing),
            _ => format!("{}: {}", self.doing, NoAnswer::Panicked),
        }
    }

    fn answer(self: Box<Self>, committed: &Committed) {
        let answer = match (self.done, committed) {
            (Some(Err(fault)), _) => Err(fault.while_doing(self.doing)),
            (Some(Ok(value)), Ok(())) => Ok(value),
            (_, Err(fault)) => Err(StoreError::Unavailable { doing: self.doing, source: fault.clone() }),
            (None, Ok(())) => Err(StoreError::unavailable(self.doing, NoAnswer::Panicked)),
        };
        // An error only says that the caller no longer waits.
        let _ = self.caller.send(answer);
    }
}
