//! What a check costs when the store has few sessions, and when it has a million.
//!
//! So many sessions are live in each store, and a working set of them is asked for. The server has a shared secret, so
//! that the bench can make access tokens for sessions that it has written itself.

use std::ffi::OsStr;
use std::path::Path;
use std::time::Duration;

use portcullis_bench::http::{HttpConnection, get};
use portcullis_bench::server::Server;
use portcullis_bench::strategy::{AccessCredential, StrategyUnderTest};

use super::kinds::{PlacedStores, StoreKind, StoreServers};
use super::session_ids::WrittenSession;
use super::template::TemplateSession;
use super::written_sessions;
use crate::BenchPlan;
use crate::case_service::CaseService;
use crate::cases::MANY;
use crate::error::BenchError;
use crate::fixture::SHARED_SECRET;
use crate::load::{self, LoadClient};
use crate::programs::BenchPrograms;
use crate::round::{Figures, Used};
use crate::script::Script;

const STRATEGY: StrategyUnderTest = StrategyUnderTest::SessionJwt;

/// What was found of one store.
#[derive(Debug)]
pub(crate) struct SizeFindings {
    pub(crate) stores: &'static str,
    /// Live sessions.
    pub(crate) sessions: usize,
    /// How many of them are asked for.
    pub(crate) asked: usize,
    pub(crate) rounds: Vec<SizeRound>,
}

/// One measurement.
#[derive(Clone, Copy, Debug)]
pub(crate) struct SizeRound {
    pub(crate) figures: Figures,
    /// The share of look-ups of sessions that the view answered.
    pub(crate) hits: f64,
}

/// Fills stores of each size, and asks them in turns; one kind after the other, so that the machine holds them.
///
/// # Errors
/// [`BenchError`]
pub(crate) async fn measure(
    plan: &BenchPlan,
    directory: &Path,
    servers: &StoreServers,
) -> Result<Vec<SizeFindings>, BenchError> {
    let mut found = Vec::new();
    for kind in StoreKind::ALL {
        let mut filled = Vec::new();
        for sessions in &plan.sizes {
            let stores = servers.new_stores(kind, &format!("size-{sessions}"), directory)?;
            let node = FilledNode::start(plan, &stores, servers, *sessions).await?;
            println!("{}: {sessions} sessions are written", kind.name);
            let asked = plan.asked.min(*sessions);
            let findings = SizeFindings { stores: kind.name, sessions: *sessions, asked, rounds: Vec::new() };
            filled.push((stores, node, findings));
        }
        for round in 1..=plan.rounds {
            for (_, node, findings) in &mut filled {
                let measured = node.measure(Duration::from_secs(plan.seconds)).await?;
                println!(
                    "round {round}/{}: {} with {} sessions, {:.0} checks/s",
                    plan.rounds, kind.name, findings.sessions, measured.figures.summary.rate
                );
                findings.rounds.push(measured);
            }
        }
        for (stores, node, findings) in filled {
            drop(node);
            servers.remove(&stores)?;
            found.push(findings);
        }
    }
    Ok(found)
}

/// A node on a store with many sessions, and those who ask it.
struct FilledNode {
    server: Server,
    /// The checks of each client. They have no connection between measurements: a server closes one that is quiet.
    scripts: Vec<Vec<Script>>,
}

impl FilledNode {
    async fn start(
        plan: &BenchPlan,
        stores: &PlacedStores,
        servers: &StoreServers,
        sessions: usize,
    ) -> Result<Self, BenchError> {
        let program = BenchPrograms::measured(plan)?.server;
        let data_dir = stores.folder.join("node");
        let settings = stores.settings();
        let secret = [("JWT_SECRET", OsStr::new(SHARED_SECRET))];
        let variables = [settings.variables().as_slice(), &secret].concat();
        let mut first = Server::start_with(&program, &data_dir, &variables).await?;
        let mut connection = HttpConnection::open(first.address()).await?;
        let template = TemplateSession::of_strategy(&mut connection, STRATEGY).await?;
        drop(connection);
        first.stop()?;
        let written = WrittenSession::many(sessions, template.session)?;
        written_sessions::write(stores, servers.redis.address(), &template, &written).await?;
        let server = Server::start_with(&program, &data_dir, &variables).await?;
        let asked = written.get(..plan.asked.min(written.len())).unwrap_or_default();
        let mut node = Self { server, scripts: scripts(&template, asked) };
        // Each client once through all that it asks for, so that the view knows them.
        let once = u64::try_from(asked.len().div_ceil(MANY) * MANY).unwrap_or_default();
        let (clients, _) = load::drive_requests(node.clients().await?, 2 * once).await?;
        node.keep(clients);
        Ok(node)
    }

    async fn clients(&mut self) -> Result<Vec<LoadClient>, BenchError> {
        load::connect(self.server.address(), std::mem::take(&mut self.scripts)).await
    }

    fn keep(&mut self, clients: Vec<LoadClient>) {
        self.scripts = clients.into_iter().map(LoadClient::into_scripts).collect();
    }

    async fn measure(&mut self, span: Duration) -> Result<SizeRound, BenchError> {
        let (clients, _) = load::drive(self.clients().await?, span / 10).await?;
        let before = LookUps::of(&self.server).await?;
        let used = Used::by(CaseService::of_server(&self.server));
        let (clients, tally) = load::drive(clients, span).await?;
        let figures = Figures { busy: tally.busy, ..used.until_now(tally.summary()) };
        self.keep(clients);
        Ok(SizeRound { figures, hits: LookUps::of(&self.server).await?.hits_since(&before) })
    }
}

/// The checks of each client.
fn scripts(template: &TemplateSession, asked: &[WrittenSession]) -> Vec<Vec<Script>> {
    let mut clients: Vec<Vec<Script>> = (0..MANY.min(asked.len())).map(|_| Vec::new()).collect();
    for (number, session) in asked.iter().enumerate() {
        let token = template.token(SHARED_SECRET, session);
        let check = STRATEGY.profile(&AccessCredential::Bearer(format!("Bearer {token}")));
        clients
            .get_mut(number % MANY)
            .into_iter()
            .for_each(|client| client.push(Script::repeat(check.clone())));
    }
    clients
}

/// What a server's metrics say of look-ups of sessions in the view.
struct LookUps {
    hits: f64,
    all: f64,
}

impl LookUps {
    async fn of(server: &Server) -> Result<Self, BenchError> {
        let mut connection = HttpConnection::open(server.address()).await?;
        let answer = connection.exchange(&get("/metrics", &[])).await?;
        Ok(Self::read(&String::from_utf8_lossy(answer.body())))
    }

    fn read(metrics: &str) -> Self {
        let of_sessions = metrics.lines().filter(|line| {
            line.starts_with("portcullis_view_lookups_total{") && line.contains("record=\"session\"")
        });
        let counted = of_sessions.filter_map(|line| {
            let (name, count) = line.rsplit_once(' ')?;
            Some((name.contains("outcome=\"hit\""), count.parse::<f64>().ok()?))
        });
        counted.fold(Self { hits: 0.0, all: 0.0 }, |sum, (is_hit, count)| Self {
            hits: sum.hits + if is_hit { count } else { 0.0 },
            all: sum.all + count,
        })
    }

    fn hits_since(&self, before: &Self) -> f64 {
        (self.hits - before.hits) / (self.all - before.all).max(1.0)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_share_of_hits_is_of_sessions_alone_and_of_what_was_looked_up_since() {
        let line = |record: &str, outcome: &str, count: u32| {
            format!(
                "portcullis_view_lookups_total{{database=\"shared\",record=\"{record}\",outcome=\"{outcome}\"}} {count}\n"
            )
        };
        let before = LookUps::read(&line("session", "hit", 10));
        let after =
            [line("session", "hit", 13), line("session", "miss", 1), line("user", "miss", 100)].concat();
        assert!((LookUps::read(&after).hits_since(&before) - 0.75).abs() < 1e-9);
        assert!(LookUps::read("").hits_since(&LookUps::read("")).abs() < 1e-9);
    }
}
