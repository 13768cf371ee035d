//! The databases of tenants that have one of their own: `sqlite:PATH`, each opened once.
//!
//! One is made only when a tenant is. Later it is there, or its tenant is out of reach.
//!
//! A path that does not begin at the root begins in the process' data directory. What it does not do: look at who names
//! a path. Whoever may write tenants may open any file that the process may.

use std::collections::HashMap;
use std::fmt;
use std::path::{Path, PathBuf, absolute};
use std::sync::{Arc, Mutex, PoisonError};

use async_trait::async_trait;
use portcullis_core::clock::Clock;
use portcullis_core::store::{StoreError, Stored, Stores, TenantDatabases};
use thiserror::Error;
use tokio::sync::OnceCell;

use super::{Missing, SqliteStore};

/// What is asked of the store, in the words of its errors.
const DOING: &str = "open the database of a tenant";

/// No database is meant by that. The address of one may hold its password, so no sentence here repeats it.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Error)]
enum DatabaseAddressError {
    /// It is none of ours.
    #[error("its address is of a kind that this build has no store for; there is sqlite:PATH")]
    Unsupported,
    /// Everything in memory is gone at the end.
    #[error("its address names no file: write sqlite:PATH")]
    NoFile,
    /// There are none.
    #[error("its address has parameters, of which there are none: write sqlite:PATH")]
    Parameters,
    /// The process is about to end.
    #[error("the databases of tenants have been closed")]
    Closed,
}

/// Those that are open or being opened, by path; nothing once they have been closed.
type Open = Option<HashMap<PathBuf, Arc<OnceCell<SqliteStore>>>>;

/// The databases of tenants, in SQLite files.
pub struct SqliteTenantDatabases {
    data_dir: PathBuf,
    clock: Arc<dyn Clock>,
    open: Mutex<Open>,
}

impl SqliteTenantDatabases {
    /// None is open yet. Relative paths are those below `data_dir`.
    #[must_use]
    pub fn new(data_dir: &Path, clock: Arc<dyn Clock>) -> Self {
        Self { data_dir: data_dir.to_owned(), clock, open: Mutex::new(Some(HashMap::new())) }
    }

    /// Finishes what was asked of all of them and lets go of their files; from now on there are none.
    pub async fn close(&self) {
        let open = self.open.lock().unwrap_or_else(PoisonError::into_inner).take();
        for store in open.into_iter().flatten() {
            if let Some(store) = store.1.get() {
                store.close().await;
            }
        }
    }

    /// Where the one at this path is kept, opened or not.
    fn place(&self, path: &Path) -> Result<Arc<OnceCell<SqliteStore>>, DatabaseAddressError> {
        let mut open = self.open.lock().unwrap_or_else(PoisonError::into_inner);
        let open = open.as_mut().ok_or(DatabaseAddressError::Closed)?;
        Ok(open.entry(path.to_owned()).or_default().clone())
    }

    async fn at(&self, database: &str, missing: Missing) -> Stored<Stores> {
        let unavailable = |fault| StoreError::unavailable(DOING, fault);
        let path = self.data_dir.join(path(database).map_err(unavailable)?);
        // So that two ways to write one path are one store.
        let path = absolute(path).map_err(|fault| StoreError::unavailable(DOING, fault))?;
        let place = self.place(&path).map_err(unavailable)?;
        let store = place.get_or_try_init(async || match missing {
            Missing::Refuse => SqliteStore::open_existing(&path, self.clock.clone()).await,
            Missing::Make => SqliteStore::open(&path, self.clock.clone()).await,
        });
        let store = store.await?;
        if self.has_closed() {
            store.close().await;
            return Err(unavailable(DatabaseAddressError::Closed));
        }
        Ok(store.stores())
    }

    fn has_closed(&self) -> bool {
        self.open.lock().unwrap_or_else(PoisonError::into_inner).is_none()
    }
}

#[async_trait]
impl TenantDatabases for SqliteTenantDatabases {
    async fn open(&self, database: &str) -> Stored<Stores> {
        self.at(database, Missing::Refuse).await
    }

    async fn get_or_create(&self, database: &str) -> Stored<Stores> {
        self.at(database, Missing::Make).await
    }
}

impl fmt::Debug for SqliteTenantDatabases {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("SqliteHomes").field("data_dir", &self.data_dir).finish_non_exhaustive()
    }
}

fn path(database: &str) -> Result<&Path, DatabaseAddressError> {
    let path = database.strip_prefix("sqlite:").ok_or(DatabaseAddressError::Unsupported)?;
    let path = path.strip_prefix("//").unwrap_or(path);
    if path.is_empty() || path.starts_with(":memory:") {
        Err(DatabaseAddressError::NoFile)
    } else if path.contains('?') {
        Err(DatabaseAddressError::Parameters)
    } else {
        Ok(Path::new(path))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_home_is_a_file_and_an_address_of_something_else_is_not_repeated() {
        for (address, file) in [("sqlite:a.db", "a.db"), ("sqlite:///a/b.db", "/a/b.db")] {
            assert_eq!(path(address), Ok(Path::new(file)));
        }
        for address in ["postgres://u:hunter2@h/d", "a.db", "", "SQLITE:a.db"] {
            let fault = path(address).unwrap_err();
            assert_eq!(fault, DatabaseAddressError::Unsupported, "{address}");
            assert!(
                fault.to_string().contains("there is sqlite:PATH") && !fault.to_string().contains("hunter2")
            );
        }
        assert_eq!(path("sqlite::memory:"), Err(DatabaseAddressError::NoFile));
        assert_eq!(path("sqlite:"), Err(DatabaseAddressError::NoFile));
        assert_eq!(path("sqlite:a.db?mode=ro"), Err(DatabaseAddressError::Parameters));
    }
}
