//! Network sockets to listen on.

use std::io;
use std::os::fd::{AsFd, BorrowedFd};

use tokio::net::{TcpListener, TcpStream};

use super::{Accept, Peer};

/// A listening network socket.
#[derive(Debug)]
pub struct NetworkSocket {
    /// The socket itself.
    pub listener: TcpListener,
    /// Whether the service manager has it, too.
    pub(super) is_kept: bool,
}

impl From<TcpListener> for NetworkSocket {
    /// One that this process has opened.
    fn from(listener: TcpListener) -> Self {
        Self { listener, is_kept: false }
    }
}

impl AsFd for NetworkSocket {
    fn as_fd(&self) -> BorrowedFd<'_> {
        self.listener.as_fd()
    }
}

impl Accept for NetworkSocket {
    type Connection = TcpStream;

    async fn accept(&self) -> io::Result<(TcpStream, Peer)> {
        let (stream, address) = self.listener.accept().await?;
        // A small answer must not wait for a full segment.
        let _ = stream.set_nodelay(true);
        Ok((stream, Peer { address: Some(address) }))
    }

    fn is_kept(&self) -> bool {
        self.is_kept
    }
}
