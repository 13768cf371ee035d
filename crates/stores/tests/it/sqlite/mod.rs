//! The SQLite store, on files in a directory that goes away.

mod conformance;

use std::path::PathBuf;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use portcullis_core::machine::SystemClock;
use portcullis_stores::sqlite::SqliteStore;
use tempfile::TempDir;

/// A directory for databases.
struct Directory {
    place: TempDir,
    made: AtomicUsize,
}

impl Directory {
    fn new() -> Self {
        Self { place: TempDir::new().unwrap(), made: AtomicUsize::new(0) }
    }

    /// A path where there is nothing yet.
    fn fresh(&self) -> PathBuf {
        let number = self.made.fetch_add(1, Ordering::Relaxed);
        self.place.path().join(format!("{number}.db"))
    }
}

async fn open(path: &std::path::Path) -> SqliteStore {
    SqliteStore::open(path, Arc::new(SystemClock)).await.unwrap()
}
