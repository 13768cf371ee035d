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
pub mod packet;
mod request;
mod sockets;

#[cfg(test)]
mod tests;

use std::future::Future;
use std::sync::Arc;
use std::time::Duration;

use async_trait::async_trait;
use serde_json::value::RawValue;
use tokio::time::timeout;
use tracing::debug;

pub use dispatch::Surface;
pub use packet::fault;
pub use sockets::{Listener, bind};

use crate::config::Config;
use crate::listener::{self, AcceptLimits, Peer, Stopped, until};
use connection::ConnectionError;
use deadline::WaitingFor;
use sockets::AcceptedConnection;

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

/// What a peer may take of the server.
#[derive(Clone, Copy, Debug)]
pub struct TcpConnectionLimits {
    /// How many connections, and how they end.
    pub accept: AcceptLimits,
    /// The text of a frame, in bytes.
    pub frame: usize,
    /// Requests and events of one connection that run at once; further ones wait to be read.
    pub in_flight: usize,
    /// How long a connection is kept on which nothing happens.
    pub idle: Duration,
    /// How long a packet may take once it has begun, a TLS handshake, and a peer to take any of what it is sent.
    pub packet: Duration,
}

impl TcpConnectionLimits {
    /// As a configuration has them.
    #[must_use]
    pub const fn of(config: &Config) -> Self {
        Self {
            accept: AcceptLimits {
                connections: config.tcp.limits.connections,
                shutdown: config.timeouts.shutdown,
            },
            frame: config.tcp.limits.frame,
            in_flight: config.tcp.limits.in_flight,
            idle: config.tcp.timeouts.idle,
            packet: config.tcp.timeouts.packet,
        }
    }
}

/// What all connections of a listener share.
struct ConnectionContext {
    dispatch: Arc<dyn Dispatch>,
    limits: TcpConnectionLimits,
}

/// How long a connection that we close is still listened to: closing it over bytes that nobody read would reset it, and
/// take answers along that are on their way.
const LINGER: Duration = Duration::from_secs(1);

/// Serves on a listener until `stop`, and then until what is in flight is answered.
pub async fn serve(
    listener: Listener,
    dispatch: Arc<dyn Dispatch>,
    limits: TcpConnectionLimits,
    stop: impl Future<Output = ()>,
) {
    let context = Arc::new(ConnectionContext { dispatch, limits });
    let serve = |connection, peer, stopped| context.clone().attend(connection, peer, stopped);
    listener::serve(listener, limits.accept, stop, serve).await;
}

impl ConnectionContext {
    /// Sees one connection through.
    async fn attend(self: Arc<Self>, connection: AcceptedConnection, peer: Peer, stopped: Stopped) {
        let opened = tokio::select! {
            opened = timeout(self.limits.packet, connection.open()) => opened,
            () = until(stopped.clone()) => return,
        };
        let ended = match opened {
            Ok(Ok(stream)) => connection::run(stream, peer, &self, stopped).await,
            Ok(Err(fault)) => Err(ConnectionError::Io(fault)),
            Err(_) => Err(ConnectionError::TooSlow(WaitingFor::RestOfPacket)),
        };
        if let Err(broken) = ended {
            debug!(%broken, ?peer, "a microservice connection broke");
        }
    }
}
