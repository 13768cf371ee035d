//! Addresses and paths that a configuration names, as listening sockets.

use std::io;
use std::net::SocketAddr;

use rustix::io::Errno;
use thiserror::Error;
use tokio::net::{TcpListener, TcpSocket};
use tracing::warn;

use super::inherited::InheritedSockets;
use super::network::NetworkSocket;
use portcullis_config::parse::Listen;

/// How many clients may wait to be accepted. The system allows fewer where `net.core.somaxconn` says so.
const MOST_WAITING: u32 = 1024;

/// An address or path that cannot be listened on.
#[derive(Debug, Error)]
#[error("{setting}: cannot listen on {place}: {source}; stop the program that uses it, or configure another")]
pub struct ListenError {
    /// The setting that names it.
    pub setting: &'static str,
    /// The address or path.
    pub place: String,
    /// The system's error.
    pub source: io::Error,
}

/// Listens on all addresses that a setting names, on inherited sockets where there are any.
///
/// # Errors
/// The first address that this process cannot have. One that is optional may be missing on the machine, but not taken
/// by another program: clients would reach that one in its place. And one of all must be there.
pub async fn bind_all(
    setting: &'static str,
    listen: &[Listen],
    inherited: &mut InheritedSockets,
) -> Result<Vec<NetworkSocket>, ListenError> {
    let (mut listeners, mut missing) = (Vec::new(), Vec::new());
    for Listen { address, optional } in listen {
        let refused = |source| ListenError { setting, place: address.to_string(), source };
        let bound = match inherited.take_network(setting, *address) {
            Some(taken) => taken,
            None => listening_at(*address).map(NetworkSocket::from),
        };
        match bound {
            Ok(listener) => listeners.push(listener),
            Err(fault) if *optional && is_not_here(&fault) => missing.push(refused(fault)),
            Err(fault) => return Err(refused(fault)),
        }
    }
    if listeners.is_empty()
        && let Some(first) = missing.drain(..).next()
    {
        return Err(first);
    }
    for ListenError { place, source, .. } in missing {
        warn!(fault = %source, address = place, setting, "not listening on this address");
    }
    Ok(listeners)
}

fn listening_at(address: SocketAddr) -> io::Result<TcpListener> {
    let socket = if address.is_ipv4() { TcpSocket::new_v4() } else { TcpSocket::new_v6() }?;
    // A restart need not wait for connections of the process before.
    socket.set_reuseaddr(true)?;
    socket.bind(address)?;
    socket.listen(MOST_WAITING)
}

/// Whether the machine does not have the address: a machine may lack `[::1]` or `127.0.0.1`.
fn is_not_here(fault: &io::Error) -> bool {
    let no_family = Errno::AFNOSUPPORT.raw_os_error();
    fault.kind() == io::ErrorKind::AddrNotAvailable || fault.raw_os_error() == Some(no_family)
}

#[cfg(test)]
mod tests {
    use tokio::net::TcpStream;

    use super::*;

    /// An address that no machine has (RFC 5737).
    const NOWHERE: &str = "192.0.2.1:0";

    fn optional(address: &str) -> Listen {
        Listen { address: address.parse().unwrap(), optional: true }
    }

    #[tokio::test]
    async fn one_address_of_localhost_is_enough_but_none_may_be_taken() {
        let bound =
            async |listen: &[Listen]| bind_all("listen", listen, &mut InheritedSockets::default()).await;
        let found = bound(&[optional(NOWHERE), optional("127.0.0.1:0")]).await.unwrap();
        assert_eq!(found.len(), 1);
        assert!(bound(&[optional(NOWHERE)]).await.is_err(), "it listens nowhere");
        let taken = found[0].listener.local_addr().unwrap().to_string();
        let refused = bound(&[optional("127.0.0.1:0"), optional(&taken)]).await.unwrap_err();
        assert_eq!((refused.place, refused.source.kind()), (taken, io::ErrorKind::AddrInUse));
    }

    #[tokio::test]
    async fn five_hundred_clients_connect_before_one_is_accepted() {
        let (listen, mut inherited) = ([optional("127.0.0.1:0")], InheritedSockets::default());
        let server = bind_all("listen", &listen, &mut inherited).await.unwrap().remove(0).listener;
        let address = server.local_addr().unwrap();
        let mut clients = Vec::new();
        for _ in 0..500 {
            clients.push(TcpStream::connect(address).await.unwrap());
        }
        for client in clients {
            let (_, accepted) = server.accept().await.unwrap();
            assert_eq!(accepted, client.local_addr().unwrap());
        }
    }
}
