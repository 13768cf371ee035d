//! The threads of change feeds: each belongs to a watch, and all end with their store.
//!
//! What begins or drops a watch is a task of a runtime, so neither waits on its thread: not for a connection to a
//! database that does not answer, and not for one that is closed.

use std::error::Error;
use std::str::FromStr;
use std::sync::{Arc, Mutex, PoisonError};
use std::thread::{self, JoinHandle};

use portcullis_core::clock::Ticks;
use portcullis_core::id::{SessionKey, TenantId, UserKey};
use portcullis_core::store::{Change, ChangeSink, StoreError, Stored, Watch};
use tokio::sync::oneshot;
use tracing::warn;

use crate::sql::revocations::AnnouncedRevocation;

const DOING: &str = "watch for changes";

/// The threads of a store's watches, which end with it. None once it was closed.
pub(crate) struct FeedThreads(Mutex<Option<Vec<FeedThread>>>);

/// Takes the word of a feed that it has begun, or why it could not.
pub(crate) type FeedReady<E> = oneshot::Sender<Result<(), E>>;

impl Default for FeedThreads {
    fn default() -> Self {
        Self(Mutex::new(Some(Vec::new())))
    }
}

impl FeedThreads {
    /// Runs a feed on a thread of its own, and returns once it has said that it has begun. The thread must end when
    /// `stop` is dropped: with the watch, or with the store, which is `closed` then. It tells its changes to the sink
    /// that it is given, which passes them on to `sink` for as long as the watch lasts.
    pub(crate) async fn watch<E, C>(
        &self,
        name: &str,
        stop: impl Send + 'static,
        closed: C,
        sink: Arc<dyn ChangeSink>,
        run: impl FnOnce(Arc<dyn ChangeSink>, FeedReady<E>) + Send + 'static,
    ) -> Stored<Watch>
    where
        E: Error + Send + Sync + 'static,
        C: Error + Send + Sync + 'static,
    {
        let (ready, begun) = oneshot::channel();
        let guard = WatchGuard { stop: StopSignal::new(stop), sink: Arc::new(WatchSink::new(sink)) };
        let passed_on = guard.sink.clone();
        self.start(name, guard.stop.clone(), closed, move || run(passed_on, ready))?;
        match begun.await {
            Ok(Ok(())) => Ok(Watch::new(guard)),
            Ok(Err(fault)) => Err(StoreError::unavailable(DOING, fault)),
            Err(fault) => Err(StoreError::unavailable(DOING, fault)),
        }
    }

    fn start(
        &self,
        name: &str,
        stop: StopSignal,
        closed: impl Error + Send + Sync + 'static,
        run: impl FnOnce() + Send + 'static,
    ) -> Stored<()> {
        let mut threads = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let threads = threads.as_mut().ok_or_else(|| StoreError::unavailable(DOING, closed))?;
        threads.extract_if(.., |thread| thread.handle.is_finished()).for_each(FeedThread::join);
        // Under the lock: a thread that starts after the store was closed would not be waited for.
        let handle = thread::Builder::new().name(name.to_owned()).spawn(run);
        let handle = handle.map_err(|fault| StoreError::unavailable(DOING, fault))?;
        threads.push(FeedThread { stop, handle });
        Ok(())
    }

    /// Ends all watches, and waits until their connections are closed, also those of watches that were dropped. None
    /// can begin any more.
    pub(crate) fn stop(&self) {
        let threads = self.0.lock().unwrap_or_else(PoisonError::into_inner).take().unwrap_or_default();
        for thread in &threads {
            thread.stop.give();
        }
        threads.into_iter().for_each(FeedThread::join);
    }
}

struct FeedThread {
    stop: StopSignal,
    handle: JoinHandle<()>,
}

impl FeedThread {
    fn join(self) {
        if self.handle.join().is_err() {
            warn!("the change feed's thread had panicked");
        }
    }
}

/// What ends a thread when it is dropped: by the watch or by the store.
#[derive(Clone)]
struct StopSignal(Arc<Mutex<Option<Box<dyn Send>>>>);

impl StopSignal {
    fn new(stop: impl Send + 'static) -> Self {
        Self(Arc::new(Mutex::new(Some(Box::new(stop)))))
    }

    fn give(&self) {
        drop(self.0.lock().unwrap_or_else(PoisonError::into_inner).take());
    }
}

/// Ends a watch when it is dropped. Its thread may take a moment longer, but the sink is told nothing more.
struct WatchGuard {
    stop: StopSignal,
    sink: Arc<WatchSink>,
}

impl Drop for WatchGuard {
    fn drop(&mut self) {
        self.stop.give();
        self.sink.end();
    }
}

/// The sink of a watch; `None` once that has ended.
struct WatchSink(Mutex<Option<Arc<dyn ChangeSink>>>);

impl WatchSink {
    fn new(sink: Arc<dyn ChangeSink>) -> Self {
        Self(Mutex::new(Some(sink)))
    }

    /// Waits for what the sink is being told at this moment.
    fn end(&self) {
        let sink = self.0.lock().unwrap_or_else(PoisonError::into_inner).take();
        drop(sink);
    }

    fn tell(&self, what: impl FnOnce(&dyn ChangeSink)) {
        if let Some(sink) = &*self.0.lock().unwrap_or_else(PoisonError::into_inner) {
            what(&**sink);
        }
    }
}

impl ChangeSink for WatchSink {
    fn changed(&self, change: &Change) {
        self.tell(|sink| sink.changed(change));
    }

    fn proven(&self, sent: Ticks) {
        self.tell(|sink| sink.proven(sent));
    }
}

/// What the triggers of a database announce; `None` for a revocation of what has no id of ours. What makes no sense was
/// written by hand, and could mean any change.
pub(crate) fn announced(kind: &str, tenant: &str, id: &str) -> Option<Change> {
    let change = match kind {
        "session" => parsed(tenant, id).map(|(tenant, id)| Change::Session(SessionKey { tenant, id })),
        "user" => parsed(tenant, id).map(|(tenant, id)| Change::User(UserKey { tenant, id })),
        "tenant" => tenant.parse().ok().map(Change::Tenant),
        "revocation" => match AnnouncedRevocation::read(id) {
            Some(read) => return read.of(tenant).map(|it| Change::Revoked(Box::new(it))),
            None => None,
        },
        _ => None,
    };
    Some(change.unwrap_or(Change::Everything))
}

fn parsed<I: FromStr>(tenant: &str, id: &str) -> Option<(TenantId, I)> {
    tenant.parse().ok().zip(id.parse().ok())
}

#[cfg(test)]
mod tests;
