//! One measurement of one case: connect, warm up, measure.

use std::time::Duration;

use portcullis_bench::tally::TallySummary;

use crate::case_service::CaseService;
use crate::cases::{BenchTransport, Case, MANY, RefreshCase, StoreCase};
use crate::error::BenchError;
use crate::fixture::BenchFixture;
use crate::process::{family_processor_time, memory, processor_time};
use crate::{clients, hashing, load, machine, tcp};

/// What one measurement found.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Figures {
    /// Rate and latencies.
    pub(crate) summary: TallySummary,
    /// What the processes used. `None` where none serves.
    pub(crate) used: Option<ProcessorUse>,
    /// Refusals with 503.
    pub(crate) busy: u64,
    /// Memory of the serving process after it, KiB.
    pub(crate) resident: Option<u64>,
}

/// Processor time for one answer, in microseconds.
#[derive(Clone, Copy, PartialEq, Debug)]
pub(crate) struct ProcessorUse {
    /// Of the serving process and its children.
    pub(crate) server: f64,
    /// Of the process that it asks.
    pub(crate) asked: Option<f64>,
    /// Of the load generator.
    pub(crate) client: f64,
}

impl BenchFixture {
    /// Measures a case once.
    ///
    /// # Errors
    /// [`BenchError`]
    pub(crate) async fn measure(&self, case: Case, round: u64) -> Result<Figures, BenchError> {
        match case {
            Case::Hash => self.hash().await,
            Case::Store(store) => self.store_alone(store).await,
            Case::Sessions(BenchTransport::Tcp) => self.microservice(round).await,
            _ => self.requests(case, round).await,
        }
    }

    async fn requests(&self, case: Case, round: u64) -> Result<Figures, BenchError> {
        let clients = clients::warm(self, case, round).await?;
        let used = Used::by(self.serving(case).await?);
        let (clients, tally) = load::drive(clients, self.span).await?;
        let figures = Figures { busy: tally.busy, ..used.until_now(tally.summary()) };
        if case == Case::Refresh(RefreshCase::InTurn) {
            self.crowd().await?.keep(clients).await;
        }
        Ok(figures)
    }

    /// One connection with as many requests in flight as the other way has connections.
    async fn microservice(&self, round: u64) -> Result<Figures, BenchError> {
        let access = self.main.people.join(&self.outbox, &format!("tcp-{round}")).await?;
        let mut client = tcp::TcpClient::connect(self.tcp.get(), &access).await?;
        client.drive(MANY, self.span / 10).await?;
        let used = Used::by(self.main.service());
        Ok(used.until_now(client.drive(MANY, self.span).await?.summary()))
    }

    async fn store_alone(&self, case: StoreCase) -> Result<Figures, BenchError> {
        let mut store = self.store(case).await?.lock().await;
        store.measure(case.verb, self.span / 10)?;
        let used = Used::by(CaseService { pid: store.pid(), ..self.main.service() });
        Ok(used.until_now(store.measure(case.verb, self.span)?))
    }

    async fn hash(&self) -> Result<Figures, BenchError> {
        let span = self.span;
        let tally = tokio::task::spawn_blocking(move || hashing::measure(machine::cores(), span)).await??;
        Ok(Figures { summary: tally.summary(), used: None, busy: 0, resident: None })
    }
}

/// The processor time that the processes had used when a measurement began.
pub(crate) struct Used {
    service: CaseService,
    server: Duration,
    asked: Duration,
    client: Duration,
}

impl Used {
    pub(crate) fn by(service: CaseService) -> Self {
        Self {
            service,
            server: family_processor_time(service.pid),
            asked: service.asked.map(family_processor_time).unwrap_or_default(),
            client: processor_time(std::process::id()),
        }
    }

    /// The figures of what was counted since then.
    pub(crate) fn until_now(&self, summary: TallySummary) -> Figures {
        let now = Self::by(self.service);
        let per_answer =
            |now: Duration, begun: Duration| per_answer(now.saturating_sub(begun), summary.count);
        let used = ProcessorUse {
            server: per_answer(now.server, self.server),
            asked: self.service.asked.map(|_| per_answer(now.asked, self.asked)),
            client: per_answer(now.client, self.client),
        };
        Figures { summary, used: Some(used), busy: 0, resident: Some(memory(self.service.pid).resident) }
    }
}

#[expect(clippy::cast_precision_loss, reason = "no run has 2^52 answers")]
fn per_answer(used: Duration, answers: u64) -> f64 {
    used.as_secs_f64() * 1e6 / answers.max(1) as f64
}
