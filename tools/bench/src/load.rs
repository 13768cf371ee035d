//! A closed loop: so many clients, each on its own connection, each sending its next request when it has the answer to
//! the last. All of them run on the one thread of the load generator, so that it takes little from the server.

use std::collections::VecDeque;
use std::net::SocketAddr;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::{Duration, Instant};

use portcullis_bench::http::HttpConnection;
use tokio::task::JoinSet;

use crate::error::BenchError;
use crate::script::{Script, unexpected};
use portcullis_bench::tally::Tally;

/// How long a client waits after a 503. `Retry-After` counts in seconds, longer than a round.
const PAUSE: Duration = Duration::from_millis(20);

/// Scripts and the connection they run on.
#[derive(Debug)]
pub(crate) struct LoadClient {
    connection: HttpConnection,
    /// They take turns: what was used goes to the end.
    scripts: VecDeque<Script>,
}

/// Connects a client for each list of scripts.
///
/// # Errors
/// [`BenchError::Http`]
pub(crate) async fn connect(
    address: SocketAddr,
    scripts: Vec<Vec<Script>>,
) -> Result<Vec<LoadClient>, BenchError> {
    let mut clients = Vec::with_capacity(scripts.len());
    for scripts in scripts {
        clients
            .push(LoadClient { connection: HttpConnection::open(address).await?, scripts: scripts.into() });
    }
    Ok(clients)
}

/// Lets all clients run for this long, and gives them back.
///
/// # Errors
/// [`BenchError`], at the first answer that is neither a success nor a 503.
pub(crate) async fn drive(
    clients: Vec<LoadClient>,
    span: Duration,
) -> Result<(Vec<LoadClient>, Tally), BenchError> {
    drive_until(clients, &LoadEnd::At(Instant::now() + span)).await
}

/// Lets all clients send this many requests together, and gives them back.
///
/// # Errors
/// [`BenchError`], at the first answer that is neither a success nor a 503.
pub(crate) async fn drive_requests(
    clients: Vec<LoadClient>,
    requests: u64,
) -> Result<(Vec<LoadClient>, Tally), BenchError> {
    drive_until(clients, &LoadEnd::After(Arc::new(AtomicU64::new(requests)))).await
}

async fn drive_until(
    clients: Vec<LoadClient>,
    end: &LoadEnd,
) -> Result<(Vec<LoadClient>, Tally), BenchError> {
    let begun = Instant::now();
    let mut running: JoinSet<_> = clients.into_iter().map(|client| client.run(end.clone())).collect();
    let mut clients = Vec::with_capacity(running.len());
    let mut total = Tally::new();
    while let Some(finished) = running.join_next().await {
        let (client, tally) = finished??;
        clients.push(client);
        total.merge(&tally);
    }
    total.elapsed = begun.elapsed();
    Ok((clients, total))
}

/// When clients stop.
#[derive(Clone, Debug)]
enum LoadEnd {
    At(Instant),
    /// When none of so many requests is left.
    After(Arc<AtomicU64>),
}

impl LoadEnd {
    /// Whether there is another request to send; it is taken.
    fn admits(&self) -> bool {
        match self {
            Self::At(end) => Instant::now() < *end,
            Self::After(left) => {
                left.fetch_update(Ordering::Relaxed, Ordering::Relaxed, |left| left.checked_sub(1)).is_ok()
            }
        }
    }
}

impl LoadClient {
    async fn run(mut self, end: LoadEnd) -> Result<(Self, Tally), BenchError> {
        let mut tally = Tally::new();
        while end.admits() {
            let busy = tally.busy;
            self.step(&mut tally).await?;
            if tally.busy > busy {
                tokio::time::sleep(PAUSE).await;
            }
        }
        Ok((self, tally))
    }

    /// One request and its answer.
    ///
    /// # Errors
    /// [`BenchError`], where the answer is neither a success nor a 503.
    async fn step(&mut self, tally: &mut Tally) -> Result<(), BenchError> {
        let Some(script) = self.scripts.front_mut() else { return Err(BenchError::NoRequest) };
        if ask(&mut self.connection, script, tally).await? {
            self.scripts.rotate_left(1);
        }
        Ok(())
    }

    /// The scripts as they stand.
    pub(crate) fn into_scripts(self) -> Vec<Script> {
        self.scripts.into()
    }
}

/// One request of a script and its answer: whether it was done, and not refused with 503.
///
/// # Errors
/// [`BenchError`], where the answer is neither.
pub(crate) async fn ask(
    connection: &mut HttpConnection,
    script: &mut Script,
    tally: &mut Tally,
) -> Result<bool, BenchError> {
    let sent = Instant::now();
    let answer = connection.exchange(script.request()).await?;
    match answer.status() {
        200 | 201 => {
            tally.done(sent.elapsed());
            script.advance(&answer)?;
            Ok(true)
        }
        503 => {
            tally.refused(answer.header("retry-after").is_some());
            Ok(false)
        }
        _ => Err(unexpected(script.request(), &answer)),
    }
}

#[cfg(test)]
mod tests;
