//! `cargo xtask torture`: again and again kills the server with SIGKILL under load, starts it on the same data, and
//! checks that everything it acknowledged holds.
//!
//! Then it lets the tabs of a browser refresh one token all at once, and a thief steal it. Over and over. At last,
//! servers take over from each other, while clients watch that they lose no request.
//!
//! All random choices come from the seed. What the server was doing at the moment of the kill does not: the same seed
//! makes the same clients want the same things, and a failure is found again by running it more than once.

#![expect(clippy::print_stdout, clippy::print_stderr, reason = "a tool for people prints")]
#![expect(clippy::disallowed_methods, reason = "how old a credential is, is asked of the machine")]

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
mod tabs;
#[cfg(test)]
mod tests;

use std::path::PathBuf;
use std::process::ExitCode;

use clap::Parser;

use crate::ledger::Counts;
use crate::report::Numbers;
use crate::restarts::Restarts;
use crate::run::{Run, TortureError};
use crate::tabs::Tabs;

/// Kills the server and checks that it kept its word.
#[derive(Debug, Parser)]
#[command(name = "portcullis-torture")]
pub(crate) struct TorturePlan {
    /// How often the server is killed.
    #[arg(long, default_value_t = 500)]
    pub(crate) rounds: u64,
    /// How often the tabs of a browser refresh one token.
    #[arg(long, default_value_t = 1000)]
    pub(crate) tab_rounds: u64,
    /// Tabs of a browser.
    #[arg(long, default_value_t = 200)]
    pub(crate) tabs: u64,
    /// How often a server takes over from another one.
    #[arg(long, default_value_t = 200)]
    pub(crate) restarts: u64,
    /// Where the random choices come from; without it, one is made up and printed.
    #[arg(long)]
    pub(crate) seed: Option<u64>,
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

fn main() -> ExitCode {
    let plan = TorturePlan::parse();
    let seed = plan.seed.unwrap_or_else(made_up);
    println!(
        "torture: {} rounds, {} of tabs, {} of restarts, --seed {seed}",
        plan.rounds, plan.tab_rounds, plan.restarts
    );
    match tortured(&plan, seed) {
        Ok(numbers) => {
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

fn tortured(plan: &TorturePlan, seed: u64) -> Result<Numbers, TortureError> {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build()?;
    runtime.block_on(async {
        let mut numbers = killed(plan, seed).await?;
        if plan.tab_rounds > 0 {
            numbers.tabs = shared(plan, seed).await?;
        }
        if plan.restarts > 0 {
            numbers.restarts = replaced(plan, seed).await?;
        }
        Ok(numbers)
    })
}

async fn killed(plan: &TorturePlan, seed: u64) -> Result<Numbers, TortureError> {
    if plan.rounds == 0 {
        return Ok(Numbers::default());
    }
    let mut run = Run::begin(plan, seed).await?;
    for round in 1..=plan.rounds {
        if let Err(error) = run.round(round).await {
            eprintln!("the server's data is kept in {}", run.keep_directory().display());
            return Err(error);
        }
        if round % 10 == 0 {
            println!("round {round}/{}", plan.rounds);
        }
    }
    run.finish().await
}

async fn shared(plan: &TorturePlan, seed: u64) -> Result<Counts, TortureError> {
    let mut tabs = Tabs::begin(plan, seed).await?;
    for round in 1..=plan.tab_rounds {
        if let Err(error) = tabs.round(round).await {
            eprintln!("the server's data is kept in {}", tabs.keep_directory().display());
            return Err(error);
        }
        if round % 10 == 0 {
            println!("tabs, round {round}/{}", plan.tab_rounds);
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

/// A hasher of the standard library begins with random keys.
fn made_up() -> u64 {
    use std::hash::{BuildHasher as _, RandomState};
    RandomState::new().hash_one(0) >> 32
}
