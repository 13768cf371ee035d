//! The connections that only read.
//!
//! A look-up runs on the thread of its caller: it takes a few microseconds, and to wake another thread takes longer.
//! One that goes through a whole table runs on a thread for such work. Both end at a deadline.

use std::mem;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use portcullis_core::clock::{Clock, Ticks};
use portcullis_core::store::{StoreError, Stored};
use tokio::sync::{AcquireError, Semaphore};
use tokio::task::spawn_blocking;
use tokio::time::{sleep, timeout};

use super::SqliteFault;
use super::connection::SqliteConnection;
use super::file::{DatabaseFile, RETRY_AFTER};
use super::writer::{DEADLINE, NoAnswer};
use crate::sql::{DatabaseFault, Fault, SqlResult};

/// How many connections read at once, and how many of them go through whole tables.
const READERS: u32 = 4;
const SCANS: usize = 2;
/// How many steps of SQLite's machine lie between two looks at the clock: about a millisecond.
const STEPS: i32 = 50_000;

/// The connections that only read, opened when they are needed.
#[derive(Clone)]
pub(super) struct Readers(Arc<ReaderPool>);

struct ReaderPool {
    file: Arc<DatabaseFile>,
    clock: Arc<dyn Clock>,
    readers: Arc<Semaphore>,
    scans: Arc<Semaphore>,
    idle: Mutex<Vec<Reader>>,
}

struct Reader {
    db: SqliteConnection,
    /// When the caller of its read began to wait, in microseconds of the clock's ticks.
    begun: Arc<AtomicU64>,
}

impl Readers {
    pub(super) fn new(file: Arc<DatabaseFile>, clock: Arc<dyn Clock>) -> Self {
        Self(Arc::new(ReaderPool {
            file,
            clock,
            readers: Arc::new(Semaphore::new(READERS as usize)),
            scans: Arc::new(Semaphore::new(SCANS)),
            idle: Mutex::default(),
        }))
    }

    /// A look-up, on this thread.
    pub(super) async fn read<T>(
        &self,
        doing: &'static str,
        step: impl Fn(&mut SqliteConnection) -> SqlResult<T>,
    ) -> Stored<T> {
        let (pool, step, begun) = (&self.0, &step, self.0.clock.ticks());
        in_time(doing, move || pool.read(begun, step)).await
    }

    /// A step that may go through a whole table.
    pub(super) async fn scan<T: Send + 'static>(
        &self,
        doing: &'static str,
        step: impl Fn(&mut SqliteConnection) -> SqlResult<T> + Send + Sync + 'static,
    ) -> Stored<T> {
        let (pool, step, begun) = (&self.0, &Arc::new(step), self.0.clock.ticks());
        in_time(doing, move || pool.clone().scan(begun, step.clone())).await
    }

    /// Closes all connections, once no read is under way. None can be opened any more.
    pub(super) async fn close(&self) {
        let under_way = self.0.readers.acquire_many(READERS).await;
        self.0.readers.close();
        drop(under_way);
        mem::take(&mut *self.0.idle()).clear();
    }
}

impl ReaderPool {
    async fn read<T>(
        &self,
        begun: Ticks,
        step: &impl Fn(&mut SqliteConnection) -> SqlResult<T>,
    ) -> SqlResult<T> {
        let _permit = self.readers.acquire().await.map_err(closed)?;
        self.run(begun, step)
    }

    async fn scan<T: Send + 'static>(
        self: Arc<Self>,
        begun: Ticks,
        step: Arc<impl Fn(&mut SqliteConnection) -> SqlResult<T> + Send + Sync + 'static>,
    ) -> SqlResult<T> {
        let scan = self.scans.clone().acquire_owned().await.map_err(closed)?;
        let reader = self.readers.clone().acquire_owned().await.map_err(closed)?;
        // A caller may go; the scan then keeps its permits until it ends.
        let scanning = spawn_blocking(move || {
            let _permits = (scan, reader);
            self.run(begun, &*step)
        });
        scanning.await.map_err(DatabaseFault::new)?
    }

    /// Runs a step that holds a permit, for a caller who has waited since `begun`.
    fn run<T>(&self, begun: Ticks, step: &impl Fn(&mut SqliteConnection) -> SqlResult<T>) -> SqlResult<T> {
        self.file.check().map_err(DatabaseFault::new)?;
        let idle = self.idle().pop();
        let mut reader = idle.map_or_else(|| self.connect(), Ok).map_err(DatabaseFault::new)?;
        reader.begun.store(begun.as_micros(), Ordering::Relaxed);
        let read = step(&mut reader.db);
        // After a fault of the database the next read begins with a new connection.
        if !matches!(read, Err(Fault::Database(_))) {
            self.idle().push(reader);
        }
        read
    }

    fn connect(&self) -> Result<Reader, SqliteFault> {
        let db = self.file.reading()?;
        let begun = Arc::new(AtomicU64::new(self.clock.ticks().as_micros()));
        let (clock, since) = (self.clock.clone(), begun.clone());
        let is_late =
            move || clock.ticks().since(Ticks::from_micros(since.load(Ordering::Relaxed))) >= DEADLINE;
        db.driver().progress_handler(STEPS, Some(is_late))?;
        Ok(Reader { db, begun })
    }

    fn idle(&self) -> MutexGuard<'_, Vec<Reader>> {
        self.idle.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// Tries again while another process keeps the database locked, and gives up at the deadline.
async fn in_time<T, F: Future<Output = SqlResult<T>>>(
    doing: &'static str,
    attempt: impl Fn() -> F,
) -> Stored<T> {
    let read = async {
        loop {
            match attempt().await {
                Err(Fault::Database(fault)) if is_locked(&fault) => sleep(RETRY_AFTER).await,
                done => return done,
            }
        }
    };
    match timeout(DEADLINE, read).await {
        Ok(done) => done.map_err(|fault| fault.while_doing(doing)),
        Err(_) => Err(StoreError::unavailable(doing, NoAnswer::Late)),
    }
}

fn is_locked(fault: &DatabaseFault) -> bool {
    fault.downcast_ref::<SqliteFault>().is_some_and(SqliteFault::is_locked)
}

fn closed(_: AcquireError) -> Fault {
    DatabaseFault::new(NoAnswer::Closed).into()
}

#[cfg(test)]
mod tests;
