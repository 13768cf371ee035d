//! Verifiers behind a balancer that cuts, delays and holds back what it passes on, of nodes that start anew one by one:
//! no request that was sent later than `max_staleness` after the answer to a sign-out is accepted, and no honest one is
//! rejected.
//!
//! `TEST_ROUNDS` is how many sign-outs there are; without it, there are as many as a test may take.

use std::env;
use std::net::SocketAddr;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use portcullis_core::clock::{Clock as _, Ticks};
use portcullis_core::machine::SystemClock;
use portcullis_core::revocation::FeedTenants;
use portcullis_core::strategy::StrategyName;
use portcullis_verifier::{OnStale, SentCredential, Verifier, VerifyError};
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::tcp::{OwnedReadHalf, OwnedWriteHalf};
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::watch;
use tokio::time::sleep;

use crate::fixture::{Credentials, DataDirectory, TestServer, TestUser, eventually};

const MAX_STALENESS: Duration = Duration::from_secs(1);
/// Verifiers that are tried at once, each behind a balancer of its own.
const LANES: usize = 8;
/// As many as a test may take.
const ROUNDS: usize = 48;

/// What a balancer does with what it is to pass on.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
enum Fault {
    None,
    /// Each part takes its time.
    Delay,
    /// Nothing arrives as long as this lasts, and all of it afterwards.
    Hold,
}

/// What is done to a verifier's connections in one round.
const ROUND_FAULTS: [(Fault, bool); 5] = [
    (Fault::None, false),
    (Fault::Delay, false),
    (Fault::Hold, false),
    (Fault::Hold, true),
    (Fault::None, true),
];

/// Passes connections on to one node after the other.
struct FaultyBalancer {
    address: SocketAddr,
    fault: watch::Sender<Fault>,
    /// Counts how often all connections were cut.
    cuts: watch::Sender<u64>,
}

impl FaultyBalancer {
    async fn before(nodes: Arc<Mutex<Vec<SocketAddr>>>) -> Arc<Self> {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let (fault, cuts) = (watch::Sender::new(Fault::None), watch::Sender::new(0));
        let balancer = Arc::new(Self { address: listener.local_addr().unwrap(), fault, cuts });
        let accepting = Arc::clone(&balancer);
        tokio::spawn(async move {
            let next = AtomicUsize::new(0);
            while let Ok((client, _)) = listener.accept().await {
                let node = {
                    let nodes = nodes.lock().unwrap();
                    nodes[next.fetch_add(1, Ordering::Relaxed) % nodes.len()]
                };
                let (fault, cut) = (accepting.fault.subscribe(), accepting.cuts.subscribe());
                tokio::spawn(connect(client, node, fault, cut));
            }
        });
        balancer
    }
}

async fn connect(
    client: TcpStream,
    node: SocketAddr,
    fault: watch::Receiver<Fault>,
    mut cut: watch::Receiver<u64>,
) {
    let Ok(server) = TcpStream::connect(node).await else { return };
    let ((from_client, to_client), (from_server, to_server)) = (client.into_split(), server.into_split());
    tokio::select! {
        _ = cut.changed() => (),
        () = pass(from_client, to_server, fault.clone()) => (),
        () = pass(from_server, to_client, fault) => (),
    }
}

async fn pass(mut from: OwnedReadHalf, mut to: OwnedWriteHalf, mut fault: watch::Receiver<Fault>) {
    let mut part = vec![0; 16 * 1024];
    loop {
        let Ok(length @ 1..) = from.read(&mut part).await else { return };
        let now = *fault.borrow_and_update();
        match now {
            Fault::None => (),
            Fault::Delay => sleep(Duration::from_millis(60)).await,
            Fault::Hold => {
                let _ = fault.wait_for(|fault| *fault != Fault::Hold).await;
            }
        }
        if to.write_all(&part[..length]).await.is_err() {
            return;
        }
    }
}

/// A verifier, and the user who sends every honest request.
struct Lane<'n> {
    node: &'n TestServer,
    balancer: Arc<FaultyBalancer>,
    verifier: Verifier,
    honest: Credentials,
}

impl Lane<'_> {
    async fn verify(&self, held: &Credentials, on_stale: OnStale) -> Result<(), VerifyError> {
        self.verifier.verify(SentCredential::Bearer(&held.credential), on_stale).await.map(drop)
    }

    /// Signs out while something is wrong, and tries the token until it is refused.
    async fn round(&self, number: usize) {
        let (fault, is_cut) = ROUND_FAULTS[number % ROUND_FAULTS.len()];
        self.verifier.ready().await;
        let held = TestUser::ANN.signs_in(self.node, StrategyName::SessionJwt).await;
        eventually("the verifier accepts", || async { self.verify(&held, OnStale::Ask).await.ok() }).await;
        self.balancer.fault.send_replace(fault);
        if is_cut {
            self.balancer.cuts.send_modify(|cuts| *cuts += 1);
        }
        held.logs_out(self.node).await.status(201);
        let acknowledged = SystemClock.ticks();
        tokio::join!(self.tries(&held, acknowledged, fault), async {
            // A little longer than the bound, and what was held back comes then.
            sleep(MAX_STALENESS + Duration::from_millis(300)).await;
            self.balancer.fault.send_replace(Fault::None);
        });
    }

    async fn tries(&self, held: &Credentials, acknowledged: Ticks, fault: Fault) {
        let mut on_stale = [OnStale::Refuse, OnStale::Ask].into_iter().cycle();
        loop {
            let sent = SystemClock.ticks();
            let on_stale = on_stale.next().unwrap_or_default();
            let answer = self.verify(held, on_stale).await;
            let after = sent.since(acknowledged);
            assert!(
                answer.is_err() || after <= MAX_STALENESS,
                "accepted {after:?} after the sign-out: {fault:?}"
            );
            if let Err(refused) = self.verify(&self.honest, on_stale).await {
                assert_eq!(refused.status(), 503, "an honest request is rejected: {fault:?}");
            }
            match answer {
                Err(fault) if fault.status() == 401 => return,
                _ => sleep(Duration::from_millis(5)).await,
            }
        }
    }
}

/// Starts the second node anew, again and again.
async fn restart(home: &DataDirectory, mut second: TestServer, nodes: &Mutex<Vec<SocketAddr>>) {
    loop {
        sleep(Duration::from_secs(3)).await;
        nodes.lock().unwrap().pop();
        second.stop().await;
        second = home.server().await;
        nodes.lock().unwrap().push(second.address);
    }
}

// ASVS-map: RV1, RV2, RV3
#[tokio::test(flavor = "multi_thread")]
async fn no_fault_between_makes_a_verifier_accept_what_was_ended_longer_ago_than_the_bound() {
    let rounds = env::var("TEST_ROUNDS").ok().map_or(ROUNDS, |count| count.parse().unwrap());
    let home = DataDirectory::new();
    let (first, second) = (home.server().await, home.server().await);
    TestUser::ANN.registered(&first).await;
    let nodes = Arc::new(Mutex::new(vec![first.address, second.address]));
    let (_, key) = first.engine.create_feed_key(&FeedTenants::All).await.unwrap();
    let mut lanes = Vec::new();
    for _ in 0..LANES {
        let balancer = FaultyBalancer::before(Arc::clone(&nodes)).await;
        let verifier = Verifier::builder(&format!("http://{}", balancer.address)).feed_key(key.reveal());
        let verifier = verifier.max_staleness(MAX_STALENESS).build().unwrap();
        let honest = TestUser::ANN.signs_in(&first, StrategyName::SessionJwt).await;
        lanes.push(Lane { node: &first, balancer, verifier, honest });
    }
    let work = async {
        let each = lanes.iter().enumerate().map(|(at, lane)| async move {
            for number in (at..rounds).step_by(LANES) {
                lane.round(number / LANES + at).await;
            }
        });
        futures_util::future::join_all(each).await
    };
    tokio::select! {
        _ = work => (),
        () = restart(&home, second, &nodes) => (),
    }
}
