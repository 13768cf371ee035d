//! Servers that take over from each other under load: no client may lose a request.

mod worker;

use std::ffi::{OsStr, OsString};
use std::path::PathBuf;
use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::time::Duration;

use portcullis_bench::server::{Server, beside_this_program};
use portcullis_bench::strategy::StrategyUnderTest;
use rand::RngExt as _;
use tempfile::TempDir;
use tokio::task::JoinSet;
use tokio::time::sleep;

use crate::TorturePlan;
use crate::client::random_of;
use crate::ledger::Counts;
use crate::report::BrokenPromise;
use crate::run::TortureError;
use worker::{Progress, Worker, signed_in};

/// How long clients are at work before the next server starts, in milliseconds.
const WORKS: std::ops::RangeInclusive<u64> = 20..=200;
/// The longest pauses of clients between two requests, in milliseconds: from a program to a person.
const PAUSES: [u64; 8] = [0, 0, 0, 1, 3, 10, 30, 100];
/// Clients that connect anew for each request.
const FRESH: usize = 4;
/// Clients that redeem one refresh token after the other: a request that is lost, or done twice, ends their session.
const REFRESHING: usize = 4;
/// Between two looks at a server that stops.
const LOOK: Duration = Duration::from_millis(5);

/// All rounds.
#[derive(Debug)]
pub(crate) struct Restarts {
    program: PathBuf,
    directory: TempDir,
    server: Server,
    seed: u64,
    clients: JoinSet<Result<(), String>>,
    progress: Arc<Progress>,
    rounds: u64,
}

impl Restarts {
    /// Starts a server, and sets clients to work.
    ///
    /// # Errors
    /// [`TortureError`]
    pub(crate) async fn begin(plan: &TorturePlan, seed: u64) -> Result<Self, TortureError> {
        let program = plan.server.clone().map_or_else(beside_this_program, Ok)?;
        let directory = tempfile::tempdir()?;
        let variables = variables(&directory);
        let data = directory.path().join("data");
        let server = Server::start_with(&program, &data, &borrowed(&variables)).await?;
        let (clients, progress) = (JoinSet::new(), Arc::default());
        let mut restarts = Self { program, directory, server, seed, clients, progress, rounds: 0 };
        let hired = restarts.hire().await;
        hired.map_err(|what| restarts.failed(&what))?;
        Ok(restarts)
    }

    /// Replaces the server once.
    ///
    /// # Errors
    /// [`TortureError`]
    pub(crate) async fn round(&mut self, round: u64) -> Result<(), TortureError> {
        let mut random = random_of(self.seed, round, 0);
        sleep(Duration::from_millis(random.random_range(WORKS))).await;
        let variables = variables(&self.directory);
        let data = self.directory.path().join("data");
        let mut next = self.server.launch_successor(&self.program, &data, &borrowed(&variables))?;
        let status = loop {
            if let Some(status) = self.server.ended()? {
                break status;
            }
            if let Some(status) = next.ended()? {
                return Err(self.failed(&format!("the next server ended ({status})")));
            }
            self.clients_are_at_work()?;
            sleep(LOOK).await;
        };
        if !status.success() {
            return Err(self.failed(&format!("the server that was taken over ended with {status}")));
        }
        self.server = next;
        self.rounds = round;
        Ok(())
    }

    /// Lets the clients finish, and counts.
    ///
    /// # Errors
    /// [`TortureError`]
    pub(crate) async fn finish(mut self) -> Result<Counts, TortureError> {
        self.progress.is_over.store(true, Ordering::Relaxed);
        while let Some(ended) = self.clients.join_next().await {
            ended?.map_err(|what| self.failed(&what))?;
        }
        let answered = self.progress.answered.load(Ordering::Relaxed);
        Ok(Counts::from([
            ("restarts: servers taken over", self.rounds),
            ("restarts: requests, none lost", answered),
        ]))
    }

    /// Keeps the data directory, so that the cause can be found.
    pub(crate) fn keep_directory(self) -> PathBuf {
        self.directory.keep()
    }

    async fn hire(&mut self) -> Result<(), String> {
        let address = self.server.address();
        let strategy = StrategyUnderTest::SessionJwt;
        let credentials = signed_in(address, strategy, "restarts@torture.example").await?;
        let profile = strategy.profile(&credentials.access);
        for number in 0..FRESH {
            let worker = self.worker(number).await?;
            self.clients.spawn(worker.connects_anew(profile.clone()));
        }
        for (number, pause) in PAUSES.into_iter().enumerate() {
            let worker = self.worker(FRESH + number).await?;
            self.clients.spawn(worker.asks(profile.clone(), pause));
        }
        for number in 0..REFRESHING {
            let email = format!("restarts-{number}@torture.example");
            let held = signed_in(address, StrategyUnderTest::Refresh, &email).await?;
            let worker = self.worker(FRESH + PAUSES.len() + number).await?;
            self.clients.spawn(worker.refreshes(held));
        }
        Ok(())
    }

    async fn worker(&self, number: usize) -> Result<Worker, String> {
        let random = random_of(self.seed, number as u64, 1);
        Worker::new(self.server.address(), random, Arc::clone(&self.progress)).await
    }

    fn clients_are_at_work(&mut self) -> Result<(), TortureError> {
        match self.clients.try_join_next() {
            None => Ok(()),
            Some(ended) => {
                Err(self.failed(&ended?.err().unwrap_or_else(|| "a client has stopped".to_owned())))
            }
        }
    }

    fn failed(&self, what: &str) -> TortureError {
        let what = format!("restarts, round {}: {what}", self.rounds + 1);
        TortureError::Failed(vec![BrokenPromise::of_server(&self.server, what)])
    }
}

fn variables(directory: &TempDir) -> [(&'static str, OsString); 2] {
    let path = directory.path().join("handover.sock").into_os_string();
    // Longer than any client pauses.
    [("PORTCULLIS_HANDOVER", path), ("PORTCULLIS_TIMEOUTS_DRAIN", "20s".into())]
}

fn borrowed<'v>(variables: &'v [(&'static str, OsString); 2]) -> [(&'static str, &'v OsStr); 2] {
    variables.each_ref().map(|(name, value)| (*name, value.as_os_str()))
}
