//! What each kind of database must offer. A new kind implements [`Backend`] and gets its line in
//! [`DatabaseUrl`](super::DatabaseUrl).

use std::path::Path;
use std::sync::Arc;

use async_trait::async_trait;
use portcullis_core::clock::Clock;
use portcullis_core::store::{Stored, Stores};

use crate::{DatabaseUrl, PlacementStore};

/// What to do if the database does not exist, or holds nothing.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum IfMissing {
    /// Fail: the database existed before, so it was lost, and an empty one must not take its place.
    Refuse,
    /// Create it.
    Create,
}

/// A step of the tables' history.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct MigrationState {
    /// Its number; migrations are applied in this order.
    pub version: i64,
    /// What it creates, in a word or two.
    pub description: &'static str,
    /// Whether the database has it.
    pub applied: bool,
}

/// A database that a URL names, open or not.
#[async_trait]
pub(crate) trait Backend: Send + Sync {
    /// The product's name, for messages.
    fn product(&self) -> &'static str;

    /// The URL, without a password.
    fn url(&self) -> String;

    /// The same database, with a relative path based in `directory`.
    fn based_in(&self, directory: &Path) -> DatabaseUrl;

    /// The file that holds the database; `None` if a server does.
    fn file(&self) -> Option<&Path>;

    /// Reads which migrations the database has, and changes nothing.
    async fn migrations(&self) -> Stored<Vec<MigrationState>>;

    /// Writes a verified copy of the database to a file that does not exist yet, while the database is in use.
    async fn backup(&self, to: &Path) -> Stored<()>;

    /// Opens the database and applies pending migrations.
    async fn open(&self, clock: Arc<dyn Clock>, if_missing: IfMissing) -> Stored<Arc<dyn OpenDatabase>>;
}

/// One open database.
#[async_trait]
pub trait OpenDatabase: Send + Sync {
    /// Its stores, as everything an engine needs.
    fn stores(&self) -> Stores;

    /// Where the nodes of the database keep live sessions.
    fn placement(&self) -> Arc<dyn PlacementStore>;

    /// The same text for every opening of the same database, however its URL is spelled; `None` if that cannot be told.
    fn identity(&self) -> Option<String>;

    /// The product with its version, and what an operator should know of how it runs, in one line.
    async fn described(&self) -> Stored<String>;

    /// Checks that the database can be read, and that the lock for writing can be had.
    async fn ping(&self) -> Stored<()>;

    /// Finishes pending writes and closes the database. Every later call is
    /// [`StoreError::Unavailable`](portcullis_core::store::StoreError::Unavailable).
    async fn close(&self);
}
