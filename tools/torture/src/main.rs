//! `cargo xtask torture`: again and again kills the server with SIGKILL under load, starts it on the same data, and
//! checks that everything it acknowledged holds.
//!
//! Then it lets the tabs of a browser refresh one token all at once, and a thief steal it. Over and over. Both are done
//! on each pair of stores that is asked for; the stores outlive the server. Then servers take over from each other,
//! while clients watch that they lose no request. At last the stores fail that three nodes share: they are killed,
//! paused, cut off and emptied.
//!
//! All random choices come from the seed. What the server was doing at the moment of the kill does not: the same seed
//! makes the same clients want the same things, and a failure is found again by running it more than once.

#![expect(clippy::print_stdout, clippy::print_stderr, reason = "a tool for people prints")]
#![expect(clippy::disallowed_methods, reason = "how old a credential is, is asked of the machine")]

mod alarms;
mod breach;
mod checks;
mod client;
mod client_session;
mod device;
mod device_user;
#[cfg(test)]
mod fake_server;
mod ledger;
mod report;
mod restarts;
mod run;
mod server_connection;
mod stores;
mod stores_under_test;
mod tabs;
#[cfg(test)]
mod tests;

use std::path::PathBuf;
use std::process::ExitCode;

use clap::Parser;
use tokio::signal::ctrl_c;
use tokio::signal::unix::{SignalKind, signal};

use crate::ledger::Counts;
use crate::report::{BrokenPromise, KillNumbers, KillsByStores, Numbers, StoreNumbers, add};
use crate::restarts::Restarts;
use crate::run::{Run, TortureError};
use crate::stores::{StoreFault, StoreFaults};
use crate::stores_under_test::{StoresNamed, StoresUnderTest};
use crate::tabs::Tabs;

/// Kills the server and checks that it kept its word.
#[derive(Debug, Parser)]
#[command(name = "portcullis-torture")]
pub(crate) struct TorturePlan {
    /// How often the server is killed on each pair of stores.
    #[arg(long, default_value_t = 500)]
    pub(crate) rounds: u64,
    /// How often the tabs of a browser refresh one token, on each pair of stores.
    #[arg(long, default_value_t = 1000)]
    pub(crate) tab_rounds: u64,
    /// The stores under these rounds: sqlite, sqlite+redis, postgres, postgres+redis, or all of them. May be repeated.
    #[arg(long, value_name = "STORES", default_value = "sqlite", value_parser = StoresUnderTest::named)]
    on: Vec<StoresNamed>,
    /// Tabs of a browser.
    #[arg(long, default_value_t = 200)]
    pub(crate) tabs: u64,
    /// How often a server takes over from another one.
    #[arg(long, default_value_t = 200)]
    pub(crate) restarts: u64,
    /// How often a store fails that three nodes share: PostgreSQL, and Redis beside it.
    #[arg(long, default_value_t = 0)]
    pub(crate) faults: u64,
    /// Nothing but such faults, on PostgreSQL alone and with Redis, with long pauses; 160 unless `--faults` says more.
    #[arg(long)]
    pub(crate) stores: bool,
    /// The kinds of such faults; without it, all. May be repeated.
    #[arg(long, value_name = "FAULT", value_enum)]
    only: Vec<StoreFault>,
    /// Where the random choices come from; without it, one is made up and printed.
    #[arg(long)]
    pub(crate) seed: Option<u64>,
    /// The longest that the server works before it is killed, in milliseconds. The shortest is 50.
    #[arg(long, value_name = "MILLISECONDS", default_value_t = 800, value_parser = clap::value_parser!(u64).range(50..))]
    pub(crate) killed_within: u64,
    /// Clients at work.
    #[arg(long, default_value_t = 16)]
    pub(crate) clients: u64,
    /// Clients of the device-session surface beside them.
    #[arg(long, default_value_t = 4)]
    pub(crate) devices: u64,
    /// The server's binary; without it, the one beside this program.
    #[arg(long, value_name = "PATH")]
    pub(crate) server: Option<PathBuf>,
}

impl TorturePlan {
    /// The plan with what `--stores` leaves out and adds.
    fn completed(self) -> Self {
        if !self.stores {
            return self;
        }
        let faults = if self.faults == 0 { 160 } else { self.faults };
        Self { rounds: 0, tab_rounds: 0, restarts: 0, faults, ..self }
    }

    /// The pairs of stores, each once.
    fn pairs(&self) -> Vec<StoresUnderTest> {
        let mut pairs = self.on.concat();
        pairs.sort_unstable();
        pairs.dedup();
        pairs
    }
}

fn main() -> ExitCode {
    let plan = TorturePlan::parse().completed();
    let seed = plan.seed.unwrap_or_else(made_up);
    println!(
        "torture: {} rounds, {} of tabs, {} of restarts, {} faults of stores, --seed {seed}",
        plan.rounds, plan.tab_rounds, plan.restarts, plan.faults
    );
    let mut numbers = Numbers::default();
    let outcome = tortured(&plan, seed, &mut numbers);
    if !numbers.kills.is_empty() {
        println!("{}\n", KillsByStores(&numbers.kills));
    }
    match outcome {
        Ok(()) => {
            println!("{numbers}\nseed {seed}");
            ExitCode::SUCCESS
        }
        Err(error) => {
            print_error(&error, seed);
            ExitCode::FAILURE
        }
    }
}

fn print_error(error: &TortureError, seed: u64) {
    if let TortureError::Failed(failures) = error {
        for failure in failures {
            eprintln!("{failure}");
        }
    }
    eprintln!("torture: {error}; --seed {seed}");
}

fn tortured(plan: &TorturePlan, seed: u64, numbers: &mut Numbers) -> Result<(), TortureError> {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build()?;
    runtime.block_on(async {
        let mut terminated = signal(SignalKind::terminate())?;
        // What is dropped here ends its servers.
        tokio::select! {
            biased;
            done = all_of(plan, seed, numbers) => done,
            _ = ctrl_c() => Err(TortureError::Stopped),
            _ = terminated.recv() => Err(TortureError::Stopped),
        }
    })
}

async fn all_of(plan: &TorturePlan, seed: u64, numbers: &mut Numbers) -> Result<(), TortureError> {
    for on in plan.pairs() {
        if plan.rounds > 0 {
            killed(plan, seed, on, &mut numbers.kills).await?;
        }
        if plan.tab_rounds > 0 {
            add(&mut numbers.tabs, &shared(plan, seed, on).await?);
        }
    }
    if plan.restarts > 0 {
        numbers.restarts = replaced(plan, seed).await?;
    }
    if plan.faults > 0 {
        failing(plan, seed, numbers).await?;
    }
    Ok(())
}

async fn killed(
    plan: &TorturePlan,
    seed: u64,
    on: StoresUnderTest,
    numbers: &mut Vec<KillNumbers>,
) -> Result<(), TortureError> {
    let mut run = Run::begin(plan, seed, on).await?;
    let outcome = killed_often(plan, on, &mut run).await;
    let broken: &[BrokenPromise] =
        if let Err(TortureError::Failed(broken)) = &outcome { broken } else { &[] };
    numbers.push(run.counted(broken));
    if outcome.is_err() {
        eprintln!("{on}: the server's data is kept in {}", run.keep_directory().display());
    }
    outcome
}

async fn killed_often(plan: &TorturePlan, on: StoresUnderTest, run: &mut Run) -> Result<(), TortureError> {
    for round in 1..=plan.rounds {
        run.round(round).await?;
        if round % 10 == 0 {
            println!("{on}, round {round}/{}", plan.rounds);
        }
    }
    run.finish().await
}

async fn shared(plan: &TorturePlan, seed: u64, on: StoresUnderTest) -> Result<Counts, TortureError> {
    let mut tabs = Tabs::begin(plan, seed, on).await?;
    for round in 1..=plan.tab_rounds {
        if let Err(error) = tabs.round(round).await {
            eprintln!("{on}: the server's data is kept in {}", tabs.keep_directory().display());
            return Err(error);
        }
        if round % 10 == 0 {
            println!("{on}, tabs, round {round}/{}", plan.tab_rounds);
        }
    }
    Ok(tabs.counts)
}

async fn replaced(plan: &TorturePlan, seed: u64) -> Result<Counts, TortureError> {
    let mut restarts = Restarts::begin(plan, seed).await?;
    for round in 1..=plan.restarts {
        if let Err(error) = restarts.round(round).await {
            eprintln!("the server's data is kept in {}", restarts.keep_directory().display());
            return Err(error);
        }
        if round % 10 == 0 {
            println!("restarts, round {round}/{}", plan.restarts);
        }
    }
    restarts.finish().await
}

/// The short form is with Redis alone; the long one spends half of its faults on PostgreSQL alone.
async fn failing(plan: &TorturePlan, seed: u64, numbers: &mut Numbers) -> Result<(), TortureError> {
    let has_kinds_alone = plan.stores && !StoreFaults::kinds(plan, false).is_empty();
    let alone = if has_kinds_alone { plan.faults / 2 } else { 0 };
    for (has_redis, faults) in [(false, alone), (true, plan.faults - alone)] {
        if faults > 0 {
            numbers.add_stores(&failed_often(plan, seed, has_redis, faults).await?);
        }
    }
    Ok(())
}

async fn failed_often(
    plan: &TorturePlan,
    seed: u64,
    has_redis: bool,
    faults: u64,
) -> Result<StoreNumbers, TortureError> {
    let mut failing = StoreFaults::begin(plan, seed, has_redis).await?;
    for round in 0..faults {
        if let Err(error) = failing.round(round).await {
            eprintln!("the logs of the nodes are kept in {}", failing.keep_directory().display());
            return Err(error);
        }
        if (round + 1) % 8 == 0 {
            println!("faults of stores, {}/{faults}", round + 1);
        }
    }
    Ok(failing.numbers)
}

/// A hasher of the standard library begins with random keys.
fn made_up() -> u64 {
    use std::hash::{BuildHasher as _, RandomState};
    RandomState::new().hash_one(0) >> 32
}
