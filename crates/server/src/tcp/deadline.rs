//! What a peer owes, and until when.

use std::future::pending;
use std::pin::Pin;
use std::time::Duration;

use tokio::time::{Sleep, sleep};

use super::TcpConnectionLimits;

/// What a peer is waited for.
#[derive(Clone, Copy, PartialEq, Eq, Default, Debug)]
pub(super) enum WaitingFor {
    /// Nothing: it is our turn.
    #[default]
    Nothing,
    /// To take some of its answers.
    Delivery,
    /// The rest of a packet that it began.
    RestOfPacket,
    /// To say anything.
    NextPacket,
}

/// The time until which what is awaited must have come. It begins anew when something else is awaited, and not with
/// every byte: a packet that trickles in is not waited for longer than one that stays away.
#[derive(Default)]
pub(super) struct Deadline {
    awaited: WaitingFor,
    sleep: Option<Pin<Box<Sleep>>>,
}

impl Deadline {
    /// Awaits this from now on, if it is not awaited already.
    pub(super) fn await_for(&mut self, awaited: WaitingFor, limits: &TcpConnectionLimits) {
        if self.awaited != awaited {
            self.awaited = awaited;
            self.sleep = span(awaited, limits).map(|span| Box::pin(sleep(span)));
        }
    }

    /// Some of it came: what is awaited next has all its time.
    pub(super) fn start_again(&mut self) {
        *self = Self::default();
    }

    /// Ends when the time is over.
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
