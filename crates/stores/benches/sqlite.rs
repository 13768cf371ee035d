//! `cargo bench -p portcullis-stores [-- TASKS SESSIONS SECONDS]`: what the SQLite store does without a server: so many
//! tasks rotate the refresh tokens of so many sessions in turn, then read them.
//!
//! It asserts nothing: figures of a shared machine are for people to read.

#![expect(clippy::print_stdout, reason = "a tool for people prints")]
#![expect(clippy::disallowed_methods, reason = "a tool that measures asks the machine for the time")]

use std::error::Error;
use std::fs;
use std::sync::Arc;
use std::time::{Duration, Instant};

use portcullis_core::machine::SystemClock;
use portcullis_core::session::{RotationOutcome, Session};
use portcullis_core::store::SessionStore;
use portcullis_core::store::conformance::records::{NOW, by_id, new_user_key, redemption, session, tenant};
use portcullis_stores::sqlite::SqliteStore;
use tempfile::TempDir;
use tokio::task::JoinSet;

type Failure = Box<dyn Error + Send + Sync>;
type Latencies = Vec<Duration>;

/// What to measure, and how long.
struct StorePlan {
    tasks: usize,
    sessions: usize,
    seconds: u64,
}

impl StorePlan {
    fn of_arguments() -> Result<Self, Failure> {
        let mut given = std::env::args().skip(1).filter(|argument| !argument.starts_with("--"));
        let mut number = |preset: usize| given.next().map_or(Ok(preset), |text| text.parse());
        let (tasks, sessions, seconds) = (number(64)?, number(64)?, number(3)?);
        Ok(Self { tasks, sessions: sessions.max(tasks), seconds: seconds.try_into()? })
    }
}

#[tokio::main]
async fn main() -> Result<(), Failure> {
    let plan = StorePlan::of_arguments()?;
    let directory = TempDir::new()?;
    let store = SqliteStore::open(&directory.path().join("bench.db"), Arc::new(SystemClock)).await?;
    let sessions = store.stores().sessions;
    let shares = filled(&sessions, &plan).await?;
    let (rotated, shares) = measured("rotate", &sessions, shares, &plan, true).await?;
    let (found, _) = measured("find", &sessions, shares, &plan, false).await?;
    println!("{} tasks, {} sessions\n{rotated}\n{found}", plan.tasks, plan.sessions);
    store.close().await;
    Ok(())
}

/// Inserts the sessions; each task has a share of them.
async fn filled(sessions: &Arc<dyn SessionStore>, plan: &StorePlan) -> Result<Vec<Vec<Session>>, Failure> {
    let jo = new_user_key(&tenant("acme"));
    let mut shares = JoinSet::new();
    for _ in 0..plan.tasks {
        let (sessions, jo, share) = (sessions.clone(), jo.clone(), plan.sessions / plan.tasks);
        shares.spawn(async move {
            let share: Vec<Session> = (0..share).map(|_| session(&jo)).collect();
            for session in &share {
                sessions.insert(session).await?;
            }
            Ok::<_, Failure>(share)
        });
    }
    shares.join_all().await.into_iter().collect()
}

/// Runs all tasks for the time of the plan, and says what they did.
async fn measured(
    verb: &str,
    sessions: &Arc<dyn SessionStore>,
    shares: Vec<Vec<Session>>,
    plan: &StorePlan,
    rotates: bool,
) -> Result<(String, Vec<Vec<Session>>), Failure> {
    let (begun, used) = (Instant::now(), processor_time()?);
    let end = begun + Duration::from_secs(plan.seconds);
    let mut tasks = JoinSet::new();
    for share in shares {
        let sessions = sessions.clone();
        tasks.spawn(async move {
            if rotates {
                rotate_all(&*sessions, share, end).await
            } else {
                find_all(&*sessions, share, end).await
            }
        });
    }
    let (mut latencies, mut shares) = (Latencies::new(), Vec::new());
    for done in tasks.join_all().await {
        let (share, measured) = done?;
        latencies.extend(measured);
        shares.push(share);
    }
    let (elapsed, used) = (begun.elapsed(), processor_time()?.saturating_sub(used));
    Ok((summary(verb, latencies, elapsed, used), shares))
}

async fn rotate_all(
    sessions: &dyn SessionStore,
    mut share: Vec<Session>,
    end: Instant,
) -> Result<(Vec<Session>, Latencies), Failure> {
    let mut latencies = Latencies::new();
    loop {
        for session in &mut share {
            let begun = Instant::now();
            if begun >= end {
                return Ok((share, latencies));
            }
            let generation = session.rotation.as_ref().map_or(0, |rotation| rotation.generation);
            let rotated = sessions.rotate(&session.key, &redemption(generation)).await?;
            let RotationOutcome::Won(next) = rotated else { return Err(format!("{rotated:?}").into()) };
            *session = next;
            latencies.push(begun.elapsed());
        }
    }
}

async fn find_all(
    sessions: &dyn SessionStore,
    share: Vec<Session>,
    end: Instant,
) -> Result<(Vec<Session>, Latencies), Failure> {
    let mut latencies = Latencies::new();
    loop {
        for session in &share {
            let begun = Instant::now();
            if begun >= end {
                return Ok((share, latencies));
            }
            sessions.find(&by_id(session), NOW).await?.ok_or("a session is gone")?;
            latencies.push(begun.elapsed());
        }
        tokio::task::yield_now().await;
    }
}

#[expect(clippy::cast_precision_loss, reason = "no run has 2^52 answers")]
fn summary(verb: &str, mut latencies: Latencies, elapsed: Duration, used: Duration) -> String {
    latencies.sort_unstable();
    let count = latencies.len().max(1);
    let quantile = |share: usize| latencies.get((count - 1) * share / 100).copied().unwrap_or_default();
    format!(
        "{verb}: {:.0}/s, {:.1} µs of CPU each, p50 {:?}, p99 {:?}, max {:?}",
        count as f64 / elapsed.as_secs_f64(),
        used.as_secs_f64() * 1e6 / count as f64,
        quantile(50),
        quantile(99),
        quantile(100),
    )
}

/// User and system time of this process: fields 14 and 15 of `/proc/self/stat` (`proc(5)`).
fn processor_time() -> Result<Duration, Failure> {
    let stat = fs::read_to_string("/proc/self/stat")?;
    let (_, behind_name) = stat.rsplit_once(')').ok_or("no name in /proc/self/stat")?;
    let mut ticks = 0;
    for field in behind_name.split_ascii_whitespace().skip(11).take(2) {
        ticks += field.parse::<u64>()?;
    }
    Ok(Duration::from_millis(ticks * 1000 / rustix::param::clock_ticks_per_second()))
}
