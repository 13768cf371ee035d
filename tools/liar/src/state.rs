//! What has ended, and the logs of two nodes.

use std::collections::HashMap;
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use portcullis_core::clock::{Clock as _, Ticks};
use portcullis_core::machine::SystemClock;
use portcullis_core::revocation::wire::{LogPosition, MARGIN, RevocationRecord};
use tokio::sync::watch;

use crate::{LiarSession, Trick};

/// What all requests share.
pub(crate) struct LiarState {
    inner: Mutex<LiarRecords>,
    news: watch::Sender<u64>,
    polls: watch::Sender<u64>,
}

/// What the liar knows.
pub(crate) struct LiarRecords {
    pub(crate) trick: Trick,
    told: Vec<(Ticks, RevocationRecord)>,
    pub(crate) sessions: HashMap<String, LiarSession>,
    /// How often each of the two nodes has begun a new log, and at which record.
    lives: [(u64, usize); 2],
    /// The answer that is replayed, and the nonce that comes late.
    pub(crate) replayed: Option<String>,
    pub(crate) last_nonce: Option<String>,
    /// How often the key set was read.
    pub(crate) key_readings: u64,
    turn: usize,
}

impl LiarState {
    pub(crate) fn new() -> Self {
        let inner = LiarRecords {
            trick: Trick::Honest,
            told: Vec::new(),
            sessions: HashMap::new(),
            lives: [(0, 0); 2],
            replayed: None,
            last_nonce: None,
            key_readings: 0,
            turn: 0,
        };
        Self { inner: Mutex::new(inner), news: watch::Sender::new(0), polls: watch::Sender::new(0) }
    }

    pub(crate) fn lock(&self) -> MutexGuard<'_, LiarRecords> {
        self.inner.lock().unwrap_or_else(PoisonError::into_inner)
    }

    pub(crate) fn play(&self, trick: Trick) {
        let mut inner = self.lock();
        (inner.trick, inner.replayed) = (trick, None);
        drop(inner);
        self.news.send_modify(|count| *count += 1);
    }

    pub(crate) fn tell(&self, record: RevocationRecord) {
        self.lock().told.push((SystemClock.ticks(), record));
        self.news.send_modify(|count| *count += 1);
    }

    pub(crate) fn news(&self) -> watch::Receiver<u64> {
        self.news.subscribe()
    }

    pub(crate) fn note_poll(&self) {
        self.polls.send_modify(|count| *count += 1);
    }

    pub(crate) fn polls(&self) -> watch::Receiver<u64> {
        self.polls.subscribe()
    }
}

/// What a verifier is told of a log.
pub(crate) struct Cut {
    pub(crate) position: LogPosition,
    pub(crate) from: u64,
    pub(crate) records: Vec<RevocationRecord>,
}

impl LiarRecords {
    /// Which node answers.
    pub(crate) fn node(&mut self) -> usize {
        self.turn += 1;
        if self.trick == Trick::AlternatingLogs { self.turn % 2 } else { 0 }
    }

    /// Begins a new log, as a node does that restarts.
    pub(crate) fn restart(&mut self) {
        self.lives[0] = (self.lives[0].0 + 1, self.told.len());
    }

    /// Whether the log is trimmed now.
    pub(crate) const fn is_trimmed(&self) -> bool {
        self.turn.is_multiple_of(2)
    }

    /// The head of a node's log.
    pub(crate) fn head(&self, node: usize) -> Option<LogPosition> {
        let (life, begin) = *self.lives.get(node)?;
        let log = format!("node{node}-{life}").parse().ok()?;
        Some(LogPosition { log, number: (self.told.len() - begin) as u64 })
    }

    /// What a verifier at these positions does not have; all that is newer than `age` where it knows none.
    pub(crate) fn cut(&self, node: usize, known: &[LogPosition], age: Duration) -> Option<Cut> {
        let (position, begin) = (self.head(node)?, self.lives.get(node)?.1);
        let at = known.iter().find(|at| at.log == position.log && at.number <= position.number);
        let (from, records) = match at {
            Some(at) => (at.number + 1, self.after(begin + usize::try_from(at.number).ok()?)),
            None => (position.number + 1, self.newer(age.saturating_add(MARGIN))),
        };
        Some(Cut { position, from, records })
    }

    /// All that was told.
    pub(crate) fn all(&self) -> Vec<RevocationRecord> {
        self.after(0)
    }

    fn after(&self, index: usize) -> Vec<RevocationRecord> {
        self.told.iter().skip(index).map(|(_, record)| record.clone()).collect()
    }

    fn newer(&self, age: Duration) -> Vec<RevocationRecord> {
        let since = SystemClock.ticks().minus(age);
        self.told.iter().filter(|(at, _)| *at >= since).map(|(_, record)| record.clone()).collect()
    }
}
