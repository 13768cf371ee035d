//! The deadline of what the server waits for.

use std::future::pending;
use std::pin::Pin;
use std::time::Duration;

use tokio::time::{Sleep, sleep};

use super::TcpConnectionLimits;

/// What the server waits for.
#[derive(Clone, Copy, PartialEq, Eq, Default, Debug)]
pub(super) enum WaitingFor {
    /// Nothing: the server is working.
    #[default]
    Nothing,
    /// The client reads some of its answers.
    Delivery,
    /// The rest of a packet that has begun.
    RestOfPacket,
    /// The next packet.
    NextPacket,
}

/// The time limit of what the server waits for. It starts again when the server waits for something else, not with
/// every byte: a packet that trickles in gets no more time than one that does not come.
#[derive(Default)]
pub(super) struct Deadline {
    awaited: WaitingFor,
    sleep: Option<Pin<Box<Sleep>>>,
}

impl Deadline {
    /// Starts the time limit of `awaited`, unless it runs already.
    pub(super) fn await_for(&mut self, awaited: WaitingFor, limits: &TcpConnectionLimits) {
        if self.awaited != awaited {
            self.awaited = awaited;
            self.sleep = span(awaited, limits).map(|span| Box::pin(sleep(span)));
        }
    }

    /// Stops the time limit, because something came.
    pub(super) fn start_again(&mut self) {
        *self = Self::default();
    }

    /// Waits until the time limit has passed.
    pub(super) async fn passed(&mut self) -> WaitingFor {
        match &mut self.sleep {
            Some(sleep) => sleep.await,
            None => pending().await,
        }
        self.awaited
    }
}

const fn span(awaited: WaitingFor, limits: &TcpConnectionLimits) -> Option<Duration> {
    match awaited {
        WaitingFor::Nothing => None,
        WaitingFor::Delivery | WaitingFor::RestOfPacket => Some(limits.packet),
        WaitingFor::NextPacket => Some(limits.idle),
    }
}
