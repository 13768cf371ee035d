//! Stores for Portcullis: the traits of [`portcullis_core::store`] on databases.
//!
//! | item | what it is |
//! |---|---|
//! | [`DatabaseUrl`] | names a database; the one place that chooses the kind of store |
//! | [`OpenedStores`] | everything a server opens: the installation's database, and tenants' own databases |
//! | [`sqlite`] | a store in one file, for one machine; several processes may share the file |
//!
//! Each kind of store is behind a cargo feature of its name; the default is `sqlite`. The traits and the memory store
//! beside them say what a verb means. A store here never decides about a session: core's pure transitions do.

#[cfg(feature = "sqlite")]
mod backend;
#[cfg(feature = "sqlite")]
mod database_url;
#[cfg(feature = "sqlite")]
mod opened_stores;
#[cfg(feature = "sqlite")]
mod sql;
#[cfg(feature = "sqlite")]
pub mod sqlite;
#[cfg(feature = "sqlite")]
mod tenant_databases;

#[cfg(feature = "sqlite")]
pub use backend::{IfMissing, MigrationState, OpenDatabase};
#[cfg(feature = "sqlite")]
pub use database_url::{DatabaseUrl, DatabaseUrlError};
#[cfg(feature = "sqlite")]
pub use opened_stores::OpenedStores;
#[cfg(feature = "sqlite")]
pub use tenant_databases::TenantDatabaseRegistry;
