//! The jobs that wait for the writer.

use std::collections::VecDeque;
use std::mem;
use std::sync::{Condvar, Mutex, MutexGuard, PoisonError};

use tokio::sync::oneshot;

use super::NoAnswer;
use super::job::Job;

/// The most jobs of one transaction.
pub(super) const MOST_JOBS: usize = 256;
/// The most jobs that may wait in the queue.
pub(super) const MOST_WAITING: usize = 1024;

/// Why a job was not taken.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(super) enum NotQueued {
    Full,
    Closed,
}

/// The jobs that wait for the writer, first come first.
#[derive(Default)]
pub(super) struct JobQueue {
    waiting: Mutex<Waiting>,
    arrival: Condvar,
}

#[derive(Default)]
struct Waiting {
    jobs: VecDeque<Box<dyn Job>>,
    /// Whether the writer sleeps. To wake it is a system call, which is saved while it works.
    is_asleep: bool,
    is_closed: bool,
    /// Why it answers no more, once the writer has ended.
    ended: Option<NoAnswer>,
    /// Callers who wait for the end.
    closing: Vec<oneshot::Sender<()>>,
}

impl JobQueue {
    pub(super) fn push(&self, job: Box<dyn Job>) -> Result<(), NotQueued> {
        let mut waiting = self.waiting();
        if waiting.is_closed {
            return Err(NotQueued::Closed);
        }
        if waiting.jobs.len() >= MOST_WAITING {
            return Err(NotQueued::Full);
        }
        waiting.jobs.push_back(job);
        self.wake(waiting);
        Ok(())
    }

    /// Takes no more jobs. `caller` is told when the writer has done those it has, and has closed its connection;
    /// at once if that was before.
    pub(super) fn close(&self, caller: Option<oneshot::Sender<()>>) {
        let mut waiting = self.waiting();
        waiting.is_closed = true;
        if waiting.ended.is_none() {
            waiting.closing.extend(caller);
        }
        self.wake(waiting);
    }

    fn wake(&self, mut waiting: MutexGuard<'_, Waiting>) {
        let was_asleep = mem::take(&mut waiting.is_asleep);
        drop(waiting);
        if was_asleep {
            self.arrival.notify_one();
        }
    }

    /// Waits for jobs, and moves those of one transaction to `jobs`. `false` once the queue is closed and empty.
    pub(super) fn take(&self, jobs: &mut Vec<Box<dyn Job>>) -> bool {
        let mut waiting = self.waiting();
        while waiting.jobs.is_empty() {
            if waiting.is_closed {
                return false;
            }
            waiting.is_asleep = true;
            waiting = self.arrival.wait(waiting).unwrap_or_else(PoisonError::into_inner);
        }
        waiting.is_asleep = false;
        let most = waiting.jobs.len().min(MOST_JOBS);
        jobs.extend(waiting.jobs.drain(..most));
        true
    }

    /// Tells those who close the queue that the writer has ended, and drops what nothing will do any more.
    pub(super) fn end(&self, why: NoAnswer) {
        let mut waiting = self.waiting();
        (waiting.is_closed, waiting.ended) = (true, Some(why));
        waiting.jobs.clear();
        for caller in waiting.closing.drain(..) {
            // An error only says that the caller no longer waits.
            let _ = caller.send(());
        }
    }

    /// Why a queue that has ended answers no more.
    pub(super) fn ended(&self) -> NoAnswer {
        self.waiting().ended.unwrap_or(NoAnswer::Closed)
    }

    fn waiting(&self) -> MutexGuard<'_, Waiting> {
        self.waiting.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
