//! The conformance suite on the custom store. The other kinds of record are in the memory store.

#![cfg(test)]

use std::sync::Arc;
use std::time::Duration;

use custom_store::FileAttempts;
use portcullis_core::store::Stores;
use portcullis_core::store::conformance::{Capabilities, contract, scenarios};
use portcullis_core::store::memory::MemoryStore;
use tempfile::TempDir;

/// A directory for the attempts of each store that the suite asks for.
fn directories() -> (TempDir, impl Fn() -> FileAttempts) {
    let all = TempDir::new().unwrap();
    let parent = all.path().to_owned();
    let next = move || {
        let directory = TempDir::new_in(&parent).unwrap().keep();
        FileAttempts::in_directory(directory).unwrap()
    };
    (all, next)
}

fn stores(attempts: &FileAttempts) -> Stores {
    Stores { attempts: Arc::new(attempts.clone()), ..MemoryStore::stores() }
}

/// A few rounds of each race: every attempt is flushed to the disk.
const CAPABILITIES: Capabilities = Capabilities {
    rounds: 3,
    announcement_timeout: Duration::from_secs(10),
    announces_others: true,
    compares_users: true,
    purges_live_sessions: true,
};

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_store_keeps_the_contract() {
    let (_all, next) = directories();
    contract::run(async || stores(&next()), CAPABILITIES).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn two_processes_may_share_the_directory() {
    let (_all, next) = directories();
    let pair = async || {
        let (attempts, records) = (next(), MemoryStore::stores());
        let of = |attempts: FileAttempts| Stores { attempts: Arc::new(attempts), ..records.clone() };
        (of(attempts.clone()), of(attempts))
    };
    contract::run_across_processes(pair, CAPABILITIES).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_engine_works_on_it() {
    let (_all, next) = directories();
    scenarios::run(async || stores(&next()), CAPABILITIES).await;
}
