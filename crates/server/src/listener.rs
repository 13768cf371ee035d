//! Listening sockets, and the loop that accepts connections: one way for HTTP and for microservices.
//!
//! It knows no protocol. What is said over a connection is the business of the function that serves it.

mod open_connections;

use std::any::Any;
use std::future::pending;
use std::io;
use std::net::{IpAddr, SocketAddr};
use std::time::Duration;

use rustix::io::Errno;
use thiserror::Error;
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::watch;
use tokio::time::{Interval, MissedTickBehavior, interval, sleep, timeout};
use tracing::{debug, error, warn};

pub(crate) use open_connections::ConnectionSlot;
use open_connections::OpenConnections;

use crate::config::Listen;

/// The other end of a connection.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Peer {
    /// Its address and port; `None` on a Unix socket.
    pub address: Option<SocketAddr>,
}

impl Peer {
    /// Its address without the port; `None` on a Unix socket.
    #[must_use]
    pub fn ip(&self) -> Option<IpAddr> {
        self.address.map(|address| address.ip())
    }
}

/// How many connections a listener serves, and how it stops.
#[derive(Clone, Copy, Debug)]
pub struct AcceptLimits {
    /// Open connections at once. For a further client an idle one is closed; if none is idle, the client waits.
    pub connections: usize,
    /// How long requests in flight may take once the server stops.
    pub shutdown: Duration,
    /// How long a connection may be idle, and how long the head of a request may take; `None` where connections have
    /// deadlines of their own.
    pub idle: Option<Duration>,
}

/// An address or path that cannot be listened on.
#[derive(Debug, Error)]
#[error("{setting}: cannot listen on {place}: {source}; stop the program that uses it, or configure another")]
pub struct ListenError {
    /// The setting that names it.
    pub(crate) setting: &'static str,
    /// The address or path.
    pub(crate) place: String,
    /// The system's error.
    pub(crate) source: io::Error,
}

/// Listens on all addresses that a setting names.
///
/// # Errors
/// The first address that this process cannot have. One that is optional may be missing on the machine, but not taken
/// by another program, whom clients would reach in its place; and one of all must be there.
pub async fn bind_all(setting: &'static str, listen: &[Listen]) -> Result<Vec<TcpListener>, ListenError> {
    let (mut listeners, mut missing) = (Vec::new(), Vec::new());
    for Listen { address, optional } in listen {
        let refused = |source| ListenError { setting, place: address.to_string(), source };
        match TcpListener::bind(address).await {
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

/// Whether the machine does not have the address: a machine may lack `[::1]` or `127.0.0.1`.
fn is_not_here(fault: &io::Error) -> bool {
    let no_family = Errno::AFNOSUPPORT.raw_os_error();
    fault.kind() == io::ErrorKind::AddrNotAvailable || fault.raw_os_error() == Some(no_family)
}

/// A socket that gives connections.
pub trait Accept: Send + Sync {
    /// A connection that nothing was read from yet.
    type Connection: Send + 'static;

    /// Waits for the next connection. No connection is lost if the future is dropped.
    fn accept(&self) -> impl Future<Output = io::Result<(Self::Connection, Peer)>> + Send;
}

impl Accept for TcpListener {
    type Connection = TcpStream;

    async fn accept(&self) -> io::Result<(TcpStream, Peer)> {
        let (stream, address) = Self::accept(self).await?;
        // A small answer must not wait for a full segment.
        let _ = stream.set_nodelay(true);
        Ok((stream, Peer { address: Some(address) }))
    }
}

/// How long to wait after the system refused a connection, for example because no file descriptor is free.
const ACCEPT_PAUSE: Duration = Duration::from_millis(50);

/// How long a client waits for a slot before another connection is closed for it: those that end by themselves go
/// first.
const SHORT_OF_SLOTS: Duration = Duration::from_millis(2);

/// Turns true when the connection must end, because the server stops or needs its slot.
pub(crate) type Stopped = watch::Receiver<bool>;

/// Waits until the connection must end.
pub(crate) async fn until(mut stopped: Stopped) {
    let _ = stopped.wait_for(|stopped| *stopped).await;
}

/// Accepts connections until `stop` and serves each on a task of its own. Then it waits, up to `limits.shutdown`, for
/// those that are open; each is told to end by its [`Stopped`].
///
/// No address has a limit of its own, because an office or a proxy has many clients. If all slots are taken when a
/// client comes, a connection on which nothing happens is closed for it.
pub(crate) async fn serve<L: Accept, F: Future<Output = ()> + Send + 'static>(
    listener: L,
    limits: AcceptLimits,
    stop: impl Future<Output = ()>,
    serve: impl Fn(L::Connection, Peer, ConnectionSlot) -> F,
) {
    let mut open = OpenConnections::default();
    let mut looks = Looks::at(limits.idle);
    let mut waiting = None;
    tokio::pin!(stop);
    loop {
        if open.len() < limits.connections
            && let Some((connection, peer)) = waiting.take()
        {
            open.spawn(peer, |slot| serve(connection, peer, slot));
        }
        let is_short = waiting.is_some();
        tokio::select! {
            accepted = listener.accept(), if !is_short => match accepted {
                Ok(accepted) => waiting = Some(accepted),
                Err(fault) => {
                    debug!(%fault, "a connection could not be accepted");
                    sleep(ACCEPT_PAUSE).await;
                }
            },
            () = open.ended() => (),
            () = looks.next() => open.look(LOOKS),
            () = sleep(SHORT_OF_SLOTS), if is_short => open.close_an_idle_one(),
            () = &mut stop => break,
        }
    }
    drop(listener);
    open.stop();
    let all = async {
        while open.len() > 0 {
            tokio::select! {
                () = open.ended() => (),
                () = looks.next() => open.look(LOOKS),
            }
        }
    };
    if timeout(limits.shutdown, all).await.is_err() {
        warn!("the shutdown timeout has passed: requests that still run are cut off");
    }
}

/// How many looks at the connections there are in the time for which one may be idle.
const LOOKS: u32 = 16;

/// When to look for connections that are idle for too long.
struct Looks(Option<Interval>);

impl Looks {
    fn at(idle: Option<Duration>) -> Self {
        Self(idle.map(|idle| {
            let mut looks = interval(idle / LOOKS);
            // Looks that come late in quick succession would count as time.
            looks.set_missed_tick_behavior(MissedTickBehavior::Delay);
            looks
        }))
    }

    /// Waits for the next; for ever if there is none. None is lost if the future is dropped.
    async fn next(&mut self) {
        match &mut self.0 {
            Some(looks) => {
                looks.tick().await;
            }
            None => pending().await,
        }
    }
}

/// Logs a panic of a handler in one line. It is a bug of ours: the client learns nothing of it, and the process goes
/// on.
pub(crate) fn log_handler_panic(panic: &(dyn Any + Send), command: Option<&str>) {
    let text = panic.downcast_ref::<String>().map(String::as_str);
    let text = text.or_else(|| panic.downcast_ref::<&str>().copied()).unwrap_or("of unknown kind");
    error!(panic = text, command, "a handler panicked");
}

#[cfg(test)]
mod tests {
    use super::*;

    /// An address that no machine has (RFC 5737).
    const NOWHERE: &str = "192.0.2.1:0";

    fn optional(address: &str) -> Listen {
        Listen { address: address.parse().unwrap(), optional: true }
    }

    #[tokio::test]
    async fn one_address_of_localhost_is_enough_but_none_may_be_taken() {
        let found = bind_all("listen", &[optional(NOWHERE), optional("127.0.0.1:0")]).await.unwrap();
        assert_eq!(found.len(), 1);
        assert!(bind_all("listen", &[optional(NOWHERE)]).await.is_err(), "it listens nowhere");
        let taken = found[0].local_addr().unwrap().to_string();
        let refused = bind_all("listen", &[optional("127.0.0.1:0"), optional(&taken)]).await.unwrap_err();
        assert_eq!((refused.place, refused.source.kind()), (taken, io::ErrorKind::AddrInUse));
    }
}
