//! `cargo xtask bench`: what a check, a refresh, a login and a registration cost, each beside what it is compared with,
//! in one run on one machine; and whether checks keep their latency in a storm of logins.
//!
//! It asserts nothing: figures of a shared machine are for people to read. `docs/performance.md` says how.

#![expect(clippy::print_stdout, clippy::print_stderr, reason = "a tool for people prints")]
#![expect(clippy::disallowed_methods, reason = "a tool that measures asks the machine for the time")]

mod case_service;
mod cases;
mod clients;
mod counts;
mod crowd;
mod docs_page;
mod error;
mod fixture;
mod gateway_memory;
mod gateway_process;
mod hashing;
mod load;
mod machine;
mod nginx;
mod open_files;
mod peer;
mod process;
mod programs;
mod proxies;
mod report;
mod round;
mod run;
mod script;
mod shared_stores;
mod spread;
mod start;
mod store_process;
mod storm;
mod system_calls;
mod tcp;
mod timing;
mod users;
mod verifiers;
mod websocket;

use std::path::PathBuf;
use std::process::ExitCode;

use clap::{Parser, Subcommand};
use portcullis_bench::bare_server::{self, BareServerArguments};
use tokio::runtime::Builder;

use crate::error::BenchError;

/// Measures the server beside what it is compared with.
#[derive(Debug, Parser)]
#[command(name = "portcullis-bench", args_conflicts_with_subcommands = true)]
struct BenchArguments {
    #[command(subcommand)]
    command: Option<BenchCommand>,
    #[command(flatten)]
    plan: BenchPlan,
}

/// What to measure, and how long.
#[derive(Debug, clap::Args)]
pub(crate) struct BenchPlan {
    /// How long one measurement of one case takes.
    #[arg(long, default_value_t = 2, value_parser = clap::value_parser!(u64).range(1..))]
    pub(crate) seconds: u64,
    /// How often each case is measured; the rounds are interleaved.
    #[arg(long, default_value_t = 5, value_parser = clap::value_parser!(u64).range(1..))]
    pub(crate) rounds: u64,
    /// How long each half of a storm round takes.
    #[arg(long, default_value_t = 10, value_parser = clap::value_parser!(u64).range(1..))]
    pub(crate) storm_seconds: u64,
    /// How often those who have an account are compared with those who have none.
    #[arg(long, default_value_t = 5000, value_parser = clap::value_parser!(u64).range(1..))]
    pub(crate) pairs: u64,
    /// Only the cases whose name contains this, and what they are compared with; `storm` for the storm alone, `timing`
    /// for known and unknown users alone, `start` for starts with a million sessions, `verifiers` for how soon those
    /// refuse what a sign-out has ended and `gateway-memory` for what a gateway holds, which only these and `--write`
    /// measure.
    #[arg(long, value_name = "NAME")]
    pub(crate) only: Option<String>,
    /// Compare the check of the cookie strategy with tower-sessions on Redis, which `cargo xtask bench` then builds and
    /// installs.
    #[arg(long, requires = "peer")]
    pub(crate) peers: bool,
    /// The service with tower-sessions.
    #[arg(long, value_name = "PATH", hide = true)]
    pub(crate) peer: Option<PathBuf>,
    /// Compare the stores that nodes share, and nothing else. `--only` chooses one of `sign-outs` (how long they take
    /// to hold on other nodes), `rates` (checks and refreshes), `own-rates` (refreshes beside the store's own program),
    /// `sizes` (checks of up to a million sessions), `round-trips` (of a refresh) and `memory` (of a session in Redis).
    /// `cargo xtask bench` installs PostgreSQL and Redis for it.
    #[arg(long, conflicts_with_all = ["peers", "write"])]
    pub(crate) stores: bool,
    /// How many live sessions the stores have in which `--stores` checks some.
    #[arg(long, value_delimiter = ',', default_values_t = [1_000, 100_000, 1_000_000])]
    pub(crate) sizes: Vec<usize>,
    /// How many of these sessions are asked for, if there are so many.
    #[arg(long, default_value_t = 10_000)]
    pub(crate) asked: usize,
    /// How many sign-outs `--stores` measures on each pair of stores, idle and as many beside other work.
    #[arg(long, default_value_t = 200, value_parser = clap::value_parser!(u64).range(1..))]
    pub(crate) sign_outs: u64,
    /// Give PostgreSQL a control group of this weight during `--stores`, as `CPUWeight=` of systemd does; each process
    /// outside any group weighs 100. Only root may.
    #[arg(long, value_name = "WEIGHT", requires = "stores", value_parser = clap::value_parser!(u32).range(1..=10_000))]
    pub(crate) postgres_cpu_weight: Option<u32>,
    /// How many requests go through the gateway whose memory is read.
    #[arg(long, default_value_t = 1_000_000, value_parser = clap::value_parser!(u64).range(10..))]
    pub(crate) requests: u64,
    /// How many WebSockets are open through that gateway.
    #[arg(long, default_value_t = 1_000, value_parser = clap::value_parser!(u32).range(1..))]
    pub(crate) websockets: u32,
    /// Write the figures into the pages.
    #[arg(long, conflicts_with = "only")]
    pub(crate) write: bool,
    /// The server's binary; without it, the one beside this program.
    #[arg(long, value_name = "PATH")]
    pub(crate) server: Option<PathBuf>,
    /// The server that counts allocations; without it, the one beside this program.
    #[arg(long, value_name = "PATH")]
    pub(crate) counted: Option<PathBuf>,
    /// The library without the server; without it, the one beside this program.
    #[arg(long, value_name = "PATH")]
    pub(crate) library: Option<PathBuf>,
}

#[derive(Debug, Subcommand)]
enum BenchCommand {
    /// Serve the bare handler that the server is compared with (the bench starts this itself).
    BareServer(BareServerArguments),
}

fn main() -> ExitCode {
    let arguments = BenchArguments::parse();
    let outcome = match arguments.command {
        Some(BenchCommand::BareServer(arguments)) => bare_server::run(&arguments).map_err(BenchError::from),
        None => measure(&arguments.plan),
    };
    match outcome {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("bench: {error}");
            ExitCode::FAILURE
        }
    }
}

/// One thread, so that the load generator takes little from what it measures.
fn measure(plan: &BenchPlan) -> Result<(), BenchError> {
    let runtime = Builder::new_current_thread().enable_all().build()?;
    runtime.block_on(run::run(plan))
}
