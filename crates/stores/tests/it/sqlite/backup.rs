use std::fs;
use std::os::unix::fs::PermissionsExt as _;
use std::path::Path;

use portcullis_core::store::Stored;
use portcullis_core::store::conformance::records::{NOW, tenant};
use portcullis_core::tenant::TenantRecord;
use portcullis_stores::DatabaseUrl;
use tokio::task::JoinSet;

use super::{TestDirectory, by_hand, open};

async fn backup(from: &Path, to: &Path) -> Stored<()> {
    DatabaseUrl::parse(&format!("sqlite:{}", from.display())).unwrap().backup(to).await
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_copy_is_whole_while_the_database_is_written_to() {
    let directory = TestDirectory::new();
    let (path, copy) = (directory.fresh(), directory.fresh());
    let store = open(&path).await;
    let acknowledged = TenantRecord::new(tenant("before"), NOW);
    store.stores().tenants.insert(&acknowledged).await.unwrap();
    let mut writes = JoinSet::new();
    for number in 0..200 {
        let tenants = store.stores().tenants;
        writes.spawn(async move {
            tenants.insert(&TenantRecord::new(tenant(&format!("t{number}")), NOW)).await.unwrap();
        });
    }
    backup(&path, &copy).await.unwrap();
    writes.join_all().await;

    assert_eq!(fs::metadata(&copy).unwrap().permissions().mode() & 0o777, 0o600);
    let restored = open(&copy).await;
    assert_eq!(restored.stores().tenants.find(&acknowledged.id).await.unwrap(), Some(acknowledged));
    restored.close().await;
    store.close().await;
    assert_eq!(directory.files(), ["0.db", "1.db"]);
}

#[tokio::test]
async fn what_cannot_be_copied_leaves_nothing_and_overwrites_nothing() {
    let directory = TestDirectory::new();
    let (path, copy) = (directory.fresh(), directory.fresh());
    let error = backup(&path, &copy).await.unwrap_err().to_string();
    assert!(error.contains("there is no database"), "{error}");
    open(&path).await.close().await;
    fs::write(&copy, "precious").unwrap();
    let error = backup(&path, &copy).await.unwrap_err().to_string();
    assert!(error.contains("exists, and is not overwritten"), "{error}");
    assert_eq!(fs::read_to_string(&copy).unwrap(), "precious");

    let nowhere = directory.place.path().join("none/copy.db");
    let error = backup(&path, &nowhere).await.unwrap_err().to_string();
    assert!(error.contains("none/copy.db cannot be written"), "{error}");
}

#[tokio::test]
async fn a_database_that_is_damaged_gives_no_copy() {
    let directory = TestDirectory::new();
    let (path, copy) = (directory.fresh(), directory.fresh());
    open(&path).await.close().await;
    // An index without the entries of its table.
    by_hand(
        &path,
        "CREATE TABLE t (a); INSERT INTO t VALUES (1); CREATE INDEX i ON t (a); PRAGMA writable_schema = ON; \
         UPDATE sqlite_master SET rootpage = (SELECT rootpage FROM sqlite_master WHERE name = 't') WHERE name = 'i'",
    );
    let error = backup(&path, &copy).await.unwrap_err().to_string();
    assert!(error.contains("copy"), "{error}");
    assert!(!copy.exists());
}
