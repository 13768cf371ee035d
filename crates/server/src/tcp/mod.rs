//! `NestJS` microservice clients over TCP: `ClientProxy` with `Transport.TCP`.
//!
//! The layers can be read alone: [`frame`] (bytes and texts), [`packet`] (texts and their meaning), `connection` (one
//! client's requests, answers and deadlines), `listening_sockets` (TCP, TLS and Unix sockets). The transport does not
//! know what a command does: a [`Dispatch`] answers it.
//!
//! To a client it behaves like a server of `NestJS`: answers come in any order, an event gets no answer, and a broken
//! frame ends its connection and no other. Unlike that server, it has limits for time, size and number.

mod connection;
mod deadline;
mod dispatch;
pub mod frame;
mod listening_sockets;
pub mod packet;
mod request;

#[cfg(test)]
mod tests;

use std::sync::Arc;
use std::time::Duration;

use async_trait::async_trait;
use serde_json::value::RawValue;
use tokio::time::timeout;
use tracing::debug;

pub use dispatch::Surface;
pub use listening_sockets::{Listener, bind};
pub use packet::fault;

use crate::config::Config;
use connection::ConnectionError;
use deadline::WaitingFor;
use listening_sockets::AcceptedConnection;
use portcullis_transport::listener::{self, AcceptLimits, ConnectionEnd, ConnectionSlot, ListenerStop, Peer};

/// Answers requests.
#[async_trait]
pub trait Dispatch: Send + Sync + 'static {
    /// Whether there is a handler for a command, the `cmd` of the pattern `{"cmd": …}`.
    fn knows(&self, command: &str) -> bool;

    /// Runs a known command with its payload: unchecked JSON, `null` if there is none. The result goes to the client
    /// unchanged, as the member `response`.
    ///
    /// # Errors
    /// The member `err`, for a payload that cannot be read and for faults; [`fault`] makes one. It must not be `null`,
    /// `false`, `0` or an empty string: clients take those for no error.
    async fn answer(
        &self,
        command: &str,
        data: &RawValue,
        peer: &Peer,
    ) -> Result<Box<RawValue>, Box<RawValue>>;
}

/// Limits of the TCP transport.
#[derive(Clone, Copy, Debug)]
pub struct TcpConnectionLimits {
    /// How many connections, and how they end.
    pub accept: AcceptLimits,
    /// Largest text of a frame, in bytes.
    pub frame: usize,
    /// Requests and events of one connection that run at once; more are read when one is done.
    pub in_flight: usize,
    /// How long an idle connection stays open.
    pub idle: Duration,
    /// The longest time for the rest of a packet, for a TLS handshake, and for the client to read any of its answers.
    pub packet: Duration,
}

impl TcpConnectionLimits {
    /// The configured limits.
    #[must_use]
    pub const fn of(config: &Config) -> Self {
        Self {
            accept: AcceptLimits {
                connections: config.tcp.limits.connections,
                shutdown: config.timeouts.shutdown,
                drain: config.timeouts.drain,
                // The protocol has deadlines of its own.
                idle: None,
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

/// How long the server still reads from a connection that it closes. Closing a socket with unread bytes resets the
/// connection, and the client loses answers that are on their way.
const LINGER: Duration = Duration::from_secs(1);

/// Serves a listener until `stop`, then until the requests in flight are answered. No packet tells a client that its
/// connection will end, so clients do better to wait for the next process than to come back to this one.
pub async fn serve(
    listener: Listener,
    dispatch: Arc<dyn Dispatch>,
    limits: TcpConnectionLimits,
    stop: impl Future<Output = ()>,
) {
    let context = Arc::new(ConnectionContext { dispatch, limits });
    let serve = |connection, peer, slot| context.clone().attend(connection, peer, slot);
    let stop = async {
        stop.await;
        ListenerStop::AtOnce
    };
    listener::serve(listener, limits.accept, stop, serve).await;
}

impl ConnectionContext {
    /// Serves one connection.
    async fn attend(self: Arc<Self>, connection: AcceptedConnection, peer: Peer, slot: ConnectionSlot) {
        let opened = tokio::select! {
            opened = timeout(self.limits.packet, connection.open()) => opened,
            () = slot.must_end(ConnectionEnd::Now) => return,
        };
        let ended = match opened {
            Ok(Ok(stream)) => connection::run(stream, peer, &self, slot).await,
            Ok(Err(fault)) => Err(ConnectionError::Io(fault)),
            Err(_) => Err(ConnectionError::TooSlow(WaitingFor::RestOfPacket)),
        };
        if let Err(broken) = ended {
            debug!(%broken, ?peer, "a microservice connection broke");
        }
    }
}
