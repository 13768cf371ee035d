//! How a verifier follows the logs: which position it has in each, and what an answer proves.
//!
//! Nothing here waits or sends; the time is an argument.

use std::time::Duration;

use portcullis_core::clock::{Ticks, Timestamp};
use portcullis_core::revocation::wire::{
    FeedAnswer, FeedQuery, LogId, LogPosition, MOST_POSITIONS, SnapshotPage,
};

use crate::revocations::{KnownRevocations, RecordFault, RecordTime};

/// How far the server's clock and ours may drift apart between two answers before an answer that is not numbered is
/// taken for an old one.
const MOST_DRIFT: Duration = Duration::from_mins(1);

/// Which logs the verifier knows, and how far.
#[derive(Default)]
pub(super) struct LogFollower {
    /// The most recent one last.
    positions: Vec<LogPosition>,
    /// When the snapshot was asked for that everything goes on from; `None` while it is to be read.
    started: Option<Ticks>,
    /// The server's clock beside ours, by the newest answer that counts.
    clocks: Option<ClockPair>,
    outstanding: Option<Outstanding>,
}

#[derive(Clone, Copy)]
struct ClockPair {
    ours: Ticks,
    servers: Timestamp,
}

/// The poll whose answer counts.
struct Outstanding {
    nonce: String,
    sent: Ticks,
}

/// What came of an answer.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(super) enum FeedProgress {
    /// The log was read up to its head, and every tenant that is not behind is proven.
    Proven,
    /// The log has more.
    More,
    /// The node does not know how far the verifier is, and told the newest records. Nothing is proven.
    Started,
    /// The answer counts for nothing.
    Ignored(Ignored),
    /// The verifier is to read the snapshot.
    Lost,
}

/// Why an answer counts for nothing.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(super) enum Ignored {
    /// It answers another poll.
    Nonce,
    /// Its numbers do not fit each other, or it has no records and says that there are more.
    Numbers,
    /// It begins elsewhere than after the verifier's position.
    Gap,
    /// A record cannot be kept.
    Record(RecordFault),
}

impl LogFollower {
    /// The next poll; `None` if the snapshot is to be read first.
    pub(super) fn poll(
        &mut self,
        known: &KnownRevocations,
        now: Ticks,
        wait: Duration,
        nonce: String,
    ) -> Option<FeedQuery> {
        let age = now.since(known.complete_since(self.started?));
        self.outstanding = Some(Outstanding { nonce: nonce.clone(), sent: now });
        Some(FeedQuery { at: self.positions.clone(), age: rounded_up(age), wait, nonce })
    }

    /// Takes an answer whose signature and issuer are right.
    pub(super) fn take(&mut self, answer: &FeedAnswer, known: &KnownRevocations, now: Ticks) -> FeedProgress {
        let Some(sent) = self.outstanding.take().filter(|poll| poll.nonce == answer.nonce) else {
            return FeedProgress::Ignored(Ignored::Nonce);
        };
        let position = self.positions.iter().find(|position| position.log == answer.log);
        let follows = position.is_some_and(|position| position.number.checked_add(1) == Some(answer.from));
        let numbered = answer.to.checked_add(1).and_then(|end| end.checked_sub(answer.from));
        let progress = match numbered {
            Some(count) if follows => self.take_numbered(answer, count, known, now, sent.sent),
            Some(0) => self.take_unnumbered(answer, known, now),
            Some(_) => self.forget(&answer.log, Ignored::Gap),
            None => FeedProgress::Ignored(Ignored::Numbers),
        };
        if let FeedProgress::Ignored(Ignored::Record(_)) = progress {
            self.reset(known);
        }
        progress
    }

    /// The records after the verifier's position.
    fn take_numbered(
        &mut self,
        answer: &FeedAnswer,
        count: u64,
        known: &KnownRevocations,
        now: Ticks,
        sent: Ticks,
    ) -> FeedProgress {
        let lies = answer.more && answer.records.is_empty();
        if lies || u64::try_from(answer.records.len()) != Ok(count) {
            return self.forget(&answer.log, Ignored::Numbers);
        }
        if let Err(fault) = known.add(&answer.records, &RecordTime::new(answer.issued, now)) {
            return FeedProgress::Ignored(Ignored::Record(fault));
        }
        self.move_to(&answer.log, answer.to);
        if answer.more {
            return FeedProgress::More;
        }
        self.prove(answer, known, now, sent);
        FeedProgress::Proven
    }

    fn prove(&mut self, answer: &FeedAnswer, known: &KnownRevocations, now: Ticks, sent: Ticks) {
        let lag = Duration::from_millis(answer.lag_ms.unsigned_abs());
        let stamp = if answer.lag_ms < 0 { sent.plus(lag).min(now) } else { sent.minus(lag) };
        for tenant in known.tenants().filter(|tenant| !answer.behind.contains(tenant)) {
            known.prove(tenant, stamp);
        }
        self.clocks = Some(ClockPair { ours: sent, servers: answer.issued });
    }

    /// What a node tells that does not know the verifier's position: all that is newer than `age` and a margin. It must
    /// not be an old answer: that would leave out what is newer.
    fn take_unnumbered(&mut self, answer: &FeedAnswer, known: &KnownRevocations, now: Ticks) -> FeedProgress {
        if self.clocks.is_none_or(|pair| pair.drift(answer.issued, now) > MOST_DRIFT) {
            self.restart();
            return FeedProgress::Lost;
        }
        if let Err(fault) = known.add(&answer.records, &RecordTime::new(answer.issued, now)) {
            return FeedProgress::Ignored(Ignored::Record(fault));
        }
        self.move_to(&answer.log, answer.to);
        FeedProgress::Started
    }

    /// Goes on from a snapshot whose first page was asked for at `sent`. All pages must be of one snapshot.
    pub(super) fn start(&mut self, first: &SnapshotPage, sent: Ticks) {
        self.positions.clear();
        self.move_to(&first.log, first.to);
        self.started = Some(sent);
        self.clocks = Some(ClockPair { ours: sent, servers: first.issued });
    }

    /// Reads the snapshot before the next poll.
    pub(super) fn restart(&mut self) {
        self.started = None;
    }

    /// Forgets everything: what cannot be kept must not be missed.
    fn reset(&mut self, known: &KnownRevocations) {
        self.restart();
        known.clear();
    }

    /// Forgets how far a log was read: the node tells the newest records next time.
    fn forget(&mut self, log: &LogId, why: Ignored) -> FeedProgress {
        self.positions.retain(|position| position.log != *log);
        FeedProgress::Ignored(why)
    }

    fn move_to(&mut self, log: &LogId, number: u64) {
        self.positions.retain(|position| position.log != *log);
        if self.positions.len() == MOST_POSITIONS {
            self.positions.remove(0);
        }
        self.positions.push(LogPosition { log: log.clone(), number });
    }
}

impl ClockPair {
    /// By how much the server's clock went further than ours since.
    fn drift(&self, servers: Timestamp, ours: Ticks) -> Duration {
        servers.since(self.servers).saturating_sub(ours.since(self.ours))
    }
}

/// In whole milliseconds, as it travels: a shorter age would leave something out.
fn rounded_up(age: Duration) -> Duration {
    Duration::from_millis(u64::try_from(age.as_micros().div_ceil(1000)).unwrap_or(u64::MAX))
}
