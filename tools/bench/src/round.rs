//! One measurement of one case: connect, warm up, measure.

use std::net::SocketAddr;
use std::time::Duration;

use portcullis_bench::bare_server::BareServer;
use portcullis_bench::device::Outbox;
use portcullis_bench::server::{ReservedAddress, Server};

use crate::cases::{BenchTransport, Case, MANY};
use crate::error::BenchError;
use crate::load::{self, LoadClient};
use crate::process::processor_time;
use crate::tally::Tally;
use crate::users::BenchUsers;
use crate::{hashing, machine, tcp};

/// What one measurement found.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Figures {
    /// Answers a second.
    pub(crate) rate: f64,
    /// Median latency, microseconds.
    pub(crate) p50: f64,
    /// 99th percentile of the latency, microseconds.
    pub(crate) p99: f64,
    /// Processor time of the serving process for one answer, in microseconds. `None` where no process serves.
    pub(crate) processor: Option<f64>,
    /// Processor time of the load generator for one answer, microseconds.
    pub(crate) client: Option<f64>,
    /// Refusals with 503.
    pub(crate) busy: u64,
}

/// Those who take part in every measurement.
#[derive(Debug)]
pub(crate) struct BenchFixture {
    pub(crate) server: Server,
    pub(crate) bare: BareServer,
    /// Where microservices connect.
    pub(crate) tcp: ReservedAddress,
    pub(crate) outbox: Outbox,
    pub(crate) people: BenchUsers,
    /// How long one measurement takes.
    pub(crate) span: Duration,
}

impl BenchFixture {
    /// Measures a case once.
    ///
    /// # Errors
    /// [`BenchError`]
    pub(crate) async fn measure(&self, case: Case, round: u64) -> Result<Figures, BenchError> {
        match case {
            Case::Hash => self.hash().await,
            Case::Sessions(BenchTransport::Tcp) => self.microservice(round).await,
            _ => {
                let clients = self.warm_clients(case, round).await?;
                let used = Used::by(self.serving(case).1);
                let (_, tally) = load::drive(clients, self.span).await?;
                Ok(used.until_now(&tally))
            }
        }
    }

    /// The address and the process that a case asks.
    pub(crate) fn serving(&self, case: Case) -> (SocketAddr, u32) {
        match case {
            Case::BareServer => (self.bare.address, self.bare.pid()),
            _ => (self.server.address(), self.server.pid()),
        }
    }

    /// The connected clients of a case, after their first requests.
    pub(crate) async fn warm_clients(&self, case: Case, round: u64) -> Result<Vec<LoadClient>, BenchError> {
        let scripts = case.scripts(round, &self.people, &self.outbox).await?;
        let clients = load::connect(self.serving(case).0, scripts).await?;
        Ok(load::drive(clients, self.span / 10).await?.0)
    }

    /// One connection with as many requests in flight as the other way has connections.
    async fn microservice(&self, round: u64) -> Result<Figures, BenchError> {
        let access = self.people.join(&self.outbox, &format!("tcp-{round}")).await?;
        let mut client = tcp::TcpClient::connect(self.tcp.get(), &access).await?;
        client.drive(MANY, self.span / 10).await?;
        let used = Used::by(self.server.pid());
        let tally = client.drive(MANY, self.span).await?;
        Ok(used.until_now(&tally))
    }

    async fn hash(&self) -> Result<Figures, BenchError> {
        let span = self.span;
        let tally = tokio::task::spawn_blocking(move || hashing::measure(machine::cores(), span)).await??;
        let (p50, p99) = (tally.quantile(0.5), tally.quantile(0.99));
        Ok(Figures { rate: tally.rate(), p50, p99, processor: None, client: None, busy: 0 })
    }
}

/// The processor time that server and load generator had used when a measurement began.
struct Used {
    pid: u32,
    server: Duration,
    client: Duration,
}

impl Used {
    fn by(pid: u32) -> Self {
        Self { pid, server: processor_time(pid), client: processor_time(std::process::id()) }
    }

    /// The figures of what was counted since then.
    fn until_now(&self, tally: &Tally) -> Figures {
        let now = Self::by(self.pid);
        Figures {
            rate: tally.rate(),
            p50: tally.quantile(0.5),
            p99: tally.quantile(0.99),
            processor: Some(per_answer(now.server.saturating_sub(self.server), tally.count())),
            client: Some(per_answer(now.client.saturating_sub(self.client), tally.count())),
            busy: tally.busy,
        }
    }
}

#[expect(clippy::cast_precision_loss, reason = "no run has 2^52 answers")]
fn per_answer(used: Duration, answers: u64) -> f64 {
    used.as_secs_f64() * 1e6 / answers.max(1) as f64
}
