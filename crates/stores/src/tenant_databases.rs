//! The databases of tenants that have one of their own, each opened once.
//!
//! A database is created only together with its tenant. If it is missing later, its tenant is out of reach.
//!
//! What it does not do: check who names a path. A client who may write tenants may open any file that the process may.

use std::collections::HashMap;
use std::fmt;
use std::path::{Path, PathBuf, absolute};
use std::sync::{Arc, Mutex, PoisonError};

use async_trait::async_trait;
use portcullis_core::clock::Clock;
use portcullis_core::steered_clock::UnsteeredClock;
use portcullis_core::store::{StoreError, Stored, Stores, TenantDatabases};
use thiserror::Error;
use tokio::sync::OnceCell;

use crate::{DatabaseUrl, DatabaseUrlError, IfMissing, OpenDatabase};

/// What is asked of the store, in the words of its errors.
const DOING: &str = "open the database of a tenant";

#[derive(Debug, Error)]
enum NotOpened {
    #[error("its URL cannot be used: {0}")]
    Url(#[from] DatabaseUrlError),
    #[error("it is the database of the installation; a tenant without a URL lives there")]
    OfTheInstallation,
    #[error("the databases of tenants have been closed")]
    Closed,
}

type Opening = Arc<OnceCell<Arc<dyn OpenDatabase>>>;

/// Opens tenants' databases by URL, each once.
pub struct TenantDatabaseRegistry {
    base: PathBuf,
    /// The most connections to one database, if that is configured.
    connections: Option<usize>,
    clock: Arc<dyn Clock>,
    /// The identity of the installation's database, if it can be told.
    installation: Option<String>,
    /// Databases that are open or being opened; `None` after the registry was closed.
    databases: Mutex<Option<HashMap<DatabaseUrl, Opening>>>,
}

impl TenantDatabaseRegistry {
    /// A registry with nothing open yet. Relative paths are based in `data_dir`.
    #[must_use]
    pub fn new(data_dir: &Path, clock: Arc<dyn Clock>) -> Self {
        // Two spellings of one path must be one database.
        let base = absolute(data_dir).unwrap_or_else(|_| data_dir.to_owned());
        Self {
            base,
            connections: None,
            // The installation's database alone steers the clock.
            clock: Arc::new(UnsteeredClock(clock)),
            installation: None,
            databases: Mutex::new(Some(HashMap::new())),
        }
    }

    /// The same registry, with at most so many connections to each database that is on a server.
    #[must_use]
    pub fn with_connections(self, connections: usize) -> Self {
        Self { connections: Some(connections), ..self }
    }

    /// The same registry, which gives no new tenant the installation's database as one of its own.
    #[must_use]
    pub fn beside(self, installation: &dyn OpenDatabase) -> Self {
        Self { installation: installation.identity(), ..self }
    }

    /// Finishes pending writes and closes all databases; from now on none can be opened.
    pub async fn close(&self) {
        let databases = self.databases.lock().unwrap_or_else(PoisonError::into_inner).take();
        for opening in databases.unwrap_or_default().into_values() {
            if let Some(database) = opening.get() {
                database.close().await;
            }
        }
    }

    fn opening(&self, url: &str) -> Result<(DatabaseUrl, Opening), NotOpened> {
        let mut url = DatabaseUrl::of_tenant(url, &self.base)?;
        if let Some(connections) = self.connections {
            url = url.with_connections(connections);
        }
        let mut databases = self.databases.lock().unwrap_or_else(PoisonError::into_inner);
        let opening = databases.as_mut().ok_or(NotOpened::Closed)?.entry(url.clone()).or_default().clone();
        Ok((url, opening))
    }

    async fn open(&self, url: &str, if_missing: IfMissing) -> Stored<Arc<dyn OpenDatabase>> {
        let unavailable = |fault| StoreError::unavailable(DOING, fault);
        let (url, opening) = self.opening(url).map_err(unavailable)?;
        let database = opening.get_or_try_init(|| url.open(self.clock.clone(), if_missing)).await?;
        if self.has_closed() {
            database.close().await;
            return Err(unavailable(NotOpened::Closed));
        }
        Ok(database.clone())
    }

    fn has_closed(&self) -> bool {
        self.databases.lock().unwrap_or_else(PoisonError::into_inner).is_none()
    }
}

#[async_trait]
impl TenantDatabases for TenantDatabaseRegistry {
    async fn open(&self, database: &str) -> Stored<Stores> {
        Ok(self.open(database, IfMissing::Refuse).await?.stores())
    }

    async fn get_or_create(&self, database: &str) -> Stored<Stores> {
        let database = self.open(database, IfMissing::Create).await?;
        if self.installation.is_some() && self.installation == database.identity() {
            return Err(StoreError::unavailable(DOING, NotOpened::OfTheInstallation));
        }
        Ok(database.stores())
    }
}

impl fmt::Debug for TenantDatabaseRegistry {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("TenantDatabaseRegistry").field("base", &self.base).finish_non_exhaustive()
    }
}
