//! Stores that fail under three nodes: no node accepts what has ended for longer than it may, none refuses what is
//! live, and all recover without a restart.

mod fault;
mod history;
mod tcp_proxy;
mod three_nodes;
mod user;

use std::path::PathBuf;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::{Duration, Instant};

use portcullis_bench::server::beside_this_program;
use tempfile::TempDir;
use tokio::task::JoinSet;
use tokio::time::sleep;

use crate::TorturePlan;
use crate::client::random_of;
use crate::report::{BrokenPromise, StoreNumbers};
use crate::run::TortureError;
use fault::{AllEnded, StoreFault};
use history::{Seen, SessionHistory};
use three_nodes::ThreeNodes;
use user::{WatchfulUser, serves};

/// Nodes that share the stores.
pub(crate) const NODES: usize = 3;
/// Users at work.
const USERS: u64 = 12;
/// How long users are at work before a fault, and after it.
const BEFORE: Duration = Duration::from_secs(1);
const AFTER: Duration = Duration::from_millis(600);
/// After all sessions were ended by hand: until a node that has not noticed has accepted one too late.
const AFTER_ALL_ENDED: Duration = Duration::from_millis(1600);
/// How long a node has to recover.
const RECOVERY: Duration = Duration::from_secs(30);
const LOOK: Duration = Duration::from_millis(20);

/// All rounds on one pair of stores.
pub(crate) struct StoreFaults {
    directory: TempDir,
    stores: ThreeNodes,
    seed: u64,
    /// How long a server is paused, in seconds.
    pauses: std::ops::RangeInclusive<u64>,
    pub(crate) numbers: StoreNumbers,
}

impl StoreFaults {
    /// Starts the stores and the nodes.
    ///
    /// # Errors
    /// [`TortureError`]
    pub(crate) async fn begin(plan: &TorturePlan, seed: u64, has_redis: bool) -> Result<Self, TortureError> {
        let program = plan.server.clone().map_or_else(beside_this_program, Ok)?;
        let directory = tempfile::tempdir()?;
        let stores = ThreeNodes::start(directory.path(), &program, has_redis).await?;
        let pauses = if plan.stores { 3..=10 } else { 3..=3 };
        Ok(Self { directory, stores, seed, pauses, numbers: StoreNumbers::default() })
    }

    /// Lets users work, and a store fail meanwhile; each kind of fault in turn.
    ///
    /// # Errors
    /// [`TortureError`]
    pub(crate) async fn round(&mut self, round: u64) -> Result<(), TortureError> {
        let possible =
            if self.stores.redis.is_some() { StoreFault::ALL.len() } else { StoreFault::OF_POSTGRES };
        let turn = usize::try_from(round).unwrap_or_default() % possible;
        let Some(fault) = StoreFault::ALL.get(turn).copied() else { return Ok(()) };
        let (is_over, mut users) = (Arc::new(AtomicBool::new(false)), JoinSet::new());
        for number in 0..USERS {
            let nodes = self.stores.addresses();
            users.spawn(WatchfulUser::new(nodes, (self.seed, round, number), Arc::clone(&is_over)).works());
        }
        sleep(BEFORE).await;
        let mut random = random_of(self.seed, round, USERS);
        let ended = fault.happens(&mut self.stores, &mut random, self.pauses.clone()).await?;
        let recovered = self.recovers(round).await;
        sleep(if ended.is_some() { AFTER_ALL_ENDED } else { AFTER }).await;
        is_over.store(true, Ordering::Relaxed);
        let mut histories: Vec<SessionHistory> = users.join_all().await.into_iter().flatten().collect();
        recovered.map_err(|what| self.failed(fault, round, &what))?;
        self.judge(fault, round, &mut histories, ended)
    }

    /// Keeps the logs of the nodes, so that the cause can be found.
    pub(crate) fn keep_directory(self) -> PathBuf {
        self.directory.keep()
    }

    /// Waits until every node serves again.
    async fn recovers(&mut self, round: u64) -> Result<(), String> {
        let begun = Instant::now();
        for (number, node) in self.stores.addresses().into_iter().enumerate() {
            let email = format!("recovery-{round}-{number}@torture.example");
            while !serves(node, &email).await {
                if begun.elapsed() > RECOVERY {
                    return Err(format!("node {number} has not recovered"));
                }
                sleep(LOOK).await;
            }
        }
        self.numbers.slowest_recovery = self.numbers.slowest_recovery.max(begun.elapsed());
        Ok(())
    }

    fn judge(
        &mut self,
        fault: StoreFault,
        round: u64,
        histories: &mut [SessionHistory],
        ended: AllEnded,
    ) -> Result<(), TortureError> {
        if let Some((sent, answered)) = ended {
            for history in &mut *histories {
                history.all_ended(sent, answered);
            }
        }
        if let Some(broken) = histories.iter().find_map(SessionHistory::broken_promise) {
            return Err(self.failed(fault, round, &broken));
        }
        let last_yes = histories.iter().map(SessionHistory::last_yes).max();
        self.numbers.last_yes = self.numbers.last_yes.max(last_yes.unwrap_or_default());
        *self.numbers.counts.entry(fault.name()).or_default() += 1;
        let mut add = |kind, is_meant: fn(&Seen) -> bool| {
            let found: u64 = histories.iter().map(|history| history.count(is_meant)).sum();
            *self.numbers.counts.entry(kind).or_default() += found;
        };
        add("stores: requests accepted", |seen| *seen == Seen::Accepted);
        add("stores: requests refused after an end", |seen| matches!(seen, Seen::Refused(_)));
        add("stores: requests unanswered or 503", |seen| *seen == Seen::Away);
        add("stores: ends acknowledged", |seen| *seen == Seen::Ended);
        Ok(())
    }

    fn failed(&self, fault: StoreFault, round: u64, what: &str) -> TortureError {
        let what = format!("{}, round {round}: {what}", fault.name());
        let of = |node: &three_nodes::Node| BrokenPromise::of_server(&node.server, what.clone());
        TortureError::Failed(self.stores.nodes.iter().map(of).collect())
    }
}
