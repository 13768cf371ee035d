//! A database with nodes in front of it, as the protocol describes them. Times are milliseconds of one clock.

use std::collections::BTreeMap;

use portcullis_core::clock::Timestamp;
use portcullis_core::id::{SessionId, UserId};
use portcullis_core::revocation::wire::{FeedAnswer, FeedQuery, Revocation, RevocationRecord};
use portcullis_core::user::Role;
use uuid::Uuid;

/// How much further back than `age` a node looks: more than any answer of the model travels.
const MARGIN: u64 = 200;

/// The most records of one answer.
const MOST: usize = 2;

pub(super) fn user(number: u8) -> UserId {
    UserId::from_uuid(Uuid::from_bytes([number; 16]))
}

pub(super) fn session(number: u8) -> SessionId {
    SessionId::from_uuid(Uuid::from_bytes([number | 0x80; 16]))
}

/// What the database writes down, each at a time.
#[derive(Default, Debug)]
pub(super) struct Database {
    commits: Vec<Commit>,
}

#[derive(Clone, Debug)]
struct Commit {
    at: u64,
    what: Revocation,
}

/// A node, with the log of one life.
#[derive(Debug)]
pub(super) struct Node {
    name: usize,
    life: u32,
    /// How late it hears.
    delay: u64,
    /// The commits that it had heard before this life.
    skipped: usize,
    /// The commits that it has heard already, however late it hears now.
    heard: usize,
}

impl Node {
    pub(super) const fn new(name: usize) -> Self {
        Self { name, life: 0, delay: 0, skipped: 0, heard: 0 }
    }

    /// From now on it hears this late. What it has heard, it has heard.
    pub(super) fn slow(&mut self, delay: u64, database: &Database, now: u64) {
        self.heard = self.heard(database, now);
        self.delay = delay;
    }

    /// Begins a new log, which has nothing of what was heard before.
    pub(super) fn restart(&mut self, database: &Database, now: u64) {
        self.skipped = self.heard(database, now);
        self.life += 1;
    }

    /// How many commits it has heard.
    fn heard(&self, database: &Database, now: u64) -> usize {
        let in_time = |commit: &Commit| commit.at + self.delay <= now;
        database.commits.partition_point(in_time).max(self.skipped).max(self.heard)
    }

    /// Answers a poll that arrives now: the stamp is read first, then the log is cut.
    pub(super) fn answer(&self, database: &Database, query: &FeedQuery, now: u64) -> FeedAnswer {
        let stamp = now.saturating_sub(self.delay);
        let heard = self.heard(database, now);
        let newest = (heard - self.skipped) as u64;
        let log = format!("n{}-{}", self.name, self.life);
        let known =
            query.at.iter().find(|position| position.log.as_str() == log && position.number <= newest);
        let answer = FeedAnswer {
            issuer: "https://auth.example.com".to_owned(),
            log: log.parse().unwrap(),
            from: newest + 1,
            to: newest,
            nonce: query.nonce.clone(),
            lag_ms: i64::try_from(now - stamp).unwrap(),
            more: false,
            issued: Timestamp::from_millis(i64::try_from(now).unwrap()),
            records: Vec::new(),
            behind: Vec::new(),
        };
        match known {
            Some(position) => self.numbered(database, position.number, heard, answer),
            None => FeedAnswer { records: latest(database, query, now), ..answer },
        }
    }

    fn numbered(&self, database: &Database, known: u64, heard: usize, answer: FeedAnswer) -> FeedAnswer {
        let begin = self.skipped + usize::try_from(known).unwrap();
        let end = heard.min(begin + MOST);
        let records = database.commits[begin..end].iter().map(record).collect();
        let to = known + (end - begin) as u64;
        FeedAnswer { from: known + 1, to, more: end < heard, records, ..answer }
    }
}

/// What the database has written lately: of each thing the newest row alone.
fn latest(database: &Database, query: &FeedQuery, now: u64) -> Vec<RevocationRecord> {
    let since = now.saturating_sub(u64::try_from(query.age.as_millis()).unwrap() + MARGIN);
    let mut rows: BTreeMap<String, &Commit> = BTreeMap::new();
    for commit in database.commits.iter().filter(|commit| commit.at >= since && commit.at <= now) {
        rows.insert(key(&commit.what), commit);
    }
    rows.into_values().map(record).collect()
}

fn key(what: &Revocation) -> String {
    match what {
        Revocation::Session { id, .. } => format!("s{id}"),
        Revocation::User { id, .. } => format!("u{id}"),
        Revocation::Role { id, .. } => format!("r{id}"),
        other => format!("{:?}", std::mem::discriminant(other)),
    }
}

fn record(commit: &Commit) -> RevocationRecord {
    RevocationRecord { revocation: commit.what.clone(), tenant: None }
}

impl Database {
    /// Writes a row. Epochs count up, and only a live session is kept.
    pub(super) fn commit(&mut self, at: u64, mut what: Revocation) {
        if let Revocation::User { id, epoch, kept, .. } = &mut what {
            let raised =
                |commit: &&Commit| matches!(&commit.what, Revocation::User { id: of, .. } if of == id);
            *epoch = self.commits.iter().filter(raised).count() as u64 + 1;
            kept.retain(|opened| !self.is_over(*id, *opened, at));
        }
        self.commits.push(Commit { at, what });
    }

    /// Whether a token of this user and session, of the first epochs, was over at some time.
    pub(super) fn is_dead_at(&self, token: (u8, u8), time: u64) -> bool {
        self.is_over(user(token.0), session(token.1), time)
    }

    fn is_over(&self, owner: UserId, opened: SessionId, time: u64) -> bool {
        self.until(time).any(|commit| match &commit.what {
            Revocation::Session { id, .. } => *id == opened,
            Revocation::User { id, epoch, kept, .. } => *id == owner && *epoch > 0 && !kept.contains(&opened),
            Revocation::Everyone { epoch } => *epoch > 0,
            _ => false,
        })
    }

    /// Whether the tenant was active at any time from `since` to `now`.
    pub(super) fn was_active(&self, since: u64, now: u64) -> bool {
        let state = |commit: &Commit| match commit.what {
            Revocation::Tenant { suspended, .. } => Some(suspended),
            _ => None,
        };
        let before = self.until(since).filter_map(state).last().unwrap_or(false);
        !before || self.between(since, now).filter_map(state).any(|suspended| !suspended)
    }

    /// The roles of a user from `since` to `now`.
    pub(super) fn roles(&self, owner: u8, since: u64, now: u64) -> Vec<Option<Role>> {
        let role = |commit: &Commit| match commit.what {
            Revocation::Role { id, role, .. } if id == user(owner) => Some(role),
            _ => None,
        };
        let before = self.until(since).filter_map(role).last();
        std::iter::once(before).chain(self.between(since, now).filter_map(role).map(Some)).collect()
    }

    fn until(&self, time: u64) -> impl Iterator<Item = &Commit> {
        self.commits.iter().filter(move |commit| commit.at <= time)
    }

    fn between(&self, since: u64, now: u64) -> impl Iterator<Item = &Commit> {
        self.commits.iter().filter(move |commit| commit.at > since && commit.at <= now)
    }
}
