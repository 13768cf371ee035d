//! A healthy feed behind hops that each take a moment, a while of it by chance: how many polls are answered too late,
//! and how many snapshots are read.

use std::time::Duration;

use portcullis_core::clock::{Ticks, Timestamp};
use portcullis_core::id::TenantId;
use portcullis_core::random::Random;
use portcullis_core::revocation::wire::{FeedAnswer, FeedQuery, OLDEST_AGE, Revocation, SnapshotPage};
use portcullis_core::user::Role;
use proptest::prelude::Rng as _;
use proptest::test_runner::{RngAlgorithm, TestRng};

use super::super::super::pace::PollPace;
use super::super::{FeedProgress, LogFollower};
use super::model::{Database, Node, session, user};
use crate::revocations::KnownRevocations;

const MAX_STALENESS: Duration = Duration::from_secs(1);
const POLLS: u32 = 100_000;
const NODES: usize = 3;
/// From the verifier to a node: a proxy and a balancer.
const HOPS: u64 = 3;
/// How often a node asks its database for a proof.
const BARRIER_EVERY: u64 = 50;
/// How long a node with very many verifiers keeps an answer with records back.
const LONGEST_PACE: u64 = 250;
/// How often something is revoked, on average.
const REVOKED_EVERY: u64 = 10_000;
/// A user, and sessions, of whom something is revoked.
const USERS: u64 = 20;

/// How the way to the nodes is.
#[derive(Clone, Copy)]
struct Way {
    /// What a hop takes at most, beyond a millisecond.
    jitter: u64,
    /// Whether each poll goes to another node; otherwise all go to one.
    changes_nodes: bool,
    /// After how many polls one of the nodes starts anew.
    restarts_every: Option<u32>,
}

/// What has happened.
#[derive(PartialEq, Eq, Default, Debug)]
struct Counted {
    /// Polls before whose answer a request would have found the knowledge too old.
    stale: u32,
    /// The oldest knowledge before an answer.
    oldest: Duration,
    snapshots: u32,
    faults: u32,
}

/// Spreads no pause.
struct Unspread;

impl Random for Unspread {
    fn fill(&self, bytes: &mut [u8]) {
        bytes.fill(255);
    }
}

/// A verifier that polls as [`FeedReader`](super::super::super::FeedReader) does, in a time of its own.
struct Journey {
    way: Way,
    chance: TestRng,
    now: u64,
    /// When something is revoked next.
    next_commit: u64,
    commits: Vec<u64>,
    database: Database,
    nodes: Vec<Node>,
    known: KnownRevocations,
    follower: LogFollower,
    pace: PollPace,
    counted: Counted,
}

impl Journey {
    fn new(way: Way) -> Self {
        let known = KnownRevocations::new(&[TenantId::default_tenant()], 1_000, MAX_STALENESS);
        Self {
            way,
            chance: TestRng::deterministic_rng(RngAlgorithm::ChaCha),
            now: 10_000,
            next_commit: 10_500,
            commits: Vec::new(),
            database: Database::default(),
            nodes: (0..NODES).map(Node::new).collect(),
            known,
            follower: LogFollower::default(),
            pace: PollPace::new(MAX_STALENESS),
            counted: Counted::default(),
        }
    }

    /// Polls so often, and counts.
    fn of(way: Way) -> Counted {
        let mut journey = Self::new(way);
        journey.read_snapshot();
        // The first proof comes with the first answers.
        (0..20).for_each(|turn| journey.turn(turn));
        journey.counted = Counted::default();
        (0..POLLS).for_each(|turn| journey.turn(turn));
        journey.counted
    }

    fn up_to(&mut self, most: u64) -> u64 {
        u64::from(self.chance.next_u32()) % (most + 1)
    }

    /// One way between the verifier and a node.
    fn travel(&mut self) -> u64 {
        (0..HOPS).map(|_| 1 + self.up_to(self.way.jitter)).sum()
    }

    const fn ticks(&self) -> Ticks {
        Ticks::new(Duration::from_millis(self.now))
    }

    fn age(&self) -> Option<Duration> {
        self.known.stamp(&TenantId::default_tenant()).map(|stamp| self.ticks().since(stamp))
    }

    fn is_fresh(&self) -> bool {
        self.age().is_some_and(|age| age <= MAX_STALENESS)
    }

    fn read_snapshot(&mut self) {
        let sent = self.ticks();
        self.now += self.travel() + self.travel();
        let first = SnapshotPage {
            issuer: String::new(),
            log: "away".parse().unwrap(),
            to: 0,
            issued: Timestamp::from_millis(i64::try_from(self.now).unwrap()),
            records: Vec::new(),
            tenants: None,
            next: None,
        };
        self.follower.start(&first, sent, self.ticks());
        self.counted.snapshots += 1;
    }

    fn turn(&mut self, number: u32) {
        if self.way.restarts_every.is_some_and(|polls| number % polls == polls - 1) {
            let node = usize::try_from(number).unwrap() % NODES;
            self.nodes[node].restart(&self.database, self.now);
        }
        let (sent, wait) = (self.now, self.pace.wait(self.is_fresh()));
        let query = self.follower.poll(&self.known, self.ticks(), wait, number.to_string());
        let Some(query) = query.filter(|query| query.age <= OLDEST_AGE) else { return self.read_snapshot() };
        let answer = self.answer(&query);
        self.now += self.travel();
        self.counted.stale += u32::from(!self.is_fresh());
        self.counted.oldest = self.counted.oldest.max(self.age().unwrap_or_default());
        let took = Duration::from_millis(self.now - sent);
        let pause = if took > wait.saturating_add(self.pace.patience()) {
            self.counted.faults += 1;
            self.pace.fault(true, &Unspread)
        } else {
            self.take(&answer, took)
        };
        self.now += u64::try_from(pause.as_millis()).unwrap();
    }

    fn take(&mut self, answer: &FeedAnswer, took: Duration) -> Duration {
        match self.follower.take(answer, &self.known, self.ticks()) {
            FeedProgress::Proven => self.pace.proven(took, answer.records.is_empty()),
            FeedProgress::Started | FeedProgress::More => self.pace.unproven(&Unspread),
            FeedProgress::Lost => Duration::ZERO,
            FeedProgress::Ignored(_) => {
                self.counted.faults += 1;
                self.pace.fault(false, &Unspread)
            }
        }
    }

    /// What a node answers, when something is new or the wait is over; time passes until then.
    fn answer(&mut self, query: &FeedQuery) -> FeedAnswer {
        self.now += self.travel();
        let number = if self.way.changes_nodes { usize::try_from(self.up_to(2)).unwrap() } else { 0 };
        // Its barrier was sent so long ago at most, and has come back; a hop each way.
        let behind =
            self.up_to(BARRIER_EVERY) + 2 + self.up_to(self.way.jitter) + self.up_to(self.way.jitter);
        let arrived = self.now;
        let ends = arrived + u64::try_from(query.wait.as_millis()).unwrap();
        self.commit_until(ends);
        self.nodes[number].slow(behind, &self.database, arrived);
        let mut is_paced = false;
        loop {
            let mut answer = self.nodes[number].answer(&self.database, query, self.now);
            let is_numbered = query.at.iter().any(|at| at.log == answer.log && at.number + 1 == answer.from);
            let is_due = !answer.records.is_empty() || self.now >= ends;
            if !is_numbered || is_paced || (is_due && answer.records.is_empty()) {
                answer.lag_ms -= i64::try_from(self.now - arrived).unwrap();
                return answer;
            }
            if is_due {
                self.now += self.up_to(LONGEST_PACE);
                is_paced = true;
            } else {
                self.now = self.heard_next(behind).unwrap_or(ends).min(ends);
            }
        }
    }

    /// When a node hears of something next that hears so late.
    fn heard_next(&self, behind: u64) -> Option<u64> {
        let heard = self.commits.iter().rev().map(|at| at + behind).take_while(|heard| *heard > self.now);
        heard.last()
    }

    fn commit_until(&mut self, time: u64) {
        while self.next_commit <= time {
            let one = u8::try_from(self.up_to(USERS)).unwrap();
            let until = Timestamp::from_seconds(1_000_000);
            let what = match self.up_to(2) {
                0 => Revocation::Session { id: session(one), until },
                1 => Revocation::User { id: user(one), epoch: 0, kept: Vec::new(), until },
                _ => Revocation::Role { id: user(one), role: Role::User, until },
            };
            self.database.commit(self.next_commit, what);
            self.commits.push(self.next_commit);
            self.next_commit += 1 + self.up_to(2 * REVOKED_EVERY);
        }
    }
}

/// All ways are of hops that take up to 30 ms each, at random.
#[test]
fn fewer_than_one_poll_in_a_thousand_grows_stale_on_a_way_that_jitters_and_no_snapshot_is_read() {
    for (changes_nodes, restarts_every) in [(false, None), (true, None), (true, Some(500))] {
        let counted = Journey::of(Way { jitter: 30, changes_nodes, restarts_every });
        println!("{changes_nodes} {restarts_every:?}: {counted:?}");
        assert!(counted.stale < POLLS / 1_000, "{changes_nodes} {restarts_every:?}: {counted:?}");
        assert_eq!(counted.snapshots, 0, "{changes_nodes} {restarts_every:?}: {counted:?}");
    }
}

/// The count is none of nothing: a way that is too long for the bound is seen.
#[test]
fn polls_grow_stale_on_a_way_that_is_too_long_and_still_no_snapshot_is_read() {
    let counted = Journey::of(Way { jitter: 200, changes_nodes: false, restarts_every: None });
    assert!(counted.stale > POLLS / 100, "{counted:?}");
    assert_eq!(counted.snapshots, 0, "{counted:?}");
}
