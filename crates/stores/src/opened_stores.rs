//! Everything that a server opens.

use std::path::Path;
use std::sync::Arc;

use portcullis_core::clock::Clock;
use portcullis_core::store::{Stored, Stores};

use crate::{DatabaseUrl, IfMissing, OpenDatabase, TenantDatabaseRegistry};

/// The database of an installation, and the databases of tenants that have one of their own.
#[derive(Clone)]
pub struct OpenedStores {
    database: Arc<dyn OpenDatabase>,
    tenant_databases: Arc<TenantDatabaseRegistry>,
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
        Ok(Self { database, tenant_databases: Arc::new(tenant_databases) })
    }

    /// The stores of the installation's database.
    #[must_use]
    pub fn stores(&self) -> Stores {
        self.database.stores()
    }

    /// The databases of tenants that have one of their own.
    #[must_use]
    pub fn tenant_databases(&self) -> Arc<TenantDatabaseRegistry> {
        self.tenant_databases.clone()
    }

    /// Finishes pending writes and closes all databases.
    pub async fn close(&self) {
        self.tenant_databases.close().await;
        self.database.close().await;
    }
}
