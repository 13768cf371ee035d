use std::sync::atomic::AtomicUsize;
use std::sync::mpsc;
use std::time::Duration;

use portcullis_core::clock::Timestamp;
use portcullis_core::machine::SystemClock;
use tempfile::TempDir;
use tokio::sync::oneshot;
use tokio::task::JoinSet;

use super::*;

/// Each look at this clock is a second later.
#[derive(Default)]
struct HastyClock(AtomicU64);

impl Clock for HastyClock {
    fn now(&self) -> Timestamp {
        SystemClock.now()
    }

    fn ticks(&self) -> Ticks {
        Ticks::new(Duration::from_secs(self.0.fetch_add(1, Ordering::Relaxed)))
    }
}

struct EmptyDatabase {
    _directory: TempDir,
    file: Arc<DatabaseFile>,
    readers: Readers,
}

fn database(clock: Arc<dyn Clock>) -> EmptyDatabase {
    let directory = TempDir::new().unwrap();
    let file = Arc::new(DatabaseFile::prepare(&directory.path().join("empty.db")).unwrap());
    let readers = Readers::new(file.clone(), clock);
    EmptyDatabase { _directory: directory, file, readers }
}

fn query(db: &SqliteConnection, sql: &str) -> SqlResult<i64> {
    let answer = db.driver().query_row(sql, [], |row| row.get(0));
    Ok(answer.map_err(|fault| DatabaseFault::new(SqliteFault::Database(fault)))?)
}

const ENDLESS: &str =
    "WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n) SELECT count(*) FROM n";

#[tokio::test]
async fn a_read_without_an_end_is_interrupted_at_the_deadline() {
    let database = database(Arc::new(HastyClock::default()));
    let fault = database.readers.read("count", |db| query(db, ENDLESS)).await.unwrap_err();
    assert!(fault.to_string().contains("interrupted"), "{fault}");
    let fault = database.readers.scan("count", |db| query(db, ENDLESS)).await.unwrap_err();
    assert!(fault.to_string().contains("interrupted"), "{fault}");
    assert_eq!(database.readers.read("count", |db| query(db, "SELECT 7")).await.unwrap(), 7);
}

/// On one thread: a read that kept it would keep the lock from being released.
#[tokio::test]
async fn a_read_of_a_locked_database_gives_its_thread_back_and_tries_again() {
    let database = database(Arc::new(SystemClock));
    let other = database.file.connect().unwrap();
    other.run("BEGIN EXCLUSIVE").unwrap();
    let tried = Mutex::new(0);
    let read = database.readers.read("count", |db| {
        *tried.lock().unwrap() += 1;
        query(db, "SELECT count(*) FROM sqlite_schema")
    });
    let release = async {
        while *tried.lock().unwrap() < 2 {
            tokio::task::yield_now().await;
        }
        other.run("ROLLBACK").unwrap();
    };
    let (count, ()) = tokio::join!(read, release);
    assert_eq!(count.unwrap(), 0);
}

#[tokio::test]
async fn scans_leave_two_connections_to_look_ups_and_a_caller_that_goes_frees_none() {
    let database = database(Arc::new(SystemClock));
    let (mut scans, mut running) = (JoinSet::new(), Vec::new());
    let begun = Arc::new(AtomicUsize::new(0));
    for _ in 0..2 * SCANS {
        let (release, released) = mpsc::channel::<()>();
        let (runs, is_running) = oneshot::channel();
        let (runs, released) = (Mutex::new(Some(runs)), Mutex::new(released));
        let (readers, begun) = (database.readers.clone(), begun.clone());
        let scan = move |_: &mut SqliteConnection| {
            begun.fetch_add(1, Ordering::Relaxed);
            runs.lock().unwrap().take().map(|runs| runs.send(()));
            let _ = released.lock().unwrap().recv();
            Ok(())
        };
        scans.spawn(async move { readers.scan("scan", scan).await });
        running.push((release, is_running));
    }
    for (_, is_running) in running.iter_mut().take(SCANS) {
        is_running.await.unwrap();
    }
    scans.abort_all();
    while scans.join_next().await.is_some() {}
    let next = database.readers.scan("scan", |db| query(db, "SELECT 1"));
    let look_ups = async {
        for _ in 0..10 {
            assert_eq!(database.readers.read("look up", |db| query(db, "SELECT 7")).await.unwrap(), 7);
        }
        assert_eq!(begun.load(Ordering::Relaxed), SCANS, "more than two scans at once");
        running.clear();
    };
    let (next, ()) = tokio::join!(next, look_ups);
    assert_eq!(next.unwrap(), 1);
}
