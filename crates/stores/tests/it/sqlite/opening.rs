use std::fs;
use std::os::unix::fs::PermissionsExt as _;
use std::path::Path;
use std::sync::Arc;

use portcullis_core::clock::Ticks;
use portcullis_core::machine::SystemClock;
use portcullis_core::store::conformance::records::{NOW, tenant};
use portcullis_core::store::{Change, ChangeSink};
use portcullis_core::tenant::TenantRecord;
use portcullis_stores::sqlite::SqliteStore;
use tokio::task::JoinSet;

use super::{TestDirectory, by_hand, migrations, open, other_program};
use crate::newer_databases::assert_names_both_versions;

/// The error of a file that cannot be opened.
async fn opening_error(path: &Path) -> String {
    SqliteStore::open(path, Arc::new(SystemClock)).await.unwrap_err().to_string()
}

async fn pending(path: &Path) -> Vec<bool> {
    migrations(path).await.unwrap().into_iter().map(|migration| !migration.applied).collect()
}

#[tokio::test]
async fn the_file_and_its_directory_are_their_owners_alone() {
    let directory = TestDirectory::new();
    let path = directory.fresh().with_file_name("data").join("portcullis.db");
    let store = open(&path).await;
    store.ping().await.unwrap();
    let mode = |path: &Path| fs::metadata(path).unwrap().permissions().mode() & 0o777;
    assert_eq!(mode(path.parent().unwrap()), 0o700);
    for suffix in ["db", "db-wal", "db-shm"] {
        assert_eq!(mode(&path.with_extension(suffix)), 0o600, "{suffix}");
    }
}

#[tokio::test]
async fn migrations_are_pending_until_the_first_opening_and_applied_once() {
    let directory = TestDirectory::new();
    let path = directory.fresh();
    let all = pending(&path).await;
    assert!(all.iter().all(|is_pending| *is_pending), "{all:?}");
    assert!(!path.exists(), "a look has made the file");
    for _ in 0..2 {
        open(&path).await.close().await;
        assert_eq!(pending(&path).await, vec![false; all.len()]);
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn many_who_open_a_new_file_at_once_all_come_in() {
    let directory = TestDirectory::new();
    for _ in 0..5 {
        let path = directory.fresh();
        let mut openings = JoinSet::new();
        for _ in 0..8 {
            let path = path.clone();
            openings.spawn(async move { open(&path).await.ping().await.unwrap() });
        }
        openings.join_all().await;
    }
}

#[tokio::test]
async fn a_database_of_a_newer_version_is_left_alone_and_the_error_names_both_versions() {
    let directory = TestDirectory::new();
    let path = directory.fresh();
    open(&path).await.close().await;
    let newest = migrations(&path).await.unwrap().last().unwrap().version;
    by_hand(
        &path,
        "INSERT INTO portcullis_migrations SELECT version + 900, description, installed_on, success, x'00', 0 \
         FROM portcullis_migrations ORDER BY version DESC LIMIT 2",
    );
    assert_names_both_versions(&opening_error(&path).await, newest);
    assert_names_both_versions(&migrations(&path).await.unwrap_err().to_string(), newest);
}

#[tokio::test]
async fn a_database_that_was_made_otherwise_is_left_alone() {
    let directory = TestDirectory::new();
    let path = directory.fresh();
    open(&path).await.close().await;
    by_hand(&path, "UPDATE portcullis_migrations SET checksum = x'00' WHERE version = 2");
    assert!(opening_error(&path).await.contains("was made otherwise: its migration 2"));
}

#[tokio::test]
async fn tables_of_another_program_are_no_obstacle_beside_ours_and_refused_without() {
    let directory = TestDirectory::new();
    let path = directory.fresh();
    open(&path).await.close().await;
    by_hand(&path, "CREATE TABLE tasks (id); CREATE TABLE _sqlx_migrations (theirs)");
    open(&path).await.stores().tenants.find(&tenant("acme")).await.unwrap();

    let path = directory.fresh();
    by_hand(&path, "CREATE TABLE tasks (id)");
    assert!(opening_error(&path).await.contains("has none of this program's tables"));
    let error = migrations(&path).await.unwrap_err().to_string();
    assert!(error.contains("has none of this program's tables"), "{error}");
}

#[tokio::test]
async fn a_clean_stop_leaves_everything_in_one_file_which_is_a_whole_copy() {
    let directory = TestDirectory::new();
    let path = directory.fresh();
    let store = open(&path).await;
    let acme = TenantRecord::new(tenant("acme"), NOW);
    store.stores().tenants.insert(&acme).await.unwrap();
    // A reader and a watch, which cannot move the log, are open to the end.
    assert_eq!(store.stores().tenants.find(&acme.id).await.unwrap(), Some(acme.clone()));
    let _watch = store.stores().feed.watch(Arc::new(NoSink)).await.unwrap();
    store.close().await;
    assert!(store.stores().feed.watch(Arc::new(NoSink)).await.is_err(), "a watch would open the file again");
    assert_eq!(directory.files(), ["0.db"]);

    let copy = directory.fresh();
    fs::copy(&path, &copy).unwrap();
    assert_eq!(open(&copy).await.stores().tenants.find(&acme.id).await.unwrap(), Some(acme));
}

struct NoSink;

impl ChangeSink for NoSink {
    fn changed(&self, _: &Change) {}

    fn proven(&self, _: Ticks) {}
}

#[tokio::test]
async fn a_copy_without_its_log_is_refused_and_left_as_it_is() {
    let directory = TestDirectory::new();
    let (path, copy) = (directory.fresh(), directory.fresh());
    // What a process that was killed right after its start leaves: a header in the file, everything else in the log.
    fs::write(&path, "").unwrap();
    let db = other_program(&path);
    db.execute_batch("PRAGMA journal_mode = WAL; CREATE TABLE portcullis_migrations (version)").unwrap();
    fs::copy(&path, &copy).unwrap();
    let before = fs::read(&copy).unwrap();
    assert!(!before.is_empty());
    let error = opening_error(&copy).await;
    assert!(error.contains("was it copied without its `-wal` file?"), "{error}");
    assert_eq!(fs::read(&copy).unwrap(), before);
}

#[tokio::test]
async fn a_file_that_is_no_database_is_called_so() {
    let directory = TestDirectory::new();
    let path = directory.fresh();
    fs::write(&path, "a letter to a friend. ".repeat(100)).unwrap();
    assert!(opening_error(&path).await.contains("0.db is no SQLite database"));
    assert!(fs::read_to_string(&path).unwrap().starts_with("a letter"));
}

#[tokio::test]
async fn a_path_that_cannot_be_is_named() {
    let directory = TestDirectory::new();
    let file = directory.fresh();
    fs::write(&file, "").unwrap();
    let below = file.join("data").join("portcullis.db");
    assert!(
        opening_error(&below).await.contains("0.db/data cannot be made"),
        "{}",
        opening_error(&below).await
    );
    let folder = file.parent().unwrap();
    assert!(opening_error(folder).await.contains("cannot be used"), "{}", opening_error(folder).await);
}
