//! The stores that nodes share, side by side: how long a sign-out takes to hold on other nodes, what a check and a
//! refresh cost, also of a million sessions and beside the store's own rate, and what a refresh sends.

mod counting_proxy;
mod kinds;
mod nodes;
mod own_rate;
mod pgbench;
mod redis_benchmark;
mod redis_memory;
mod round_trips;
mod session_ids;
mod sign_out;
mod sizes;
mod template;
mod written_sessions;

use std::path::Path;

use portcullis_bench::strategy::StrategyUnderTest;

use crate::BenchPlan;
use crate::cases::{Case, RefreshCase};
use crate::error::BenchError;
use crate::round::Figures;
use kinds::{StoreKind, StoreServers};
use nodes::Nodes;
pub(crate) use own_rate::OwnRateFindings;
pub(crate) use redis_memory::SessionMemory;
pub(crate) use round_trips::{RoundTripFindings, WireTrips};
pub(crate) use sizes::{SizeFindings, SizeRound};

const CHECK: Case = Case::Profile(StrategyUnderTest::SessionJwt);
const REFRESH: Case = Case::Refresh(RefreshCase::Each(StrategyUnderTest::Refresh));

const SIGN_OUTS: &str = "sign-outs";
const RATES: &str = "rates";
const OWN_RATES: &str = "own-rates";
const SIZES: &str = "sizes";
const ROUND_TRIPS: &str = "round-trips";
const MEMORY: &str = "memory";
/// What `--only` chooses from.
const PARTS: [&str; 6] = [SIGN_OUTS, RATES, OWN_RATES, SIZES, ROUND_TRIPS, MEMORY];

/// What was found of all.
#[derive(Debug, Default)]
pub(crate) struct StoreFindings {
    pub(crate) pairs: Vec<PairFindings>,
    pub(crate) own_rates: Vec<OwnRateFindings>,
    pub(crate) sizes: Vec<SizeFindings>,
    pub(crate) round_trips: Vec<RoundTripFindings>,
    pub(crate) memory: Vec<SessionMemory>,
}

/// What was found of one pair.
#[derive(Debug, Default)]
pub(crate) struct PairFindings {
    pub(crate) name: &'static str,
    /// Milliseconds from the answer to a sign-out to the last yes on another node, idle and beside other work.
    pub(crate) idle: Vec<f64>,
    pub(crate) loaded: Vec<f64>,
    pub(crate) checks: Vec<Figures>,
    pub(crate) refreshes: Vec<Figures>,
}

/// Starts the servers of all stores, and measures the parts that the plan chooses.
///
/// # Errors
/// [`BenchError`]
pub(crate) async fn measure(plan: &BenchPlan, directory: &Path) -> Result<StoreFindings, BenchError> {
    if let Some(only) = plan.only.as_deref().filter(|only| !PARTS.contains(only)) {
        return Err(BenchError::UnknownCase(only.to_owned(), PARTS.join(", ")));
    }
    let includes = |part: &str| plan.only.as_deref().is_none_or(|only| only == part);
    let servers = StoreServers::start(directory, plan.postgres_cpu_weight).await?;
    let mut findings = StoreFindings::default();
    if [SIGN_OUTS, RATES, OWN_RATES].into_iter().any(includes) {
        on_three_nodes(plan, directory, &servers, &includes, &mut findings).await?;
    }
    if includes(ROUND_TRIPS) {
        findings.round_trips = round_trips::measure(plan, directory, &servers).await?;
    }
    // These two remove what is in Redis, so no node is left by now.
    if includes(MEMORY) {
        findings.memory = redis_memory::measure(plan, directory, &servers).await?;
    }
    if includes(SIZES) {
        findings.sizes = sizes::measure(plan, directory, &servers).await?;
    }
    Ok(findings)
}

async fn on_three_nodes(
    plan: &BenchPlan,
    directory: &Path,
    servers: &StoreServers,
    includes: &impl Fn(&str) -> bool,
    findings: &mut StoreFindings,
) -> Result<(), BenchError> {
    let mut all = Vec::new();
    for kind in StoreKind::ALL {
        let nodes = Nodes::start(plan, servers.new_stores(kind, "nodes", directory)?).await?;
        let mut pair = PairFindings { name: kind.name, ..PairFindings::default() };
        if includes(SIGN_OUTS) {
            nodes.sign_outs(plan.sign_outs, &mut pair).await?;
        }
        let own = OwnRateFindings::of(kind);
        all.push((nodes, pair, own));
    }
    for round in 1..=plan.rounds {
        for (nodes, pair, own) in &mut all {
            if includes(RATES) {
                pair.checks.push(nodes.first.measure(CHECK, round).await?);
                pair.refreshes.push(nodes.first.measure(REFRESH, round).await?);
            }
            if let Some(own) = own.as_mut().filter(|_| includes(OWN_RATES)) {
                own.rounds.push(own_rate::measure(plan, nodes, servers, round).await?);
            }
            println!("round {round}/{}: {}", plan.rounds, pair.name);
        }
    }
    for (_, pair, own) in all {
        findings.pairs.push(pair);
        findings.own_rates.extend(own.filter(|own| !own.rounds.is_empty()));
    }
    Ok(())
}
