use std::fs;
use std::path::PathBuf;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::mpsc;

use rusqlite::Connection;
use tempfile::TempDir;
use tokio::task::JoinSet;

use super::queue::{MOST_JOBS, MOST_WAITING};
use super::thread::PRUNE_EVERY;
use super::*;
use crate::sql::{DatabaseFault, Fault};

struct NumbersTable {
    directory: TempDir,
    file: Arc<DatabaseFile>,
    writer: Writer,
}

/// A table of unique numbers, and its writer.
fn numbers() -> NumbersTable {
    let directory = TempDir::new().unwrap();
    let file = Arc::new(DatabaseFile::prepare(&directory.path().join("numbers.db")).unwrap());
    let db = file.writing().unwrap();
    db.run("CREATE TABLE numbers (number INTEGER NOT NULL UNIQUE, batch INTEGER)").unwrap();
    db.run("CREATE TABLE changes (seq INTEGER PRIMARY KEY AUTOINCREMENT)").unwrap();
    let writer = Writer::start(file.clone(), db).unwrap();
    NumbersTable { directory, file, writer }
}

fn run(db: &SqliteConnection, statement: &'static str) -> SqlResult<()> {
    Ok(db.run(statement).map_err(DatabaseFault::new)?)
}

impl NumbersTable {
    async fn write(&self, statement: &'static str) -> Stored<()> {
        self.writer.write("write a number", move |db| run(db, statement)).await
    }

    /// Writes, and then fails.
    async fn write_and_fail(&self, statement: &'static str) -> Stored<()> {
        let step = move |db: &mut SqliteConnection| {
            run(db, statement)?;
            Err(Fault::Record(StoreError::corrupt("number", &0, "number")))
        };
        self.writer.write("write a number", step).await
    }

    /// Writes, and then panics.
    async fn write_and_panic(&self, statement: &'static str) -> Stored<()> {
        let step = move |db: &mut SqliteConnection| {
            run(db, statement)?;
            panic!("a step that panics on purpose")
        };
        self.writer.write("write a number", step).await
    }

    /// Keeps the writer busy until what is returned is dropped: what is written meanwhile is one transaction.
    async fn occupied(&self) -> mpsc::Sender<()> {
        let (release, released) = mpsc::channel::<()>();
        let (waits, is_waiting) = oneshot::channel();
        let writer = self.writer.clone();
        tokio::spawn(async move {
            let step = move |_: &mut SqliteConnection| {
                let _ = waits.send(());
                let _ = released.recv();
                Ok(())
            };
            writer.write("wait", step).await.unwrap();
        });
        is_waiting.await.unwrap();
        release
    }

    fn query(&self, sql: &str) -> Vec<i64> {
        let db = self.file.reading().unwrap();
        let mut query = db.driver().prepare(sql).unwrap();
        query.query_map([], |row| row.get(0)).unwrap().map(Result::unwrap).collect()
    }

    fn stored(&self) -> Vec<i64> {
        self.query("SELECT number FROM numbers ORDER BY number")
    }
}

/// Waits for writes that are one transaction.
macro_rules! together {
    ($table:ident; $($write:expr),+ $(,)?) => {{
        let occupied = $table.occupied().await;
        let release = async { drop(occupied) };
        let (answers, ()) = tokio::join!(async { tokio::join!($($write),+) }, release);
        answers
    }};
}

#[tokio::test]
async fn a_job_that_fails_or_panics_does_not_undo_the_others() {
    let table = numbers();
    let (first, failed, panicked, clash, last) = together!(table;
        table.write("INSERT INTO numbers VALUES (1, 1)"),
        table.write_and_fail("INSERT INTO numbers VALUES (2, 1)"),
        table.write_and_panic("INSERT INTO numbers VALUES (5, 1)"),
        table.write("INSERT INTO numbers VALUES (3, 1), (1, 1)"),
        table.write("INSERT INTO numbers VALUES (4, (SELECT count(*) FROM numbers))"),
    );
    assert!(first.is_ok() && last.is_ok());
    assert!(matches!(failed, Err(StoreError::Corrupt { .. })));
    assert!(panicked.unwrap_err().to_string().contains("the step panicked"));
    assert!(matches!(clash, Err(StoreError::Unavailable { doing: "write a number", .. })));
    assert_eq!(table.stored(), [1, 4]);
}

#[tokio::test]
async fn jobs_that_wait_together_share_a_transaction() {
    let table = numbers();
    let commits = Arc::new(AtomicUsize::new(0));
    let counted = commits.clone();
    let count = move |db: &mut SqliteConnection| {
        let count = move || {
            counted.fetch_add(1, Ordering::Relaxed);
            false
        };
        db.driver().commit_hook(Some(count)).map_err(DatabaseFault::new)?;
        Ok(())
    };
    table.writer.write("count commits", count).await.unwrap();
    let (one, other) = together!(table;
        table.write("INSERT INTO numbers VALUES (1, 1)"),
        table.write("INSERT INTO numbers VALUES (2, 1)"),
    );
    one.and(other).unwrap();
    assert_eq!(
        commits.load(Ordering::Relaxed),
        3,
        "the count's own, that of the job that waited, and one for both"
    );
    assert_eq!(table.stored(), [1, 2]);
}

#[tokio::test]
async fn a_fault_that_undoes_the_transaction_fails_all_its_jobs_and_not_the_next_transaction() {
    let table = numbers();
    let (before, fatal, behind) = together!(table;
        table.write("INSERT INTO numbers VALUES (1, 1)"),
        table.write_and_fail("ROLLBACK"),
        table.write("INSERT INTO numbers VALUES (2, 1)"),
    );
    assert!(matches!(before, Err(StoreError::Unavailable { .. })), "{before:?}");
    assert!(fatal.is_err());
    let told = behind.unwrap_err();
    let cause = std::error::Error::source(&told).map(ToString::to_string).unwrap_or_default();
    assert!(cause.contains("a write has made SQLite undo the transaction: write a number: "), "{cause}");
    assert_eq!(table.stored(), [0; 0]);
    table.write("INSERT INTO numbers VALUES (3, 2)").await.unwrap();
    assert_eq!(table.stored(), [3]);
}

#[tokio::test]
async fn too_many_jobs_are_rejected_and_none_is_forgotten() {
    let table = Arc::new(numbers());
    let other = table.file.writing().unwrap();
    other.run("BEGIN IMMEDIATE").unwrap();
    let mut waiting = JoinSet::new();
    for _ in 0..2 * MOST_WAITING {
        let table = table.clone();
        waiting.spawn(async move {
            table.write("INSERT INTO numbers SELECT 1 + coalesce(max(number), 0), 1 FROM numbers").await
        });
    }
    // Jobs are rejected at once, while the lock is held.
    let mut rejected = 0;
    while rejected < MOST_WAITING - MOST_JOBS {
        match waiting.join_next().await {
            Some(Ok(Err(StoreError::Overloaded))) => rejected += 1,
            other => panic!("{other:?}"),
        }
    }
    other.run("ROLLBACK").unwrap();
    let mut done = 0;
    while let Some(answer) = waiting.join_next().await {
        match answer.unwrap() {
            Ok(()) => done += 1,
            Err(StoreError::Overloaded) => rejected += 1,
            Err(fault) => panic!("{fault}"),
        }
    }
    assert_eq!(done + rejected, 2 * MOST_WAITING);
    assert_eq!(table.stored().len(), done);
}

#[tokio::test]
async fn changes_that_no_feed_needs_are_removed_a_step_at_a_time() {
    let table = Arc::new(numbers());
    let many = "WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < 115000) \
        INSERT INTO changes (seq) SELECT i FROM n";
    table.write(many).await.unwrap();
    let oldest = || table.query("SELECT min(seq) FROM changes");
    assert_eq!(oldest(), [10_001]);
    let mut writes = JoinSet::new();
    for _ in 0..=PRUNE_EVERY {
        let table = table.clone();
        writes.spawn(async move { table.write("DELETE FROM numbers").await.unwrap() });
    }
    writes.join_all().await;
    assert_eq!(oldest(), [15_001]);
}

#[test]
fn what_was_written_is_answered_to_a_caller_whose_runtime_did_not_open_the_store() {
    let runtime = || tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
    let opening = runtime();
    let table = opening.block_on(async { numbers() });
    drop(opening);
    runtime().block_on(table.write("INSERT INTO numbers VALUES (1, 1)")).unwrap();
    assert_eq!(table.stored(), [1]);
}

const PAGE: u64 = 4096;
const MANY_PAGES: &str = "INSERT INTO pages WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n \
    WHERE i < 500) SELECT randomblob(4000) FROM n";

impl NumbersTable {
    /// Writes 500 pages so many times.
    async fn fill(&self, times: usize) {
        self.write("CREATE TABLE IF NOT EXISTS pages (content)").await.unwrap();
        for _ in 0..times {
            self.write(MANY_PAGES).await.unwrap();
        }
    }

    fn log(&self) -> PathBuf {
        self.directory.path().join("numbers.db-wal")
    }

    fn pages_in_log(&self) -> u64 {
        fs::metadata(self.log()).unwrap().len() / PAGE
    }

    /// What begins the log, and is another each time that it begins anew.
    fn beginning_of_log(&self) -> Vec<u8> {
        fs::read(self.log()).unwrap()[..32].to_vec()
    }
}

#[tokio::test]
async fn the_log_is_moved_into_the_database_and_begins_anew() {
    let table = numbers();
    table.fill(16).await;
    assert!(
        table.pages_in_log() < 4_000,
        "8,000 pages were written, and {} are in the log",
        table.pages_in_log()
    );
}

#[tokio::test]
async fn the_log_begins_anew_soon_after_the_reader_that_held_it_back_is_gone() {
    let table = numbers();
    table.fill(1).await;
    let reader = table.file.reading().unwrap();
    reader.run("BEGIN").unwrap();
    reader.driver().query_row("SELECT count(*) FROM pages", [], |_| Ok(())).unwrap();
    let before = table.beginning_of_log();
    table.fill(8).await;
    assert_eq!(table.beginning_of_log(), before, "pages that a reader needs are gone");
    reader.close().unwrap();
    // Each writes a page or two: far fewer than lie between two checkpoints that succeed.
    for _ in 0..200 {
        table.write("DELETE FROM numbers").await.unwrap();
        table.write("INSERT INTO numbers VALUES (1, 1)").await.unwrap();
    }
    assert_ne!(table.beginning_of_log(), before, "{} pages are in the log", table.pages_in_log());
}

#[tokio::test]
async fn a_stop_after_a_failed_transaction_leaves_everything_in_the_database() {
    let table = numbers();
    table.write("INSERT INTO numbers VALUES (1, 1)").await.unwrap();
    // So that the connection of the writer is not the last one, which would move the log in any case.
    let reader = table.file.reading().unwrap();
    reader.driver().query_row("SELECT count(*) FROM numbers", [], |_| Ok(())).unwrap();
    table.write_and_fail("ROLLBACK").await.unwrap_err();
    table.writer.close().await;
    let copy = table.directory.path().join("copy.db");
    fs::copy(table.directory.path().join("numbers.db"), &copy).unwrap();
    let copy = Connection::open(copy).unwrap();
    assert_eq!(copy.query_row("SELECT number FROM numbers", [], |row| row.get::<_, i64>(0)).unwrap(), 1);
}

#[tokio::test]
async fn what_cannot_be_committed_is_answered_as_a_fault() {
    let table = numbers();
    let refuse = |db: &mut SqliteConnection| {
        db.driver().commit_hook(Some(|| true)).map_err(DatabaseFault::new)?;
        Ok(())
    };
    let (refused, beside) = together!(table;
        table.writer.write("refuse to commit", refuse),
        table.write("INSERT INTO numbers VALUES (1, 1)"),
    );
    assert!(matches!(refused, Err(StoreError::Unavailable { .. })), "{refused:?}");
    assert!(matches!(beside, Err(StoreError::Unavailable { .. })), "{beside:?}");
    assert_eq!(table.stored(), [0; 0]);
    table.write("INSERT INTO numbers VALUES (2, 1)").await.unwrap();
    assert_eq!(table.stored(), [2]);
}
