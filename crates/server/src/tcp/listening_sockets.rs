//! Sockets of the TCP transport: TCP addresses or a Unix socket, with TLS or without.

use std::io;
use std::os::unix::fs::{FileTypeExt as _, PermissionsExt as _};
use std::path::Path;
use std::sync::Arc;

use tempfile::TempPath;
use tokio::io::{AsyncRead, AsyncWrite};
use tokio::net::{TcpListener, UnixListener, UnixStream};
use tokio_rustls::TlsAcceptor;
use tokio_rustls::rustls::ServerConfig;

use crate::config::{Tcp, TcpListen};
use crate::listener::{Accept, ListenError, Peer, bind_all};

/// The setting that names these sockets.
const SETTING: &str = "tcp.listen";

/// Opens the configured sockets: none, TCP addresses or a Unix socket, with TLS if there is a certificate.
///
/// # Errors
/// An address or a path that this process cannot have.
pub async fn bind(config: &Tcp) -> Result<Vec<Listener>, ListenError> {
    let listeners = match &config.listen {
        None => Vec::new(),
        Some(TcpListen::Unix(path)) => {
            let refused =
                |source| ListenError { setting: SETTING, place: path.display().to_string(), source };
            vec![Listener::unix(path).await.map_err(refused)?]
        }
        Some(TcpListen::Network(addresses)) => {
            bind_all(SETTING, addresses).await?.into_iter().map(Listener::from).collect()
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
    Network(TcpListener),
    /// Dropping the path removes the file of the socket.
    Unix {
        listener: UnixListener,
        _file: TempPath,
    },
}

/// Permissions of the socket's file: this process's user and group may connect.
const OWNER_AND_GROUP: u32 = 0o660;

impl From<TcpListener> for Listener {
    fn from(listener: TcpListener) -> Self {
        Self { socket: ListeningSocket::Network(listener), tls: None }
    }
}

impl Listener {
    /// A Unix socket at this path, for this process's user and group. It replaces the socket of a process that is gone,
    /// and nothing else.
    ///
    /// # Errors
    /// The system's error.
    pub async fn unix(path: &Path) -> io::Result<Self> {
        if is_left_over(path).await {
            std::fs::remove_file(path)?;
        }
        let listener = UnixListener::bind(path)?;
        let file = TempPath::try_from_path(path)?;
        std::fs::set_permissions(path, std::fs::Permissions::from_mode(OWNER_AND_GROUP))?;
        Ok(Self { socket: ListeningSocket::Unix { listener, _file: file }, tls: None })
    }

    /// The same listener over TLS.
    #[must_use]
    pub fn with_tls(self, config: Arc<ServerConfig>) -> Self {
        Self { tls: Some(TlsAcceptor::from(config)), ..self }
    }
}

impl Accept for Listener {
    type Connection = AcceptedConnection;

    async fn accept(&self) -> io::Result<(AcceptedConnection, Peer)> {
        let (stream, peer) = match &self.socket {
            ListeningSocket::Network(listener) => {
                let (stream, peer) = Accept::accept(listener).await?;
                (Box::new(stream) as Box<dyn ByteStream>, peer)
            }
            ListeningSocket::Unix { listener, .. } => {
                (Box::new(listener.accept().await?.0) as Box<dyn ByteStream>, Peer { address: None })
            }
        };
        Ok((AcceptedConnection { stream, tls: self.tls.clone() }, peer))
    }
}

/// Whether the path is a socket on which no process listens.
async fn is_left_over(path: &Path) -> bool {
    let is_socket = std::fs::symlink_metadata(path).is_ok_and(|there| there.file_type().is_socket());
    is_socket
        && UnixStream::connect(path)
            .await
            .is_err_and(|fault| fault.kind() == io::ErrorKind::ConnectionRefused)
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
