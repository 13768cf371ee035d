//! Everything that a server opens.

use std::path::Path;
use std::sync::Arc;

use portcullis_core::clock::Clock;
use portcullis_core::store::{Stored, Stores};

use crate::{DatabaseUrl, IfMissing, OpenDatabase, TenantDatabaseRegistry};
#[cfg(feature = "redis")]
use crate::{RedisSessions, SessionPair};

/// The database of an installation, and the databases of tenants that have one of their own.
#[derive(Clone)]
pub struct OpenedStores {
    database: Arc<dyn OpenDatabase>,
    tenant_databases: Arc<TenantDatabaseRegistry>,
    /// Where live sessions are, if not in the database.
    #[cfg(feature = "redis")]
    live_sessions: Option<RedisSessions>,
}

impl OpenedStores {
    /// Opens the database at `url`, creates it if it is missing, and applies pending migrations. Tenants' databases are
    /// opened when they are first used; their relative paths are based in `data_dir`. Each database that is on a server
    /// has at most so many connections.
    ///
    /// # Errors
    /// [`StoreError::Unavailable`](portcullis_core::store::StoreError::Unavailable) says what is wrong.
    pub async fn open(
        url: &DatabaseUrl,
        connections: usize,
        data_dir: &Path,
        clock: Arc<dyn Clock>,
    ) -> Stored<Self> {
        let url = url.with_connections(connections);
        let database = url.open(clock.clone(), IfMissing::Create).await?;
        let tenant_databases = TenantDatabaseRegistry::new(data_dir, clock).with_connections(connections);
        let tenant_databases = tenant_databases.beside(&*database);
        Ok(Self {
            database,
            tenant_databases: Arc::new(tenant_databases),
            #[cfg(feature = "redis")]
            live_sessions: None,
        })
    }

    /// The same stores, with the live sessions of all tenants that share the installation's database in Redis.
    #[cfg(feature = "redis")]
    #[must_use]
    pub fn with_live_sessions(self, live: RedisSessions) -> Self {
        Self { live_sessions: Some(live), ..self }
    }

    /// The stores of the installation's database.
    #[must_use]
    pub fn stores(&self) -> Stores {
        let stores = self.database.stores();
        #[cfg(feature = "redis")]
        if let Some(live) = &self.live_sessions {
            return SessionPair::stores(live.clone(), stores);
        }
        stores
    }

    /// What an operator should know of what the stores may lose.
    #[must_use]
    pub fn warning(&self) -> Option<&'static str> {
        #[cfg(feature = "redis")]
        let warning = self.live_sessions.as_ref().and_then(RedisSessions::warning);
        #[cfg(not(feature = "redis"))]
        let warning = None;
        warning
    }

    /// The databases of tenants that have one of their own.
    #[must_use]
    pub fn tenant_databases(&self) -> Arc<TenantDatabaseRegistry> {
        self.tenant_databases.clone()
    }

    /// Finishes pending writes and closes all stores.
    pub async fn close(&self) {
        #[cfg(feature = "redis")]
        if let Some(live) = &self.live_sessions {
            live.close().await;
        }
        self.tenant_databases.close().await;
        self.database.close().await;
    }
}
