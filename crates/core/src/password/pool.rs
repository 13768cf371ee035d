use std::io;
use std::num::NonZeroUsize;
use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::thread::{self, JoinHandle};
use std::time::Duration;

use thiserror::Error;
use tokio::sync::oneshot;

use super::{Argon2Cost, HashFailed, Hasher, Password, PasswordHash, PasswordMatch};
use crate::client_network::ClientNetwork;
use crate::clock::Clock;
use crate::random::{self, Random};
use pool_state::{HashJob, PoolState};

mod fair_queue;
mod hash_times;
#[cfg(test)]
mod occupied;
mod pool_state;

/// The size of a pool.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct PoolSize {
    /// The number of hashing threads, each with its own memory.
    pub threads: NonZeroUsize,
    /// How long a password may wait to be hashed, judged when it arrives.
    pub max_wait: Duration,
}

impl PoolSize {
    /// This many threads, and up to five seconds of waiting.
    #[must_use]
    pub const fn of(threads: NonZeroUsize) -> Self {
        Self { threads, max_wait: Duration::from_secs(5) }
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
    /// It would have waited too long.
    #[error("too many passwords are waiting to be hashed")]
    Busy {
        /// When to try again.
        retry_after: Duration,
    },
    /// The pool has stopped.
    #[error("passwords are not hashed any more")]
    Stopped,
}

/// Threads that hash passwords, behind a queue that is bounded by the time that a password waits in it.
///
/// Hashing takes tens of milliseconds of a core, so it has its own threads, with a lower priority than those that check
/// sessions. Client networks take turns: one that asks for more than others waits longer, and the others do not. A
/// caller who would wait too long is refused at once. A job whose caller was dropped before it began is skipped.
///
/// However many networks ask, twice the longest wait of work is queued at most. Beyond that, a newcomer takes the place
/// of the last job of the network that has most.
///
/// Panics are not caught, because the threads only run Argon2 and bcrypt on input that was checked when it was parsed;
/// salts are drawn on the caller's thread.
pub struct HashPool {
    threads: Vec<JoinHandle<()>>,
    shared: Arc<PoolState>,
    cost: Argon2Cost,
}

impl HashPool {
    /// A pool that makes hashes of this cost.
    ///
    /// # Errors
    ///
    /// The error of the operating system if it cannot start a thread.
    pub fn new(
        size: PoolSize,
        cost: Argon2Cost,
        clock: Arc<dyn Clock>,
        random: Arc<dyn Random>,
    ) -> io::Result<Self> {
        let mut pool = Self::without_threads(size, cost, clock, random);
        pool.start(size.threads)?;
        Ok(pool)
    }

    fn without_threads(
        size: PoolSize,
        cost: Argon2Cost,
        clock: Arc<dyn Clock>,
        random: Arc<dyn Random>,
    ) -> Self {
        let shared = PoolState::new(size, clock, random);
        Self { threads: Vec::new(), shared: Arc::new(shared), cost }
    }

    fn start(&mut self, threads: NonZeroUsize) -> io::Result<()> {
        for number in 1..=threads.get() {
            let (shared, hasher) = (Arc::clone(&self.shared), Hasher::new(self.cost.clone()));
            let thread = thread::Builder::new().name(format!("password-{number}"));
            self.threads.push(thread.spawn(move || shared.work(hasher))?);
        }
        Ok(())
    }

    /// Hashes a new password, in turn with those of other networks than `client`.
    ///
    /// # Errors
    ///
    /// [`HashRefused`] if it would wait too long or the pool has stopped.
    pub async fn hash(
        &self,
        client: Option<ClientNetwork>,
        password: Password,
    ) -> Result<PasswordHash, HashRefused> {
        let salt = random::bytes(&*self.shared.random);
        self.hashing(client, move |hasher| hasher.hash(&password, salt)).await
    }

    /// Compares a password with a hash, in turn with those of other networks than `client`. Without a hash, for a user
    /// who does not exist or has no password, the password is wrong, at the same cost.
    ///
    /// # Errors
    ///
    /// [`HashRefused`] if it would wait too long or the pool has stopped.
    pub async fn verify(
        &self,
        client: Option<ClientNetwork>,
        password: Password,
        against: Option<PasswordHash>,
    ) -> Result<PasswordMatch, HashRefused> {
        self.hashing(client, move |hasher| hasher.verify(&password, against.as_ref())).await
    }

    /// Waits in line as a hash does, without one: for an answer that is known already, and must not come earlier than
    /// others. Returns how long one of the latest hashes took, which the caller still has to wait.
    ///
    /// # Errors
    ///
    /// [`HashRefused`] if a hash would wait too long, or the pool has stopped.
    pub async fn pretend(&self, client: Option<ClientNetwork>) -> Result<Duration, HashRefused> {
        let draw = u32::from_ne_bytes(random::bytes(&*self.shared.random));
        self.submit(client, |reply| {
            Box::new(move |_| {
                let _ = reply.send(());
                false
            })
        })
        .await?;
        Ok(self.shared.line().times.one_of_the_latest(draw))
    }

    /// Checks that a password would not wait too long, before a caller does other expensive work. It reserves nothing:
    /// the job itself may still be refused.
    ///
    /// # Errors
    ///
    /// [`HashRefused`] if it would, or the pool has stopped.
    pub fn admits(&self, client: Option<ClientNetwork>) -> Result<(), HashRefused> {
        self.shared.admit(&self.shared.line(), client)
    }

    async fn hashing<T: Send + 'static>(
        &self,
        client: Option<ClientNetwork>,
        work: impl FnOnce(&mut Hasher) -> Result<T, HashFailed> + Send + 'static,
    ) -> Result<T, HashRefused> {
        let shared = Arc::clone(&self.shared);
        self.submit(client, |reply| {
            Box::new(move |hasher| {
                if reply.is_closed() {
                    return false;
                }
                shared.hashed.fetch_add(1, Ordering::Relaxed);
                let _ = work(hasher).map(|done| reply.send(done));
                true
            })
        })
        .await
    }

    /// Submits a job, and waits for what it answers. It answers nothing if it gave way to another, or if no memory can
    /// be allocated: the caller may try again.
    async fn submit<T>(
        &self,
        client: Option<ClientNetwork>,
        job: impl FnOnce(oneshot::Sender<T>) -> HashJob,
    ) -> Result<T, HashRefused> {
        let (reply, answer) = oneshot::channel();
        self.shared.enqueue(client, job(reply))?;
        answer.await.map_err(|_| self.shared.not_served())
    }

    /// Stops the pool: waiting and later jobs get [`HashRefused::Stopped`].
    pub fn stop(&self) {
        self.shared.stop();
    }

    /// How many hashes were made or compared since the pool started, including those for decoy users.
    #[must_use]
    pub fn hashed(&self) -> u64 {
        self.shared.hashed.load(Ordering::Relaxed)
    }

    /// How many jobs are waiting.
    #[must_use]
    pub fn waiting(&self) -> usize {
        self.shared.line().queue.len()
    }

    /// How many jobs were refused because they would have waited too long.
    #[must_use]
    pub fn refused(&self) -> u64 {
        self.shared.refused.load(Ordering::Relaxed)
    }
}

/// Waits for running jobs; waiting ones get [`HashRefused::Stopped`].
impl Drop for HashPool {
    fn drop(&mut self) {
        self.stop();
        for thread in self.threads.drain(..) {
            // An error would be a panic of the thread, and no caller is left to report it to.
            let _ = thread.join();
        }
    }
}

#[cfg(test)]
mod tests;
