//! Listening sockets, and the loop that accepts connections: one way for HTTP and for microservices.
//!
//! It knows no protocol. What is said over a connection is the business of the function that serves it.

mod binding;
mod inherited;
mod network;
mod open_connections;
mod unix;

#[cfg(test)]
mod tests;

use std::any::Any;
use std::future::pending;
use std::io;
use std::net::{IpAddr, SocketAddr};
use std::time::Duration;

use futures_util::FutureExt as _;
use tokio::task::unconstrained;
use tokio::time::{Interval, MissedTickBehavior, interval, sleep, timeout};
use tracing::{debug, error, warn};

pub use binding::{ListenError, bind_all};
pub use inherited::{InheritedSocket, InheritedSockets, SocketGiver, UnwantedSocket};
pub use network::NetworkSocket;
use open_connections::OpenConnections;
pub use open_connections::{ConnectionEnd, ConnectionSlot, Told};
pub use unix::{SocketFile, UnixSocket};

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
    /// How long a connection without a request stays open then: its client may have sent one.
    pub drain: Duration,
    /// How long a connection may be idle, and how long the head of a request may take; `None` where connections have
    /// deadlines of their own.
    pub idle: Option<Duration>,
}

/// When a listener that stops gives up its socket.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum ListenerStop {
    /// At once: another process listens on it too, or clients may be refused.
    AtOnce,
    /// When the connections have ended that were open, or [`AcceptLimits::drain`] has passed. Until then clients need
    /// not wait for the next process.
    Drained,
}

/// A socket that gives connections.
pub trait Accept: Send + Sync {
    /// A connection that nothing was read from yet.
    type Connection: Send + 'static;

    /// Waits for the next connection. No connection is lost if the future is dropped.
    fn accept(&self) -> impl Future<Output = io::Result<(Self::Connection, Peer)>> + Send;

    /// Whether the service manager has the socket, too: clients wait there for the next process.
    fn is_kept(&self) -> bool;
}

/// How long to wait after the system refused a connection, for example because no file descriptor is free.
const ACCEPT_PAUSE: Duration = Duration::from_millis(50);

/// How long a client waits for a slot before another connection is closed for it: those that end by themselves go
/// first.
const SHORT_OF_SLOTS: Duration = Duration::from_millis(2);

/// How long the last clients that were accepted have for their request to come, at least.
const LAST_REQUESTS: Duration = Duration::from_secs(1);

/// Accepts connections until `stop` and serves each on a task of its own. Then each of them is told to end, and has up
/// to `limits.shutdown` for it: once it has answered a request, or has had none for `limits.drain`.
///
/// No address has a limit of its own, because an office or a proxy has many clients. If all slots are taken when a
/// client comes, a connection on which nothing happens is closed for it.
pub async fn serve<L: Accept, F: Future<Output = ()> + Send + 'static>(
    listener: L,
    limits: AcceptLimits,
    stop: impl Future<Output = ListenerStop>,
    serve: impl Fn(L::Connection, Peer, ConnectionSlot) -> F,
) {
    let mut acceptor = Acceptor {
        listener: Some(listener),
        limits,
        serve,
        open: OpenConnections::default(),
        looks: Looks::at(limits.idle),
        waiting: None,
    };
    tokio::pin!(stop);
    let how = loop {
        tokio::select! {
            () = acceptor.step() => (),
            how = &mut stop => break how,
        }
    };
    if timeout(limits.shutdown, acceptor.finish(how)).await.is_err() {
        warn!("the shutdown timeout has passed: requests that still run are cut off");
    }
}

/// A listening socket and the connections that it gave.
struct Acceptor<L: Accept, S> {
    /// `None` once no more connections are taken.
    listener: Option<L>,
    limits: AcceptLimits,
    serve: S,
    open: OpenConnections,
    looks: Looks,
    /// A connection that waits for a slot.
    waiting: Option<(L::Connection, Peer)>,
}

impl<L, F, S> Acceptor<L, S>
where
    L: Accept,
    F: Future<Output = ()> + Send + 'static,
    S: Fn(L::Connection, Peer, ConnectionSlot) -> F,
{
    /// Waits for what happens next, and reacts. No connection is lost if the future is dropped.
    async fn step(&mut self) {
        if self.open.len() < self.limits.connections {
            self.begin();
        }
        let is_short = self.waiting.is_some();
        tokio::select! {
            accepted = accepted(self.listener.as_ref()), if !is_short => match accepted {
                Ok(accepted) => self.waiting = Some(accepted),
                Err(fault) => {
                    debug!(%fault, "a connection could not be accepted");
                    sleep(ACCEPT_PAUSE).await;
                }
            },
            () = self.open.ended() => (),
            () = self.looks.next() => self.open.look(LOOKS),
            () = sleep(SHORT_OF_SLOTS), if is_short => self.open.close_an_idle_one(),
        }
    }

    /// Serves the connection that waits, if one does.
    fn begin(&mut self) {
        if let Some((connection, peer)) = self.waiting.take() {
            self.open.spawn(peer, |slot| (self.serve)(connection, peer, slot));
        }
    }

    /// Lets what is open come to its end.
    async fn finish(&mut self, how: ListenerStop) {
        let listens_on = how == ListenerStop::Drained && !self.limits.drain.is_zero();
        if !listens_on {
            self.listener = None;
        }
        self.begin();
        self.open.drain();
        if !self.limits.drain.is_zero() {
            let _ = timeout(self.limits.drain, self.until_drained()).await;
        }
        if listens_on {
            self.take_the_rest();
            let _ = timeout(self.limits.drain.max(LAST_REQUESTS), self.until_ended()).await;
        }
        self.open.stop();
        self.until_ended().await;
    }

    /// Waits until those have ended that were open when the stop began.
    async fn until_drained(&mut self) {
        while self.open.has_earlier() {
            self.step().await;
        }
    }

    /// Waits until none is open.
    async fn until_ended(&mut self) {
        while self.open.len() > 0 {
            self.step().await;
        }
    }

    /// Gives up the socket. If no other process has it, the connections that have come already are taken before,
    /// whatever the limit; those that come in between are reset: that cannot be helped.
    fn take_the_rest(&mut self) {
        self.begin();
        let Some(listener) = self.listener.take().filter(|listener| !listener.is_kept()) else { return };
        // Tokio would say after a number of them that there is no more.
        while let Some(Ok(accepted)) = unconstrained(listener.accept()).now_or_never() {
            self.waiting = Some(accepted);
            self.begin();
        }
    }
}

/// Waits for the next connection; for ever if there is no socket.
async fn accepted<L: Accept>(listener: Option<&L>) -> io::Result<(L::Connection, Peer)> {
    match listener {
        Some(listener) => listener.accept().await,
        None => pending().await,
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
pub fn log_handler_panic(panic: &(dyn Any + Send), command: Option<&str>) {
    let text = panic.downcast_ref::<String>().map(String::as_str);
    let text = text.or_else(|| panic.downcast_ref::<&str>().copied()).unwrap_or("of unknown kind");
    error!(panic = text, command, "a handler panicked");
}
