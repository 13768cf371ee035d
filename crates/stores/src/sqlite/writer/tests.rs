use sqlx::ConnectOptions as _;
use tempfile::TempDir;
use tokio::task::JoinSet;

use super::*;
use crate::sql::Fault;

struct NumbersTable {
    _directory: TempDir,
    file: Arc<DatabaseFile>,
    writer: Writer,
}

/// A table of unique numbers, and its writer.
async fn numbers() -> NumbersTable {
    let directory = TempDir::new().unwrap();
    let file = Arc::new(DatabaseFile::prepare(&directory.path().join("numbers.db")).unwrap());
    let mut db = file.writing().await.unwrap();
    execute(&mut db, "CREATE TABLE numbers (number INTEGER NOT NULL UNIQUE, batch INTEGER)").await.unwrap();
    execute(&mut db, "CREATE TABLE changes (seq INTEGER PRIMARY KEY AUTOINCREMENT)").await.unwrap();
    let writer = Writer::start(file.clone(), db);
    NumbersTable { _directory: directory, file, writer }
}

impl NumbersTable {
    async fn write(&self, statement: &'static str) -> Stored<()> {
        self.writer
            .write("write a number", move |db| Box::pin(async move { Ok(execute(db, statement).await?) }))
            .await
    }

    /// Writes, and then fails.
    async fn write_and_fail(&self, statement: &'static str) -> Stored<()> {
        self.writer
            .write("write a number", move |db| {
                Box::pin(async move {
                    execute(db, statement).await?;
                    Err(Fault::Record(StoreError::corrupt("number", &0, "number")))
                })
            })
            .await
    }

    async fn stored(&self) -> Vec<i64> {
        let mut db = self.file.reading().connect().await.unwrap();
        sqlx::query_scalar("SELECT number FROM numbers ORDER BY number").fetch_all(&mut db).await.unwrap()
    }
}

#[tokio::test]
async fn a_job_that_fails_does_not_undo_the_others() {
    let table = numbers().await;
    // All four wait before the writer's task runs for the first time: they are one transaction.
    let (first, failed, clash, last) = tokio::join!(
        table.write("INSERT INTO numbers VALUES (1, 1)"),
        table.write_and_fail("INSERT INTO numbers VALUES (2, 1)"),
        table.write("INSERT INTO numbers VALUES (3, 1), (1, 1)"),
        table.write("INSERT INTO numbers VALUES (4, (SELECT count(*) FROM numbers))"),
    );
    assert!(first.is_ok() && last.is_ok());
    assert!(matches!(failed, Err(StoreError::Corrupt { .. })));
    assert!(matches!(clash, Err(StoreError::Unavailable { doing: "write a number", .. })));
    assert_eq!(table.stored().await, [1, 4]);
}

#[tokio::test]
async fn jobs_that_wait_together_share_a_transaction() {
    let table = numbers().await;
    let mut db = table.file.reading().connect().await.unwrap();
    let version = "PRAGMA data_version";
    let before: i64 = sqlx::query_scalar(version).fetch_one(&mut db).await.unwrap();
    let (one, other) = tokio::join!(
        table.write("INSERT INTO numbers VALUES (1, 1)"),
        table.write("INSERT INTO numbers VALUES (2, 1)"),
    );
    one.and(other).unwrap();
    let after: i64 = sqlx::query_scalar(version).fetch_one(&mut db).await.unwrap();
    assert_eq!(after - before, 1, "that many transactions were committed");
}

#[tokio::test]
async fn a_fault_that_undoes_the_transaction_fails_all_its_jobs_and_not_the_next_transaction() {
    let table = numbers().await;
    let (before, fatal, behind) = tokio::join!(
        table.write("INSERT INTO numbers VALUES (1, 1)"),
        table.write_and_fail("ROLLBACK"),
        table.write("INSERT INTO numbers VALUES (2, 1)"),
    );
    assert!(matches!(before, Err(StoreError::Unavailable { .. })), "{before:?}");
    assert!(fatal.is_err());
    assert!(matches!(behind, Err(StoreError::Unavailable { .. })), "{behind:?}");
    assert_eq!(table.stored().await, [0; 0]);
    table.write("INSERT INTO numbers VALUES (3, 2)").await.unwrap();
    assert_eq!(table.stored().await, [3]);
}

#[tokio::test]
async fn too_many_jobs_are_rejected_and_none_is_forgotten() {
    let table = Arc::new(numbers().await);
    let mut other = table.file.writing().await.unwrap();
    execute(&mut other, "BEGIN IMMEDIATE").await.unwrap();
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
    execute(&mut other, "ROLLBACK").await.unwrap();
    let mut done = 0;
    while let Some(answer) = waiting.join_next().await {
        match answer.unwrap() {
            Ok(()) => done += 1,
            Err(StoreError::Overloaded) => rejected += 1,
            Err(fault) => panic!("{fault}"),
        }
    }
    assert_eq!(done + rejected, 2 * MOST_WAITING);
    assert_eq!(table.stored().await.len(), done);
}

#[tokio::test]
async fn changes_that_no_feed_needs_are_removed_a_step_at_a_time() {
    let table = Arc::new(numbers().await);
    let many = "WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < 115000) \
        INSERT INTO changes (seq) SELECT i FROM n";
    table.write(many).await.unwrap();
    assert_eq!(oldest(&table).await, 10_001);
    let mut writes = JoinSet::new();
    for _ in 0..=PRUNE_EVERY {
        let table = table.clone();
        writes.spawn(async move { table.write("SELECT 1").await.unwrap() });
    }
    writes.join_all().await;
    assert_eq!(oldest(&table).await, 15_001);
}

async fn oldest(table: &NumbersTable) -> i64 {
    let mut db = table.file.reading().connect().await.unwrap();
    sqlx::query_scalar("SELECT min(seq) FROM changes").fetch_one(&mut db).await.unwrap()
}
