use std::io;
use std::num::NonZeroUsize;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::thread::{self, JoinHandle};
use std::time::Duration;

use crossbeam_channel::{Receiver, Sender, TrySendError};
use thiserror::Error;
use tokio::sync::oneshot;

use super::{Argon2Cost, HashFailed, Hasher, Password, PasswordHash, PasswordMatch};
use crate::random::{self, Random};

/// How long a refused caller should wait. The pool works off a full queue in a fraction of that.
const RETRY_AFTER: Duration = Duration::from_secs(1);

/// The size of a pool.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct PoolSize {
    /// The number of hashing threads, each with its own memory.
    pub threads: NonZeroUsize,
    /// The number of jobs that may wait in addition to those that are running.
    pub queue: NonZeroUsize,
}

impl PoolSize {
    /// This many threads and six waiting jobs for each: about 150 ms of waiting at the recommended cost.
    #[must_use]
    pub const fn of(threads: NonZeroUsize) -> Self {
        Self { threads, queue: threads.saturating_mul(NonZeroUsize::MIN.saturating_add(5)) }
    }
}

/// One thread for each core.
impl Default for PoolSize {
    fn default() -> Self {
        Self::of(thread::available_parallelism().unwrap_or(NonZeroUsize::MIN))
    }
}

/// Why the pool did not hash.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Error)]
pub enum HashRefused {
    /// The queue is full.
    #[error("too many passwords are waiting to be hashed")]
    Busy {
        /// When to try again.
        retry_after: Duration,
    },
    /// The pool has stopped, or has no memory.
    #[error("passwords are not hashed any more")]
    Stopped,
}

/// Threads that hash passwords, behind a bounded queue.
///
/// Hashing takes tens of milliseconds of a core, so it has its own threads, with a lower priority than those that check
/// sessions. If the queue is full, a caller is refused at once. A job whose caller was dropped before it began is
/// skipped.
///
/// Panics are not caught, because the threads only run Argon2 and bcrypt on input that was checked when it was parsed;
/// salts are drawn on the caller's thread.
pub struct HashPool {
    queue: Option<Sender<HashJob>>,
    waiting: Receiver<HashJob>,
    threads: Vec<JoinHandle<()>>,
    shared: Arc<PoolState>,
    cost: Argon2Cost,
    random: Arc<dyn Random>,
}

#[derive(Default)]
struct PoolState {
    hashed: AtomicU64,
    refused: AtomicU64,
    stopped: AtomicBool,
}

/// Hashes, and answers its caller, if the caller still waits and the pool has not stopped.
type HashJob = Box<dyn FnOnce(&mut Hasher, &PoolState) + Send>;

impl HashPool {
    /// A pool that makes hashes of this cost.
    ///
    /// # Errors
    ///
    /// The error of the operating system if it cannot start a thread.
    pub fn new(size: PoolSize, cost: Argon2Cost, random: Arc<dyn Random>) -> io::Result<Self> {
        let mut pool = Self::without_threads(size.queue, cost, random);
        pool.start(size.threads)?;
        Ok(pool)
    }

    fn without_threads(queue: NonZeroUsize, cost: Argon2Cost, random: Arc<dyn Random>) -> Self {
        let (sender, waiting) = crossbeam_channel::bounded(queue.get());
        let shared = Arc::default();
        Self { queue: Some(sender), waiting, threads: Vec::new(), shared, cost, random }
    }

    fn start(&mut self, threads: NonZeroUsize) -> io::Result<()> {
        for number in 1..=threads.get() {
            let (jobs, shared) = (self.waiting.clone(), Arc::clone(&self.shared));
            let hasher = Hasher::new(self.cost.clone());
            let thread = thread::Builder::new().name(format!("password-{number}"));
            self.threads.push(thread.spawn(move || work(&jobs, &shared, hasher))?);
        }
        Ok(())
    }

    /// Hashes a new password.
    ///
    /// # Errors
    ///
    /// [`HashRefused`] if the queue is full or the pool has stopped.
    pub async fn hash(&self, password: Password) -> Result<PasswordHash, HashRefused> {
        let salt = random::bytes(&*self.random);
        self.submit(move |hasher| hasher.hash(&password, salt)).await
    }

    /// Compares a password with a hash. Without a hash, for a user who does not exist or has no password, the password
    /// is wrong, at the same cost.
    ///
    /// # Errors
    ///
    /// [`HashRefused`] if the queue is full or the pool has stopped.
    pub async fn verify(
        &self,
        password: Password,
        against: Option<PasswordHash>,
    ) -> Result<PasswordMatch, HashRefused> {
        self.submit(move |hasher| hasher.verify(&password, against.as_ref())).await
    }

    /// Checks that the queue has room, before a caller does other expensive work. It reserves nothing: the job itself
    /// may still be refused.
    ///
    /// # Errors
    ///
    /// [`HashRefused`] if the queue is full or the pool has stopped.
    pub fn admits(&self) -> Result<(), HashRefused> {
        if self.queue()?.is_full() { Err(self.shared.refuse()) } else { Ok(()) }
    }

    fn queue(&self) -> Result<&Sender<HashJob>, HashRefused> {
        self.queue.as_ref().filter(|_| !self.shared.has_stopped()).ok_or(HashRefused::Stopped)
    }

    /// Submits a job, and waits for what it answers. If memory cannot be allocated, it does not answer, and the caller
    /// gets [`HashRefused::Stopped`].
    async fn submit<T: Send + 'static>(
        &self,
        work: impl FnOnce(&mut Hasher) -> Result<T, HashFailed> + Send + 'static,
    ) -> Result<T, HashRefused> {
        let (reply, answer) = oneshot::channel();
        let job: HashJob = Box::new(move |hasher, shared| {
            if !reply.is_closed() && !shared.has_stopped() {
                shared.hashed.fetch_add(1, Ordering::Relaxed);
                let _ = work(hasher).map(|done| reply.send(done));
            }
        });
        self.queue()?.try_send(job).map_err(|error| match error {
            TrySendError::Full(_) => self.shared.refuse(),
            TrySendError::Disconnected(_) => HashRefused::Stopped,
        })?;
        answer.await.map_err(|_| HashRefused::Stopped)
    }

    /// Stops the pool: waiting and later jobs get [`HashRefused::Stopped`].
    pub fn stop(&self) {
        self.shared.stopped.store(true, Ordering::Release);
        for job in self.waiting.try_iter() {
            drop(job);
        }
    }

    /// How many hashes were made or compared since the pool started, including those for decoy users.
    #[must_use]
    pub fn hashed(&self) -> u64 {
        self.shared.hashed.load(Ordering::Relaxed)
    }

    /// How many jobs are waiting.
    #[must_use]
    pub fn waiting(&self) -> usize {
        self.waiting.len()
    }

    /// How many jobs were refused because the queue was full.
    #[must_use]
    pub fn refused(&self) -> u64 {
        self.shared.refused.load(Ordering::Relaxed)
    }
}

/// Waits for running jobs; waiting ones get [`HashRefused::Stopped`].
impl Drop for HashPool {
    fn drop(&mut self) {
        self.stop();
        self.queue = None;
        for thread in self.threads.drain(..) {
            // An error would be a panic of the thread, and no caller is left to report it to.
            let _ = thread.join();
        }
    }
}

impl PoolState {
    fn refuse(&self) -> HashRefused {
        self.refused.fetch_add(1, Ordering::Relaxed);
        HashRefused::Busy { retry_after: RETRY_AFTER }
    }

    fn has_stopped(&self) -> bool {
        self.stopped.load(Ordering::Acquire)
    }
}

fn work(jobs: &Receiver<HashJob>, shared: &PoolState, mut hasher: Hasher) {
    lower_priority();
    for job in jobs {
        job(&mut hasher, shared);
    }
}

/// Lowers the priority of the calling thread. If that fails, the pool still works.
#[cfg(target_os = "linux")]
fn lower_priority() {
    // On Linux a priority belongs to a thread, whatever POSIX says of processes (setpriority(2), "C library/kernel
    // differences").
    let _ = rustix::process::setpriority_process(Some(rustix::thread::gettid()), 10);
}

/// Elsewhere a priority belongs to the process, and lowering it would slow down the checks of sessions.
#[cfg(not(target_os = "linux"))]
fn lower_priority() {}

#[cfg(test)]
mod tests;
