//! The connections of a store: a bounded number, kept open, the last one used first.
//!
//! A connection goes back only after an answer that leaves it sound. A step that is dropped on the way, such as a
//! look-up whose client has hung up, closes its connection: the server rolls back what it was doing. No statement is
//! sent but those of the verb, except on a connection that was idle for a while.

use std::mem;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use portcullis_core::clock::{Clock, Ticks};
use sqlx::{Connection as _, PgConnection};
use thiserror::Error;
use tokio::sync::{OwnedSemaphorePermit, Semaphore};
use tokio::time::timeout;

use super::connector::{ConnectFault, Connector};
use super::deadline::OverallDeadline;
use super::fault::UnansweredStep;

/// A connection that was idle for longer is asked whether it still lives.
const TRUSTED_FOR: Duration = Duration::from_secs(1);
const PING_DEADLINE: Duration = Duration::from_secs(1);

/// Why there is no connection.
#[derive(Debug, Error)]
#[error(transparent)]
pub(super) enum NoConnection {
    Connecting(#[from] ConnectFault),
    Unanswered(#[from] UnansweredStep),
}

/// The connections of a store.
pub(super) struct ConnectionPool {
    connector: Arc<Connector>,
    pub(super) clock: Arc<dyn Clock>,
    most: usize,
    permits: Arc<Semaphore>,
    /// The last one used is the last.
    idle: Mutex<Vec<IdleConnection>>,
}

struct IdleConnection {
    db: PgConnection,
    since: Ticks,
}

/// A connection that is in use. Dropped without [`LeasedConnection::give_back`], it is closed.
pub(super) struct LeasedConnection {
    pub(super) db: PgConnection,
    pool: Arc<ConnectionPool>,
    _permit: OwnedSemaphorePermit,
}

impl ConnectionPool {
    pub(super) fn new(connector: Arc<Connector>, most: usize, clock: Arc<dyn Clock>) -> Arc<Self> {
        let permits = Arc::new(Semaphore::new(most));
        Arc::new(Self { connector, clock, most, permits, idle: Mutex::default() })
    }

    /// A connection, new if none is idle.
    pub(super) async fn lease(
        self: &Arc<Self>,
        deadline: &OverallDeadline,
    ) -> Result<LeasedConnection, NoConnection> {
        let permit = match timeout(deadline.left(), self.permits.clone().acquire_owned()).await {
            Ok(Ok(permit)) => permit,
            Ok(Err(_)) => return Err(UnansweredStep::Closed.into()),
            Err(_) => return Err(UnansweredStep::Busy(self.most).into()),
        };
        let db = match self.idle_one(deadline).await {
            Some(db) => db,
            None => self.connector.connect(deadline.left()).await?,
        };
        Ok(LeasedConnection { db, pool: self.clone(), _permit: permit })
    }

    async fn idle_one(&self, deadline: &OverallDeadline) -> Option<PgConnection> {
        let IdleConnection { mut db, since } = self.idle().pop()?;
        if self.clock.ticks().since(since) <= TRUSTED_FOR {
            return Some(db);
        }
        if let Ok(Ok(())) = timeout(PING_DEADLINE.min(deadline.left()), db.ping()).await {
            return Some(db);
        }
        // The others were idle for longer.
        self.forget();
        None
    }

    /// Closes idle connections: their server has gone.
    fn forget(&self) {
        drop(mem::take(&mut *self.idle()));
    }

    /// Waits for the connections in use, and closes all. None is made any more.
    pub(super) async fn close(&self, within: Duration) {
        let most = u32::try_from(self.most).unwrap_or(u32::MAX);
        // Those that are not back by then are closed when they are dropped.
        let all = timeout(within, self.permits.acquire_many(most)).await;
        self.permits.close();
        drop(all);
        let idle = mem::take(&mut *self.idle());
        let closing = async {
            for IdleConnection { db, .. } in idle {
                let _ = db.close().await;
            }
        };
        // Without a goodbye, the server notices the end of a connection all the same.
        let _ = timeout(PING_DEADLINE, closing).await;
    }

    fn idle(&self) -> MutexGuard<'_, Vec<IdleConnection>> {
        self.idle.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl LeasedConnection {
    /// The connection, and the schema of all tables.
    pub(super) fn parts(&mut self) -> (&mut PgConnection, &str) {
        (&mut self.db, self.pool.connector.schema())
    }

    /// Gives back a connection that is sound, and in no transaction.
    pub(super) fn give_back(self) {
        let Self { db, pool, _permit } = self;
        if !pool.permits.is_closed() {
            let since = pool.clock.ticks();
            pool.idle().push(IdleConnection { db, since });
        }
    }

    /// Closes the connection, and the idle ones, which have the same server.
    pub(super) fn discard(self) {
        self.pool.forget();
    }
}
