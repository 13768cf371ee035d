//! The change feed: a connection of its own, to which the server announces every change of a watched key.
//!
//! The server sends an announcement on this connection before the answer to whatever was sent after the change was
//! acknowledged. So the feed removes a key that is not there, again and again: the answer proves that no change is
//! missing, and that the server is still a primary. A server whose memory is full answers that, too. In the same round
//! trip it asks for the marker, which is gone if the server was emptied.

use std::io;
use std::sync::Arc;
use std::time::Duration;

use portcullis_core::clock::Clock;
use portcullis_core::store::{Change, ChangeSink, Stored, Watch};
use redis::aio::MultiplexedConnection;
use redis::{Client, PushInfo, PushKind, RedisError, Value};
use thiserror::Error;
use tokio::time::sleep;

use super::connection::{config, connect};
use super::keys::Keys;
use super::marker::{Marker, MarkerAgreement};
use crate::feed_threads::FeedThreads;
use crate::listening_feed::{self, ListeningFeed};

/// The pause between two proofs.
const BARRIER_EVERY: Duration = Duration::from_millis(100);
/// How long one may take before the connection counts as lost.
const BARRIER_DEADLINE: Duration = Duration::from_secs(2);

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
    agreement: Arc<MarkerAgreement>,
    sink: Arc<dyn ChangeSink>,
) -> Stored<Watch> {
    let make = move |sink| TrackingFeed { client, keys, clock, agreement, sink };
    listening_feed::watch(feeds, Closed, sink, make).await
}

struct TrackingFeed {
    client: Client,
    keys: Keys,
    clock: Arc<dyn Clock>,
    agreement: Arc<MarkerAgreement>,
    sink: Arc<dyn ChangeSink>,
}

impl ListeningFeed for TrackingFeed {
    type Connection = MultiplexedConnection;
    type Fault = RedisError;

    const NAME: &'static str = "redis-feed";
    const MISSED: Change = Change::AllSessions;

    fn fault(fault: io::Error) -> RedisError {
        fault.into()
    }

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

    async fn prove(&self, feed: &mut MultiplexedConnection) -> Result<(), RedisError> {
        let sent = self.clock.ticks();
        let mut barrier = redis::pipe();
        barrier.cmd("DEL").arg(self.keys.barrier()).ignore().cmd("GET").arg(self.keys.marker());
        let (marker,): (Option<Vec<u8>>,) = barrier.query_async(feed).await?;
        self.agreement.found(marker.as_deref().map(Marker::read).as_ref())?;
        self.sink.proven(sent);
        sleep(BARRIER_EVERY.saturating_sub(self.clock.ticks().since(sent))).await;
        Ok(())
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
