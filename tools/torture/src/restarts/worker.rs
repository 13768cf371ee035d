//! A client that loses no request: it sends each once, on a connection that it keeps until an answer says that the
//! server closes it.

use std::net::SocketAddr;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::time::Duration;

use portcullis_bench::http::{HttpAnswer, HttpConnection};
use portcullis_bench::strategy::{Credentials, StrategyUnderTest};
use rand::RngExt as _;
use rand::rngs::StdRng;
use tokio::time::sleep;

/// What all clients share.
#[derive(Debug, Default)]
pub(super) struct Progress {
    pub(super) is_over: AtomicBool,
    pub(super) answered: AtomicU64,
}

async fn connected(address: SocketAddr) -> Result<HttpConnection, String> {
    HttpConnection::open(address).await.map_err(|fault| fault.to_string())
}

pub(super) async fn signed_in(
    address: SocketAddr,
    strategy: StrategyUnderTest,
    email: &str,
) -> Result<Credentials, String> {
    let mut connection = connected(address).await?;
    connection.exchange(&strategy.register(email)).await.map_err(|fault| fault.to_string())?;
    let answer = connection.exchange(&strategy.login(email, false)).await;
    let answer = answer.map_err(|fault| fault.to_string())?;
    Credentials::of(strategy, &answer).ok_or_else(|| answer.describe())
}

/// A client at work.
pub(super) struct Worker {
    address: SocketAddr,
    /// `None` once the server has said that it closes it.
    connection: Option<HttpConnection>,
    random: StdRng,
    progress: Arc<Progress>,
}

impl Worker {
    /// A client that is connected.
    pub(super) async fn new(
        address: SocketAddr,
        random: StdRng,
        progress: Arc<Progress>,
    ) -> Result<Self, String> {
        Ok(Self { address, connection: Some(connected(address).await?), random, progress })
    }

    fn goes_on(&self) -> bool {
        !self.progress.is_over.load(Ordering::Relaxed)
    }

    /// Sends a request once, and takes what is needed of its answer.
    async fn ask<T>(
        &mut self,
        request: &[u8],
        take: impl FnOnce(&HttpAnswer<'_>) -> Option<T>,
    ) -> Result<T, String> {
        let mut connection = match self.connection.take() {
            Some(connection) => connection,
            None => connected(self.address).await?,
        };
        let answer = connection.exchange(request).await.map_err(|fault| fault.to_string())?;
        let taken = take(&answer).ok_or_else(|| format!("the answer was {}", answer.describe()))?;
        let closes = answer.header("connection").is_some_and(|value| value.eq_ignore_ascii_case("close"));
        self.connection = (!closes).then_some(connection);
        self.progress.answered.fetch_add(1, Ordering::Relaxed);
        Ok(taken)
    }

    pub(super) async fn asks(mut self, request: Vec<u8>, pause: u64) -> Result<(), String> {
        while self.goes_on() {
            self.ask(&request, is_ok).await?;
            sleep(Duration::from_millis(self.random.random_range(0..=pause))).await;
        }
        Ok(())
    }

    pub(super) async fn connects_anew(mut self, request: Vec<u8>) -> Result<(), String> {
        while self.goes_on() {
            self.connection = None;
            self.ask(&request, is_ok).await?;
        }
        Ok(())
    }

    pub(super) async fn refreshes(mut self, mut held: Credentials) -> Result<(), String> {
        let strategy = StrategyUnderTest::Refresh;
        while self.goes_on() {
            let token = held.refresh_token.clone().unwrap_or_default();
            let request = strategy.refresh(&token, None);
            held = self.ask(&request, |answer| Credentials::of(strategy, answer)).await?;
        }
        Ok(())
    }
}

fn is_ok(answer: &HttpAnswer<'_>) -> Option<()> {
    (answer.status() == 200).then_some(())
}
