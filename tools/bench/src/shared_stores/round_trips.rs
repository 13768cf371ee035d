//! How many round trips a refresh makes to the stores, and what it announces: counted on the wire, with one client that
//! asks one at a time.

use std::path::Path;
use std::time::Duration;

use portcullis_bench::http::HttpConnection;
use portcullis_bench::server::Server;
use portcullis_bench::strategy::{Credentials, StrategyUnderTest};
use portcullis_bench::tally::Tally;
use tokio::time::{sleep, timeout};

use super::counting_proxy::CountingProxy;
use super::kinds::{StoreKind, StoreServers};
use crate::BenchPlan;
use crate::error::BenchError;
use crate::load;
use crate::programs::BenchPrograms;
use crate::script::{Script, unexpected};
use crate::users::BenchUsers;

const STRATEGY: StrategyUnderTest = StrategyUnderTest::Refresh;
/// Sessions that are refreshed, each of a user of its own; the first ones let the node open its connections.
const SESSIONS: usize = 48;
const FIRST: usize = 16;
/// After the first refresh of a session come so many on a node that knows it.
const WARM: usize = 3;
/// Longer than a feed takes to tell what has been written.
const QUIET: Duration = Duration::from_millis(500);
/// When an announcement is given up.
const DEADLINE: Duration = Duration::from_secs(10);

/// What was found of one kind of stores.
#[derive(Debug)]
pub(crate) struct RoundTripFindings {
    pub(crate) stores: &'static str,
    /// Of each refresh of a session that the node knows.
    pub(crate) warm: WireTrips,
    /// Of each first refresh of a session on a node that knows its user.
    pub(crate) cold: WireTrips,
    /// Of each first refresh of a session on a node that does not know its user, either.
    pub(crate) unknown_user: WireTrips,
    /// How many refreshes there were in all, and how often a session was announced meanwhile.
    pub(crate) refreshes: usize,
    pub(crate) announced: u64,
    /// How often a session was announced when one signed out.
    pub(crate) announced_sign_out: u64,
}

/// Round trips of each refresh.
#[derive(Debug, Default)]
pub(crate) struct WireTrips {
    /// To the store of live sessions.
    pub(crate) sessions: Vec<f64>,
    /// To a database beside that store; empty if there is none on a wire.
    pub(crate) database: Vec<f64>,
}

/// Counts on all kinds of stores that have a wire.
///
/// # Errors
/// [`BenchError`]
pub(crate) async fn measure(
    plan: &BenchPlan,
    directory: &Path,
    servers: &StoreServers,
) -> Result<Vec<RoundTripFindings>, BenchError> {
    let mut found = Vec::new();
    for kind in StoreKind::ALL.into_iter().filter(|kind| kind.on_postgres || kind.on_redis) {
        found.push(of_kind(plan, directory, servers, kind).await?);
        println!("{}: round trips counted", kind.name);
    }
    Ok(found)
}

/// Users sign in on a node that is not looked at, and refresh on one whose wires are.
async fn of_kind(
    plan: &BenchPlan,
    directory: &Path,
    servers: &StoreServers,
    kind: StoreKind,
) -> Result<RoundTripFindings, BenchError> {
    let program = BenchPrograms::measured(plan)?.server;
    let stores = servers.new_stores(kind, "wire", directory)?;
    let wires = StoreWires::of(kind, servers).await?;
    let reached = stores.reached(wires.postgres(), wires.redis());
    let first =
        Server::start_with(&program, &stores.folder.join("first"), &stores.settings().variables()).await?;
    let second =
        Server::start_with(&program, &stores.folder.join("second"), &reached.settings().variables()).await?;
    let people = BenchUsers::register(first.address(), "wire", SESSIONS).await?;
    let signed_in = people.password_sign_in(STRATEGY, SESSIONS).await?;
    let again = people.password_sign_in(STRATEGY, SESSIONS).await?;
    let last = again.last().ok_or(BenchError::NoRequest)?;
    sleep(QUIET).await;
    let mut connection = HttpConnection::open(second.address()).await?;
    let before = wires.announced();
    let (unknown_user, _) = refresh_all(&mut connection, &wires, &signed_in).await?;
    let (cold, warm) = refresh_all(&mut connection, &wires, &again).await?;
    sleep(QUIET).await;
    let after = wires.announced();
    sign_out(&first, last).await?;
    let announcing = async {
        while wires.announced() == after {
            sleep(Duration::from_millis(10)).await;
        }
    };
    let unheard = |_| BenchError::Written("the end of a session was not announced".to_owned());
    timeout(DEADLINE, announcing).await.map_err(unheard)?;
    sleep(QUIET).await;
    Ok(RoundTripFindings {
        stores: kind.name,
        warm,
        cold,
        unknown_user,
        refreshes: (signed_in.len() + again.len()) * (1 + WARM),
        announced: after - before,
        announced_sign_out: wires.announced() - after,
    })
}

async fn refresh_all(
    connection: &mut HttpConnection,
    wires: &StoreWires,
    signed_in: &[Credentials],
) -> Result<(WireTrips, WireTrips), BenchError> {
    let (mut cold, mut warm) = (WireTrips::default(), WireTrips::default());
    for (number, credentials) in signed_in.iter().enumerate() {
        let mut chain = Script::chain(STRATEGY, credentials).ok_or(BenchError::NoRequest)?;
        for repetition in 0..=WARM {
            let before = wires.round_trips();
            if !load::ask(connection, &mut chain, &mut Tally::new()).await? {
                return Err(BenchError::Written("a refresh was refused with 503".to_owned()));
            }
            let after = wires.round_trips();
            if number >= FIRST {
                let trips = if repetition == 0 { &mut cold } else { &mut warm };
                trips.sessions.push(after.0 - before.0);
                trips.database.extend(after.1.zip(before.1).map(|(after, before)| after - before));
            }
        }
    }
    Ok((cold, warm))
}

async fn sign_out(server: &Server, credentials: &Credentials) -> Result<(), BenchError> {
    let request = STRATEGY.logout(&credentials.access);
    let mut connection = HttpConnection::open(server.address()).await?;
    let answer = connection.exchange(&request).await?;
    if answer.status() == 201 { Ok(()) } else { Err(unexpected(&request, &answer)) }
}

/// The wires between a node and its stores.
struct StoreWires {
    postgres: Option<CountingProxy>,
    redis: Option<CountingProxy>,
}

impl StoreWires {
    async fn of(kind: StoreKind, servers: &StoreServers) -> Result<Self, BenchError> {
        let postgres =
            if kind.on_postgres { Some(CountingProxy::to(servers.postgres.address()).await?) } else { None };
        let redis =
            if kind.on_redis { Some(CountingProxy::to(servers.redis.address()).await?) } else { None };
        Ok(Self { postgres, redis })
    }

    fn postgres(&self) -> Option<std::net::SocketAddr> {
        self.postgres.as_ref().map(|proxy| proxy.address)
    }

    fn redis(&self) -> Option<std::net::SocketAddr> {
        self.redis.as_ref().map(|proxy| proxy.address)
    }

    /// Round trips so far: to the store of live sessions, and to a database beside it.
    #[expect(clippy::cast_precision_loss, reason = "no run has 2^52 round trips")]
    fn round_trips(&self) -> (f64, Option<f64>) {
        let count = |proxy: &CountingProxy| proxy.round_trips() as f64;
        let (postgres, redis) = (self.postgres.as_ref().map(count), self.redis.as_ref().map(count));
        redis.map_or_else(|| (postgres.unwrap_or_default(), None), |redis| (redis, postgres))
    }

    /// How often a session was announced so far, on either wire.
    fn announced(&self) -> u64 {
        [&self.postgres, &self.redis].into_iter().flatten().map(CountingProxy::announced).sum()
    }
}
