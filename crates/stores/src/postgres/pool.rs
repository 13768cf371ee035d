//! The connections of a store: a bounded number, kept open, the last one used first.
//!
//! A connection goes back only after an answer that leaves it sound. A step that is dropped on the way, such as a
//! look-up whose client has hung up, closes its connection: the server rolls back what it was doing. No statement is
//! sent but those of the verb, except on a connection that was idle for a while.

use std::mem;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use portcullis_core::clock::{Clock, Ticks};
use sqlx::postgres::PgConnectOptions;
use sqlx::{Connection as _, Executor as _, PgConnection};
use thiserror::Error;
use tokio::sync::{OwnedSemaphorePermit, Semaphore};
use tokio::time::timeout;

use super::fault::UnansweredStep;

/// How long a connection may take to be made.
const CONNECT_DEADLINE: Duration = Duration::from_secs(3);
/// A connection that was idle for longer is asked whether it still lives.
const TRUSTED_FOR: Duration = Duration::from_secs(1);
const PING_DEADLINE: Duration = Duration::from_secs(1);

/// Fails on a standby: what it answers may be old.
const TAKES_WRITES: &str = "BEGIN READ WRITE; COMMIT";
/// What each connection is told first. The server ends what a node has begun that was cut off, well before the steps of
/// other nodes give up, and a step that waits for another's lock lets go of its connection meanwhile.
const SET_UP: &str = "SET statement_timeout = '5s'; SET lock_timeout = '500ms'; \
    SET idle_in_transaction_session_timeout = '2s'; SET default_transaction_isolation = 'read committed'";

/// Makes a connection, to a standby as well.
pub(super) async fn connect(options: &PgConnectOptions) -> Result<PgConnection, sqlx::Error> {
    connect_and(options, &[SET_UP]).await
}

async fn connect_and(
    options: &PgConnectOptions,
    set_up: &[&'static str],
) -> Result<PgConnection, sqlx::Error> {
    let connecting = async {
        let mut db = PgConnection::connect_with(options).await?;
        for step in set_up {
            db.execute(*step).await?;
        }
        Ok(db)
    };
    let late = |_| sqlx::Error::Io(std::io::ErrorKind::TimedOut.into());
    timeout(CONNECT_DEADLINE, connecting).await.map_err(late)?
}

/// Why there is no connection.
#[derive(Debug, Error)]
#[error(transparent)]
pub(super) enum NoConnection {
    Driver(#[from] sqlx::Error),
    Unanswered(#[from] UnansweredStep),
}

/// The connections of a store.
pub(super) struct ConnectionPool {
    options: PgConnectOptions,
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
    pub(super) fn new(options: PgConnectOptions, most: usize, clock: Arc<dyn Clock>) -> Arc<Self> {
        let permits = Arc::new(Semaphore::new(most));
        Arc::new(Self { options, clock, most, permits, idle: Mutex::default() })
    }

    /// A connection, new if none is idle.
    pub(super) async fn lease(self: &Arc<Self>, within: Duration) -> Result<LeasedConnection, NoConnection> {
        let permit = match timeout(within, self.permits.clone().acquire_owned()).await {
            Ok(Ok(permit)) => permit,
            Ok(Err(_)) => return Err(UnansweredStep::Closed.into()),
            Err(_) => return Err(UnansweredStep::Busy(self.most).into()),
        };
        let db = match self.idle_one().await {
            Some(db) => db,
            None => connect_and(&self.options, &[SET_UP, TAKES_WRITES]).await?,
        };
        Ok(LeasedConnection { db, pool: self.clone(), _permit: permit })
    }

    async fn idle_one(&self) -> Option<PgConnection> {
        let IdleConnection { mut db, since } = self.idle().pop()?;
        if self.clock.ticks().since(since) <= TRUSTED_FOR {
            return Some(db);
        }
        if let Ok(Ok(())) = timeout(PING_DEADLINE, db.ping()).await {
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
        for IdleConnection { db, .. } in idle {
            // Without it, the server notices the end of the connection all the same.
            let _ = timeout(PING_DEADLINE, db.close()).await;
        }
    }

    fn idle(&self) -> MutexGuard<'_, Vec<IdleConnection>> {
        self.idle.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl LeasedConnection {
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
