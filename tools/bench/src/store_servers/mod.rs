//! The servers of stores, on Debian's programs: started on a free port, killed, paused, and started again on what they
//! had written.

mod control_group;
mod postgres;
mod redis;

use std::io;
use std::process::Child;

use rustix::process::{Pid, Signal, kill_process};
use thiserror::Error;

use crate::serving_process::children_of;

pub use control_group::ControlGroup;
pub use postgres::PostgresServer;
pub use redis::{RedisDurability, RedisServer};

/// Why there is no server.
#[derive(Debug, Error)]
pub enum StoreServerError {
    /// What the system, or the server, says.
    #[error(transparent)]
    Io(#[from] io::Error),
    /// Debian's package is missing.
    #[error(
        "redis-server is missing; run `sudo apt-get install --yes --no-install-recommends redis-server`, or leave out \
         what needs it (`--peers`, `--stores`)"
    )]
    NoRedis,
    /// Debian's package is missing.
    #[error(
        "no PostgreSQL server is installed; run `sudo apt-get install --yes --no-install-recommends postgresql`, or \
         leave `--stores` out"
    )]
    NoPostgres,
}

/// Sends a signal to a process and to its children, which have groups of their own.
fn signal_all(process: &Child, signal: Signal) -> io::Result<()> {
    let children = children_of(process.id());
    kill_process(Pid::from_child(process), signal)?;
    let numbers = children.into_iter().filter_map(|child| i32::try_from(child).ok());
    for child in numbers.filter_map(Pid::from_raw) {
        // It may have ended meanwhile.
        let _ = kill_process(child, signal);
    }
    Ok(())
}
