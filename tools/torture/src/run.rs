//! The rounds: load, kill, restart, checks; and at the end a login of some of those who ever registered.

use std::collections::BTreeSet;
use std::io;
use std::net::SocketAddr;
use std::path::PathBuf;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::{Duration, Instant};

use portcullis_bench::device::Outbox;
use portcullis_bench::server::{Server, StartError, beside_this_program};
use portcullis_bench::store_servers::StoreServerError;
use portcullis_bench::strategy::StrategyUnderTest;
use rand::RngExt as _;
use rand::rngs::StdRng;
use rand::seq::IteratorRandom as _;
use tempfile::TempDir;
use thiserror::Error;
use tokio::task::{JoinError, JoinSet};
use tokio::time::{sleep, sleep_until};

use crate::TorturePlan;
use crate::alarms::AlarmWatch;
use crate::breach::{Breach, BreachKind};
use crate::client::{StrategyClient, random_of};
use crate::device::DeviceClient;
use crate::report::{BrokenPromise, KillNumbers, add};
use crate::server_connection::{ServerConnection, Stop};
use crate::stores_under_test::{StoresInUse, StoresUnderTest};

/// The shortest load before a kill, in milliseconds.
const KILLED_AFTER: u64 = 50;
/// When every node knows what was ended: `liveness.max_staleness` of the servers.
const MAX_STALENESS: Duration = Duration::from_secs(1);
/// Users who sign in at the end.
const SIGN_IN_AT_THE_END: usize = 60;
/// No client has this number: the choices that concern all of them.
const ALL_CLIENTS: u64 = u64::MAX;

/// Why the run was given up.
#[derive(Debug, Error)]
pub(crate) enum TortureError {
    #[error(transparent)]
    Start(#[from] StartError),
    #[error(transparent)]
    Io(#[from] io::Error),
    #[error(transparent)]
    StoreServer(#[from] StoreServerError),
    #[error(
        "libfaketime is missing, with which the clock of a node is set; run `sudo apt-get install --yes \
         --no-install-recommends faketime`, or leave out what needs it (`--stores`, `--faults`)"
    )]
    NoFaketime,
    #[error("a client's task ended early: {0}")]
    Task(#[from] JoinError),
    #[error("stopped by a signal")]
    Stopped,
    #[error("{} promise(s) not kept", .0.len())]
    Failed(Vec<BrokenPromise>),
}

/// All rounds on one pair of stores.
#[derive(Debug)]
pub(crate) struct Run {
    program: PathBuf,
    on: StoresUnderTest,
    server: Server,
    /// On stores that nodes share: one that stays while the other one is killed.
    other_node: Option<Server>,
    /// Ended after the servers.
    stores: StoresInUse,
    directory: TempDir,
    seed: u64,
    /// The longest load before a kill, in milliseconds.
    killed_within: u64,
    clients: Vec<StrategyClient>,
    devices: Vec<DeviceClient>,
    alarms: AlarmWatch,
    numbers: KillNumbers,
}

impl Run {
    /// Starts the stores, and the server for the first time.
    ///
    /// # Errors
    /// [`TortureError`]
    pub(crate) async fn begin(
        plan: &TorturePlan,
        seed: u64,
        on: StoresUnderTest,
    ) -> Result<Self, TortureError> {
        let program = plan.server.clone().map_or_else(beside_this_program, Ok)?;
        let directory = tempfile::tempdir()?;
        let data = directory.path().join("data");
        let stores = StoresInUse::start(on, directory.path()).await?;
        let server = stores.serve(&program, &data).await?;
        let mut other_node = None;
        if on.on_postgres() {
            other_node = Some(stores.serve(&program, &data).await?);
        }
        let clients = (0..plan.clients).map(StrategyClient::new).collect();
        let outbox = Outbox::of(&data);
        let killed_within = plan.killed_within;
        let device = |number| DeviceClient::new(number, outbox.clone(), killed_within);
        let devices = (0..plan.devices).map(device).collect();
        let (alarms, numbers) = (AlarmWatch::of(&data), KillNumbers::on(on));
        Ok(Self {
            program,
            on,
            server,
            other_node,
            stores,
            directory,
            seed,
            killed_within,
            clients,
            devices,
            alarms,
            numbers,
        })
    }

    /// Loads, kills, restarts and checks once. If another node stays, it is checked in every other round, while the
    /// killed one is away.
    ///
    /// # Errors
    /// [`TortureError`]
    pub(crate) async fn round(&mut self, round: u64) -> Result<(), TortureError> {
        for client in &mut self.clients {
            client.begin_round(self.seed, round);
        }
        for device in &mut self.devices {
            device.begin_round(self.seed, round);
        }
        let mut random = random_of(self.seed, round, ALL_CLIENTS);
        self.load_and_kill(random.random_range(KILLED_AFTER..=self.killed_within)).await?;
        let stays = self.other_node.as_ref().filter(|_| round.is_multiple_of(2)).map(Server::address);
        if let Some(node) = stays {
            self.verify(node, Instant::now() + MAX_STALENESS).await?;
            self.numbers.on_other_node += 1;
            self.start_again().await?;
        } else {
            self.start_again().await?;
            self.verify(self.server.address(), Instant::now()).await?;
        }
        let waiting = self.devices.iter().map(|device| device.email().to_owned()).collect();
        self.no_false_alarm(&waiting)?;
        self.no_lost_rotation()?;
        self.numbers.kills = round;
        Ok(())
    }

    /// Signs in some of all who ever registered, and adds up the books.
    ///
    /// # Errors
    /// [`TortureError`]
    pub(crate) async fn finish(&mut self) -> Result<(), TortureError> {
        let mut random = random_of(self.seed, self.numbers.kills + 1, ALL_CLIENTS);
        self.registered_users_sign_in(&mut random).await?;
        self.no_false_alarm(&BTreeSet::new())
    }

    /// Adds up the books, and what was found broken.
    pub(crate) fn counted(&mut self, broken: &[BrokenPromise]) -> KillNumbers {
        self.numbers.broke(broken);
        for client in &self.clients {
            add(&mut self.numbers.acknowledged, &client.ledger.acknowledged);
            add(&mut self.numbers.lost, &client.ledger.lost);
            add(&mut self.numbers.checked, &client.ledger.checked);
        }
        for device in &self.devices {
            add(&mut self.numbers.acknowledged, &device.acknowledged);
            add(&mut self.numbers.lost, &device.lost);
            add(&mut self.numbers.checked, &device.checked);
        }
        std::mem::replace(&mut self.numbers, KillNumbers::on(self.on))
    }

    /// Keeps the data directory, so that the cause can be found.
    pub(crate) fn keep_directory(self) -> PathBuf {
        self.directory.keep()
    }

    async fn start_again(&mut self) -> Result<(), TortureError> {
        let begun = Instant::now();
        self.server = self.stores.serve(&self.program, &self.directory.path().join("data")).await?;
        self.numbers.started(begun.elapsed());
        Ok(())
    }

    async fn load_and_kill(&mut self, millis: u64) -> Result<(), TortureError> {
        let killed = Arc::new(AtomicBool::new(false));
        let address = self.server.address();
        let (mut working, mut devices) = (JoinSet::new(), JoinSet::new());
        for mut client in self.clients.drain(..) {
            let killed = Arc::clone(&killed);
            working.spawn(async move {
                let outcome = client.work(address, &killed).await;
                (client, outcome)
            });
        }
        for mut device in self.devices.drain(..) {
            let killed = Arc::clone(&killed);
            devices.spawn(async move {
                let outcome = device.work(address, &killed).await;
                (device, outcome)
            });
        }
        sleep(Duration::from_millis(millis)).await;
        let ended = self.server.ended()?;
        killed.store(true, Ordering::SeqCst);
        self.server.kill()?;
        self.gather(working, devices).await?;
        match ended {
            Some(status) => Err(self.failed_alone(format!("the server ended by itself ({status})"))),
            None => Ok(()),
        }
    }

    /// No client was told of a theft that did not happen.
    fn no_false_alarm(&mut self, waiting: &BTreeSet<String>) -> Result<(), TortureError> {
        for address in self.alarms.alarmed(waiting)? {
            if !self.clients.iter().any(|client| client.ledger.accused.contains(&address)) {
                let what =
                    format!("{address} was told of a theft, but no spent token was shown without its proof");
                return Err(self.failed_alone(BreachKind::FalseAlarm.breach(what)));
            }
            *self.numbers.checked.entry("user was told of a theft, which happened").or_default() += 1;
        }
        Ok(())
    }

    /// The stores outlived the server, so none has lost what the server had told a client.
    fn no_lost_rotation(&mut self) -> Result<(), TortureError> {
        match self.alarms.lost_rotations()?.pop() {
            Some(line) => Err(self.failed_alone(BreachKind::WriteLost.breach(line))),
            None => Ok(()),
        }
    }

    /// Checks everything on one node. The clients that end sessions wait until it must have seen all ends.
    async fn verify(&mut self, address: SocketAddr, sees_all_ends: Instant) -> Result<(), TortureError> {
        let clients = self.clients.drain(..).map(|mut client| async move {
            sleep_until(sees_all_ends.into()).await;
            let outcome = client.verify(address).await;
            (client, outcome)
        });
        let devices = self.devices.drain(..).map(|mut device| async move {
            let outcome = device.verify(address).await;
            (device, outcome)
        });
        let (clients, devices) = (clients.collect(), devices.collect());
        self.gather(clients, devices).await
    }

    /// Takes the clients back.
    async fn gather(
        &mut self,
        clients: Tasks<StrategyClient>,
        devices: Tasks<DeviceClient>,
    ) -> Result<(), TortureError> {
        let (clients, mut failures) = gathered(clients, BrokenPromise::of).await?;
        let (devices, others) = gathered(devices, BrokenPromise::of_device).await?;
        (self.clients, self.devices) = (clients, devices);
        self.clients.sort_by_key(|client| client.number);
        self.devices.sort_by_key(|device| device.number);
        failures.extend(others);
        let failures: Vec<_> = failures.into_iter().map(|broken| broken.on(self.on)).collect();
        if failures.is_empty() { Ok(()) } else { Err(TortureError::Failed(failures)) }
    }

    async fn registered_users_sign_in(&mut self, random: &mut StdRng) -> Result<(), TortureError> {
        let accounts = self.clients.iter().flat_map(|client| &client.ledger.accounts);
        let emails: Vec<String> =
            accounts.map(|account| account.email.clone()).sample(random, SIGN_IN_AT_THE_END);
        for email in emails {
            if let Err(stop) = self.signs_in(&email).await {
                let what = format!("{email} was registered, but: {stop:?}");
                return Err(self.failed_alone(BreachKind::WriteLost.breach(what)));
            }
            *self.numbers.checked.entry("registered user signs in at the end").or_default() += 1;
        }
        Ok(())
    }

    async fn signs_in(&self, email: &str) -> Result<(), Stop> {
        let mut wire = ServerConnection::open(self.server.address()).await?;
        let reply =
            wire.ask_patiently(StrategyUnderTest::Jwt, &StrategyUnderTest::Jwt.login(email, false)).await?;
        reply.must_be(201, "a registered user must be let in")
    }

    /// A failure that concerns no client.
    fn failed_alone(&self, what: impl Into<Breach>) -> TortureError {
        TortureError::Failed(vec![BrokenPromise::of_server(&self.server, what).on(self.on)])
    }
}

/// Those who are at work, each to come back with what became of it.
type Tasks<C> = JoinSet<(C, Result<(), Breach>)>;

async fn gathered<C: 'static>(
    mut tasks: Tasks<C>,
    failed: impl Fn(&C, Breach) -> BrokenPromise,
) -> Result<(Vec<C>, Vec<BrokenPromise>), TortureError> {
    let (mut clients, mut failures) = (Vec::new(), Vec::new());
    while let Some(finished) = tasks.join_next().await {
        let (client, outcome) = finished?;
        failures.extend(outcome.err().map(|what| failed(&client, what)));
        clients.push(client);
    }
    Ok((clients, failures))
}
