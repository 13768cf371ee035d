//! What a request takes of the server, counted once for each case and beside the clock: allocations in a server that
//! counts them, system calls under `strace`. Both make a server slower, so neither is measured by time.

use std::path::Path;

use portcullis_bench::allocation_counter::AllocationCount;

use crate::cases::Case;
use crate::error::BenchError;
use crate::fixture::BenchFixture;
use crate::programs::CounterSockets;
use crate::system_calls::SystemCallCount;
use crate::{clients, load};

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
    let clients = clients::warm(counting, case, 0).await?;
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
    let clients = clients::warm(fixture, case, 0).await?;
    let Some(counting) = SystemCallCount::begin(fixture.serving(case).await?.pid, summary)? else {
        return Ok(None);
    };
    let (_, tally) = load::drive(clients, fixture.span).await?;
    Ok(Some(per_answer(counting.end()?, tally.count())))
}

#[expect(clippy::cast_precision_loss, reason = "no run has 2^52 answers")]
fn per_answer(counted: u64, answers: u64) -> f64 {
    counted as f64 / answers.max(1) as f64
}
