//! What a request takes of the server, counted once for each case and beside the clock: allocations in a server that
//! counts them, system calls under `strace`. Both make a server slower, so neither is measured by time.

use std::path::{Path, PathBuf};

use portcullis_bench::allocation_counter::AllocationCount;

use crate::cases::Case;
use crate::error::BenchError;
use crate::load;
use crate::round::BenchFixture;
use crate::system_calls::SystemCallCount;

/// Means over the answers of one measurement.
#[derive(Clone, Copy, Debug)]
pub(crate) struct RequestCounts {
    /// Allocations.
    pub(crate) allocations: f64,
    /// Bytes allocated.
    pub(crate) bytes: f64,
    /// System calls; `None` where `strace` cannot count them.
    pub(crate) system_calls: Option<f64>,
}

/// The sockets on which the counting server and the counting bare handler answer.
#[derive(Debug)]
pub(crate) struct CounterSockets {
    pub(crate) server: PathBuf,
    pub(crate) bare: PathBuf,
}

impl CounterSockets {
    pub(crate) fn in_folder(folder: &Path) -> Self {
        Self { server: folder.join("server.socket"), bare: folder.join("bare.socket") }
    }

    const fn of(&self, case: Case) -> &PathBuf {
        if matches!(case, Case::BareServer) { &self.bare } else { &self.server }
    }
}

/// Counts what a case takes: system calls of the servers that are measured, allocations of those that count.
///
/// # Errors
/// [`BenchError`]
pub(crate) async fn count(
    case: Case,
    measured: &BenchFixture,
    counting: &BenchFixture,
    sockets: &CounterSockets,
) -> Result<RequestCounts, BenchError> {
    let system_calls = system_calls(case, measured, &sockets.server.with_extension("strace")).await?;
    let clients = counting.warm_clients(case, 0).await?;
    let begun = AllocationCount::read(sockets.of(case))?;
    let (_, tally) = load::drive(clients, counting.span).await?;
    let counted = AllocationCount::read(sockets.of(case))?.since(begun);
    let answers = tally.count();
    Ok(RequestCounts {
        allocations: per_answer(counted.allocations, answers),
        bytes: per_answer(counted.bytes, answers),
        system_calls,
    })
}

async fn system_calls(case: Case, fixture: &BenchFixture, summary: &Path) -> Result<Option<f64>, BenchError> {
    let clients = fixture.warm_clients(case, 0).await?;
    let Some(counting) = SystemCallCount::begin(fixture.serving(case).1, summary)? else { return Ok(None) };
    let (_, tally) = load::drive(clients, fixture.span).await?;
    Ok(Some(per_answer(counting.end()?, tally.count())))
}

#[expect(clippy::cast_precision_loss, reason = "no run has 2^52 answers")]
fn per_answer(counted: u64, answers: u64) -> f64 {
    counted as f64 / answers.max(1) as f64
}
