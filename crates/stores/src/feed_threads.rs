//! The threads of change feeds: each belongs to a watch, and all end with their store.

use std::error::Error;
use std::str::FromStr;
use std::sync::mpsc::{self, Sender};
use std::sync::{Arc, Mutex, PoisonError, Weak};
use std::thread::{self, JoinHandle};

use portcullis_core::id::{SessionKey, TenantId, UserKey};
use portcullis_core::store::{Change, StoreError, Stored, Watch};
use tracing::warn;

const DOING: &str = "watch for changes";

/// The watches of a store, which end with it.
pub(crate) struct FeedThreads(Mutex<Option<Vec<Weak<FeedThread>>>>);

impl Default for FeedThreads {
    fn default() -> Self {
        Self(Mutex::new(Some(Vec::new())))
    }
}

impl FeedThreads {
    /// Runs a feed on a thread of its own, and returns once it has said that it has begun. The thread must end when
    /// `stop` is dropped: with the watch, or with the store, which is `closed` then.
    pub(crate) fn watch<E, C>(
        &self,
        name: &str,
        stop: impl Send + 'static,
        closed: C,
        run: impl FnOnce(&Sender<Result<(), E>>) + Send + 'static,
    ) -> Stored<Watch>
    where
        E: Error + Send + Sync + 'static,
        C: Error + Send + Sync + 'static,
    {
        let mut threads = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let threads = threads.as_mut().ok_or_else(|| StoreError::unavailable(DOING, closed))?;
        // Under the lock: a connection that is opened after the store was closed would be left behind.
        let thread = Arc::new(FeedThread::start(name, stop, run)?);
        threads.retain(|thread| thread.strong_count() > 0);
        threads.push(Arc::downgrade(&thread));
        Ok(Watch::new(thread))
    }

    /// Ends all watches, and closes their connections. None can begin any more.
    pub(crate) fn stop(&self) {
        let threads = self.0.lock().unwrap_or_else(PoisonError::into_inner).take().unwrap_or_default();
        threads.iter().filter_map(Weak::upgrade).for_each(|thread| thread.stop());
    }
}

/// A thread that follows the changes; `None` after it was stopped.
struct FeedThread(Mutex<Option<RunningFeed>>);

/// What ends a thread when it is dropped, and the thread.
type RunningFeed = (Box<dyn Send>, JoinHandle<()>);

impl FeedThread {
    fn start<E: Error + Send + Sync + 'static>(
        name: &str,
        stop: impl Send + 'static,
        run: impl FnOnce(&Sender<Result<(), E>>) + Send + 'static,
    ) -> Stored<Self> {
        let (ready, begun) = mpsc::channel();
        let thread = thread::Builder::new().name(name.to_owned()).spawn(move || run(&ready));
        let thread = thread.map_err(|fault| StoreError::unavailable(DOING, fault))?;
        let thread = Self(Mutex::new(Some((Box::new(stop), thread))));
        match begun.recv() {
            Ok(Ok(())) => Ok(thread),
            Ok(Err(fault)) => Err(StoreError::unavailable(DOING, fault)),
            Err(fault) => Err(StoreError::unavailable(DOING, fault)),
        }
    }

    fn stop(&self) {
        let running = self.0.lock().unwrap_or_else(PoisonError::into_inner).take();
        if let Some((stop, thread)) = running {
            drop(stop);
            if thread.join().is_err() {
                warn!("the change feed's thread had panicked");
            }
        }
    }
}

impl Drop for FeedThread {
    fn drop(&mut self) {
        self.stop();
    }
}

/// What the triggers of a database announce. What makes no sense was written by hand, and could mean any change.
pub(crate) fn announced(kind: &str, tenant: &str, id: &str) -> Change {
    let change = match kind {
        "session" => parsed(tenant, id).map(|(tenant, id)| Change::Session(SessionKey { tenant, id })),
        "user" => parsed(tenant, id).map(|(tenant, id)| Change::User(UserKey { tenant, id })),
        "tenant" => tenant.parse().ok().map(Change::Tenant),
        _ => None,
    };
    change.unwrap_or(Change::Everything)
}

fn parsed<I: FromStr>(tenant: &str, id: &str) -> Option<(TenantId, I)> {
    tenant.parse().ok().zip(id.parse().ok())
}
