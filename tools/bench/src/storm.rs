//! Whether checks keep their latency while everybody logs in at once.
//!
//! The checks are an open loop: they are due at a steady rate whether or not the last one was answered, and a latency
//! counts from the moment a check was due. A server that stalls is charged for all that was due meanwhile. The logins
//! run on a thread of their own, so that they do not queue in the load generator with the checks.

use std::net::SocketAddr;
use std::sync::Arc;
use std::thread;
use std::time::{Duration, Instant};

use portcullis_bench::http::HttpConnection;
use portcullis_bench::strategy::StrategyUnderTest;
use tokio::sync::{Mutex, mpsc};
use tokio::task::JoinSet;

use crate::error::BenchError;
use crate::script::unexpected;
use crate::users::BenchUsers;
use portcullis_bench::tally::Tally;

/// Checks that are due in a second.
pub(crate) const CHECKS_PER_SECOND: u32 = 300;
/// Clients that log in without pause.
pub(crate) const LOGINS_AT_ONCE: usize = 16;
const CHECKING_CONNECTIONS: usize = 32;
const STRATEGY: StrategyUnderTest = StrategyUnderTest::SessionJwt;

/// One pair of measurements.
#[derive(Debug)]
pub(crate) struct StormRound {
    /// Checks with nothing else to do.
    pub(crate) alone: Tally,
    /// Checks during the storm.
    pub(crate) stormy: Tally,
    /// The logins of the storm.
    pub(crate) logins: Tally,
}

/// Measures checks alone, then checks in a storm, each for `span`.
///
/// # Errors
/// [`BenchError`]
pub(crate) async fn measure(
    address: SocketAddr,
    people: &BenchUsers,
    span: Duration,
) -> Result<StormRound, BenchError> {
    let signed_in = people.password_sign_in(STRATEGY, CHECKING_CONNECTIONS).await?;
    let requests: Vec<_> =
        signed_in.iter().map(|credentials| STRATEGY.profile(&credentials.access)).collect();
    let alone = checks(address, &requests, span).await?;
    // Other users than those who are checked: a user's newest sessions may end the oldest.
    let logins = people.logins(STRATEGY).skip(CHECKING_CONNECTIONS).take(LOGINS_AT_ONCE).collect();
    let storm = thread::spawn(move || storm(address, logins, span));
    let stormy = checks(address, &requests, span).await;
    let logins = tokio::task::spawn_blocking(|| storm.join()).await?;
    let logins = logins.map_err(|_| std::io::Error::other("the thread of the logins panicked"))??;
    Ok(StormRound { alone, stormy: stormy?, logins })
}

/// The moments at which checks are due, in order; whichever connection is free takes the next.
type Due = Arc<Mutex<mpsc::UnboundedReceiver<Instant>>>;

async fn checks(address: SocketAddr, requests: &[Vec<u8>], span: Duration) -> Result<Tally, BenchError> {
    let (sender, receiver) = mpsc::unbounded_channel();
    let due = Arc::new(Mutex::new(receiver));
    let mut checking = JoinSet::new();
    for request in requests.iter().cloned() {
        checking.spawn(check(HttpConnection::open(address).await?, request, Arc::clone(&due)));
    }
    let begun = Instant::now();
    let pace = thread::spawn(move || pace(begun, span, &sender));
    let mut total = total(checking).await?;
    // The thread ends when it has nothing more to send or no receiver: the checks are over in both cases.
    let _ = pace.join();
    total.elapsed = begun.elapsed();
    Ok(total)
}

async fn total(mut checking: JoinSet<Result<Tally, BenchError>>) -> Result<Tally, BenchError> {
    let mut total = Tally::new();
    while let Some(finished) = checking.join_next().await {
        total.merge(&finished??);
    }
    Ok(total)
}

/// A thread's sleep is exact to some 60 µs, a tokio timer only to a millisecond: too coarse for what is measured here.
fn pace(begun: Instant, span: Duration, due: &mpsc::UnboundedSender<Instant>) {
    let step = Duration::from_secs(1) / CHECKS_PER_SECOND;
    let mut next = begun;
    while next < begun + span {
        thread::sleep(next.saturating_duration_since(Instant::now()));
        if due.send(next).is_err() {
            return;
        }
        next += step;
    }
}

async fn check(mut connection: HttpConnection, request: Vec<u8>, due: Due) -> Result<Tally, BenchError> {
    let mut tally = Tally::new();
    loop {
        let next = due.lock().await.recv().await;
        let Some(moment) = next else { return Ok(tally) };
        let answer = connection.exchange(&request).await?;
        match answer.status() {
            200 => tally.done(moment.elapsed()),
            503 => tally.refused(answer.header("retry-after").is_some()),
            _ => return Err(unexpected(&request, &answer)),
        }
    }
}

/// Logs in with each of these requests for so long, without pause, whatever the answer.
fn storm(address: SocketAddr, logins: Vec<Vec<u8>>, span: Duration) -> Result<Tally, BenchError> {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build()?;
    runtime.block_on(async {
        let begun = Instant::now();
        let until = begun + span;
        let mut running: JoinSet<_> =
            logins.into_iter().map(|request| log_in_until(address, request, until)).collect();
        let mut total = Tally::new();
        while let Some(finished) = running.join_next().await {
            total.merge(&finished??);
        }
        total.elapsed = begun.elapsed();
        Ok(total)
    })
}

async fn log_in_until(address: SocketAddr, request: Vec<u8>, until: Instant) -> Result<Tally, BenchError> {
    let mut connection = HttpConnection::open(address).await?;
    let mut tally = Tally::new();
    while Instant::now() < until {
        let sent = Instant::now();
        let answer = connection.exchange(&request).await?;
        match answer.status() {
            201 => tally.done(sent.elapsed()),
            503 => tally.refused(answer.header("retry-after").is_some()),
            _ => return Err(unexpected(&request, &answer)),
        }
    }
    Ok(tally)
}

#[cfg(test)]
mod tests {
    use std::sync::atomic::{AtomicU64, Ordering};

    use axum::Router;
    use axum::extract::State;
    use axum::http::{StatusCode, header};
    use axum::response::{IntoResponse as _, Response};
    use axum::routing::{get, post};
    use portcullis_bench::http;

    use super::*;

    #[tokio::test]
    async fn a_storm_counts_logins_and_refusals_and_whether_they_said_when_to_come_back() {
        async fn answer(count: State<Arc<AtomicU64>>) -> Response {
            let busy = StatusCode::SERVICE_UNAVAILABLE;
            match count.fetch_add(1, Ordering::Relaxed) % 3 {
                0 => StatusCode::CREATED.into_response(),
                1 => (busy, [(header::RETRY_AFTER, "1")]).into_response(),
                _ => busy.into_response(),
            }
        }
        let count = Arc::new(AtomicU64::new(0));
        let router = Router::new().route("/", post(answer)).with_state(Arc::clone(&count));
        let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
        let address = listener.local_addr().unwrap();
        tokio::spawn(axum::serve(listener, router).into_future());

        let login = http::post("/", &[], None);
        let tally = log_in_until(address, login, Instant::now() + Duration::from_millis(50)).await.unwrap();
        let asked = count.load(Ordering::Relaxed);
        assert_eq!(tally.count(), asked.div_ceil(3));
        assert_eq!(tally.count() + tally.busy, asked);
        assert_eq!(tally.busy_with_retry_after, (asked + 1) / 3);
    }

    const STALL: Duration = Duration::from_millis(200);

    async fn stall_the_whole_server() -> &'static str {
        static ONCE: std::sync::Once = std::sync::Once::new();
        ONCE.call_once(|| thread::sleep(STALL));
        "ok"
    }

    #[test]
    fn a_stalled_server_is_charged_for_every_check_that_was_due_meanwhile() {
        let router = Router::new().route("/", get(stall_the_whole_server));
        let (sender, receiver) = std::sync::mpsc::channel();
        thread::spawn(move || {
            let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
            runtime.block_on(async {
                let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
                sender.send(listener.local_addr().unwrap()).unwrap();
                axum::serve(listener, router).await
            })
        });
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
        let span = STALL * 2;
        let requests = vec![http::get("/", &[]); 4];
        let tally = runtime.block_on(checks(receiver.recv().unwrap(), &requests, span)).unwrap();
        let due = u64::from(CHECKS_PER_SECOND) * 400 / 1000;
        assert!(
            (due..=due + 1).contains(&tally.count()),
            "every check that was due is answered, late or not"
        );
        // Half of them were due during the stall, evenly: a quarter waited for at least half of it.
        assert!(tally.quantile(0.76) >= 95_000.0, "{}", tally.quantile(0.76));
    }
}
