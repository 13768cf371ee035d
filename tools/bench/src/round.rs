//! One measurement of one case: connect, warm up, measure.

use std::time::Duration;

use portcullis_bench::server::Server;

use crate::bare::Bare;
use crate::cases::Case;
use crate::error::BenchError;
use crate::people::People;
use crate::process::processor_time;
use crate::{hashing, load, machine};

/// What one measurement found.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Figures {
    /// Answers a second.
    pub(crate) rate: f64,
    /// Median latency, microseconds.
    pub(crate) p50: f64,
    /// 99th percentile of the latency, microseconds.
    pub(crate) p99: f64,
    /// Processor time of the serving process for one answer, microseconds; none where nobody serves.
    pub(crate) processor: Option<f64>,
    /// Processor time of the load generator for one answer, microseconds.
    pub(crate) client: Option<f64>,
    /// Refusals with 503.
    pub(crate) busy: u64,
}

/// Those who take part in every measurement.
#[derive(Debug)]
pub(crate) struct Stage {
    pub(crate) server: Server,
    pub(crate) bare: Bare,
    pub(crate) people: People,
    /// How long one measurement takes.
    pub(crate) span: Duration,
}

impl Stage {
    /// Measures a case once.
    ///
    /// # Errors
    /// [`BenchError`]
    pub(crate) async fn measure(&self, case: Case, round: u64) -> Result<Figures, BenchError> {
        match case {
            Case::Hash => self.hash().await,
            Case::Bare => self.serve(case, round, self.bare.address, self.bare.pid()).await,
            _ => self.serve(case, round, self.server.address(), self.server.pid()).await,
        }
    }

    async fn serve(
        &self,
        case: Case,
        round: u64,
        address: std::net::SocketAddr,
        pid: u32,
    ) -> Result<Figures, BenchError> {
        let clients = load::connect(address, case.scripts(round, &self.people).await?).await?;
        let (clients, _) = load::drive(clients, self.span / 10).await?;
        let both = || (processor_time(pid), processor_time(std::process::id()));
        let (server_before, client_before) = both();
        let (_, tally) = load::drive(clients, self.span).await?;
        let (server_after, client_after) = both();
        Ok(Figures {
            rate: tally.rate(),
            p50: tally.quantile(0.5),
            p99: tally.quantile(0.99),
            processor: Some(per_answer(server_after.saturating_sub(server_before), tally.count())),
            client: Some(per_answer(client_after.saturating_sub(client_before), tally.count())),
            busy: tally.busy,
        })
    }

    async fn hash(&self) -> Result<Figures, BenchError> {
        let span = self.span;
        let tally = tokio::task::spawn_blocking(move || hashing::measure(machine::cores(), span)).await??;
        let (p50, p99) = (tally.quantile(0.5), tally.quantile(0.99));
        Ok(Figures { rate: tally.rate(), p50, p99, processor: None, client: None, busy: 0 })
    }
}

#[expect(clippy::cast_precision_loss, reason = "nobody counts 2^52 answers")]
fn per_answer(used: Duration, answers: u64) -> f64 {
    used.as_secs_f64() * 1e6 / answers.max(1) as f64
}
