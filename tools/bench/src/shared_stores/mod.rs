//! The stores that nodes share, side by side: how long a sign-out takes to hold on other nodes, and what a check and a
//! refresh cost.

mod sign_out;

use std::ffi::OsStr;
use std::fs::{self, Permissions};
use std::net::SocketAddr;
use std::os::unix::fs::PermissionsExt as _;
use std::path::Path;

use portcullis_bench::server::Server;
use portcullis_bench::store_servers::{PostgresServer, RedisDurability, RedisServer};
use portcullis_bench::strategy::StrategyUnderTest;

use crate::BenchPlan;
use crate::cases::{Case, RefreshCase};
use crate::error::BenchError;
use crate::fixture::BenchFixture;
use crate::programs::BenchPrograms;
use crate::round::Figures;
use crate::timing::burner::Burner;

/// Whether the database is PostgreSQL, and whether live sessions are in Redis.
const PAIRS: [(&str, bool, bool); 4] = [
    ("sqlite", false, false),
    ("postgres", true, false),
    ("sqlite+redis", false, true),
    ("postgres+redis", true, true),
];
/// Nodes beside the one on which users sign out.
const OTHER_NODES: usize = 2;
/// The share of each core that other work takes in the loaded half.
const BUSY: f64 = 0.8;
pub(crate) const CHECK: Case = Case::Profile(StrategyUnderTest::SessionJwt);
pub(crate) const REFRESH: Case = Case::Refresh(RefreshCase::Each(StrategyUnderTest::Refresh));

/// What was found of one pair.
#[derive(Debug)]
pub(crate) struct PairFindings {
    pub(crate) name: &'static str,
    /// Milliseconds from the answer to a sign-out to the last yes on another node, idle and beside other work.
    pub(crate) idle: Vec<f64>,
    pub(crate) loaded: Vec<f64>,
    pub(crate) checks: Vec<Figures>,
    pub(crate) refreshes: Vec<Figures>,
}

/// The nodes on one pair.
struct Nodes {
    name: &'static str,
    first: BenchFixture,
    others: Vec<Server>,
}

/// Starts the servers of all pairs, and measures them in turns.
///
/// # Errors
/// [`BenchError`]
pub(crate) async fn measure(plan: &BenchPlan, directory: &Path) -> Result<Vec<PairFindings>, BenchError> {
    // The database server runs as another user.
    fs::set_permissions(directory, Permissions::from_mode(0o755))?;
    let redis_folder = directory.join("redis-server");
    fs::create_dir(&redis_folder)?;
    let redis = RedisServer::start(&redis_folder, RedisDurability::Nothing).await?;
    let postgres = PostgresServer::start(&directory.join("postgres-server")).await?;
    let mut all = Vec::new();
    for (name, on_postgres, on_redis) in PAIRS {
        let folder = directory.join(name);
        fs::create_dir(&folder)?;
        let database = if on_postgres {
            postgres.new_database(&format!("bench_{}", name.replace('+', "_")))?
        } else {
            format!("sqlite:{}", folder.join("shared.db").display())
        };
        let sessions = if on_redis {
            format!("redis://{}?prefix={}:", redis.address(), name.replace('+', "-"))
        } else {
            database.clone()
        };
        let nodes = Nodes::start(plan, name, &folder, &database, &sessions).await?;
        let (idle, loaded) = nodes.sign_outs(plan.sign_outs).await?;
        all.push((nodes, PairFindings { name, idle, loaded, checks: Vec::new(), refreshes: Vec::new() }));
    }
    for round in 1..=plan.rounds {
        for (nodes, findings) in &mut all {
            findings.checks.push(nodes.first.measure(CHECK, round).await?);
            findings.refreshes.push(nodes.first.measure(REFRESH, round).await?);
            println!("round {round}/{}: {}", plan.rounds, nodes.name);
        }
    }
    Ok(all.into_iter().map(|(_, findings)| findings).collect())
}

impl Nodes {
    async fn start(
        plan: &BenchPlan,
        name: &'static str,
        folder: &Path,
        database: &str,
        sessions: &str,
    ) -> Result<Self, BenchError> {
        let variables =
            [("PORTCULLIS_DATABASE", OsStr::new(database)), ("PORTCULLIS_SESSIONS", OsStr::new(sessions))];
        let first = BenchFixture::set(plan, folder, None, &variables).await?;
        let program = BenchPrograms::measured(plan)?.server;
        let mut others = Vec::new();
        for number in 0..OTHER_NODES {
            others.push(
                Server::start_with(&program, &folder.join(format!("node-{number}")), &variables).await?,
            );
        }
        Ok(Self { name, first, others })
    }

    async fn sign_outs(&self, count: u64) -> Result<(Vec<f64>, Vec<f64>), BenchError> {
        let main = &self.first.main;
        let nodes: Vec<SocketAddr> =
            [&main.server].into_iter().chain(&self.others).map(Server::address).collect();
        let idle = sign_out::measure(&nodes, &main.people, count).await?;
        println!("{}: {count} sign-outs, idle", self.name);
        let burner = Burner::start(BUSY);
        let loaded = sign_out::measure(&nodes, &main.people, count).await?;
        drop(burner);
        println!("{}: {count} sign-outs, beside other work", self.name);
        Ok((idle, loaded))
    }
}
