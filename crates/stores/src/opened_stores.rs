//! Everything that a server opens.

use std::path::Path;
use std::sync::Arc;

use portcullis_core::clock::Clock;
use portcullis_core::session::Ending;
use portcullis_core::store::{Stored, Stores};

#[cfg(feature = "redis")]
use crate::marker_comparison::MarkerComparison;
use crate::session_placement;
use crate::{
    DatabaseUrl, IfMissing, OpenDatabase, SessionPlacement, SessionPlacementError, TenantDatabaseRegistry,
};
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
        #[cfg(feature = "redis")]
        if let Some(live) = &self.live_sessions {
            return SessionPair::stores(live.clone(), &*self.database);
        }
        self.database.stores()
    }

    /// Joins the nodes of the database, as the first one if none has started before. If Redis has lost sessions while
    /// no node ran, this ends everyone's.
    ///
    /// # Errors
    /// The nodes of the database keep live sessions elsewhere, or a store does not answer.
    pub async fn join_nodes(&self) -> Result<(), SessionPlacementError> {
        #[cfg(feature = "redis")]
        if let Some(markers) = self.markers() {
            return markers.join().await;
        }
        session_placement::join(&*self.database.placement()).await
    }

    /// Whether live sessions are where the nodes of the database keep them: a command that looked elsewhere would find
    /// none, and end none.
    ///
    /// # Errors
    /// They are elsewhere, or a store does not answer.
    pub async fn check_sessions(&self) -> Result<(), SessionPlacementError> {
        #[cfg(feature = "redis")]
        if let Some(markers) = self.markers() {
            return markers.check().await;
        }
        session_placement::check(&*self.database.placement()).await
    }

    /// Notes that live sessions are from now on where these stores have them. No node may run. Sessions in the Redis of
    /// before are over.
    ///
    /// # Errors
    /// A store does not answer.
    pub async fn switch_sessions(&self, ending: Ending) -> Stored<()> {
        #[cfg(feature = "redis")]
        if let Some(markers) = self.markers() {
            return markers.switch(ending).await;
        }
        session_placement::move_to(&*self.database.placement(), &SessionPlacement::Database, ending).await
    }

    #[cfg(feature = "redis")]
    fn markers(&self) -> Option<MarkerComparison> {
        let live = self.live_sessions.clone()?;
        Some(MarkerComparison { live, noted: self.database.placement() })
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
