//! Stores for Portcullis: the traits of [`portcullis_core::store`] on databases.
//!
//! | item | what it is |
//! |---|---|
//! | [`DatabaseUrl`] | names a database; the one place that chooses the kind of store |
//! | [`OpenedStores`] | everything a server opens: the installation's database, and tenants' own databases |
//! | [`postgres`] | a store in a PostgreSQL database, which several nodes share |
//! | [`sqlite`] | a store in one file, for one machine; several processes may share the file |
//!
//! Each kind of store is behind a cargo feature of its name; the default is both. The traits and the memory store
//! beside them say what a verb means. A store here never decides about a session: core's pure transitions do.

// What is here serves one kind of store or several: without any there is nothing.
#![cfg(any(feature = "postgres", feature = "sqlite"))]

mod backend;
mod database_url;
mod feed_threads;
#[cfg(feature = "redis")]
mod joined_feed;
#[cfg(any(feature = "postgres", feature = "redis"))]
mod listening_feed;
#[cfg(feature = "redis")]
mod marker_comparison;
mod migration_history;
mod opened_stores;
#[cfg(feature = "postgres")]
pub mod postgres;
#[cfg(feature = "redis")]
mod recent_ends;
#[cfg(feature = "redis")]
mod redis;
mod service_stores;
#[cfg(feature = "redis")]
mod session_pair;
mod session_placement;
mod sessions_url;
mod sql;
#[cfg(feature = "sqlite")]
pub mod sqlite;
mod tenant_databases;

pub use backend::{IfMissing, MigrationState, OpenDatabase};
pub use database_url::{DatabaseUrl, DatabaseUrlError};
pub use migration_history::NewerDatabase;
pub use opened_stores::OpenedStores;
#[cfg(feature = "redis")]
pub use redis::{RedisOpenError, RedisSessions, RedisUrl, RedisUrlError};
pub use service_stores::OpenStoresError;
#[cfg(feature = "redis")]
pub use session_pair::SessionPair;
pub use session_placement::{PlacementStore, SessionPlacement, SessionPlacementError};
pub use sessions_url::{Sessions, SessionsUrlError};
pub use tenant_databases::TenantDatabaseRegistry;
