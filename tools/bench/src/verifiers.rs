//! Verifiers that follow the revocation feed: how long after the answer to a sign-out the last of them refuses the
//! token, and what they take of the server.

use std::fs;
use std::path::Path;
use std::time::{Duration, Instant};

use portcullis_bench::http::HttpConnection;
use portcullis_bench::strategy::{AccessCredential, StrategyUnderTest};
use portcullis_verifier::{CutReason, OnStale, SentCredential, Verifier};
use tokio::task::JoinSet;
use tokio::time::sleep;

use crate::BenchPlan;
use crate::error::BenchError;
use crate::fixture::BenchFixture;
use crate::process::processor_time;
use crate::script::unexpected;

/// How many verifiers follow one server at once, and how many sign-outs each number is measured by.
const CROWDS: [(usize, u64); 3] = [(3, 200), (100, 100), (1_000, 50)];
const STRATEGY: StrategyUnderTest = StrategyUnderTest::SessionJwt;
/// How long the server is watched while nothing is revoked.
const QUIET: Duration = Duration::from_secs(5);
/// Between two sign-outs: what belongs to one is over before the next.
const SETTLING: Duration = Duration::from_millis(300);
/// A stream is not cut for want of proof: what is measured is the revocation.
const GRACE: Duration = Duration::from_mins(5);

/// What was found of so many verifiers.
#[derive(Debug)]
pub(crate) struct VerifierFindings {
    pub(crate) verifiers: usize,
    /// Milliseconds from the answer to a sign-out to the refusal, of each verifier and sign-out.
    pub(crate) refusals: Vec<f64>,
    /// The same of the last verifier of each sign-out.
    pub(crate) last: Vec<f64>,
    /// The share of one core that the server takes while nothing is revoked.
    pub(crate) quiet: f64,
    /// The same while a user signs in and out again and again.
    pub(crate) busy: f64,
}

/// Measures one number of verifiers after the other, on one server.
///
/// # Errors
/// [`BenchError`]
pub(crate) async fn measure(plan: &BenchPlan, directory: &Path) -> Result<Vec<VerifierFindings>, BenchError> {
    fs::create_dir(directory)?;
    let fixture = BenchFixture::set(plan, directory, None, &[]).await?;
    let key = fs::read_to_string(fixture.feed_key_file().await?)?;
    let mut found = Vec::new();
    for (count, sign_outs) in CROWDS {
        found.push(crowd(&fixture, &key, count, sign_outs).await?);
        println!("{count} verifiers: {sign_outs} sign-outs");
    }
    Ok(found)
}

async fn crowd(
    fixture: &BenchFixture,
    key: &str,
    count: usize,
    sign_outs: u64,
) -> Result<VerifierFindings, BenchError> {
    let server = &fixture.main.server;
    let builder = || Verifier::builder(&format!("http://{}", server.address())).feed_key(key).build();
    let verifiers: Vec<Verifier> = (0..count).map(|_| builder()).collect::<Result<_, _>>()?;
    for verifier in &verifiers {
        verifier.ready().await;
    }
    let quiet = share_of_core(server.pid(), sleep(QUIET)).await.0;
    let (busy, measured) = share_of_core(server.pid(), async {
        let (mut refusals, mut last) = (Vec::new(), Vec::new());
        for _ in 0..sign_outs {
            let found = sign_out(fixture, &verifiers).await?;
            last.push(found.iter().copied().fold(0.0, f64::max));
            refusals.extend(found);
        }
        Ok::<_, BenchError>((refusals, last))
    })
    .await;
    let (refusals, last) = measured?;
    Ok(VerifierFindings { verifiers: count, refusals, last, quiet, busy })
}

/// Signs in, shows the token to all verifiers, and signs out: after how many milliseconds each refuses it.
async fn sign_out(fixture: &BenchFixture, verifiers: &[Verifier]) -> Result<Vec<f64>, BenchError> {
    let signed_in = fixture.main.people.password_sign_in(STRATEGY, 1).await?;
    let access = &signed_in.first().ok_or(BenchError::NoRequest)?.access;
    let mut watching = JoinSet::new();
    for verifier in verifiers {
        let user = verifier.verify(sent(access), OnStale::Ask).await;
        let user = user.map_err(|fault| BenchError::Verifier(fault.to_string()))?;
        let cut = verifier.watch(&user, GRACE);
        watching.spawn(async move { (cut.await, Instant::now()) });
    }
    sleep(SETTLING).await;
    let request = STRATEGY.logout(access);
    let mut connection = HttpConnection::open(fixture.main.server.address()).await?;
    let answer = connection.exchange(&request).await?;
    if answer.status() != 201 {
        return Err(unexpected(&request, &answer));
    }
    let acknowledged = Instant::now();
    let mut found = Vec::with_capacity(verifiers.len());
    while let Some(finished) = watching.join_next().await {
        let (reason, at) = finished?;
        if reason != CutReason::Revoked {
            return Err(BenchError::Verifier(format!("{reason:?}")));
        }
        found.push(at.saturating_duration_since(acknowledged).as_secs_f64() * 1000.0);
    }
    Ok(found)
}

fn sent(access: &AccessCredential) -> SentCredential<'_> {
    match access {
        AccessCredential::Bearer(line) => SentCredential::Bearer(line.trim_start_matches("Bearer ")),
        AccessCredential::Cookie(pairs) => SentCredential::Cookie(pairs),
    }
}

/// The share of one core that a process takes while something is done.
async fn share_of_core<T>(pid: u32, work: impl Future<Output = T>) -> (f64, T) {
    let (begun, before) = (Instant::now(), processor_time(pid));
    let done = work.await;
    let used = processor_time(pid).saturating_sub(before);
    (used.as_secs_f64() / begun.elapsed().as_secs_f64(), done)
}
