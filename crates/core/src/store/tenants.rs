//! The store of tenants, and the databases of tenants that have one of their own.

use async_trait::async_trait;

use super::{Inserted, Page, StoreError, Stored, Stores, Updated};
use crate::id::TenantId;
use crate::tenant::{Installation, TenantRecord};

/// Tenants, and the installation that they belong to.
#[async_trait]
pub trait TenantStore: Send + Sync {
    /// The installation. Creates `proposed` if there is none yet.
    async fn get_or_create_installation(&self, proposed: &Installation) -> Stored<Installation>;

    /// Creates a tenant.
    async fn insert(&self, tenant: &TenantRecord) -> Stored<Inserted>;

    /// Replaces the tenant if its stored version is the one before `tenant.version`.
    async fn update(&self, tenant: &TenantRecord) -> Stored<Updated>;

    /// The tenant, or `None`.
    async fn find(&self, id: &TenantId) -> Stored<Option<TenantRecord>>;

    /// Tenants, by name.
    async fn list(&self, page: Page<TenantId>) -> Stored<Vec<TenantRecord>>;
}

/// Opens the databases of tenants that have one of their own.
#[async_trait]
pub trait TenantDatabases: Send + Sync {
    /// The stores in the database at this URL, opened once for each process. Keys and tenants in them are ignored.
    ///
    /// The database existed before. If it is missing it was lost, and the answer is [`StoreError::Unavailable`]: in a
    /// new and empty one strangers could sign up under its users' names, and revoked tokens would be good again.
    async fn open(&self, database: &str) -> Stored<Stores>;

    /// The same for a tenant that is about to be created: creates the database if it is missing. Databases that are
    /// created by other means are only opened.
    async fn get_or_create(&self, database: &str) -> Stored<Stores> {
        self.open(database).await
    }
}

/// No tenant has a database of its own.
#[derive(Clone, Copy, Default, Debug)]
pub struct NoTenantDatabases;

#[async_trait]
impl TenantDatabases for NoTenantDatabases {
    async fn open(&self, database: &str) -> Stored<Stores> {
        Err(StoreError::corrupt("tenant", &database, "database"))
    }
}
