//! The users of a run: made once, signed in anew for each measurement, so that no credential grows old.

use std::net::SocketAddr;

use portcullis_bench::http::Connection;
use portcullis_bench::strategy::{Credentials, Strategy};
use tokio::task::JoinSet;

use crate::error::BenchError;
use crate::machine::cores;
use crate::script::unexpected;

/// So many users, registered.
#[derive(Debug)]
pub(crate) struct People {
    address: SocketAddr,
    emails: Vec<String>,
}

impl People {
    /// Registers them.
    ///
    /// # Errors
    /// [`BenchError`]
    pub(crate) async fn register(address: SocketAddr, group: &str, count: usize) -> Result<Self, BenchError> {
        let emails: Vec<String> = (0..count).map(|n| format!("{group}-{n}@bench.example")).collect();
        let requests = emails.iter().map(|email| (Strategy::Jwt, Strategy::Jwt.register(email))).collect();
        ask_all(address, requests).await?;
        Ok(Self { address, emails })
    }

    /// Signs the first `count` of them in, natively where the strategy rotates.
    ///
    /// # Errors
    /// [`BenchError`]
    pub(crate) async fn sign_in(
        &self,
        strategy: Strategy,
        count: usize,
    ) -> Result<Vec<Credentials>, BenchError> {
        let logins = self.logins(strategy).take(count).map(|request| (strategy, request)).collect();
        let signed_in = ask_all(self.address, logins).await?;
        Ok(signed_in.into_iter().flatten().collect())
    }

    /// The login request of each of them.
    pub(crate) fn logins(&self, strategy: Strategy) -> impl Iterator<Item = Vec<u8>> {
        self.emails.iter().map(move |email| strategy.login(email, strategy.rotates()))
    }
}

/// Asks all, as many at once as the server hashes, and patiently.
async fn ask_all(
    address: SocketAddr,
    requests: Vec<(Strategy, Vec<u8>)>,
) -> Result<Vec<Option<Credentials>>, BenchError> {
    let mut answers = Vec::with_capacity(requests.len());
    let mut requests = requests.into_iter();
    let mut asking = JoinSet::new();
    loop {
        while asking.len() < cores()
            && let Some((strategy, request)) = requests.next()
        {
            asking.spawn(ask(address, strategy, request));
        }
        let Some(answer) = asking.join_next().await else { return Ok(answers) };
        answers.push(answer??);
    }
}

async fn ask(
    address: SocketAddr,
    strategy: Strategy,
    request: Vec<u8>,
) -> Result<Option<Credentials>, BenchError> {
    let mut connection = Connection::open(address).await?;
    loop {
        let answer = connection.exchange(&request).await?;
        match answer.status() {
            201 => return Ok(Credentials::of(strategy, &answer)),
            503 => tokio::time::sleep(std::time::Duration::from_millis(50)).await,
            _ => return Err(unexpected(&request, &answer)),
        }
    }
}
