//! A store in a PostgreSQL database, which several nodes share.
//!
//! Each verb is one statement or one transaction on one of a bounded number of connections. An acknowledged write is as
//! durable as the server's `synchronous_commit` makes it; a server that has it off is refused. Triggers announce what
//! is written, by this program or in a shell, and each node listens on a connection of its own.
//!
//! ```no_run
//! use std::sync::Arc;
//! use portcullis_core::machine::SystemClock;
//! use portcullis_stores::{DatabaseUrl, IfMissing};
//!
//! # async fn open() -> Result<(), Box<dyn std::error::Error>> {
//! let url = DatabaseUrl::parse("postgres://portcullis@localhost/portcullis")?;
//! let database = url.open(Arc::new(SystemClock), IfMissing::Create).await?;
//! let stores = database.stores();
//! # drop(stores);
//! database.close().await;
//! # Ok(())
//! # }
//! ```

/// What the clock of the server shows, as an expression of SQL.
macro_rules! milliseconds {
    () => {
        "(1000 * pg_catalog.date_part('epoch', pg_catalog.clock_timestamp()))::BIGINT"
    };
}

mod connection;
mod connector;
mod deadline;
mod fault;
mod feed;
mod host_list;
mod open_error;
mod placement;
mod pool;
mod schema;
mod server;
mod step;
mod triggers;
mod url;
mod verbs;

use std::fmt;
use std::sync::Arc;

use async_trait::async_trait;
use portcullis_core::clock::Clock;
use portcullis_core::store::{StoreError, Stored, Stores};
use tokio::task::spawn_blocking;
use tokio::time::timeout;

use crate::backend::{IfMissing, OpenDatabase};
use crate::feed_threads::FeedThreads;
use crate::sql::tenants;
use crate::{DatabaseUrlError, PlacementStore};
use connector::Connector;
pub use open_error::PostgresOpenError;
use pool::ConnectionPool;
use step::{DEADLINE, StepKind, Tries};
pub(crate) use url::PostgresUrl;

/// The verb in the errors of an opening.
const OPENING: &str = "open its database";
/// The most connections of a store, beside that of its feed, unless it is configured otherwise.
const DEFAULT_CONNECTIONS: usize = 16;

/// All records in one PostgreSQL database.
#[derive(Clone)]
pub struct PostgresStore {
    url: Arc<str>,
    identity: Option<String>,
    connector: Arc<Connector>,
    pool: Arc<ConnectionPool>,
    feeds: Arc<FeedThreads>,
    clock: Arc<dyn Clock>,
}

impl PostgresStore {
    /// Opens the database, which must exist, and applies pending migrations.
    async fn open_or(
        url: &PostgresUrl,
        clock: Arc<dyn Clock>,
        if_missing: IfMissing,
    ) -> Result<Self, PostgresOpenError> {
        let shown = url.shown();
        let invalid = |fault: DatabaseUrlError| sqlx::Error::Configuration(fault.into());
        let hosts = url.hosts().map_err(|fault| PostgresOpenError::of(&shown, invalid(fault)))?;
        let connector = Connector::new(hosts, clock.clone());
        let (mut db, connector) = server::checked(&connector, &shown).await?;
        server::refuse_transaction_pooler(&mut db, &connector, &shown).await?;
        server::compare_clocks(&mut db, &*clock, &shown).await?;
        schema::bring_up_to_date(&mut db, connector.schema(), &shown, if_missing).await?;
        server::check_rights(&mut db, connector.schema(), &shown).await?;
        let identity = server::identity(&mut db, connector.schema()).await;
        let connector = Arc::new(connector);
        let pool = ConnectionPool::new(connector.clone(), url.connections(), clock.clone());
        Ok(Self { url: shown.into(), identity, connector, pool, feeds: Arc::default(), clock })
    }
}

#[async_trait]
impl OpenDatabase for PostgresStore {
    fn stores(&self) -> Stores {
        Stores::from_one(Arc::new(self.clone()))
    }

    fn placement(&self) -> Arc<dyn PlacementStore> {
        Arc::new(self.clone())
    }

    fn identity(&self) -> Option<String> {
        self.identity.clone()
    }

    async fn described(&self) -> Stored<String> {
        let unavailable = |fault| StoreError::unavailable("describe itself", fault);
        server::described(&self.connector).await.map_err(unavailable)
    }

    async fn ping(&self) -> Stored<()> {
        let mut tries = Tries::new("answer", StepKind::Transaction, &self.pool);
        loop {
            let mut current = tries.next().await?;
            let done = timeout(tries.time_left(), tenants::count(&mut current.statements())).await;
            if let Some(answer) = tries.settle(current, done).await {
                return answer.map(drop);
            }
        }
    }

    async fn close(&self) {
        let feeds = self.feeds.clone();
        // A panic of a watch's thread is logged there.
        let _ = spawn_blocking(move || feeds.stop()).await;
        self.pool.close(DEADLINE).await;
    }
}

impl fmt::Debug for PostgresStore {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("PostgresStore").field("url", &self.url).finish_non_exhaustive()
    }
}
