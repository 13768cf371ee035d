//! Connections to an upstream that wait for a request.

use std::sync::{Arc, Mutex, PoisonError, Weak};
use std::time::Duration;

use futures_util::FutureExt as _;
use tokio::time::sleep;

use super::connection::UpstreamConnection;

/// A connection is kept for twice this at most. Many servers close one after five seconds, and a request that meets
/// that moment is lost.
const SWEEP: Duration = Duration::from_secs(2);

/// The connections to one upstream that wait for a request.
#[derive(Default)]
pub(super) struct KeptConnections(Mutex<WaitingConnections>);

#[derive(Default)]
struct WaitingConnections {
    /// The one that was used last is at the end.
    connections: Vec<KeptConnection>,
    /// How many sweeps there were.
    sweeps: u64,
    is_swept: bool,
}

struct KeptConnection {
    connection: UpstreamConnection,
    since: u64,
}

impl KeptConnections {
    /// The one that was used last.
    pub(super) fn take(&self) -> Option<UpstreamConnection> {
        self.with(|waiting| waiting.connections.pop()).map(|kept| kept.connection)
    }

    /// Keeps a connection once it can be used again. Until then a task drives it.
    pub(super) fn keep(self: &Arc<Self>, mut connection: UpstreamConnection) {
        match connection.becomes_free().now_or_never() {
            Some(true) => self.push(connection),
            Some(false) => {}
            None => drop(tokio::spawn(self.clone().keep_when_free(connection))),
        }
    }

    async fn keep_when_free(self: Arc<Self>, mut connection: UpstreamConnection) {
        if connection.becomes_free().await {
            self.push(connection);
        }
    }

    fn push(self: &Arc<Self>, connection: UpstreamConnection) {
        let is_swept = self.with(|waiting| {
            waiting.connections.push(KeptConnection { connection, since: waiting.sweeps });
            std::mem::replace(&mut waiting.is_swept, true)
        });
        if !is_swept {
            tokio::spawn(sweep(Arc::downgrade(self)));
        }
    }

    /// Closes those that have waited since before the last sweep; `false` if none is left.
    fn swept(&self) -> bool {
        // Closed once the lock is released: each request takes it.
        let (_closed, is_swept) = self.with(|waiting| {
            let old = waiting.connections.partition_point(|kept| kept.since < waiting.sweeps);
            let closed: Vec<KeptConnection> = waiting.connections.drain(..old).collect();
            waiting.sweeps += 1;
            waiting.is_swept = !waiting.connections.is_empty();
            (closed, waiting.is_swept)
        });
        is_swept
    }

    fn with<T>(&self, change: impl FnOnce(&mut WaitingConnections) -> T) -> T {
        change(&mut self.0.lock().unwrap_or_else(PoisonError::into_inner))
    }
}

/// Ends when no connection is left, or the upstream is served no more.
async fn sweep(kept: Weak<KeptConnections>) {
    loop {
        sleep(SWEEP).await;
        if !kept.upgrade().is_some_and(|kept| kept.swept()) {
            return;
        }
    }
}
