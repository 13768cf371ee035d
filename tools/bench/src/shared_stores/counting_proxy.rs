//! What stands between a node and a store and counts round trips on the wire.
//!
//! A round trip begins where the node sends after the store has answered, so what is sent in pieces, or together, is
//! one. The connection of a change feed asks all the time; of it is counted what it is told of sessions instead.

use std::io;
use std::net::{Ipv4Addr, SocketAddr};
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::{TcpListener, TcpStream};
use tokio::task::JoinHandle;

/// What the connections of feeds begin with: of PostgreSQL, and of Redis.
const FEEDS: [&[u8]; 2] = [b"LISTEN \"portcullis", b"TRACKING"];
/// What announcements of sessions have in them: of PostgreSQL, and of Redis.
const ANNOUNCED: [&[u8]; 2] = [b"session/default/", b":s:{default:"];

/// A proxy; dropping it ends it.
#[derive(Debug)]
pub(super) struct CountingProxy {
    pub(super) address: SocketAddr,
    counts: Arc<WireCounts>,
    accepting: JoinHandle<()>,
}

#[derive(Debug, Default)]
struct WireCounts {
    round_trips: AtomicU64,
    announced: AtomicU64,
}

impl CountingProxy {
    pub(super) async fn to(server: SocketAddr) -> io::Result<Self> {
        let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).await?;
        let address = listener.local_addr()?;
        let counts = Arc::new(WireCounts::default());
        let counting = counts.clone();
        let accepting = tokio::spawn(async move {
            while let Ok((node, _)) = listener.accept().await {
                tokio::spawn(carry(node, server, counting.clone()));
            }
        });
        Ok(Self { address, counts, accepting })
    }

    /// Round trips so far of connections that are no feed's.
    pub(super) fn round_trips(&self) -> u64 {
        self.counts.round_trips.load(Ordering::Relaxed)
    }

    /// How often a session was announced so far.
    pub(super) fn announced(&self) -> u64 {
        self.counts.announced.load(Ordering::Relaxed)
    }
}

impl Drop for CountingProxy {
    fn drop(&mut self) {
        self.accepting.abort();
    }
}

async fn carry(mut node: TcpStream, server: SocketAddr, counts: Arc<WireCounts>) -> io::Result<()> {
    let mut store = TcpStream::connect(server).await?;
    node.set_nodelay(true)?;
    store.set_nodelay(true)?;
    let (mut asked, mut answered) = (vec![0; 64 * 1024], vec![0; 64 * 1024]);
    let (mut node_was_last, mut is_feed) = (false, false);
    loop {
        tokio::select! {
            read = node.read(&mut asked) => {
                let bytes = asked.get(..read?).unwrap_or_default();
                if bytes.is_empty() {
                    return Ok(());
                }
                is_feed |= FEEDS.iter().any(|begin| occurrences(bytes, begin) > 0);
                if !node_was_last && !is_feed {
                    counts.round_trips.fetch_add(1, Ordering::Relaxed);
                }
                node_was_last = true;
                store.write_all(bytes).await?;
            }
            read = store.read(&mut answered) => {
                let bytes = answered.get(..read?).unwrap_or_default();
                if bytes.is_empty() {
                    return Ok(());
                }
                if is_feed {
                    let announced: u64 = ANNOUNCED.iter().map(|name| occurrences(bytes, name)).sum();
                    counts.announced.fetch_add(announced, Ordering::Relaxed);
                }
                node_was_last = false;
                node.write_all(bytes).await?;
            }
        }
    }
}

fn occurrences(bytes: &[u8], of: &[u8]) -> u64 {
    bytes.windows(of.len()).map(|window| u64::from(window == of)).sum()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn what_is_sent_before_an_answer_is_one_round_trip_and_a_feed_has_none() {
        let store = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).await.unwrap();
        let proxy = CountingProxy::to(store.local_addr().unwrap()).await.unwrap();
        let mut node = TcpStream::connect(proxy.address).await.unwrap();
        let (mut store_side, _) = store.accept().await.unwrap();
        let mut heard = [0; 3];
        for _ in 0..2 {
            for piece in [b"one", b"two"] {
                node.write_all(piece).await.unwrap();
                store_side.read_exact(&mut heard).await.unwrap();
            }
            store_side.write_all(b"yes").await.unwrap();
            node.read_exact(&mut heard).await.unwrap();
        }
        assert_eq!((proxy.round_trips(), proxy.announced()), (2, 0));
        node.write_all(b"CLIENT TRACKING").await.unwrap();
        store_side.write_all(b"p:s:{default:abc}:x p:s:{default:abd}:y!").await.unwrap();
        node.read_exact(&mut [0; 40]).await.unwrap();
        assert_eq!((proxy.round_trips(), proxy.announced()), (2, 2));
    }
}
