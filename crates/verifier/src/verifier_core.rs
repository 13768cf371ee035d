//! What the handles of one verifier share.

use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use portcullis_core::clock::{Clock, Ticks, Timestamp};
use portcullis_core::random::Random;
use portcullis_core::token::VerifiedCredentials;
use portcullis_core::token::access::PublishedAccess;
use tokio::sync::watch;

use crate::VerifierStatus;
use crate::ask::AskedServer;
use crate::keys::PublishedKeys;
use crate::revocations::KnownRevocations;
use crate::server::AuthServer;
use crate::server_clock::ServerClock;

/// What the handles of one verifier and its tasks share.
pub(crate) struct VerifierCore {
    pub(crate) clock: Arc<dyn Clock>,
    pub(crate) random: Arc<dyn Random>,
    pub(crate) server: Arc<AuthServer>,
    pub(crate) server_clock: ServerClock,
    pub(crate) revocations: KnownRevocations,
    pub(crate) keys: Arc<PublishedKeys>,
    pub(crate) verified: VerifiedCredentials<PublishedAccess>,
    pub(crate) asked: Arc<AskedServer>,
    pub(crate) counts: VerifierCounts,
    /// The names of the session cookie.
    pub(crate) cookie_names: Vec<String>,
    /// `aud` of tokens; `None` where it is the tenant's name.
    pub(crate) audience: Option<String>,
}

impl VerifierCore {
    /// The time by which tokens expire.
    pub(crate) fn time(&self) -> Timestamp {
        self.server_clock.or_later(self.clock.now(), self.clock.ticks())
    }

    pub(crate) fn status(&self) -> VerifierStatus {
        let now = self.clock.ticks();
        let counts = &self.counts;
        VerifierStatus {
            age: self.revocations.oldest_stamp().map(|stamp| now.since(stamp)),
            fresh: self.revocations.is_all_fresh(now),
            records: self.revocations.count() as u64,
            proofs: *counts.proofs.borrow(),
            faults: counts.faults.load(Ordering::Relaxed),
            snapshots: counts.snapshots.load(Ordering::Relaxed),
            asks: self.asked.count(),
            unavailable: counts.unavailable.load(Ordering::Relaxed),
            stale: counts.stale_time(now, self.revocations.is_all_fresh(now)),
        }
    }
}

/// What the verifier counts.
pub(crate) struct VerifierCounts {
    proofs: watch::Sender<u64>,
    faults: AtomicU64,
    snapshots: AtomicU64,
    unavailable: AtomicU64,
    stale: Mutex<StaleTime>,
    /// The last fault since the last proof.
    trouble: Mutex<Option<String>>,
}

/// For how long the knowledge was too old, up to the last look.
#[derive(Clone, Copy)]
struct StaleTime {
    looked: Ticks,
    sum: Duration,
}

impl VerifierCounts {
    pub(crate) fn new(now: Ticks) -> Self {
        Self {
            proofs: watch::Sender::new(0),
            faults: AtomicU64::new(0),
            snapshots: AtomicU64::new(0),
            unavailable: AtomicU64::new(0),
            stale: Mutex::new(StaleTime { looked: now, sum: Duration::ZERO }),
            trouble: Mutex::default(),
        }
    }

    /// Why the feed is not followed now.
    pub(crate) fn trouble(&self) -> Option<String> {
        self.trouble.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }

    fn set_trouble(&self, trouble: Option<String>) {
        *self.trouble.lock().unwrap_or_else(PoisonError::into_inner) = trouble;
    }

    pub(crate) fn proof(&self) {
        self.set_trouble(None);
        self.proofs.send_modify(|count| *count += 1);
    }

    /// Counts the proofs: a waiter looks again when it has moved.
    pub(crate) fn proofs(&self) -> watch::Receiver<u64> {
        self.proofs.subscribe()
    }

    pub(crate) fn fault(&self, what: String) {
        self.set_trouble(Some(what));
        self.faults.fetch_add(1, Ordering::Relaxed);
    }

    pub(crate) fn snapshot(&self) {
        self.snapshots.fetch_add(1, Ordering::Relaxed);
    }

    pub(crate) fn unavailable(&self) {
        self.unavailable.fetch_add(1, Ordering::Relaxed);
    }

    /// Adds the time since the last look if the knowledge is too old now, and returns the sum.
    pub(crate) fn stale_time(&self, now: Ticks, is_fresh: bool) -> Duration {
        let mut stale = self.stale.lock().unwrap_or_else(PoisonError::into_inner);
        if !is_fresh {
            stale.sum = stale.sum.saturating_add(now.since(stale.looked));
        }
        stale.looked = now;
        stale.sum
    }
}
