//! Stores that fail under three nodes: no node accepts what has ended for longer than it may, none refuses what is
//! live, and all recover without a restart.

mod faked_clock;
mod fault;
mod feeds;
mod history;
mod tcp_proxy;
mod three_nodes;
mod user;

use std::path::PathBuf;
use std::sync::Arc;
use std::time::{Duration, Instant};

use portcullis_bench::server::beside_this_program;
use tempfile::TempDir;
use tokio::task::JoinSet;
use tokio::time::sleep;

use crate::TorturePlan;
use crate::client::random_of;
use crate::report::{BrokenPromise, StoreNumbers};
use crate::run::TortureError;
pub(crate) use fault::StoreFault;
use history::{Aftermath, Seen, SessionHistory};
use three_nodes::ThreeNodes;
use user::{Shift, WatchfulUser, serves};

/// Nodes that share the stores.
pub(crate) const NODES: usize = 3;
/// Users at work.
const USERS: u32 = 12;
/// How long all of them are at work before a fault, and after it.
const BEFORE: Duration = Duration::from_millis(500);
const AFTER: Duration = Duration::from_millis(600);
/// After a fault that ends sessions: until a node that has not noticed has accepted one too late.
const AFTER_ENDS: Duration = Duration::from_millis(1600);
/// How long a node has to recover.
const RECOVERY: Duration = Duration::from_secs(30);
const LOOK: Duration = Duration::from_millis(20);

/// All rounds on one pair of stores.
pub(crate) struct StoreFaults {
    directory: TempDir,
    stores: ThreeNodes,
    seed: u64,
    /// The kinds of faults, each in turn.
    kinds: Vec<StoreFault>,
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
        let kinds = Self::kinds(plan, has_redis);
        Ok(Self { directory, stores, seed, kinds, pauses, numbers: StoreNumbers::default() })
    }

    /// The kinds of faults that a plan chooses, as far as they are possible on these stores.
    pub(crate) fn kinds(plan: &TorturePlan, has_redis: bool) -> Vec<StoreFault> {
        let is_meant = |kind: &StoreFault| plan.only.is_empty() || plan.only.contains(kind);
        StoreFault::possible(has_redis).filter(is_meant).collect()
    }

    /// Lets users work, and a store fail meanwhile; each kind of fault in turn.
    ///
    /// # Errors
    /// [`TortureError`]
    pub(crate) async fn round(&mut self, round: u64) -> Result<(), TortureError> {
        let turn = usize::try_from(round).ok().and_then(|round| round.checked_rem(self.kinds.len()));
        let Some(fault) = turn.and_then(|turn| self.kinds.get(turn)).copied() else { return Ok(()) };
        let (shift, mut users) = (Shift::begin(), JoinSet::new());
        for number in 0..USERS {
            let nodes = self.stores.addresses();
            users.spawn(
                WatchfulUser::new(nodes, (self.seed, round, number.into()), Arc::clone(&shift)).works(),
            );
        }
        if !shift.has(USERS).await {
            return Err(self.failed(fault, round, "users do not come to work"));
        }
        sleep(BEFORE).await;
        let mut random = random_of(self.seed, round, USERS.into());
        let aftermath = fault.happens(&mut self.stores, &mut random, self.pauses.clone()).await?;
        let recovered = self.recovers(round).await;
        sleep(if aftermath == Aftermath::None { AFTER } else { AFTER_ENDS }).await;
        shift.end();
        let mut histories: Vec<SessionHistory> = users.join_all().await.into_iter().flatten().collect();
        recovered.map_err(|what| self.failed(fault, round, &what))?;
        for history in &mut histories {
            history.note(aftermath);
        }
        self.alarms(aftermath)?.map_or(Ok(()), |what| Err(self.failed(fault, round, &what)))?;
        self.judge(fault, round, &histories)
    }

    /// What users are told, and what the logs say, that is not so: no token is stolen here, and no store loses a
    /// rotation but one that comes back older.
    fn alarms(&mut self, aftermath: Aftermath) -> Result<Option<String>, TortureError> {
        if let Some(told) = self.stores.alarmed()?.first() {
            return Ok(Some(format!("{told} was told of a theft")));
        }
        let lost = self.stores.lost_rotations()?;
        if !matches!(aftermath, Aftermath::NewestLost { .. }) {
            return Ok(lost.into_iter().next());
        }
        *self.numbers.counts.entry("stores: refreshes beyond what Redis knew").or_default() +=
            lost.len() as u64;
        Ok(None)
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
        histories: &[SessionHistory],
    ) -> Result<(), TortureError> {
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
