//! Three nodes on stores of one kind, which users sign in on.

use std::net::SocketAddr;

use portcullis_bench::server::Server;

use super::PairFindings;
use super::kinds::PlacedStores;
use super::sign_out;
use crate::BenchPlan;
use crate::error::BenchError;
use crate::fixture::BenchFixture;
use crate::programs::BenchPrograms;
use crate::timing::burner::Burner;

/// Nodes beside the one on which users sign out.
const OTHER_NODES: usize = 2;
/// The share of each core that other work takes in the loaded half.
const BUSY: f64 = 0.8;

/// The nodes on one pair.
pub(super) struct Nodes {
    pub(super) stores: PlacedStores,
    pub(super) first: BenchFixture,
    others: Vec<Server>,
}

impl Nodes {
    pub(super) async fn start(plan: &BenchPlan, stores: PlacedStores) -> Result<Self, BenchError> {
        let settings = stores.settings();
        let variables = settings.variables();
        let first = BenchFixture::set(plan, &stores.folder, None, &variables).await?;
        let program = BenchPrograms::measured(plan)?.server;
        let mut others = Vec::new();
        for number in 0..OTHER_NODES {
            let data_dir = stores.folder.join(format!("node-{number}"));
            others.push(Server::start_with(&program, &data_dir, &variables).await?);
        }
        Ok(Self { stores, first, others })
    }

    /// Fills in how long a sign-out takes to hold, idle and beside other work.
    pub(super) async fn sign_outs(&self, count: u64, findings: &mut PairFindings) -> Result<(), BenchError> {
        let main = &self.first.main;
        let nodes: Vec<SocketAddr> =
            [&main.server].into_iter().chain(&self.others).map(Server::address).collect();
        findings.idle = sign_out::measure(&nodes, &main.people, count).await?;
        println!("{}: {count} sign-outs, idle", findings.name);
        let burner = Burner::start(BUSY);
        findings.loaded = sign_out::measure(&nodes, &main.people, count).await?;
        drop(burner);
        println!("{}: {count} sign-outs, beside other work", findings.name);
        Ok(())
    }
}
