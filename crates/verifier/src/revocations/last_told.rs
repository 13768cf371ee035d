//! Values of which the last one told counts, where several logs tell them.
//!
//! A verifier reads the logs of several nodes in turn, and each log is in the order in which its node heard. A log that
//! was not read for a while repeats what the others told long ago, and nothing in a record says which is older. But the
//! times do: a log was proven complete when it was last read, so what it tells since was revoked after that proof. If
//! the value at hand came before the proof, the record is the newer one.

use portcullis_core::clock::{Ticks, Timestamp};
use portcullis_core::revocation::wire::{LogId, MARGIN};

/// Where and when records were told.
#[derive(Clone, Debug)]
pub(crate) struct RecordSource {
    /// The log in whose order the records are; `None` where the database was read, which may be ahead of every log.
    pub(crate) log: Option<LogId>,
    /// What was revoked before this, on our clock, is not among the records, or is told as it stood then at the least.
    pub(crate) since: Ticks,
    /// When the answer was made, on the server's clock.
    pub(crate) issued: Timestamp,
    /// When it came, on ours.
    pub(crate) now: Ticks,
}

impl RecordSource {
    /// Until when a record is kept, on our clock: the server's own says only how long that is from now.
    pub(super) fn end(&self, until: Timestamp) -> Ticks {
        self.now.plus(until.since(self.issued)).plus(MARGIN)
    }
}

/// The last value that was told.
pub(super) struct LastTold<V> {
    pub(super) value: V,
    log: Option<LogId>,
    came: Ticks,
}

/// Whether it is clear which value is the newer one.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(super) enum Order {
    Clear,
    Disputed,
}

impl<V: Copy + PartialEq> LastTold<V> {
    pub(super) fn new(value: V, source: &RecordSource) -> Self {
        Self { value, log: source.log.clone(), came: source.now }
    }

    /// Takes a value if it is newer. Where that is not clear, the stricter one counts.
    pub(super) fn tell(&mut self, value: V, source: &RecordSource, is_stricter: bool) -> Order {
        let is_next_in_log = source.log.is_some() && self.log == source.log;
        if value == self.value {
            // Told anew, perhaps of a later change: then it follows nothing of the log that told it first.
            self.came = source.now;
            self.log = self.log.take().filter(|_| is_next_in_log);
            return Order::Clear;
        }
        let is_newer = is_next_in_log || self.came <= source.since;
        if is_newer {
            *self = Self::new(value, source);
            return Order::Clear;
        }
        if is_stricter {
            // It has no place in the order of its log: what follows there may be older than what it replaces.
            *self = Self { value, log: None, came: source.now };
        }
        Order::Disputed
    }
}
