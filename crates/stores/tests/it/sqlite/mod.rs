//! Tests of the SQLite store, on files in a temporary directory.

mod backup;
mod conformance;
mod durability;
mod faults;
mod feed;
mod mending;
mod migrating;
mod opening;
mod owners;
mod records;
mod tenant_databases;

use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use portcullis_core::machine::SystemClock;
use portcullis_core::store::Stored;
use portcullis_stores::sqlite::SqliteStore;
use portcullis_stores::{DatabaseUrl, MigrationState};
use rusqlite::Connection;
use tempfile::TempDir;

/// A temporary directory for databases.
struct TestDirectory {
    place: TempDir,
    made: AtomicUsize,
}

impl TestDirectory {
    fn new() -> Self {
        Self { place: TempDir::new().unwrap(), made: AtomicUsize::new(0) }
    }

    /// A path that was not used before.
    fn fresh(&self) -> PathBuf {
        let number = self.made.fetch_add(1, Ordering::Relaxed);
        self.place.path().join(format!("{number}.db"))
    }

    /// The names of all files, sorted.
    fn files(&self) -> Vec<String> {
        let entries = fs::read_dir(self.place.path()).unwrap();
        let mut names: Vec<_> =
            entries.map(|entry| entry.unwrap().file_name().into_string().unwrap()).collect();
        names.sort();
        names
    }
}

async fn open(path: &Path) -> SqliteStore {
    SqliteStore::open(path, Arc::new(SystemClock)).await.unwrap()
}

async fn migrations(path: &Path) -> Stored<Vec<MigrationState>> {
    let url = DatabaseUrl::parse(&format!("sqlite:{}", path.display())).unwrap();
    url.migrations().await
}

/// A connection of another program.
fn other_program(path: &Path) -> Connection {
    Connection::open(path).unwrap()
}

/// Runs what an operator types into SQLite's shell, in the shell itself if it is installed.
fn by_hand(path: &Path, sql: &str) {
    let shell = Command::new("sqlite3").args(["-bail", "-cmd", ".timeout 5000"]).arg(path).arg(sql).output();
    if let Ok(shell) = shell {
        assert!(shell.status.success(), "{}", String::from_utf8_lossy(&shell.stderr));
    } else {
        println!("sqlite3 is not installed: done through a connection of the same library instead");
        other_program(path).execute_batch(sql).unwrap();
    }
}
