//! The users of a run: made once, signed in anew for each measurement, so that no credential grows old.

use std::net::SocketAddr;

use portcullis_bench::device::{self, Outbox, ProofSent};
use portcullis_bench::http::HttpConnection;
use portcullis_bench::strategy::{Credentials, PASSWORD, StrategyUnderTest};
use serde_json::Value;
use tokio::task::JoinSet;

use crate::error::BenchError;
use crate::machine::cores;
use crate::script::unexpected;

/// So many users, registered.
#[derive(Debug)]
pub(crate) struct BenchUsers {
    address: SocketAddr,
    emails: Vec<String>,
}

impl BenchUsers {
    /// Registers them.
    ///
    /// # Errors
    /// [`BenchError`]
    pub(crate) async fn register(address: SocketAddr, group: &str, count: usize) -> Result<Self, BenchError> {
        Self::registered(address, (0..count).map(|n| format!("{group}-{n}@bench.example")).collect()).await
    }

    /// Registers these.
    ///
    /// # Errors
    /// [`BenchError`]
    pub(crate) async fn registered(address: SocketAddr, emails: Vec<String>) -> Result<Self, BenchError> {
        let requests = emails
            .iter()
            .map(|email| (StrategyUnderTest::Jwt, StrategyUnderTest::Jwt.register(email)))
            .collect();
        ask_all(address, requests).await?;
        Ok(Self { address, emails })
    }

    /// Signs the first `count` of them in, natively where the strategy rotates.
    ///
    /// # Errors
    /// [`BenchError`]
    pub(crate) async fn password_sign_in(
        &self,
        strategy: StrategyUnderTest,
        count: usize,
    ) -> Result<Vec<Credentials>, BenchError> {
        let logins = self.logins(strategy).take(count).map(|request| (strategy, request)).collect();
        let signed_in = ask_all(self.address, logins).await?;
        Ok(signed_in.into_iter().flatten().collect())
    }

    /// Signs a new user up, and in with the code from the mail; returns the access token.
    ///
    /// # Errors
    /// [`BenchError`]
    pub(crate) async fn join(&self, outbox: &Outbox, name: &str) -> Result<String, BenchError> {
        let email = format!("{name}@bench.example");
        let mut connection = HttpConnection::open(self.address).await?;
        told(&mut connection, &device::sign_up(&email)).await?;
        let login = told(&mut connection, &device::device_sign_in(&email, PASSWORD)).await?;
        let code = outbox.code(&email, 1).await.ok_or(BenchError::NoLetter)?;
        let login = login.pointer("/data/loginId").and_then(Value::as_str).unwrap_or_default();
        let verify = device::verify(login, &code, false, &ProofSent::None);
        let signed_in = told(&mut connection, &verify).await?;
        let access = signed_in.pointer("/data/accessToken").and_then(Value::as_str);
        Ok(access.unwrap_or_default().to_owned())
    }

    /// The login request of each of them.
    pub(crate) fn logins(&self, strategy: StrategyUnderTest) -> impl Iterator<Item = Vec<u8>> {
        self.emails.iter().map(move |email| strategy.login(email, strategy.rotates()))
    }
}

/// What a request that succeeds is told.
async fn told(connection: &mut HttpConnection, request: &[u8]) -> Result<Value, BenchError> {
    let answer = connection.exchange(request).await?;
    if answer.status() == 201 { Ok(answer.json()) } else { Err(unexpected(request, &answer)) }
}

/// Asks all, as many at once as the server hashes, and patiently.
async fn ask_all(
    address: SocketAddr,
    requests: Vec<(StrategyUnderTest, Vec<u8>)>,
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
    strategy: StrategyUnderTest,
    request: Vec<u8>,
) -> Result<Option<Credentials>, BenchError> {
    let mut connection = HttpConnection::open(address).await?;
    loop {
        let answer = connection.exchange(&request).await?;
        match answer.status() {
            201 => return Ok(Credentials::of(strategy, &answer)),
            503 => tokio::time::sleep(std::time::Duration::from_millis(50)).await,
            _ => return Err(unexpected(&request, &answer)),
        }
    }
}
