//! What the handles of one verifier share.

use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use portcullis_core::clock::{Clock, Ticks};
use portcullis_core::random::Random;
use portcullis_core::token::VerifiedCredentials;
use portcullis_core::token::access::PublishedAccess;
use tokio::sync::watch;

use crate::VerifierStatus;
use crate::ask::AskedServer;
use crate::keys::PublishedKeys;
use crate::revocations::KnownRevocations;
use crate::server::AuthServer;

/// What the handles of one verifier and its tasks share.
pub(crate) struct VerifierCore {
    pub(crate) clock: Arc<dyn Clock>,
    pub(crate) random: Arc<dyn Random>,
    pub(crate) server: Arc<AuthServer>,
    pub(crate) revocations: KnownRevocations,
    pub(crate) keys: Arc<PublishedKeys>,
    pub(crate) verified: VerifiedCredentials<PublishedAccess>,
    pub(crate) asked: Arc<AskedServer>,
    pub(crate) counts: VerifierCounts,
    pub(crate) max_staleness: Duration,
    /// The names of the session cookie.
    pub(crate) cookie_names: Vec<String>,
    /// `aud` of tokens; `None` where it is the tenant's name.
    pub(crate) audience: Option<String>,
}

impl VerifierCore {
    /// Whether the knowledge of every tenant is young enough.
    pub(crate) fn is_fresh(&self, now: Ticks) -> bool {
        let stamp = self.revocations.oldest_stamp();
        stamp.is_some_and(|stamp| now.since(stamp) <= self.max_staleness)
    }

    pub(crate) fn status(&self) -> VerifierStatus {
        let now = self.clock.ticks();
        let counts = &self.counts;
        VerifierStatus {
            age: self.revocations.oldest_stamp().map(|stamp| now.since(stamp)),
            fresh: self.is_fresh(now),
            records: self.revocations.count() as u64,
            proofs: *counts.proofs.borrow(),
            faults: counts.faults.load(Ordering::Relaxed),
            snapshots: counts.snapshots.load(Ordering::Relaxed),
            asks: self.asked.count(),
            unavailable: counts.unavailable.load(Ordering::Relaxed),
            stale: counts.stale_time(now, self.is_fresh(now)),
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
        }
    }

    pub(crate) fn proof(&self) {
        self.proofs.send_modify(|count| *count += 1);
    }

    /// Counts the proofs: a waiter looks again when it has moved.
    pub(crate) fn proofs(&self) -> watch::Receiver<u64> {
        self.proofs.subscribe()
    }

    pub(crate) fn fault(&self) {
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
