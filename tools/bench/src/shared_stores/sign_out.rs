//! How long a sign-out takes to hold on other nodes: from its answer to the last check elsewhere that was sent and
//! still accepted.

use std::net::SocketAddr;
use std::time::{Duration, Instant};

use portcullis_bench::http::HttpConnection;
use portcullis_bench::strategy::StrategyUnderTest;
use tokio::sync::watch;
use tokio::task::JoinSet;
use tokio::time::sleep;

use crate::error::BenchError;
use crate::script::unexpected;
use crate::users::BenchUsers;

const STRATEGY: StrategyUnderTest = StrategyUnderTest::SessionJwt;
/// Between the sign-in and the sign-out, so that the views know the session and all is quiet.
const SETTLING: Duration = Duration::from_millis(150);

/// Signs out on the first node, so often, and returns of each sign-out and other node the milliseconds to the last yes.
///
/// # Errors
/// [`BenchError`]
pub(crate) async fn measure(
    nodes: &[SocketAddr],
    people: &BenchUsers,
    count: u64,
) -> Result<Vec<f64>, BenchError> {
    let (first, others) = nodes.split_first().ok_or(BenchError::NoRequest)?;
    let mut connection = HttpConnection::open(*first).await?;
    let mut found = Vec::new();
    for _ in 0..count {
        let signed_in = people.password_sign_in(STRATEGY, 1).await?;
        let access = &signed_in.first().ok_or(BenchError::NoRequest)?.access;
        found
            .extend(one(&mut connection, others, &STRATEGY.profile(access), &STRATEGY.logout(access)).await?);
    }
    Ok(found)
}

async fn one(
    first: &mut HttpConnection,
    others: &[SocketAddr],
    check: &[u8],
    sign_out: &[u8],
) -> Result<Vec<f64>, BenchError> {
    let mut checking = JoinSet::new();
    let (start, begun) = watch::channel(false);
    for node in others {
        let mut connection = HttpConnection::open(*node).await?;
        let answer = connection.exchange(check).await?;
        if answer.status() != 200 {
            return Err(unexpected(check, &answer));
        }
        checking.spawn(last_yes(connection, check.to_owned(), begun.clone()));
    }
    sleep(SETTLING).await;
    let _ = start.send(true);
    tokio::task::yield_now().await;
    let answer = first.exchange(sign_out).await?;
    if answer.status() != 201 {
        return Err(unexpected(sign_out, &answer));
    }
    let acknowledged = Instant::now();
    let mut found = Vec::new();
    while let Some(finished) = checking.join_next().await {
        found.push(finished??.saturating_duration_since(acknowledged).as_secs_f64() * 1000.0);
    }
    Ok(found)
}

/// Checks without a pause until the first no, and returns when the last request was sent that was answered with yes.
async fn last_yes(
    mut connection: HttpConnection,
    check: Vec<u8>,
    mut begun: watch::Receiver<bool>,
) -> Result<Instant, BenchError> {
    let mut last = Instant::now();
    // The sender is there until all checks are over.
    let _ = begun.wait_for(|begun| *begun).await;
    loop {
        let sent = Instant::now();
        let answer = connection.exchange(&check).await?;
        match answer.status() {
            200 => last = sent,
            401 => return Ok(last),
            _ => return Err(unexpected(&check, &answer)),
        }
    }
}
