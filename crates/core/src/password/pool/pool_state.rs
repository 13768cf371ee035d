//! What the threads of a pool share: the queue, and who is let into it.

use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use tracing::warn;

use super::fair_queue::FairQueue;
use super::hash_times::HashTimes;
use super::{HashRefused, Hasher, PoolSize};
use crate::client_network::ClientNetwork;
use crate::clock::Clock;
use crate::random::{self, Random};

pub(super) struct PoolState {
    pub(super) size: PoolSize,
    pub(super) clock: Arc<dyn Clock>,
    pub(super) random: Arc<dyn Random>,
    pub(super) line: Mutex<WaitingLine>,
    pub(super) arrived: Condvar,
    pub(super) hashed: AtomicU64,
    pub(super) refused: AtomicU64,
}

pub(super) struct WaitingLine {
    pub(super) queue: FairQueue<HashJob>,
    pub(super) times: HashTimes,
    pub(super) has_stopped: bool,
}

/// Answers its caller, if the caller still waits. Returns whether a password was hashed.
pub(super) type HashJob = Box<dyn FnOnce(&mut Hasher) -> bool + Send>;

impl PoolState {
    pub(super) fn new(size: PoolSize, clock: Arc<dyn Clock>, random: Arc<dyn Random>) -> Self {
        let line = WaitingLine { queue: FairQueue::new(), times: HashTimes::new(), has_stopped: false };
        Self {
            size,
            clock,
            random,
            line: Mutex::new(line),
            arrived: Condvar::new(),
            hashed: AtomicU64::new(0),
            refused: AtomicU64::new(0),
        }
    }

    pub(super) fn line(&self) -> MutexGuard<'_, WaitingLine> {
        self.line.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Stops: no job begins any more, and those that wait are dropped.
    pub(super) fn stop(&self) {
        let mut line = self.line();
        line.has_stopped = true;
        let waiting = std::mem::replace(&mut line.queue, FairQueue::new());
        drop(line);
        self.arrived.notify_all();
        drop(waiting);
    }

    pub(super) fn enqueue(&self, client: Option<ClientNetwork>, job: HashJob) -> Result<(), HashRefused> {
        let mut line = self.line();
        self.admit(&line, client)?;
        let is_full = self.wait_for(&line, line.queue.len()) > 2 * self.size.max_wait;
        let given_way = if is_full { line.queue.give_way(client) } else { None };
        if is_full && given_way.is_none() {
            return Err(self.refuse());
        }
        line.queue.push(client, job);
        drop(line);
        self.arrived.notify_one();
        if given_way.is_some() {
            self.refused.fetch_add(1, Ordering::Relaxed);
        }
        Ok(())
    }

    pub(super) fn admit(&self, line: &WaitingLine, client: Option<ClientNetwork>) -> Result<(), HashRefused> {
        if line.has_stopped {
            return Err(HashRefused::Stopped);
        }
        if self.wait_for(line, line.queue.ahead_of(client)) > self.size.max_wait {
            return Err(self.refuse());
        }
        Ok(())
    }

    /// How long so many jobs take.
    fn wait_for(&self, line: &WaitingLine, jobs: usize) -> Duration {
        let rounds = u32::try_from(jobs / self.size.threads).unwrap_or(u32::MAX);
        line.times.typical().saturating_mul(rounds)
    }

    fn refuse(&self) -> HashRefused {
        self.refused.fetch_add(1, Ordering::Relaxed);
        self.busy()
    }

    /// Why a job that was queued got no answer.
    pub(super) fn not_served(&self) -> HashRefused {
        if self.line().has_stopped { HashRefused::Stopped } else { self.busy() }
    }

    /// A caller may try again within the longest wait, and not all callers at once.
    fn busy(&self) -> HashRefused {
        let draw = u64::from(u32::from_ne_bytes(random::bytes(&*self.random)));
        let spread = self.size.max_wait.as_secs().max(1);
        HashRefused::Busy { retry_after: Duration::from_secs(1 + draw % spread) }
    }

    pub(super) fn work(&self, mut hasher: Hasher) {
        lower_priority();
        while let Some(job) = self.next() {
            let begun = self.clock.ticks();
            if job(&mut hasher) {
                let took = self.clock.ticks().since(begun);
                self.line().times.add(took);
            }
        }
    }

    /// Waits for a job; `None` once the pool has stopped.
    fn next(&self) -> Option<HashJob> {
        let mut line = self.line();
        loop {
            if line.has_stopped {
                return None;
            }
            if let Some(job) = line.queue.pop() {
                return Some(job);
            }
            line = self.arrived.wait(line).unwrap_or_else(PoisonError::into_inner);
        }
    }
}

/// Lowers the priority of the calling thread. If that fails, as in a sandbox that forbids it, the pool still works.
#[cfg(target_os = "linux")]
pub(super) fn lower_priority() {
    // On Linux a priority belongs to a thread, whatever POSIX says of processes (setpriority(2), "C library/kernel
    // differences").
    if let Err(fault) = rustix::process::setpriority_process(Some(rustix::thread::gettid()), 10) {
        warn!(%fault, "a thread that hashes passwords cannot give way to others: checks may be slow while many sign in");
    }
}

/// Elsewhere a priority belongs to the process, and lowering it would slow down the checks of sessions.
#[cfg(not(target_os = "linux"))]
pub(super) fn lower_priority() {}
