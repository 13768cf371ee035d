//! How a verifier is doing, for metrics.

use std::time::Duration;

/// How a verifier is doing.
#[derive(Clone, Copy, PartialEq, Eq, Default, Debug)]
pub struct VerifierStatus {
    /// How old the knowledge of the tenant is that is furthest behind; `None` before the first proof.
    pub age: Option<Duration>,
    /// Whether every tenant's knowledge is younger than `max_staleness`.
    pub fresh: bool,
    /// How many revocations are kept.
    pub records: u64,
    /// How many polls have proven the knowledge complete.
    pub proofs: u64,
    /// How many polls failed or had an answer that did not count.
    pub faults: u64,
    /// How many snapshots were read.
    pub snapshots: u64,
    /// How often the server was asked about a credential.
    pub asks: u64,
    /// How many requests could be neither accepted nor rejected (503).
    pub unavailable: u64,
    /// For how long the knowledge was older than `max_staleness`, in sum.
    pub stale: Duration,
}
