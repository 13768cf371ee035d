//! The server, or the bare handler that it is compared with, with an allocator that counts.
//!
//! It is a program of its own, because counting costs time: what is measured by the clock must not count. Who connects
//! to the socket that [`ALLOCATION_COUNTER`] names is told what was allocated since the start.

use std::alloc::System;
use std::io::{self, Write as _};
use std::os::unix::net::UnixListener;
use std::process::ExitCode;
use std::thread;

use clap::Parser as _;
use portcullis_bench::allocation_counter::{ALLOCATION_COUNTER, AllocationCount};
use portcullis_bench::bare_server::{self, BARE_SERVER, BareServerArguments};
use stats_alloc::{INSTRUMENTED_SYSTEM, StatsAlloc};

#[global_allocator]
static ALLOCATOR: &StatsAlloc<System> = &INSTRUMENTED_SYSTEM;

#[derive(clap::Parser)]
enum CountedCommand {
    /// Serve the bare handler.
    BareServer(BareServerArguments),
}

fn main() -> io::Result<ExitCode> {
    if let Some(path) = std::env::var_os(ALLOCATION_COUNTER) {
        let listener = UnixListener::bind(path)?;
        thread::spawn(move || tell(&listener));
    }
    if std::env::args_os().nth(1).is_some_and(|command| command == BARE_SERVER) {
        let CountedCommand::BareServer(arguments) = CountedCommand::parse();
        return bare_server::run(&arguments).map(|()| ExitCode::SUCCESS);
    }
    portcullis_server::cli::start()
}

/// A client that leaves before it is told is no reason to end.
fn tell(listener: &UnixListener) {
    for mut client in listener.incoming().flatten() {
        let _ = client.write_all(counted().to_string().as_bytes());
    }
}

fn counted() -> AllocationCount {
    let stats = ALLOCATOR.stats();
    AllocationCount {
        allocations: (stats.allocations + stats.reallocations) as u64,
        bytes: stats.bytes_allocated as u64,
    }
}
