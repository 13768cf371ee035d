//! The change feed: a connection of its own, to which the server announces every change of a watched key.
//!
//! The server sends an announcement on this connection before the answer to whatever was sent after the change was
//! acknowledged. So the feed removes a key that is not there, again and again: the answer proves that no change is
//! missing, and that the server is still a primary. A server whose memory is full answers that, too. Thread, runtime
//! and connection belong to the watch alone, so that load on the server's runtime does not delay them.

use std::sync::Arc;
use std::time::Duration;

use portcullis_core::clock::Clock;
use portcullis_core::store::{Change, ChangeSink, Stored, Watch};
use redis::aio::MultiplexedConnection;
use redis::{Client, PushInfo, PushKind, RedisError, Value};
use thiserror::Error;
use tokio::runtime::Builder;
use tokio::sync::oneshot;
use tokio::time::sleep;
use tracing::{info, warn};

use super::connection::{config, connect};
use super::keys::Keys;
use crate::feed_threads::{FeedReady, FeedThreads};

/// The pause between two proofs.
const BARRIER_EVERY: Duration = Duration::from_millis(100);
/// How long one may take before the connection counts as lost.
const BARRIER_DEADLINE: Duration = Duration::from_secs(2);
/// The first and the longest pause before another connection is tried.
const FIRST_PAUSE: Duration = Duration::from_millis(50);
const LONGEST_PAUSE: Duration = Duration::from_secs(1);

/// The store was closed.
#[derive(Clone, Copy, Debug, Error)]
#[error("the connection to Redis has been closed")]
struct Closed;

/// Announces what becomes of sessions from now on, until the watch is dropped or the store is closed.
pub(super) async fn watch(
    feeds: &FeedThreads,
    client: Client,
    keys: Keys,
    clock: Arc<dyn Clock>,
    sink: Arc<dyn ChangeSink>,
) -> Stored<Watch> {
    // Nothing is sent: the thread ends when the sender is dropped.
    let (stop, stopped) = oneshot::channel::<()>();
    let run = move |sink, ready| run(&TrackingFeed { client, keys, clock, sink }, ready, stopped);
    feeds.watch("redis-feed", stop, Closed, sink, run).await
}

fn run(tracking: &TrackingFeed, ready: FeedReady<RedisError>, stopped: oneshot::Receiver<()>) {
    let runtime = match Builder::new_current_thread().enable_all().build() {
        Ok(runtime) => runtime,
        Err(fault) => return drop(ready.send(Err(fault.into()))),
    };
    runtime.block_on(async {
        tokio::select! {
            // The caller may have given up the watch before it began.
            _ = stopped => {}
            () = tracking.announce(ready) => {}
        }
    });
    runtime.shutdown_background();
}

struct TrackingFeed {
    client: Client,
    keys: Keys,
    clock: Arc<dyn Clock>,
    sink: Arc<dyn ChangeSink>,
}

impl TrackingFeed {
    async fn announce(&self, ready: FeedReady<RedisError>) {
        let mut feed = match self.connected().await {
            Ok(feed) => feed,
            Err(fault) => return drop(ready.send(Err(fault))),
        };
        // An error only says that the caller has given up the watch: then the thread is stopped, too.
        let _ = ready.send(Ok(()));
        let mut pause = FIRST_PAUSE;
        loop {
            let fault = self.follow(&mut feed, &mut pause).await;
            // A server that takes a connection and proves nothing is lost again and again: that is said once.
            if pause == FIRST_PAUSE {
                warn!(%fault, "the change feed of Redis is lost");
            }
            drop(feed);
            feed = self.connected_again(&mut pause).await;
            self.sink.changed(&Change::AllSessions);
        }
    }

    /// A connection to which the server announces changes.
    async fn connected(&self) -> Result<MultiplexedConnection, RedisError> {
        let (keys, sink) = (self.keys.clone(), self.sink.clone());
        // Announcements are applied where they are read, so that none is behind an answer that comes after it.
        let hear = move |push: PushInfo| {
            for change in changes(&keys, push) {
                sink.changed(&change);
            }
            Ok::<(), ()>(())
        };
        let config = config().set_response_timeout(Some(BARRIER_DEADLINE)).set_push_sender(hear);
        let mut feed = connect(&self.client, config).await?;
        track(&mut feed, &self.keys).await?;
        Ok(feed)
    }

    async fn connected_again(&self, pause: &mut Duration) -> MultiplexedConnection {
        loop {
            sleep(*pause).await;
            *pause = (*pause * 2).min(LONGEST_PAUSE);
            if let Ok(feed) = self.connected().await {
                return feed;
            }
        }
    }

    /// Proves that no change is missing until the connection is lost, and returns why it is.
    async fn follow(&self, feed: &mut MultiplexedConnection, pause: &mut Duration) -> RedisError {
        let mut barrier = redis::cmd("DEL");
        barrier.arg(self.keys.barrier());
        loop {
            let sent = self.clock.ticks();
            if let Err(fault) = barrier.query_async::<()>(feed).await {
                return fault;
            }
            if *pause > FIRST_PAUSE {
                info!("the change feed of Redis is back");
                *pause = FIRST_PAUSE;
            }
            self.sink.proven(sent);
            sleep(BARRIER_EVERY.saturating_sub(self.clock.ticks().since(sent))).await;
        }
    }
}

/// Asks for the announcements of all sessions on this connection.
pub(super) async fn track(feed: &mut MultiplexedConnection, keys: &Keys) -> Result<(), RedisError> {
    let mut track = redis::cmd("CLIENT");
    track.arg("TRACKING").arg("ON").arg("BCAST").arg("PREFIX").arg(keys.watched());
    track.query_async(feed).await
}

/// What an announcement says. Without keys, the server was emptied; one that makes no sense could mean any change.
fn changes(keys: &Keys, push: PushInfo) -> Vec<Change> {
    if push.kind != PushKind::Invalidate {
        return Vec::new();
    }
    let named = push.data.into_iter().flat_map(|data| match data {
        Value::Array(names) => names,
        other => vec![other],
    });
    let change = |name: Value| match name {
        Value::BulkString(name) => str::from_utf8(&name).ok().and_then(|name| keys.session_of(name)),
        _ => None,
    };
    named.map(|name| change(name).map_or(Change::AllSessions, Change::Session)).collect()
}

#[cfg(test)]
mod tests {
    use portcullis_core::store::conformance::records::{new_user_key, session, tenant};

    use super::*;

    #[test]
    fn an_announcement_names_sessions_or_means_all() {
        let keys = Keys("p:".to_owned());
        let known = session(&new_user_key(&tenant("acme")));
        let name = |text: &str| Value::BulkString(text.as_bytes().to_vec());
        let said = |kind, data| changes(&keys, PushInfo { kind, data });
        let names = vec![name(&keys.session(&known.key)), name("p:s:x")];
        assert_eq!(
            said(PushKind::Invalidate, vec![Value::Array(names)]),
            [Change::Session(known.key), Change::AllSessions]
        );
        assert_eq!(said(PushKind::Invalidate, vec![Value::Nil]), [Change::AllSessions]);
        assert_eq!(said(PushKind::Disconnection, Vec::new()), []);
    }
}
