//! What stands between a node and a store, and can be cut. It tells a connection that listens for changes from others.

use std::io;
use std::net::{Ipv4Addr, SocketAddr};
use std::sync::atomic::{AtomicBool, Ordering};

use tokio::io::{AsyncRead, AsyncReadExt as _, AsyncWrite, AsyncWriteExt as _};
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::watch;
use tokio::task::JoinHandle;

/// What becomes of the bytes.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(super) enum Passage {
    /// They are passed on.
    Open,
    /// They are held back on the way to one side or both, and neither is told.
    Silent(Held),
    /// The same on both ways, but only on connections that listen for changes.
    FeedsSilent,
    /// Connections are broken, and no other is accepted.
    Closed,
}

/// Which bytes are held back.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(super) enum Held {
    All,
    Questions,
    Answers,
}

/// What a client says before the server announces changes to it: the question of the feed of PostgreSQL, and the
/// command of the feed of Redis.
const LISTENS: [&[u8]; 2] = [b"pg_listening_channels", b"TRACKING"];
/// The most bytes that are passed on at once.
const BUFFER: usize = 16 * 1024;
/// Within how many bytes a client says so.
const SAYS_WITHIN: usize = 16 * 1024;

/// A proxy; dropping it breaks its connections.
#[derive(Debug)]
pub(super) struct TcpProxy {
    address: SocketAddr,
    server: watch::Sender<SocketAddr>,
    passage: watch::Sender<Passage>,
    accepting: JoinHandle<()>,
}

impl TcpProxy {
    pub(super) async fn to(server: SocketAddr) -> io::Result<Self> {
        let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).await?;
        let address = listener.local_addr()?;
        let (passage, watched) = watch::channel(Passage::Open);
        let (server, named) = watch::channel(server);
        let accepting = tokio::spawn(async move {
            while let Ok((client, _)) = listener.accept().await {
                let server = *named.borrow();
                tokio::spawn(carry(client, server, watched.clone()));
            }
        });
        Ok(Self { address, server, passage, accepting })
    }

    /// Leads new connections to another server.
    pub(super) fn lead_to(&self, server: SocketAddr) {
        self.server.send_replace(server);
    }

    pub(super) const fn address(&self) -> SocketAddr {
        self.address
    }

    pub(super) fn set(&self, passage: Passage) {
        self.passage.send_replace(passage);
    }
}

impl Drop for TcpProxy {
    fn drop(&mut self) {
        self.accepting.abort();
    }
}

async fn carry(mut client: TcpStream, server: SocketAddr, passage: watch::Receiver<Passage>) {
    if *passage.borrow() == Passage::Closed {
        return;
    }
    let Ok(mut server) = TcpStream::connect(server).await else { return };
    let (from_client, to_client) = client.split();
    let (from_server, to_server) = server.split();
    let is_feed = AtomicBool::new(false);
    let way = |held| Way { passage: passage.clone(), held, is_feed: &is_feed };
    let mut changes = passage.clone();
    // The end of one direction is that of the connection: both sides know no half-closed ones.
    tokio::select! {
        _ = way(Held::Questions).pass(from_client, to_server) => {}
        _ = way(Held::Answers).pass(from_server, to_client) => {}
        _ = changes.wait_for(|passage| *passage == Passage::Closed) => {}
    }
}

/// One direction of a connection.
struct Way<'a> {
    passage: watch::Receiver<Passage>,
    /// Of which bytes it is the way.
    held: Held,
    is_feed: &'a AtomicBool,
}

impl Way<'_> {
    /// Passes on what comes, as far as it may. What is held back is passed on later.
    async fn pass(
        mut self,
        mut from: impl AsyncRead + Unpin,
        mut to: impl AsyncWrite + Unpin,
    ) -> io::Result<()> {
        let (mut buffer, mut said) = (vec![0; BUFFER], Vec::new());
        loop {
            let read = from.read(&mut buffer).await?;
            let Some(bytes) = buffer.get(..read).filter(|bytes| !bytes.is_empty()) else { return Ok(()) };
            if self.held == Held::Questions && said.len() < SAYS_WITHIN {
                said.extend_from_slice(bytes);
                self.is_feed.store(listens(&said), Ordering::Relaxed);
            }
            let (held, is_feed) = (self.held, self.is_feed);
            let is_open = |passage: &Passage| match passage {
                Passage::Open => true,
                Passage::Silent(which) => *which != Held::All && *which != held,
                Passage::FeedsSilent => !is_feed.load(Ordering::Relaxed),
                Passage::Closed => false,
            };
            self.passage.wait_for(is_open).await.map_err(io::Error::other)?;
            to.write_all(bytes).await?;
        }
    }
}

/// Whether a client has asked for changes.
fn listens(said: &[u8]) -> bool {
    LISTENS.iter().any(|question| said.windows(question.len()).any(|part| part == *question))
}

#[cfg(test)]
mod tests {
    use super::*;

    /// A server that sends back what it gets.
    async fn echo() -> SocketAddr {
        let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).await.unwrap();
        let address = listener.local_addr().unwrap();
        tokio::spawn(async move {
            while let Ok((mut client, _)) = listener.accept().await {
                tokio::spawn(async move {
                    let (mut from, mut to) = client.split();
                    tokio::io::copy(&mut from, &mut to).await
                });
            }
        });
        address
    }

    async fn says(connection: &mut TcpStream, text: &str) {
        connection.write_all(text.as_bytes()).await.unwrap();
    }

    async fn hears(connection: &mut TcpStream, text: &str) {
        let mut heard = vec![0; text.len()];
        connection.read_exact(&mut heard).await.unwrap();
        assert_eq!(str::from_utf8(&heard).unwrap(), text);
    }

    fn has_nothing(connection: &TcpStream) {
        let nothing = connection.try_read(&mut [0]).map_err(|fault| fault.kind());
        assert_eq!(nothing, Err(io::ErrorKind::WouldBlock));
    }

    #[tokio::test]
    async fn feeds_are_held_back_alone_and_get_everything_later() {
        let proxy = TcpProxy::to(echo().await).await.unwrap();
        let mut feed = TcpStream::connect(proxy.address()).await.unwrap();
        let mut other = TcpStream::connect(proxy.address()).await.unwrap();
        // What a client says may come in pieces.
        for piece in ["CLIENT TRACK", "ING ON"] {
            says(&mut feed, piece).await;
            hears(&mut feed, piece).await;
        }
        proxy.set(Passage::FeedsSilent);
        says(&mut feed, "barrier").await;
        let mut new_feed = TcpStream::connect(proxy.address()).await.unwrap();
        says(&mut new_feed, "TRACKING").await;
        for _ in 0..20 {
            says(&mut other, "query").await;
            hears(&mut other, "query").await;
            for held in [&feed, &new_feed] {
                has_nothing(held);
            }
        }
        proxy.set(Passage::Open);
        hears(&mut feed, "barrier").await;
        hears(&mut new_feed, "TRACKING").await;
        proxy.set(Passage::Closed);
        assert_eq!(other.read(&mut [0]).await.unwrap_or_default(), 0);
    }

    #[tokio::test]
    async fn one_direction_can_be_held_back_alone() {
        for held in [Held::Questions, Held::Answers] {
            let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).await.unwrap();
            let proxy = TcpProxy::to(listener.local_addr().unwrap()).await.unwrap();
            let mut client = TcpStream::connect(proxy.address()).await.unwrap();
            let (mut server, _) = listener.accept().await.unwrap();
            let (hearing, deaf) = match held {
                Held::Questions => (&mut client, &mut server),
                _ => (&mut server, &mut client),
            };
            proxy.set(Passage::Silent(held));
            for _ in 0..20 {
                says(hearing, "held").await;
                says(deaf, "passed").await;
                hears(hearing, "passed").await;
                has_nothing(deaf);
            }
            proxy.set(Passage::Open);
            hears(deaf, "held").await;
        }
    }
}
