//! Listening sockets that another process has opened: the service manager, or the server that ran before.
//!
//! A socket is taken where the configuration names its address. So no setting is passed over: what may be listened on
//! is decided by the configuration alone.

use std::io;
use std::net::{SocketAddr, TcpListener as StdTcpListener};
use std::os::fd::OwnedFd;
use std::os::unix::net::UnixListener as StdUnixListener;
use std::path::{Path, PathBuf};

use rustix::net::sockopt::{socket_acceptconn, socket_domain, socket_type};
use rustix::net::{AddressFamily, SocketType};
use thiserror::Error;
use tokio::net::{TcpListener, UnixListener};
use tracing::warn;

use super::network::NetworkSocket;

/// What passed sockets are called, and the setting that each of them is for. Any other name says nothing.
const NAMES: [(&str, &str); 4] =
    [("http", "listen"), ("tcp", "tcp.listen"), ("metrics", "metrics.listen"), ("handover", "handover")];

/// Who passed a socket.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum SocketGiver {
    /// The service manager, which keeps it, too.
    ServiceManager,
    /// The server that ran before, which gives it up.
    ServerBefore {
        /// Whether the service manager keeps it.
        is_kept: bool,
    },
}

impl SocketGiver {
    /// Whether the service manager keeps the socket.
    #[must_use]
    pub const fn keeps(self) -> bool {
        matches!(self, Self::ServiceManager | Self::ServerBefore { is_kept: true })
    }
}

/// The service manager passes what the server has no use for.
#[derive(Debug, Error)]
#[error(
    "LISTEN_FDS: the service manager passes {place} as {name:?}, and no setting that may have it (listen, tcp.listen, \
     metrics.listen, handover) names it; let the unit of the socket and the configuration name the same address"
)]
pub struct UnwantedSocket {
    place: String,
    name: String,
}

/// A listening socket that another process has opened.
#[derive(Debug)]
pub struct InheritedSocket {
    giver: SocketGiver,
    name: String,
    socket: BoundSocket,
}

#[derive(Debug)]
enum BoundSocket {
    Network(StdTcpListener, SocketAddr),
    Unix(StdUnixListener, PathBuf),
}

impl BoundSocket {
    fn unix(socket: StdUnixListener) -> io::Result<Self> {
        let path = socket.local_addr()?.as_pathname().map(Path::to_owned);
        Ok(Self::Unix(socket, path.unwrap_or_default()))
    }

    fn network(socket: StdTcpListener) -> io::Result<Self> {
        let address = socket.local_addr()?;
        Ok(Self::Network(socket, address))
    }
}

impl InheritedSocket {
    /// Sees what a descriptor is.
    ///
    /// # Errors
    /// It is no listening socket, or not one on which streams of bytes arrive.
    pub fn new(giver: SocketGiver, name: String, socket: OwnedFd) -> io::Result<Self> {
        if !socket_acceptconn(&socket)? || socket_type(&socket)? != SocketType::STREAM {
            return Err(io::Error::new(io::ErrorKind::InvalidInput, "it is no listening stream socket"));
        }
        let is_unix = socket_domain(&socket)? == AddressFamily::UNIX;
        let socket =
            if is_unix { BoundSocket::unix(socket.into()) } else { BoundSocket::network(socket.into()) };
        Ok(Self { giver, name, socket: socket? })
    }

    fn is_for(&self, setting: &str) -> bool {
        let row = NAMES.iter().find(|(name, _)| *name == self.name);
        row.is_none_or(|(_, named)| *named == setting)
    }

    fn place(&self) -> String {
        match &self.socket {
            BoundSocket::Network(_, address) => address.to_string(),
            BoundSocket::Unix(_, path) => path.display().to_string(),
        }
    }
}

/// The sockets that have not been taken yet.
#[derive(Debug, Default)]
pub struct InheritedSockets(Vec<InheritedSocket>);

impl InheritedSockets {
    /// These sockets. Of two with one address the first counts.
    #[must_use]
    pub const fn new(sockets: Vec<InheritedSocket>) -> Self {
        Self(sockets)
    }

    /// Adds more.
    pub fn extend(&mut self, sockets: Vec<InheritedSocket>) {
        self.0.extend(sockets);
    }

    /// The socket for an address of a setting, if there is one. Port 0 is any.
    pub fn take_network(&mut self, setting: &str, address: SocketAddr) -> Option<io::Result<NetworkSocket>> {
        let (socket, giver) = self.take(setting, |socket| match socket {
            BoundSocket::Network(_, bound) => {
                bound.ip() == address.ip() && (bound.port() == address.port() || address.port() == 0)
            }
            BoundSocket::Unix(..) => false,
        })?;
        let BoundSocket::Network(socket, _) = socket else { return None };
        let socket = socket.set_nonblocking(true).and_then(|()| TcpListener::from_std(socket));
        Some(socket.map(|listener| NetworkSocket { listener, is_kept: giver.keeps() }))
    }

    /// The socket at a path of a setting, if there is one, and who passed it.
    pub fn take_unix(
        &mut self,
        setting: &str,
        path: &Path,
    ) -> Option<io::Result<(UnixListener, SocketGiver)>> {
        let is_it = |socket: &BoundSocket| matches!(socket, BoundSocket::Unix(_, bound) if bound == path);
        let (socket, giver) = self.take(setting, is_it)?;
        let BoundSocket::Unix(socket, _) = socket else { return None };
        let socket = socket.set_nonblocking(true).and_then(|()| UnixListener::from_std(socket));
        Some(socket.map(|socket| (socket, giver)))
    }

    fn take(
        &mut self,
        setting: &str,
        is_it: impl Fn(&BoundSocket) -> bool,
    ) -> Option<(BoundSocket, SocketGiver)> {
        let at = self.0.iter().position(|known| known.is_for(setting) && is_it(&known.socket))?;
        let taken = self.0.remove(at);
        Some((taken.socket, taken.giver))
    }

    /// Closes what is left. The server before may have listened where this one does not any more.
    ///
    /// # Errors
    /// The service manager has passed a socket that nothing listens on: its clients would wait for ever.
    pub fn finish(self) -> Result<(), UnwantedSocket> {
        for left in self.0 {
            let place = left.place();
            if left.giver == SocketGiver::ServiceManager {
                return Err(UnwantedSocket { place, name: left.name });
            }
            warn!(address = place, "the server before listened on this address, and this one does not");
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn passed(giver: SocketGiver, name: &str) -> (InheritedSocket, SocketAddr) {
        let socket = StdTcpListener::bind("127.0.0.1:0").unwrap();
        let address = socket.local_addr().unwrap();
        (InheritedSocket::new(giver, name.to_owned(), socket.into()).unwrap(), address)
    }

    // ASVS-map: OP4
    #[tokio::test]
    async fn a_socket_is_taken_by_the_setting_that_names_its_address_and_by_no_other() {
        let (first, address) = passed(SocketGiver::ServiceManager, "http");
        let (second, other) = passed(SocketGiver::ServiceManager, "portcullis.socket");
        let mut sockets = InheritedSockets::new(vec![first, second]);
        assert!(sockets.take_network("tcp.listen", address).is_none(), "its name is http");
        let elsewhere = SocketAddr::new("127.0.0.2".parse().unwrap(), address.port());
        assert!(sockets.take_network("listen", elsewhere).is_none());
        let taken = sockets.take_network("listen", address).unwrap().unwrap();
        assert_eq!(taken.listener.local_addr().unwrap(), address);
        assert!(sockets.take_network("listen", address).is_none(), "it is taken");
        let any = "127.0.0.1:0".parse().unwrap();
        let taken = sockets.take_network("tcp.listen", any).unwrap().unwrap();
        assert_eq!(taken.listener.local_addr().unwrap(), other);
        sockets.finish().unwrap();
    }

    #[test]
    fn what_the_service_manager_passes_must_be_named_and_what_the_server_before_had_need_not() {
        let (left, address) = passed(SocketGiver::ServiceManager, "http");
        let refused = InheritedSockets::new(vec![left]).finish().unwrap_err().to_string();
        assert!(refused.contains(&format!("passes {address} as \"http\"")), "{refused}");
        let (left, _) = passed(SocketGiver::ServerBefore { is_kept: true }, "http");
        InheritedSockets::new(vec![left]).finish().unwrap();
    }

    #[test]
    fn a_socket_that_does_not_listen_is_refused() {
        let listening = StdTcpListener::bind("127.0.0.1:0").unwrap();
        let client = std::net::TcpStream::connect(listening.local_addr().unwrap()).unwrap();
        let datagrams = std::net::UdpSocket::bind("127.0.0.1:0").unwrap();
        for descriptor in [OwnedFd::from(client), OwnedFd::from(datagrams)] {
            InheritedSocket::new(SocketGiver::ServiceManager, String::new(), descriptor).unwrap_err();
        }
    }
}
