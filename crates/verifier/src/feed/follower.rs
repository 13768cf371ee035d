//! How a verifier follows the logs: which position it has in each, and what an answer proves.
//!
//! Nothing here waits or sends; the time is an argument.

use std::time::Duration;

use portcullis_core::clock::{Ticks, Timestamp};
use portcullis_core::revocation::wire::{
    FeedAnswer, FeedQuery, LogId, LogPosition, MARGIN, MOST_POSITIONS, SnapshotPage,
};
use thiserror::Error;

use crate::revocations::{Agreement, KnownRevocations, RecordFault, RecordSource};

/// How far the server's clock and ours may drift apart between two answers before an answer that is not numbered is
/// taken for an old one.
const MOST_DRIFT: Duration = Duration::from_mins(1);

/// How far the server's clock may fall behind ours. Beyond that it was set back, and what had seemed over by it may
/// have been left out of a snapshot. Two nodes that may serve differ by less.
const MOST_SET_BACK: Duration = MARGIN;

/// How long an answer that is not numbered may take. A timer that would give it up stands still while the machine
/// sleeps, and the node looks back from when the poll arrives: what was revoked before would be missing. With
/// [`MOST_DRIFT`] it is shorter than the margin that the node adds.
const LONGEST_TRAVEL: Duration = Duration::from_secs(30);

/// Which logs the verifier knows, and how far.
#[derive(Default)]
pub(super) struct LogFollower {
    /// The most recent one last.
    logs: Vec<KnownLog>,
    /// When the snapshot was asked for that everything goes on from; `None` while it is to be read.
    started: Option<Ticks>,
    /// The server's clock beside ours, by the newest answer that counts.
    clocks: Option<ClockPair>,
    outstanding: Option<Outstanding>,
    /// Since when what is disputed was revoked at the earliest.
    disputed: Option<Ticks>,
}

/// How far a log was read.
#[derive(Clone)]
struct KnownLog {
    position: LogPosition,
    /// When it was last proven complete for every tenant.
    proven: Ticks,
}

#[derive(Clone, Copy)]
struct ClockPair {
    servers: Timestamp,
    /// The answer was made between these two.
    sent: Ticks,
    came: Ticks,
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
#[derive(Clone, Copy, PartialEq, Eq, Debug, Error)]
pub(super) enum Ignored {
    #[error("it answers another poll")]
    Nonce,
    #[error("its numbers do not fit each other, or it has no records and says that there are more")]
    Numbers,
    #[error("it begins elsewhere than after the verifier's position")]
    Gap,
    #[error("it is not numbered, and came so late that it may leave something out")]
    Late,
    #[error(transparent)]
    Record(#[from] RecordFault),
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
        let complete = known.complete_since(self.started?);
        let age = now.since(self.disputed.map_or(complete, |since| since.min(complete)));
        self.outstanding = Some(Outstanding { nonce: nonce.clone(), sent: now });
        let at = self.logs.iter().map(|log| log.position.clone()).collect();
        Some(FeedQuery { at, age: rounded_up(age), wait, nonce })
    }

    /// Takes an answer whose signature and issuer are right.
    pub(super) fn take(&mut self, answer: &FeedAnswer, known: &KnownRevocations, now: Ticks) -> FeedProgress {
        let Some(sent) = self.outstanding.take().filter(|poll| poll.nonce == answer.nonce) else {
            return FeedProgress::Ignored(Ignored::Nonce);
        };
        if self.clocks.is_some_and(|pair| pair.set_back(answer.issued, sent.sent) > MOST_SET_BACK) {
            self.restart();
            return FeedProgress::Lost;
        }
        let arrival = Arrival { answer, now, stamp: stamp(answer, sent.sent, now), sent: sent.sent };
        let log = self.logs.iter().find(|log| log.position.log == answer.log).cloned();
        let follows = |log: &KnownLog| log.position.number.checked_add(1) == Some(answer.from);
        let numbered = answer.to.checked_add(1).and_then(|end| end.checked_sub(answer.from));
        let progress = match (numbered, log.filter(follows)) {
            (Some(count), Some(log)) => self.take_numbered(&arrival, count, &log, known),
            (Some(0), None) if !answer.more => self.take_unnumbered(&arrival, known),
            (Some(_), None) => self.forget(&answer.log, Ignored::Gap),
            (None, _) => FeedProgress::Ignored(Ignored::Numbers),
        };
        if let FeedProgress::Ignored(Ignored::Record(_)) = progress {
            self.reset(known);
        }
        progress
    }

    /// The records after the verifier's position.
    fn take_numbered(
        &mut self,
        arrival: &Arrival<'_>,
        count: u64,
        log: &KnownLog,
        known: &KnownRevocations,
    ) -> FeedProgress {
        let answer = arrival.answer;
        let lies = answer.more && answer.records.is_empty();
        if lies || u64::try_from(answer.records.len()) != Ok(count) {
            return self.forget(&answer.log, Ignored::Numbers);
        }
        let source = arrival.source(Some(answer.log.clone()), log.proven);
        let agreement = match known.add(&answer.records, &source) {
            Ok(agreement) => agreement,
            Err(fault) => return FeedProgress::Ignored(Ignored::Record(fault)),
        };
        let proves_all = !answer.more && answer.behind.is_empty();
        self.move_to(answer.log.clone(), answer.to, if proves_all { arrival.stamp } else { log.proven });
        if !answer.more {
            self.prove(arrival, known);
        }
        self.settle(agreement, &source);
        if answer.more { FeedProgress::More } else { FeedProgress::Proven }
    }

    fn prove(&mut self, arrival: &Arrival<'_>, known: &KnownRevocations) {
        for tenant in known.tenants().filter(|tenant| !arrival.answer.behind.contains(tenant)) {
            known.prove(tenant, arrival.stamp);
        }
        let Arrival { answer, sent, now: came, .. } = *arrival;
        self.clocks = Some(ClockPair { servers: answer.issued, sent, came });
    }

    /// What a node tells that does not know the verifier's position: all that is newer than `age` and a margin. It must
    /// not be an old answer: that would leave out what is newer.
    fn take_unnumbered(&mut self, arrival: &Arrival<'_>, known: &KnownRevocations) -> FeedProgress {
        let answer = arrival.answer;
        if arrival.now.since(arrival.sent) > LONGEST_TRAVEL {
            return FeedProgress::Ignored(Ignored::Late);
        }
        if self.clocks.is_none_or(|pair| pair.drift(answer.issued, arrival.now) > MOST_DRIFT) {
            self.restart();
            return FeedProgress::Lost;
        }
        let since = if answer.behind.is_empty() { arrival.stamp } else { Ticks::START };
        let source = arrival.source(None, since);
        match known.add(&answer.records, &source) {
            Ok(agreement) => {
                self.move_to(answer.log.clone(), answer.to, since);
                if agreement == Agreement::Full {
                    self.disputed = None;
                }
                self.settle(agreement, &source);
                FeedProgress::Started
            }
            Err(fault) => FeedProgress::Ignored(Ignored::Record(fault)),
        }
    }

    /// Where logs contradict each other, the verifier forgets how far it has read them: the next answer says what the
    /// database says of that time.
    fn settle(&mut self, agreement: Agreement, source: &RecordSource) {
        if agreement == Agreement::Disputed {
            self.logs.clear();
            self.disputed = Some(self.disputed.map_or(source.since, |before| before.min(source.since)));
        }
    }

    /// Goes on from a snapshot whose first page was asked for at `sent` and came at `came`. All pages must be of one
    /// snapshot.
    pub(super) fn start(&mut self, first: &SnapshotPage, sent: Ticks, came: Ticks) {
        self.logs.clear();
        self.disputed = None;
        self.move_to(first.log.clone(), first.to, Ticks::START);
        self.started = Some(sent);
        self.clocks = Some(ClockPair { servers: first.issued, sent, came });
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
        self.logs.retain(|known| known.position.log != *log);
        FeedProgress::Ignored(why)
    }

    fn move_to(&mut self, log: LogId, number: u64, proven: Ticks) {
        self.logs.retain(|known| known.position.log != log);
        if self.logs.len() == MOST_POSITIONS {
            self.logs.remove(0);
        }
        self.logs.push(KnownLog { position: LogPosition { log, number }, proven });
    }
}

/// An answer, with the times that it proves something by.
struct Arrival<'a> {
    answer: &'a FeedAnswer,
    sent: Ticks,
    now: Ticks,
    /// When the node's log was last proven complete, on our clock.
    stamp: Ticks,
}

impl Arrival<'_> {
    fn source(&self, log: Option<LogId>, since: Ticks) -> RecordSource {
        RecordSource { log, since, issued: self.answer.issued, now: self.now }
    }
}

/// The sending of the poll less the lag that the node states; never later than now, whatever it states.
fn stamp(answer: &FeedAnswer, sent: Ticks, now: Ticks) -> Ticks {
    let lag = Duration::from_millis(answer.lag_ms.unsigned_abs());
    if answer.lag_ms < 0 { sent.plus(lag).min(now) } else { sent.minus(lag) }
}

impl ClockPair {
    /// By how much the server's clock went further than ours since, in an answer that comes now.
    fn drift(&self, servers: Timestamp, now: Ticks) -> Duration {
        servers.since(self.servers).saturating_sub(now.since(self.sent))
    }

    /// By how much it fell behind ours since, in the answer to a poll that was sent then.
    fn set_back(&self, servers: Timestamp, sent: Ticks) -> Duration {
        self.servers.plus(sent.since(self.came)).since(servers)
    }
}

/// In whole milliseconds, as it travels: a shorter age would leave something out.
fn rounded_up(age: Duration) -> Duration {
    Duration::from_millis(u64::try_from(age.as_micros().div_ceil(1000)).unwrap_or(u64::MAX))
}

#[cfg(test)]
mod tests;
