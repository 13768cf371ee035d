//! What stands between a node and a store, and can be cut.

use std::io;
use std::net::{Ipv4Addr, SocketAddr};

use tokio::io::copy_bidirectional;
use tokio::net::{TcpListener, TcpStream};
use tokio::pin;
use tokio::sync::watch;
use tokio::task::JoinHandle;

/// What becomes of the bytes.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(super) enum Passage {
    /// They are passed on.
    Open,
    /// They are held back, and neither side is told.
    Silent,
    /// Connections are broken, and no other is accepted.
    Closed,
}

/// A proxy; dropping it breaks its connections.
#[derive(Debug)]
pub(super) struct TcpProxy {
    address: SocketAddr,
    passage: watch::Sender<Passage>,
    accepting: JoinHandle<()>,
}

impl TcpProxy {
    pub(super) async fn to(server: SocketAddr) -> io::Result<Self> {
        let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).await?;
        let address = listener.local_addr()?;
        let (passage, watched) = watch::channel(Passage::Open);
        let accepting = tokio::spawn(async move {
            while let Ok((client, _)) = listener.accept().await {
                tokio::spawn(carry(client, server, watched.clone()));
            }
        });
        Ok(Self { address, passage, accepting })
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

async fn carry(mut client: TcpStream, server: SocketAddr, mut passage: watch::Receiver<Passage>) {
    if *passage.borrow_and_update() == Passage::Closed {
        return;
    }
    let Ok(mut server) = TcpStream::connect(server).await else { return };
    let carrying = copy_bidirectional(&mut client, &mut server);
    pin!(carrying);
    loop {
        let is_open = *passage.borrow_and_update() == Passage::Open;
        tokio::select! {
            // What it holds when it is silent is passed on later.
            _ = &mut carrying, if is_open => return,
            changed = passage.changed() => {
                if changed.is_err() || *passage.borrow() == Passage::Closed {
                    return;
                }
            }
        }
    }
}
