//! What the clients of each case ask for, with fresh credentials.

use portcullis_bench::http::{HttpConnection, get};
use portcullis_bench::strategy::{Credentials, StrategyUnderTest};

use crate::cases::{BenchTransport, Case, MANY, ProxyCase, RefreshCase, VERIFIED};
use crate::error::BenchError;
use crate::fixture::BenchFixture;
use crate::load::{self, LoadClient};
use crate::proxies::OPEN;
use crate::script::Script;
use crate::users::BenchUsers;
use portcullis_bench::device::sessions;

/// Sessions that the connections of a profile case share.
const SESSIONS: usize = 16;

/// The connected clients of a case, after their first requests.
///
/// # Errors
/// [`BenchError`]
pub(crate) async fn warm(
    fixture: &BenchFixture,
    case: Case,
    round: u64,
) -> Result<Vec<LoadClient>, BenchError> {
    let scripts = scripts(fixture, case, round).await?;
    let clients = load::connect(fixture.serving(case).await?.address, scripts).await?;
    Ok(load::drive(clients, fixture.span / 10).await?.0)
}

/// The scripts of each connection, which takes turns at them.
async fn scripts(fixture: &BenchFixture, case: Case, round: u64) -> Result<Vec<Vec<Script>>, BenchError> {
    let people = &fixture.main.people;
    Ok(match case {
        Case::Reference => repeat(MANY, &[get("/healthz", &[])]),
        Case::Bare(strategy) | Case::Profile(strategy) | Case::Guard(strategy) => {
            repeat(MANY, &profiles(people, strategy).await?)
        }
        Case::Proxy(ProxyCase::GatewayPublic) => {
            let signed_in = people.password_sign_in(VERIFIED, SESSIONS).await?;
            let asked = signed_in.iter().map(|credentials| get(OPEN, &[credentials.access.header()]));
            repeat(MANY, &asked.collect::<Vec<_>>())
        }
        Case::VerifierGuard | Case::Proxy(_) => repeat(MANY, &profiles(people, VERIFIED).await?),
        Case::ForwardAuth(strategy) => {
            let signed_in = people.password_sign_in(strategy, SESSIONS).await?;
            let asked = signed_in.iter().map(|credentials| strategy.forward_auth(&credentials.access));
            repeat(MANY, &asked.collect::<Vec<_>>())
        }
        Case::Peer => repeat(MANY, &fixture.peer().await?.checks(&cookie_profiles(fixture).await?).await?),
        Case::Refresh(RefreshCase::Each(strategy)) => chains(people, strategy).await?,
        Case::Refresh(RefreshCase::SharedSecret) => {
            chains(&fixture.shared_secret().await?.people, StrategyUnderTest::Refresh).await?
        }
        Case::Refresh(RefreshCase::InTurn) => fixture.crowd().await?.take().await,
        // Driven without scripts.
        Case::Hash | Case::Store(_) | Case::Sessions(BenchTransport::Tcp) => Vec::new(),
        Case::Sessions(BenchTransport::Http) => {
            let access = people.join(&fixture.outbox, &format!("http-{round}")).await?;
            repeat(MANY, &[sessions(&access)])
        }
        Case::Login(strategy, connections) => {
            repeat(connections, &people.logins(strategy).take(connections).collect::<Vec<_>>())
        }
        Case::Register(strategy) => {
            let mailbox = |client| format!("{}-{round}-{client}", strategy.name());
            let connections = 0..case.hashing_connections();
            connections.map(|client| vec![Script::sign_ups(strategy, mailbox(client))]).collect()
        }
    })
}

async fn profiles(people: &BenchUsers, strategy: StrategyUnderTest) -> Result<Vec<Vec<u8>>, BenchError> {
    let signed_in = people.password_sign_in(strategy, SESSIONS).await?;
    Ok(signed_in.iter().map(|credentials| strategy.profile(&credentials.access)).collect())
}

/// What the server answers to the checks of the cookie strategy.
async fn cookie_profiles(fixture: &BenchFixture) -> Result<Vec<Vec<u8>>, BenchError> {
    let mut connection = HttpConnection::open(fixture.main.server.address()).await?;
    let mut bodies = Vec::new();
    for request in profiles(&fixture.main.people, StrategyUnderTest::Session).await? {
        bodies.push(connection.exchange(&request).await?.body().to_vec());
    }
    Ok(bodies)
}

/// A session for each connection.
async fn chains(people: &BenchUsers, strategy: StrategyUnderTest) -> Result<Vec<Vec<Script>>, BenchError> {
    let signed_in = people.password_sign_in(strategy, MANY).await?;
    let chain = |credentials: &Credentials| Script::chain(strategy, credentials);
    Ok(signed_in.iter().filter_map(chain).map(|script| vec![script]).collect())
}

/// So many clients, who take turns at these requests.
fn repeat(clients: usize, requests: &[Vec<u8>]) -> Vec<Vec<Script>> {
    requests.iter().cycle().take(clients).cloned().map(|request| vec![Script::repeat(request)]).collect()
}
