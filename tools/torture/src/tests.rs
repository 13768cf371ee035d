//! The tool itself is put to the test: a server that keeps its word passes, and each way of breaking it is found.

use std::sync::atomic::{AtomicBool, Ordering};

use portcullis_bench::strategy::StrategyUnderTest;

use crate::breach::{Breach, BreachKind};
use crate::client::StrategyClient;
use crate::client_session::ClientSession;
use crate::fake_server::{FakeFault, FakeServer};
use crate::ledger::UnansweredRequest;
use crate::server_connection::ServerConnection;

const ROUNDS: u64 = 30;
/// Requests of all clients before each kill.
const REQUESTS: u64 = 60;

/// Tortures a server with this fault until it is found out, or to the end.
async fn torture(fault: FakeFault, seed: u64) -> Result<Vec<StrategyClient>, Breach> {
    let mut fake = FakeServer::start(fault);
    let mut clients: Vec<StrategyClient> = (0..4).map(StrategyClient::new).collect();
    for round in 1..=ROUNDS {
        for client in &mut clients {
            client.begin_round(seed, round);
        }
        load_and_kill(&mut fake, &mut clients).await?;
        fake.restart();
        for client in &mut clients {
            client.verify(fake.address).await?;
        }
    }
    Ok(clients)
}

async fn load_and_kill(fake: &mut FakeServer, clients: &mut [StrategyClient]) -> Result<(), Breach> {
    let killed = AtomicBool::new(false);
    let [first, second, third, fourth] = clients else { return Err("there are four clients".into()) };
    let address = fake.address;
    let kill = async {
        fake.is_asked(REQUESTS).await;
        killed.store(true, Ordering::SeqCst);
        fake.kill();
        Ok(())
    };
    tokio::try_join!(
        first.work(address, &killed),
        second.work(address, &killed),
        third.work(address, &killed),
        fourth.work(address, &killed),
        kill
    )?;
    Ok(())
}

#[tokio::test]
async fn a_server_that_keeps_its_word_passes_and_every_kind_of_promise_was_called_in() {
    let clients = torture(FakeFault::None, 1).await.unwrap();
    for promise in [
        "registered user exists",
        "live session opens its profile",
        "newest token of a chain is redeemed",
        "acknowledged refresh repeated: same successor",
        "old token with proof is refused, session stays",
        "spent token without proof is refused, session ends",
        "credential of an ended session is refused",
    ] {
        let checks: u64 = clients.iter().filter_map(|client| client.ledger.checked.get(promise)).sum();
        assert!(checks > 0, "never checked: {promise}");
    }
    let lost: u64 = clients.iter().flat_map(|client| client.ledger.lost.values()).sum();
    assert!(lost > 0, "no kill ever hit a request");
}

#[tokio::test]
async fn every_way_of_breaking_a_promise_is_found() {
    // A chain or a session that is gone is noticed by whichever client asks first, with its proof or without.
    let forgotten: &[BreachKind] = &[BreachKind::WriteLost, BreachKind::ProofRefused];
    let (lost, refused, twice) = (&forgotten[..1], &forgotten[1..], &[BreachKind::SpentTwice][..]);
    for (fault, promise, kinds) in [
        (FakeFault::ForgetsUsers, "was registered", lost),
        (FakeFault::ForgetsSessions, "", forgotten),
        (FakeFault::ForgetsSignOuts, "was signed out", lost),
        (FakeFault::ForgetsRotations, "", forgotten),
        (FakeFault::StrandsClients, "must give the same token", refused),
        (FakeFault::RotatesOnRetry, "must give the same token", twice),
        (FakeFault::ToleratesThieves, "was ended by a spent token", lost),
        (FakeFault::AcceptsSpentTokens, "", twice),
        (FakeFault::ForgetsToDeny, "was signed out", lost),
    ] {
        let found = torture(fault, 2).await.expect_err(&format!("{fault:?} must be found"));
        assert!(found.what.contains(promise), "{fault:?} was found as: {found}");
        assert!(kinds.contains(&found.kind), "{fault:?} was found as: {found:?}");
    }
}

/// A client whose last refresh was done and whose answer was lost.
async fn client_in_doubt(fake: &FakeServer, native: bool) -> StrategyClient {
    let strategy = StrategyUnderTest::Refresh;
    let mut wire = ServerConnection::open(fake.address).await.unwrap();
    wire.ask(strategy, &strategy.register("a@b.example")).await.unwrap();
    let login = wire.ask(strategy, &strategy.login("a@b.example", native)).await.unwrap();
    let session = ClientSession::begun(1, "a@b.example".to_owned(), strategy, login.credentials.unwrap());
    wire.ask(strategy, &session.refresh().unwrap()).await.unwrap();
    let mut client = StrategyClient::new(0);
    client.ledger.doubts.push(UnansweredRequest::Refresh(session));
    client
}

#[tokio::test]
async fn a_client_with_its_proof_must_not_be_stranded_by_a_lost_answer() {
    for (fault, kept) in [(FakeFault::None, true), (FakeFault::StrandsClients, false)] {
        let fake = FakeServer::start(fault);
        let mut client = client_in_doubt(&fake, true).await;
        assert_eq!(client.verify(fake.address).await.is_ok(), kept, "{fault:?}");
        assert_eq!(client.ledger.sessions.len(), usize::from(kept));
    }
}

#[tokio::test]
async fn a_client_without_proof_may_lose_its_session_to_a_lost_answer() {
    let fake = FakeServer::start(FakeFault::None);
    let mut client = client_in_doubt(&fake, false).await;
    client.verify(fake.address).await.unwrap();
    assert_eq!((client.ledger.sessions.len(), client.ledger.ended.len()), (0, 1));
}

#[test]
fn a_clients_choices_depend_on_seed_round_and_number() {
    use rand::RngExt as _;
    let choices = |seed, round, client| crate::client::random_of(seed, round, client).random::<u64>();
    assert_eq!(choices(1, 2, 3), choices(1, 2, 3));
    let different =
        [choices(1, 2, 3), choices(2, 2, 3), choices(1, 3, 3), choices(1, 2, 4), choices(2, 1, 3)];
    let distinct: std::collections::HashSet<u64> = different.into_iter().collect();
    assert_eq!(distinct.len(), different.len());
}
