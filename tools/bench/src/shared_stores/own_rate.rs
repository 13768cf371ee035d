//! How many refreshes the server makes in a second, beside how many the store does with nothing before it but its own
//! program for measurements.

use std::time::Duration;

use super::kinds::{StoreKind, StoreServers};
use super::nodes::Nodes;
use super::{REFRESH, pgbench, redis_benchmark};
use crate::BenchPlan;
use crate::error::BenchError;

/// What was found of one kind of stores.
#[derive(Debug)]
pub(crate) struct OwnRateFindings {
    pub(crate) stores: &'static str,
    /// The store's own program.
    pub(crate) program: &'static str,
    pub(crate) rounds: Vec<OwnRateRound>,
}

/// Rates of one round, which follow each other at once.
#[derive(Clone, Copy, Debug)]
pub(crate) struct OwnRateRound {
    pub(crate) refreshes: f64,
    pub(crate) own: f64,
    /// The connections on which the store was asked, by either.
    pub(crate) connections: u64,
}

impl OwnRateFindings {
    /// Nothing yet; `None` if the store of sessions has no such program.
    pub(super) fn of(kind: StoreKind) -> Option<Self> {
        let program = match (kind.on_postgres, kind.on_redis) {
            (_, true) => "redis-benchmark",
            (true, false) => "pgbench",
            (false, false) => return None,
        };
        Some(Self { stores: kind.name, program, rounds: Vec::new() })
    }
}

/// Lets clients refresh, and then the store's own program write the same.
///
/// # Errors
/// [`BenchError`]
pub(super) async fn measure(
    plan: &BenchPlan,
    nodes: &Nodes,
    servers: &StoreServers,
    round: u64,
) -> Result<OwnRateRound, BenchError> {
    let refreshes = nodes.first.measure(REFRESH, round).await?.summary.rate;
    let span = Duration::from_secs(plan.seconds);
    let (own, connections) = if nodes.stores.kind.on_redis {
        (redis_benchmark::rotations(&servers.redis, &nodes.first.main, span).await?, 1)
    } else {
        pgbench::rotations(&servers.postgres, &nodes.stores, span).await?
    };
    Ok(OwnRateRound { refreshes, own, connections })
}
