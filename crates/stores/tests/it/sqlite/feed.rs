use std::fs;
use std::sync::Arc;
use std::time::Duration;

use portcullis_core::clock::Clock as _;
use portcullis_core::id::{TenantId, UserKey};
use portcullis_core::machine::SystemClock;
use portcullis_core::session::Session;
use portcullis_core::store::conformance::records::{NOW, by_id, new_user_key, session, tenant, user};
use portcullis_core::store::{Change, StoreError, Stores};
use portcullis_stores::sqlite::SqliteStore;
use tokio::time::sleep;

use super::{TestDirectory, by_hand, open, other_program};
use crate::feeds::{
    Announcement, ChangeRecorder, a_dropped_watch_ends_its_thread, is_counted_by_hand, is_revoked_by_hand,
};

async fn signed_in(stores: &Stores, user: &UserKey) -> Session {
    let session = session(user);
    stores.sessions.insert(&session).await.unwrap();
    session
}

#[tokio::test]
async fn sessions_that_are_deleted_by_hand_without_a_condition_are_announced_one_by_one() {
    let directory = TestDirectory::new();
    let path = directory.fresh();
    let stores = open(&path).await.stores();
    let jo = new_user_key(&TenantId::default_tenant());
    let mut sessions = Vec::new();
    for _ in 0..3 {
        sessions.push(signed_in(&stores, &jo).await);
    }
    let listener = Arc::new(ChangeRecorder::default());
    let _watch = stores.feed.watch(listener.clone()).await.unwrap();

    by_hand(&path, "DELETE FROM sessions");
    listener.catches_up().await;
    for session in sessions {
        assert!(listener.changes().contains(&Change::Session(session.key.clone())));
        assert_eq!(stores.sessions.find(&by_id(&session), NOW).await.unwrap(), None);
    }
    assert_eq!(listener.changes().len(), 3);
}

#[tokio::test]
async fn what_is_changed_by_hand_is_announced_under_its_old_and_its_new_name() {
    let directory = TestDirectory::new();
    let path = directory.fresh();
    let stores = open(&path).await.stores();
    let jo = user(&tenant("acme"), "jo@example.com");
    stores.users.insert(&jo).await.unwrap();
    let listener = Arc::new(ChangeRecorder::default());
    let _watch = stores.feed.watch(listener.clone()).await.unwrap();

    by_hand(&path, "UPDATE users SET tenant = 'other'; INSERT INTO tenants (id, created) VALUES ('new', 0)");
    listener.catches_up().await;
    let moved = UserKey { tenant: tenant("other"), id: jo.key.id };
    // That the user is counted is announced once more.
    let announced = listener.changes();
    for change in [Change::User(jo.key), Change::User(moved), Change::Tenant(tenant("new"))] {
        assert!(announced.contains(&change), "{change:?} is missing: {announced:?}");
    }
}

#[tokio::test]
async fn every_column_of_a_session_is_news_but_its_last_use_its_rotation_and_what_no_check_reads() {
    let directory = TestDirectory::new();
    let path = directory.fresh();
    signed_in(&open(&path).await.stores(), &new_user_key(&TenantId::default_tenant())).await;
    let db = other_program(&path);
    let mut columns = db.prepare("SELECT name, type FROM pragma_table_info('sessions')").unwrap();
    let columns = columns.query_map([], |row| Ok((row.get(0)?, row.get(1)?))).unwrap();
    let columns: Vec<(String, String)> = columns.map(Result::unwrap).collect();
    let head = "SELECT seq FROM sqlite_sequence WHERE name = 'changes'";
    let head = || db.query_row(head, [], |row| row.get::<_, i64>(0)).unwrap();
    db.execute_batch("PRAGMA ignore_check_constraints = ON").unwrap();
    let mut no_news = Vec::new();
    for (column, kind) in columns {
        let other = match kind.as_str() {
            "TEXT" => format!("coalesce({column}, '') || 'x'"),
            "BLOB" => "randomblob(32)".to_owned(),
            _ => format!("coalesce({column}, 0) + 1"),
        };
        let before = head();
        db.execute_batch(&format!("UPDATE sessions SET {column} = {column}")).unwrap();
        assert_eq!(head(), before, "{column} is the same");
        db.execute_batch(&format!("UPDATE sessions SET {column} = {other}")).unwrap();
        if head() == before {
            no_news.push(column);
        }
    }
    no_news.retain(|column| !(column.starts_with("rotation_") || column.starts_with("previous_")));
    assert_eq!(
        no_news,
        ["last_seen", "idle_expires", "late_generation", "late_in_a_row", "gave_code", "version"]
    );
}

// ASVS-map: RV2
#[tokio::test]
async fn changes_that_were_removed_before_they_were_read_could_have_been_anything() {
    let directory = TestDirectory::new();
    let path = directory.fresh();
    let stores = open(&path).await.stores();
    signed_in(&stores, &new_user_key(&TenantId::default_tenant())).await;
    let listener = Arc::new(ChangeRecorder::default());
    let _watch = stores.feed.watch(listener.clone()).await.unwrap();

    by_hand(&path, "BEGIN; DELETE FROM sessions; DELETE FROM changes; COMMIT");
    listener.catches_up().await;
    assert_eq!(listener.changes(), [Change::Everything]);

    let next = signed_in(&stores, &new_user_key(&TenantId::default_tenant())).await;
    listener.catches_up().await;
    assert_eq!(listener.changes(), [Change::Everything, Change::Session(next.key)]);
}

// ASVS-map: RV2
#[tokio::test]
async fn names_that_make_no_sense_could_mean_anything() {
    let directory = TestDirectory::new();
    let path = directory.fresh();
    let stores = open(&path).await.stores();
    let listener = Arc::new(ChangeRecorder::default());
    let _watch = stores.feed.watch(listener.clone()).await.unwrap();
    by_hand(&path, "INSERT INTO tenants (id, created) VALUES ('Not A Name', 0)");
    listener.catches_up().await;
    assert_eq!(listener.changes(), [Change::Everything]);
}

// ASVS-map: RV2, RV3
#[tokio::test]
async fn a_file_that_is_taken_away_proves_nothing_until_it_is_back() {
    let directory = TestDirectory::new();
    let path = directory.fresh();
    let away = path.with_extension("away");
    let stores = open(&path).await.stores();
    let signed_in = signed_in(&stores, &new_user_key(&TenantId::default_tenant())).await;
    let listener = Arc::new(ChangeRecorder::default());
    let _watch = stores.feed.watch(listener.clone()).await.unwrap();
    listener.catches_up().await;

    fs::rename(&path, &away).unwrap();
    let taken = SystemClock.ticks();
    let found = stores.sessions.find(&by_id(&signed_in), NOW).await;
    assert!(matches!(found, Err(StoreError::Unavailable { .. })), "{found:?}");
    let written = stores.sessions.insert(&session(&signed_in.user_key())).await;
    assert!(matches!(written, Err(StoreError::Unavailable { .. })), "{written:?}");
    assert!(stores.feed.watch(Arc::new(ChangeRecorder::default())).await.is_err());
    sleep(Duration::from_millis(300)).await; // several looks of the feed

    fs::rename(&away, &path).unwrap();
    listener.wait_for(|told| *told == Announcement::Changed(Change::Everything)).await;
    let told = listener.announcements();
    let before_it = told.iter().take_while(|told| **told != Announcement::Changed(Change::Everything));
    let proofs_without_a_file =
        before_it.filter(|told| matches!(told, Announcement::Proven(sent) if *sent > taken));
    assert_eq!(proofs_without_a_file.count(), 0);
    listener.catches_up().await;
    stores.sessions.insert(&session(&signed_in.user_key())).await.unwrap();
}

#[tokio::test]
async fn a_file_that_was_replaced_is_not_written_to() {
    let directory = TestDirectory::new();
    let (path, other) = (directory.fresh(), directory.fresh());
    let stores = open(&path).await.stores();
    open(&other).await.close().await;
    fs::rename(&other, &path).unwrap();
    let written = stores.sessions.insert(&session(&new_user_key(&TenantId::default_tenant()))).await;
    assert!(written.unwrap_err().to_string().contains("was replaced"));
}

#[tokio::test]
async fn the_watch_ends_its_thread_when_it_is_dropped() {
    let (directory, clock) = (TestDirectory::new(), Arc::new(SystemClock));
    let store = SqliteStore::open(&directory.fresh(), clock.clone()).await.unwrap();
    a_dropped_watch_ends_its_thread(&store.stores(), &clock).await;
}

/// A node decides on the copy in its view, which does not know yet what was written past the program.
#[tokio::test]
async fn what_is_changed_by_hand_counts_as_the_change_of_another_writer() {
    let directory = TestDirectory::new();
    let path = directory.fresh();
    let stores = open(&path).await.stores();
    is_counted_by_hand(&stores, |sql| by_hand(&path, sql)).await;
}

/// A verifier in another process asks no store, so it must be told of this as well.
// ASVS-map: RV1
#[tokio::test]
async fn what_is_deleted_or_changed_by_hand_is_revoked() {
    let directory = TestDirectory::new();
    let path = directory.fresh();
    let stores = open(&path).await.stores();
    is_revoked_by_hand(&stores, |sql| by_hand(&path, sql)).await;
}
