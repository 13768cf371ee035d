//! What a peer owes, and until when.

use std::future::pending;
use std::pin::Pin;
use std::time::Duration;

use tokio::time::{Sleep, sleep};

use super::Limits;

/// What a peer is waited for.
#[derive(Clone, Copy, PartialEq, Eq, Default, Debug)]
pub(super) enum Awaited {
    /// Nothing: it is our turn.
    #[default]
    Nothing,
    /// To take some of its answers.
    Taking,
    /// The rest of a packet that it began.
    Rest,
    /// To say anything.
    Word,
}

/// The time until which what is awaited must have come. It begins anew when something else is awaited, and not with
/// every byte: a packet that trickles in is not waited for longer than one that stays away.
#[derive(Default)]
pub(super) struct Deadline {
    awaited: Awaited,
    sleep: Option<Pin<Box<Sleep>>>,
}

impl Deadline {
    /// Awaits this from now on, if it is not awaited already.
    pub(super) fn await_for(&mut self, awaited: Awaited, limits: &Limits) {
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
    pub(super) async fn passed(&mut self) -> Awaited {
        match &mut self.sleep {
            Some(sleep) => sleep.await,
            None => pending().await,
        }
        self.awaited
    }
}

const fn span(awaited: Awaited, limits: &Limits) -> Option<Duration> {
    match awaited {
        Awaited::Nothing => None,
        Awaited::Taking | Awaited::Rest => Some(limits.packet),
        Awaited::Word => Some(limits.idle),
    }
}
