//! `NestJS` microservice clients over TCP: `ClientProxy` with `Transport.TCP`.
//!
//! In layers, each of which can be read alone: [`frame`] (bytes and texts), [`packet`] (texts and what they say),
//! `connection` (one peer's requests, answers and deadlines), `listener`, and here the connections together: taken up to a limit,
//! over TCP, TLS or a Unix socket, and finished when the server stops. What a command does is not the transport's
//! business: a [`Dispatch`] answers it.
//!
//! A server of `NestJS` is what clients expect, in all they can see: answers come in any order, an event gets none, and
//! what cannot be read ends its connection and no other. Where that server waits for ever or takes anything, this one
//! has limits.

mod connection;
mod deadline;
mod dispatch;
pub mod frame;
mod listener;
pub mod packet;
mod request;

#[cfg(test)]
mod tests;

use std::future::Future;
use std::net::{IpAddr, SocketAddr};
use std::sync::Arc;
use std::time::Duration;

use async_trait::async_trait;
use serde_json::value::RawValue;
use tokio::sync::{Semaphore, watch};
use tokio::task::JoinSet;
use tokio::time::{sleep, timeout};
use tracing::{debug, error, warn};

pub use dispatch::Surface;
pub use listener::{ListenError, Listener, bind};
pub use packet::fault;

use crate::config::Config;
use connection::ConnectionError;
use deadline::WaitingFor;
use listener::AcceptedConnection;

/// What answers a request.
#[async_trait]
pub trait Dispatch: Send + Sync + 'static {
    /// Whether there is a handler for a command: `cmd` of the pattern `{"cmd": …}`.
    fn knows(&self, command: &str) -> bool;

    /// Runs a command that is known, with the payload that came with it: some JSON, not judged yet, `null` where nothing
    /// came. What is returned goes to the client as it stands, in the member `response`.
    ///
    /// # Errors
    /// What goes into `err` in place of an answer, for a payload that cannot be read and for faults; [`fault`] makes
    /// one. It must not be `null`, `false`, `0` or an empty string: clients take those for no error.
    async fn answer(
        &self,
        command: &str,
        data: &RawValue,
        peer: &Peer,
    ) -> Result<Box<RawValue>, Box<RawValue>>;
}

/// Who is at the other end of a connection.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Peer {
    /// Where from; nowhere on a Unix socket.
    pub address: Option<SocketAddr>,
}

impl Peer {
    fn ip(&self) -> Option<IpAddr> {
        self.address.map(|address| address.ip())
    }
}

/// What a peer may take of the server.
#[derive(Clone, Copy, Debug)]
pub struct Limits {
    /// The text of a frame, in bytes.
    pub frame: usize,
    /// Open connections at once; further ones wait to be taken.
    pub connections: usize,
    /// Requests and events of one connection that run at once; further ones wait to be read.
    pub in_flight: usize,
    /// How long a connection is kept on which nothing happens.
    pub idle: Duration,
    /// How long a packet may take once it has begun, a TLS handshake, and a peer to take any of what it is sent.
    pub packet: Duration,
    /// How long what is in flight gets when the server stops.
    pub shutdown: Duration,
}

impl Limits {
    /// As a configuration has them.
    #[must_use]
    pub const fn of(config: &Config) -> Self {
        Self {
            frame: config.tcp.limits.frame,
            connections: config.tcp.limits.connections,
            in_flight: config.tcp.limits.in_flight,
            idle: config.tcp.timeouts.idle,
            packet: config.tcp.timeouts.packet,
            shutdown: config.timeouts.shutdown,
        }
    }
}

/// What all connections of a listener share.
struct ConnectionContext {
    dispatch: Arc<dyn Dispatch>,
    limits: Limits,
}

/// How long to wait when the machine gives no more connections.
const EXHAUSTED: Duration = Duration::from_millis(50);

/// How long a connection that we close is still listened to: closing it over bytes that nobody read would reset it, and
/// take answers along that are on their way.
const LINGER: Duration = Duration::from_secs(1);

/// Serves on a listener until `stop`, and then until what is in flight is answered.
pub async fn serve(
    listener: Listener,
    dispatch: Arc<dyn Dispatch>,
    limits: Limits,
    stop: impl Future<Output = ()>,
) {
    let context = Arc::new(ConnectionContext { dispatch, limits });
    let slots = Arc::new(Semaphore::new(limits.connections));
    let (stopping, stopped) = watch::channel(false);
    let mut connections = JoinSet::new();
    tokio::pin!(stop);
    loop {
        let arrival = async {
            let slot = slots.clone().acquire_owned().await;
            (listener.accept().await, slot)
        };
        let (accepted, slot) = tokio::select! {
            arrived = arrival => arrived,
            Some(ended) = connections.join_next() => { tell_panic(ended); continue }
            () = &mut stop => break,
        };
        match accepted {
            Ok(arrival) => {
                let (context, stopped) = (context.clone(), stopped.clone());
                connections.spawn(async move {
                    let _slot = slot;
                    context.attend(arrival, stopped).await;
                });
            }
            Err(fault) => {
                debug!(%fault, "a connection could not be taken");
                sleep(EXHAUSTED).await;
            }
        }
    }
    drop(listener);
    let _ = stopping.send(true);
    let all = async { while connections.join_next().await.is_some() {} };
    if timeout(limits.shutdown, all).await.is_err() {
        warn!("some microservice requests were still in flight when the time to stop was over");
    }
}

fn tell_panic(ended: Result<(), tokio::task::JoinError>) {
    if let Err(fault) = ended {
        error!(%fault, "a connection panicked");
    }
}

impl ConnectionContext {
    /// Sees one connection through.
    async fn attend(&self, arrival: AcceptedConnection, mut stopped: watch::Receiver<bool>) {
        let peer = arrival.peer;
        let opened = tokio::select! {
            opened = timeout(self.limits.packet, arrival.open()) => opened,
            _ = stopped.wait_for(|stopped| *stopped) => return,
        };
        let ended = match opened {
            Ok(Ok(stream)) => connection::run(stream, peer, self, stopped).await,
            Ok(Err(fault)) => Err(ConnectionError::Io(fault)),
            Err(_) => Err(ConnectionError::TooSlow(WaitingFor::RestOfPacket)),
        };
        if let Err(broken) = ended {
            debug!(%broken, ?peer, "a microservice connection broke");
        }
    }
}
