//! The stores of a service of one's own, as it is told of them: by the texts that the server takes, too.

use std::fmt;
use std::path::Path;
use std::sync::Arc;

use portcullis_core::clock::Clock;
use portcullis_core::machine::SystemClock;
use portcullis_core::store::StoreError;
use thiserror::Error;

use crate::{DatabaseUrl, DatabaseUrlError, OpenedStores, SessionPlacementError, Sessions, SessionsUrlError};
#[cfg(feature = "redis")]
use crate::{RedisOpenError, RedisSessions, RedisUrl};

/// The most connections to a database on a server.
const CONNECTIONS: usize = 16;

/// Why the stores of a service were not opened. Its `Debug` is its sentence too: a `main` that returns it tells its
/// user what is wrong.
#[derive(Error)]
pub enum OpenStoresError {
    /// The text is not the URL of a database.
    #[error("the database {0}")]
    DatabaseUrl(#[from] DatabaseUrlError),
    /// The text does not say where live sessions are.
    #[error("the store of the sessions {0}")]
    SessionsUrl(#[from] SessionsUrlError),
    /// The database could not be opened.
    #[error(transparent)]
    Store(#[from] StoreError),
    /// The Redis server of the sessions cannot be used.
    #[cfg(feature = "redis")]
    #[error(transparent)]
    Sessions(#[from] RedisOpenError),
    /// Live sessions are not where the other nodes of the database keep them.
    #[error(transparent)]
    Placement(#[from] SessionPlacementError),
}

impl fmt::Debug for OpenStoresError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, f)
    }
}

impl OpenedStores {
    /// Opens the database and the store of live sessions that a service is told of, as the server does: creates what is
    /// missing, applies pending migrations, and joins the other nodes of the database. Without `sessions`, live
    /// sessions are in the database.
    ///
    /// ```no_run
    /// # use portcullis_stores::OpenedStores;
    /// # async fn open() -> Result<(), Box<dyn std::error::Error>> {
    /// let stores = OpenedStores::named("sqlite:app.db", None).await?;
    /// // An engine works on `stores.stores()`; once it has finished:
    /// stores.close().await;
    /// # Ok(())
    /// # }
    /// ```
    ///
    /// # Errors
    /// [`OpenStoresError`] says what is wrong, without a password.
    pub async fn named(database: &str, sessions: Option<&str>) -> Result<Self, OpenStoresError> {
        let database = DatabaseUrl::parse(database)?;
        let sessions = sessions.map_or(Ok(Sessions::InDatabase), |url| Sessions::parse(url, &database))?;
        let clock: Arc<dyn Clock> = Arc::new(SystemClock);
        let stores = Self::open(&database, CONNECTIONS, Path::new(""), clock.clone()).await?;
        #[cfg(feature = "redis")]
        let stores = match &sessions {
            Sessions::InDatabase => stores,
            Sessions::InRedis(url) => stores.with_redis(url, clock).await?,
        };
        #[cfg(not(feature = "redis"))]
        let Sessions::InDatabase = sessions;
        match stores.join_nodes().await {
            Ok(()) => Ok(stores),
            Err(elsewhere) => {
                stores.close().await;
                Err(elsewhere.into())
            }
        }
    }

    /// The same stores, with live sessions on this server. If it cannot be used, these are closed.
    ///
    /// # Errors
    /// [`RedisOpenError`] says what is wrong.
    #[cfg(feature = "redis")]
    pub async fn with_redis(self, url: &RedisUrl, clock: Arc<dyn Clock>) -> Result<Self, RedisOpenError> {
        match RedisSessions::open(url, clock).await {
            Ok(live) => Ok(self.with_live_sessions(live)),
            Err(fault) => {
                self.close().await;
                Err(fault)
            }
        }
    }
}
