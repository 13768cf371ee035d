//! A store for one kind of record: password attempts, in one JSON file for each user.
//!
//! [`Stores`](portcullis_core::store::Stores) holds one store for each kind of record, so an application can replace
//! one and keep the others. Three rules make a store; the [contract](portcullis_core::store::conformance::contract)
//! tests them:
//!
//! 1. Each verb is one atomic step. Here a lock on a file keeps other threads and other processes out until it is done.
//! 2. The domain decides. A verb reads a record, applies the transition that its documentation names, and writes.
//! 3. An acknowledged write is durable, and a failure is a [`StoreError`], never a guess.
//!
//! This store serves as an example. It pays several system calls and a flush for each attempt.

mod record;

use std::fs::{self, File};
use std::io::{self, Write};
use std::path::{Path, PathBuf};
use std::sync::Arc;

use async_trait::async_trait;
use portcullis_core::clock::Timestamp;
use portcullis_core::id::UserKey;
use portcullis_core::lockout::{
    ATTEMPT_RETENTION, AttemptEffect, AttemptKey, AttemptOutcome, AttemptPermit, AttemptRecord, LockoutLimits,
};
use portcullis_core::store::{AttemptStore, StoreError, Stored};
use tempfile::NamedTempFile;
use tokio::task::spawn_blocking;

use record::UserFile;

/// Password attempts in a directory.
#[derive(Clone, Debug)]
pub struct FileAttempts(Arc<Path>);

impl FileAttempts {
    /// Keeps attempts in `directory`, which is created if it is missing.
    ///
    /// # Errors
    /// The directory cannot be created.
    pub fn in_directory(directory: PathBuf) -> io::Result<Self> {
        fs::create_dir_all(&directory)?;
        Ok(Self(directory.into()))
    }

    /// Runs one step on a thread that may block, while no other step of any process is under way.
    async fn step<T: Send + 'static>(
        &self,
        verb: &'static str,
        step: impl FnOnce(&Path) -> Stored<T> + Send + 'static,
    ) -> Stored<T> {
        let directory = self.0.clone();
        let locked = move || {
            let lock = File::create(directory.join("lock")).map_err(unavailable(verb))?;
            lock.lock().map_err(unavailable(verb))?;
            step(&directory)
        };
        spawn_blocking(locked).await.map_err(|fault| StoreError::unavailable(verb, fault))?
    }
}

#[async_trait]
impl AttemptStore for FileAttempts {
    async fn reserve(
        &self,
        key: &AttemptKey,
        limits: &LockoutLimits,
        now: Timestamp,
    ) -> Stored<AttemptPermit> {
        let (key, limits) = (key.clone(), *limits);
        self.step("reserve an attempt", move |directory| {
            change(directory, &key, now, |record| record.reserve(now, &limits))
        })
        .await
    }

    async fn settle(
        &self,
        key: &AttemptKey,
        permit: AttemptPermit,
        outcome: AttemptOutcome,
        limits: &LockoutLimits,
        now: Timestamp,
    ) -> Stored<AttemptEffect> {
        let (key, limits) = (key.clone(), *limits);
        self.step("settle an attempt", move |directory| {
            change(directory, &key, now, |record| record.settle(permit, outcome, now, &limits))
        })
        .await
    }

    async fn find(&self, key: &AttemptKey) -> Stored<AttemptRecord> {
        let key = key.clone();
        self.step(
            "find attempts",
            move |directory| Ok(read(&path(directory, &key.user), &key.user)?.of(&key)),
        )
        .await
    }

    async fn clear(&self, user: &UserKey) -> Stored<()> {
        let user = user.clone();
        self.step("clear attempts", move |directory| remove(&path(directory, &user)).map(|_| ())).await
    }

    async fn purge(&self, now: Timestamp, limit: u32) -> Stored<u64> {
        self.step("purge attempts", move |directory| purge(directory, now, u64::from(limit))).await
    }
}

/// Applies a transition of the domain to one record.
fn change<T>(
    directory: &Path,
    key: &AttemptKey,
    now: Timestamp,
    transition: impl FnOnce(AttemptRecord) -> (T, AttemptRecord),
) -> Stored<T> {
    let path = path(directory, &key.user);
    let mut file = read(&path, &key.user)?;
    let (answer, record) = transition(file.of(key));
    file.put(key, &record, now);
    keep(directory, &path, &file)?;
    Ok(answer)
}

/// An empty file is not kept.
fn keep(directory: &Path, path: &Path, file: &UserFile) -> Stored<()> {
    if file.is_empty() {
        remove(path).map(|_| ())
    } else {
        write(directory, path, file).map_err(unavailable("write attempts"))
    }
}

/// Tenant names and user ids hold letters, digits, `-` and `_` alone, so they can name a file.
fn path(directory: &Path, user: &UserKey) -> PathBuf {
    directory.join(format!("{}.{}.json", user.tenant, user.id))
}

fn read(path: &Path, user: &UserKey) -> Stored<UserFile> {
    match fs::read(path) {
        Ok(text) => serde_json::from_slice(&text)
            .map_err(|_| StoreError::corrupt("attempts of user", &user.id, "file")),
        Err(fault) if fault.kind() == io::ErrorKind::NotFound => Ok(UserFile::default()),
        Err(fault) => Err(StoreError::unavailable("read attempts", fault)),
    }
}

/// Replaces the file in one step: after a crash it holds all of the old text or all of the new one.
fn write(directory: &Path, path: &Path, file: &UserFile) -> io::Result<()> {
    let mut next = NamedTempFile::new_in(directory)?;
    next.write_all(&serde_json::to_vec(file)?)?;
    next.as_file().sync_all()?;
    next.persist(path)?;
    File::open(directory)?.sync_all()
}

/// Removes a file, and says whether there was one.
fn remove(path: &Path) -> Stored<bool> {
    match fs::remove_file(path) {
        Ok(()) => Ok(true),
        Err(fault) if fault.kind() == io::ErrorKind::NotFound => Ok(false),
        Err(fault) => Err(StoreError::unavailable("remove attempts", fault)),
    }
}

fn purge(directory: &Path, now: Timestamp, limit: u64) -> Stored<u64> {
    let unchanged_since = now.minus(ATTEMPT_RETENTION);
    let mut removed = 0;
    for entry in fs::read_dir(directory).map_err(unavailable("list attempts"))? {
        let path = entry.map_err(unavailable("list attempts"))?.path();
        if removed == limit || path.extension().is_none_or(|extension| extension != "json") {
            continue;
        }
        let text = fs::read(&path).map_err(unavailable("read attempts"))?;
        // A file that cannot be read is left for an operator to look at.
        let Ok(mut file) = serde_json::from_slice::<UserFile>(&text) else { continue };
        removed += file.purge(unchanged_since, limit - removed);
        keep(directory, &path, &file)?;
    }
    Ok(removed)
}

fn unavailable(verb: &'static str) -> impl Fn(io::Error) -> StoreError {
    move |fault| StoreError::unavailable(verb, fault)
}
