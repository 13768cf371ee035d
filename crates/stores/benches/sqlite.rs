//! `cargo bench -p portcullis-stores [-- TASKS SESSIONS SECONDS]`: what the SQLite store does without a server: so many
//! tasks rotate the refresh tokens of so many sessions in turn, then read them.
//!
//! It asserts nothing: figures of a shared machine are for people to read.

#![expect(clippy::print_stdout, reason = "a tool for people prints")]

use std::error::Error;
use std::fs;
use std::sync::Arc;
use std::time::Duration;

use portcullis_core::clock::{Clock as _, Ticks};
use portcullis_core::machine::SystemClock;
use portcullis_core::session::{RotationOutcome, Session};
use portcullis_core::store::conformance::records::{NOW, by_id, new_user_key, redemption, session, tenant};
use portcullis_core::store::{SessionStore, Updated};
use portcullis_stores::sqlite::SqliteStore;
use tempfile::TempDir;
use tokio::task::JoinSet;

type BenchFailure = Box<dyn Error + Send + Sync>;
type Latencies = Vec<Duration>;

/// What to measure, and how long.
struct StorePlan {
    tasks: usize,
    sessions: usize,
    seconds: u64,
}

impl StorePlan {
    fn of_arguments() -> Result<Self, BenchFailure> {
        let mut given = std::env::args().skip(1).filter(|argument| !argument.starts_with("--"));
        let mut number = |preset: usize| given.next().map_or(Ok(preset), |text| text.parse());
        let (tasks, sessions, seconds) = (number(64)?, number(64)?, number(3)?);
        Ok(Self { tasks, sessions: sessions.max(tasks), seconds: seconds.try_into()? })
    }
}

/// What every task does with its sessions, again and again.
#[derive(Clone, Copy)]
enum MeasuredVerb {
    Rotate,
    Find,
}

#[tokio::main]
async fn main() -> Result<(), BenchFailure> {
    let plan = StorePlan::of_arguments()?;
    let directory = TempDir::new()?;
    let store = SqliteStore::open(&directory.path().join("bench.db"), Arc::new(SystemClock)).await?;
    let sessions = store.stores().sessions;
    println!("{} tasks, {} sessions", plan.tasks, plan.sessions);
    let shares = filled(&sessions, &plan).await?;
    let shares = measure(MeasuredVerb::Rotate, &sessions, shares, &plan).await?;
    measure(MeasuredVerb::Find, &sessions, shares, &plan).await?;
    store.close().await;
    Ok(())
}

/// Inserts the sessions; each task has a share of them.
async fn filled(
    sessions: &Arc<dyn SessionStore>,
    plan: &StorePlan,
) -> Result<Vec<Vec<Session>>, BenchFailure> {
    let jo = new_user_key(&tenant("acme"));
    let mut shares = JoinSet::new();
    for _ in 0..plan.tasks {
        let share: Vec<Session> = (0..plan.sessions / plan.tasks).map(|_| session(&jo)).collect();
        let sessions = sessions.clone();
        shares.spawn(async move {
            for session in &share {
                sessions.insert(session).await?;
            }
            Ok(share)
        });
    }
    shares.join_all().await.into_iter().collect()
}

/// Runs all tasks for the time of the plan, and prints what they did.
async fn measure(
    verb: MeasuredVerb,
    sessions: &Arc<dyn SessionStore>,
    shares: Vec<Vec<Session>>,
    plan: &StorePlan,
) -> Result<Vec<Vec<Session>>, BenchFailure> {
    let (begun, used) = (SystemClock.ticks(), processor_time()?);
    let mut tasks = JoinSet::new();
    for share in shares {
        let (sessions, span) = (sessions.clone(), Duration::from_secs(plan.seconds));
        tasks.spawn(async move { repeat(verb, &*sessions, share, (begun, span)).await });
    }
    let done = tasks.join_all().await.into_iter().collect::<Result<Vec<_>, BenchFailure>>()?;
    let (shares, latencies): (_, Vec<Latencies>) = done.into_iter().unzip();
    let used = processor_time()?.saturating_sub(used);
    print(verb, latencies.concat(), SystemClock.ticks().since(begun), used);
    Ok(shares)
}

/// Goes through the sessions in turn until the time is over.
async fn repeat(
    verb: MeasuredVerb,
    sessions: &dyn SessionStore,
    mut share: Vec<Session>,
    (begun, span): (Ticks, Duration),
) -> Result<(Vec<Session>, Latencies), BenchFailure> {
    let (mut latencies, mut before) = (Latencies::new(), SystemClock.ticks());
    loop {
        for session in &mut share {
            if before.since(begun) >= span {
                return Ok((share, latencies));
            }
            *session = once(verb, sessions, session).await?;
            let now = SystemClock.ticks();
            latencies.push(now.since(before));
            before = now;
        }
        tokio::task::yield_now().await;
    }
}

async fn once(
    verb: MeasuredVerb,
    sessions: &dyn SessionStore,
    session: &Session,
) -> Result<Session, BenchFailure> {
    let generation = session.rotation.as_ref().map_or(0, |rotation| rotation.generation);
    match verb {
        MeasuredVerb::Find => Ok(sessions.find(&by_id(session), NOW).await?.ok_or("a session is gone")?),
        MeasuredVerb::Rotate => match session.clone().rotate(&redemption(generation)) {
            RotationOutcome::Won(next) if sessions.update(&next, None).await? == Updated::Done => Ok(next),
            other => Err(format!("{other:?}").into()),
        },
    }
}

#[expect(clippy::cast_precision_loss, reason = "no run has 2^52 answers")]
fn print(verb: MeasuredVerb, mut latencies: Latencies, elapsed: Duration, used: Duration) {
    latencies.sort_unstable();
    let count = latencies.len().max(1);
    let quantile = |share: usize| latencies.get((count - 1) * share / 100).copied().unwrap_or_default();
    println!(
        "{}: {:.0}/s, {:.1} µs of CPU each, p50 {:?}, p99 {:?}, max {:?}",
        if matches!(verb, MeasuredVerb::Rotate) { "rotate" } else { "find" },
        count as f64 / elapsed.as_secs_f64(),
        used.as_secs_f64() * 1e6 / count as f64,
        quantile(50),
        quantile(99),
        quantile(100),
    );
}

/// User and system time of this process: fields 14 and 15 of `/proc/self/stat` (`proc(5)`).
fn processor_time() -> Result<Duration, BenchFailure> {
    let stat = fs::read_to_string("/proc/self/stat")?;
    let (_, behind_name) = stat.rsplit_once(')').ok_or("no name in /proc/self/stat")?;
    let mut ticks = 0;
    for field in behind_name.split_ascii_whitespace().skip(11).take(2) {
        ticks += field.parse::<u64>()?;
    }
    Ok(Duration::from_millis(ticks * 1000 / rustix::param::clock_ticks_per_second()))
}
