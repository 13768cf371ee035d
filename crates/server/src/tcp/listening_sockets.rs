//! Sockets of the TCP transport: TCP addresses or a Unix socket, with TLS or without.

use std::io;
use std::os::fd::{AsFd, BorrowedFd};
use std::sync::Arc;

use tokio::io::{AsyncRead, AsyncWrite};
use tokio::net::TcpListener;
use tokio_rustls::TlsAcceptor;
use tokio_rustls::rustls::ServerConfig;

use crate::config::{Tcp, TcpListen};
use portcullis_transport::listener::{
    Accept, InheritedSockets, ListenError, NetworkSocket, Peer, SocketFile, UnixSocket, bind_all,
};

/// The setting that names these sockets.
const SETTING: &str = "tcp.listen";

/// Opens the configured sockets: none, TCP addresses or a Unix socket, with TLS if there is a certificate. Inherited
/// sockets are taken where there are any.
///
/// # Errors
/// An address or a path that this process cannot have.
pub async fn bind(config: &Tcp, inherited: &mut InheritedSockets) -> Result<Vec<Listener>, ListenError> {
    let listeners = match &config.listen {
        None => Vec::new(),
        Some(TcpListen::Unix(path)) => {
            let socket = UnixSocket::bind(SETTING, path, OWNER_AND_GROUP, inherited).await?;
            vec![Listener { socket: ListeningSocket::Unix(socket), tls: None }]
        }
        Some(TcpListen::Network(addresses)) => {
            bind_all(SETTING, addresses, inherited).await?.into_iter().map(Listener::from).collect()
        }
    };
    let secured = listeners.into_iter().map(|listener| match &config.tls {
        Some(tls) => listener.with_tls(tls.server()),
        None => listener,
    });
    Ok(secured.collect())
}

/// A listening socket, with TLS or without.
pub struct Listener {
    pub(super) socket: ListeningSocket,
    tls: Option<TlsAcceptor>,
}

pub(super) enum ListeningSocket {
    Network(NetworkSocket),
    Unix(UnixSocket),
}

/// Permissions of the socket's file: this process's user and group may connect.
const OWNER_AND_GROUP: u32 = 0o660;

impl From<TcpListener> for Listener {
    fn from(listener: TcpListener) -> Self {
        NetworkSocket::from(listener).into()
    }
}

impl From<NetworkSocket> for Listener {
    fn from(socket: NetworkSocket) -> Self {
        Self { socket: ListeningSocket::Network(socket), tls: None }
    }
}

impl Listener {
    /// The file of the socket, if it has one that goes with it.
    pub(crate) fn file(&self) -> Option<Arc<SocketFile>> {
        match &self.socket {
            ListeningSocket::Network(_) => None,
            ListeningSocket::Unix(socket) => socket.file.clone(),
        }
    }

    /// The same listener over TLS.
    #[must_use]
    pub fn with_tls(self, config: Arc<ServerConfig>) -> Self {
        Self { tls: Some(TlsAcceptor::from(config)), ..self }
    }
}

impl AsFd for Listener {
    fn as_fd(&self) -> BorrowedFd<'_> {
        match &self.socket {
            ListeningSocket::Network(socket) => socket.as_fd(),
            ListeningSocket::Unix(socket) => socket.listener.as_fd(),
        }
    }
}

impl Accept for Listener {
    type Connection = AcceptedConnection;

    async fn accept(&self) -> io::Result<(AcceptedConnection, Peer)> {
        let (stream, peer) = match &self.socket {
            ListeningSocket::Network(socket) => {
                let (stream, peer) = socket.accept().await?;
                (Box::new(stream) as Box<dyn ByteStream>, peer)
            }
            ListeningSocket::Unix(socket) => {
                (Box::new(socket.listener.accept().await?.0) as Box<dyn ByteStream>, Peer { address: None })
            }
        };
        Ok((AcceptedConnection { stream, tls: self.tls.clone() }, peer))
    }

    fn is_kept(&self) -> bool {
        match &self.socket {
            ListeningSocket::Network(socket) => socket.is_kept(),
            ListeningSocket::Unix(socket) => socket.is_kept(),
        }
    }
}

/// A connection before its TLS handshake.
pub struct AcceptedConnection {
    stream: Box<dyn ByteStream>,
    tls: Option<TlsAcceptor>,
}

/// A connection that carries bytes both ways.
pub(super) trait ByteStream: AsyncRead + AsyncWrite + Send + Unpin {}

impl<T: AsyncRead + AsyncWrite + Send + Unpin> ByteStream for T {}

impl AcceptedConnection {
    /// Does the TLS handshake, if there is TLS.
    pub(super) async fn open(self) -> io::Result<Box<dyn ByteStream>> {
        Ok(match self.tls {
            Some(tls) => Box::new(tls.accept(self.stream).await?),
            None => self.stream,
        })
    }
}
