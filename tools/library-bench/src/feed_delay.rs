//! How long another process takes to hear of a sign-out: from the moment in which one store has acknowledged the end of
//! a session to the moment in which the watch of another has applied it, and what the thread of that watch costs.

use std::sync::atomic::{AtomicBool, AtomicU32, AtomicU64, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use portcullis_core::clock::{Clock as _, Ticks, Timestamp};
use portcullis_core::id::{SessionKey, TenantId, UserId};
use portcullis_core::key::{KeyRecord, KeyUse};
use portcullis_core::machine::{SystemClock, SystemRandom};
use portcullis_core::session::{EndReason, Ending, Session};
use portcullis_core::store::{Change, ChangeSink, EndScope, SessionStore, Stores};
use portcullis_stores::sqlite::SqliteStore;
use rustix::time::{ClockId, clock_gettime};
use tempfile::TempDir;
use tokio::sync::Notify;
use tokio::task::JoinSet;
use tokio::time::sleep;

use crate::LibraryBenchError;
use crate::session_writer::Issuance;

/// How long the watch is left alone to see what it costs then.
const IDLE: Duration = Duration::from_secs(10);
/// The longest pause before a sign-out. The pauses differ, so that they do not fall in step with the watch.
const LONGEST_PAUSE: u64 = 60;

/// How much is measured.
#[derive(Debug, clap::Args)]
pub(crate) struct FeedArguments {
    /// How many sessions are ended, one after another.
    #[arg(long, default_value_t = 1000)]
    rounds: usize,
    /// How many tasks write beside them without a pause, one measurement for each number.
    #[arg(long, value_delimiter = ',', default_value = "0,1,64")]
    writers: Vec<usize>,
}

/// Prints a line for each number of writers.
///
/// # Errors
/// What the stores say.
pub(crate) async fn measure(arguments: &FeedArguments) -> Result<(), LibraryBenchError> {
    let directory = TempDir::new()?;
    let path = directory.path().join("bench.db");
    let one = SqliteStore::open(&path, Arc::new(SystemClock)).await?;
    let other = SqliteStore::open(&path, Arc::new(SystemClock)).await?;
    let sink = Arc::new(SignOutSink::default());
    let _watch = other.stores().feed.watch(sink.clone()).await?;
    let issuance = Arc::new(issuance(one.stores()).await?);
    println!(
        "| writers | their writes/s | p50 ms | p99 ms | max ms | before the answer | watch, % of a core |"
    );
    println!("|---|---|---|---|---|---|---|");
    for writers in &arguments.writers {
        let sessions = sessions(&one.stores(), &issuance, arguments.rounds).await?;
        let line = beside(*writers, &one.stores(), &issuance, &sink, sessions).await?;
        println!("| {writers} | {line} |");
    }
    println!("The watch of a file that is not in use takes {:.3} % of a core.", cost(&sink, IDLE).await);
    Ok(())
}

async fn issuance(stores: Stores) -> Result<Issuance, LibraryBenchError> {
    let (now, usage, tenant) = (SystemClock.now(), KeyUse::Refresh, TenantId::default_tenant());
    let key = KeyRecord::generate(&tenant, usage, usage.algorithm(), now, now, &SystemRandom)?;
    Issuance::with_keys(stores, &[key]).await
}

/// Sessions that are there to be ended.
async fn sessions(
    stores: &Stores,
    issuance: &Issuance,
    count: usize,
) -> Result<Vec<Session>, LibraryBenchError> {
    let user = issuance.write_user(&SystemClock.ticks().as_micros().to_string()).await?;
    let mut sessions = Vec::with_capacity(count);
    for _ in 0..count {
        let (session, _) = issuance.begin(user)?;
        stores.sessions.insert(&session).await?;
        sessions.push(session);
    }
    Ok(sessions)
}

/// The columns of a line: what was measured while so many tasks wrote.
async fn beside(
    writers: usize,
    stores: &Stores,
    issuance: &Arc<Issuance>,
    sink: &SignOutSink,
    sessions: Vec<Session>,
) -> Result<String, LibraryBenchError> {
    let load = Arc::new(WriteLoad::default());
    let mut tasks = JoinSet::new();
    for _ in 0..writers {
        tasks.spawn(load.clone().write(stores.sessions.clone(), issuance.clone()));
    }
    let (begun, spent) = (SystemClock.ticks(), sink.spent());
    let mut delays = Vec::with_capacity(sessions.len());
    for (round, session) in (0_u64..).zip(sessions) {
        sleep(Duration::from_millis(round * 7 % LONGEST_PAUSE)).await;
        delays.push(sink.delay_of(&stores.sessions, session.key).await?);
    }
    let (elapsed, spent) = (SystemClock.ticks().since(begun), sink.spent().saturating_sub(spent));
    load.is_over.store(true, Ordering::Relaxed);
    while let Some(done) = tasks.join_next().await {
        done??;
    }
    let rate = f64::from(load.written.load(Ordering::Relaxed)) / elapsed.as_secs_f64();
    Ok(format!("{rate:.0} | {} | {:.2}", summary(delays), percentage(spent, elapsed)))
}

/// Milliseconds at the middle, at 99 of 100 and at the end, and how many were heard before the answer.
fn summary(mut delays: Vec<f64>) -> String {
    delays.sort_by(f64::total_cmp);
    let at =
        |percent| delays.get(delays.len() * percent / 100).or(delays.last()).copied().unwrap_or(f64::NAN);
    let early = delays.iter().filter(|delay| **delay < 0.0).count();
    format!("{:.2} | {:.2} | {:.2} | {early} of {}", at(50), at(99), at(100), delays.len())
}

fn percentage(spent: Duration, elapsed: Duration) -> f64 {
    100.0 * spent.as_secs_f64() / elapsed.as_secs_f64()
}

async fn cost(sink: &SignOutSink, span: Duration) -> f64 {
    let (begun, spent) = (SystemClock.ticks(), sink.spent());
    sleep(span).await;
    percentage(sink.spent().saturating_sub(spent), SystemClock.ticks().since(begun))
}

/// Tasks that write sessions without a pause.
#[derive(Default)]
struct WriteLoad {
    is_over: AtomicBool,
    written: AtomicU32,
}

impl WriteLoad {
    async fn write(
        self: Arc<Self>,
        sessions: Arc<dyn SessionStore>,
        issuance: Arc<Issuance>,
    ) -> Result<(), LibraryBenchError> {
        let user = UserId::generate(SystemClock.now(), &SystemRandom);
        while !self.is_over.load(Ordering::Relaxed) {
            sessions.insert(&issuance.begin(user)?.0).await?;
            self.written.fetch_add(1, Ordering::Relaxed);
        }
        Ok(())
    }
}

/// Notes when it is told of the session that is being ended, and what its thread has spent by then.
#[derive(Default)]
struct SignOutSink {
    waits_for: Mutex<Option<(SessionKey, Option<Ticks>)>>,
    heard: Notify,
    spent_nanos: AtomicU64,
}

impl SignOutSink {
    /// Ends a session. The milliseconds are negative if the sink was told before the answer was there.
    async fn delay_of(
        &self,
        sessions: &Arc<dyn SessionStore>,
        key: SessionKey,
    ) -> Result<f64, LibraryBenchError> {
        *self.waits_for.lock().unwrap_or_else(PoisonError::into_inner) = Some((key.clone(), None));
        let ending = ending(SystemClock.now());
        if sessions.end(&EndScope::One(key), ending).await?.is_empty() {
            return Err("a session is gone".into());
        }
        let acknowledged = SystemClock.ticks();
        self.heard.notified().await;
        let waited = self.waits_for.lock().unwrap_or_else(PoisonError::into_inner).take();
        let heard = waited.and_then(|(_, heard)| heard).ok_or("something else was heard")?;
        Ok(millis(heard.since(acknowledged)) - millis(acknowledged.since(heard)))
    }

    /// The processor time that the watch's thread has used.
    fn spent(&self) -> Duration {
        Duration::from_nanos(self.spent_nanos.load(Ordering::Relaxed))
    }
}

const fn ending(now: Timestamp) -> Ending {
    Ending { at: now, reason: EndReason::Logout }
}

fn millis(span: Duration) -> f64 {
    span.as_secs_f64() * 1000.0
}

impl ChangeSink for SignOutSink {
    fn changed(&self, change: &Change) {
        let mut waits_for = self.waits_for.lock().unwrap_or_else(PoisonError::into_inner);
        match (&mut *waits_for, change) {
            (Some((key, heard @ None)), Change::Session(changed)) if key == changed => {
                *heard = Some(SystemClock.ticks());
                self.heard.notify_one();
            }
            _ => {}
        }
    }

    fn proven(&self, _: Ticks) {
        let spent = clock_gettime(ClockId::ThreadCPUTime);
        let spent = Duration::try_from(spent).unwrap_or_default();
        self.spent_nanos.store(u64::try_from(spent.as_nanos()).unwrap_or(u64::MAX), Ordering::Relaxed);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_middle_the_99th_of_100_and_the_last_are_shown() {
        let delays = (0..100).rev().map(|number| f64::from(number) - 1.0).collect();
        assert_eq!(summary(delays), "49.00 | 98.00 | 98.00 | 1 of 100");
    }

    #[tokio::test]
    async fn each_end_is_waited_for_while_others_write() {
        let folder = TempDir::new().unwrap();
        let store = SqliteStore::open(&folder.path().join("bench.db"), Arc::new(SystemClock)).await.unwrap();
        let stores = store.stores();
        let sink = Arc::new(SignOutSink::default());
        let _watch = stores.feed.watch(sink.clone()).await.unwrap();
        let issuance = Arc::new(issuance(stores.clone()).await.unwrap());
        let ended = sessions(&stores, &issuance, 3).await.unwrap();
        let line = beside(2, &stores, &issuance, &sink, ended).await.unwrap();
        assert!(line.contains(" of 3 |") && !line.starts_with("0 |"), "{line}");
    }
}
