use std::fs;
use std::path::PathBuf;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Mutex, PoisonError};

use portcullis_core::clock::Ticks;
use portcullis_core::id::TenantId;
use portcullis_core::machine::SystemClock;
use portcullis_core::store::conformance::records::{NOW, tenant};
use portcullis_core::tenant::TenantRecord;
use rusqlite::Connection;
use tempfile::TempDir;
use tokio::sync::Notify;
use tokio::task::spawn_blocking;
use tokio::time::{sleep, timeout};

use super::*;
use crate::sqlite::SqliteStore;

/// Without an event no look is due before the test has failed.
const EVENTS_ALONE: FeedSettings =
    FeedSettings { every: Duration::from_hours(1), listen: certain_events, listen_again: Duration::ZERO };

/// A test that waits for events must not fail later, and for no reason that it shows.
#[expect(clippy::unnecessary_wraps, reason = "the feed takes a refusal as well")]
fn certain_events(database: &Path) -> io::Result<FileEvents> {
    Ok(FileEvents::of(database).expect("raise fs.inotify.max_user_instances for these tests"))
}

/// Wakes the test at each change.
#[derive(Default)]
struct WakingSink {
    changes: Mutex<Vec<Change>>,
    heard: Notify,
}

impl ChangeSink for WakingSink {
    fn changed(&self, change: &Change) {
        self.changes.lock().unwrap_or_else(PoisonError::into_inner).push(change.clone());
        self.heard.notify_one();
    }

    fn proven(&self, _: Ticks) {}
}

impl WakingSink {
    async fn hears(&self, change: &Change) {
        let hearing = async {
            while !self.changes.lock().unwrap().contains(change) {
                self.heard.notified().await;
            }
        };
        timeout(Duration::from_mins(3), hearing).await.expect("it was never announced");
    }
}

/// A database in a folder of its own, which was closed cleanly.
struct ClosedDatabase {
    folder: TempDir,
    feeds: FeedThreads,
    sink: Arc<WakingSink>,
}

impl ClosedDatabase {
    async fn new() -> Self {
        let made =
            Self { folder: TempDir::new().unwrap(), feeds: FeedThreads::default(), sink: Arc::default() };
        made.opened().await.close().await;
        assert!(!made.log().exists());
        made
    }

    fn path(&self) -> PathBuf {
        self.folder.path().join("test.db")
    }

    fn log(&self) -> PathBuf {
        self.folder.path().join("test.db-wal")
    }

    /// As another process opens it.
    async fn opened(&self) -> SqliteStore {
        SqliteStore::open(&self.path(), Arc::new(SystemClock)).await.unwrap()
    }

    async fn watched(&self, settings: FeedSettings) -> Watch {
        let file = Arc::new(DatabaseFile::at(&self.path()).unwrap());
        let watch = watch_with(settings, &self.feeds, file, Arc::new(SystemClock), self.sink.clone());
        watch.await.unwrap()
    }

    /// Writes as a process that opens the file for one statement, and closes it.
    fn write_once(&self, tenant: &str) {
        insert(&Connection::open(self.path()).unwrap(), tenant);
    }
}

fn insert(db: &Connection, tenant: &str) {
    db.execute("INSERT INTO tenants (id, created) VALUES (?1, 0)", [tenant]).unwrap();
}

/// Whether this process has a file open.
fn is_open(path: &Path) -> bool {
    let links = fs::read_dir("/proc/self/fd").unwrap().map(|open| fs::read_link(open.unwrap().path()));
    links.flatten().any(|link| link == path)
}

fn change(id: &str) -> Change {
    Change::Tenant(tenant(id))
}

async fn inserted(store: &SqliteStore, id: &str) -> Change {
    let id: TenantId = tenant(id);
    store.stores().tenants.insert(&TenantRecord::new(id.clone(), NOW)).await.unwrap();
    Change::Tenant(id)
}

#[tokio::test]
async fn a_change_in_another_store_is_announced_although_no_look_is_due() {
    let database = ClosedDatabase::new().await;
    let other = database.opened().await;
    let _watch = database.watched(EVENTS_ALONE).await;
    for number in 0..20 {
        let change = inserted(&other, &format!("t{number}")).await;
        database.sink.hears(&change).await;
    }
}

#[tokio::test]
async fn changes_in_a_log_that_was_made_after_the_watch_began_are_announced() {
    let database = ClosedDatabase::new().await;
    let _watch = database.watched(EVENTS_ALONE).await;
    for id in ["one", "two"] {
        database.write_once(id);
        database.sink.hears(&change(id)).await;
    }
}

#[tokio::test]
async fn changes_are_announced_without_a_look_after_the_file_was_taken_away_and_came_back() {
    let database = ClosedDatabase::new().await;
    let (path, away) = (database.path(), database.folder.path().join("away"));
    let _watch = database.watched(EVENTS_ALONE).await;
    fs::rename(&path, &away).unwrap();
    let let_go = async {
        while is_open(&away) {
            sleep(Duration::from_millis(5)).await;
        }
    };
    timeout(Duration::from_mins(3), let_go).await.expect("that it is gone was never noticed");
    fs::rename(&away, &path).unwrap();
    database.sink.hears(&Change::Everything).await;
    for id in ["one", "two"] {
        database.write_once(id);
        database.sink.hears(&change(id)).await;
    }
}

#[tokio::test]
async fn a_log_that_was_removed_and_made_anew_is_heard_of() {
    let database = ClosedDatabase::new().await;
    let mut events = FileEvents::of(&database.path()).unwrap();
    for id in ["one", "two"] {
        database.write_once(id);
        assert!(!database.log().exists());
        assert!(events.take().unwrap(), "the log was made and removed");
    }
    let other = Connection::open(database.path()).unwrap();
    insert(&other, "three");
    assert!(events.take().unwrap(), "the log was made");
    while events.take().unwrap() {}
    insert(&other, "four");
    assert!(events.take().unwrap(), "the log was written to");
}

#[tokio::test]
async fn who_reads_causes_no_event() {
    let database = ClosedDatabase::new().await;
    let store = database.opened().await;
    inserted(&store, "one").await;
    let mut events = FileEvents::of(&database.path()).unwrap();
    let file = DatabaseFile::at(&database.path()).unwrap();
    let mut bookmark = Bookmark::open(&file).unwrap();
    assert!(store.stores().tenants.find(&tenant("one")).await.unwrap().is_some());
    bookmark.read_on(&WakingSink::default()).unwrap();
    bookmark.close().unwrap();
    assert!(!events.take().unwrap());
}

#[tokio::test]
async fn where_the_system_tells_nothing_changes_are_found_by_looking() {
    let database = ClosedDatabase::new().await;
    let other = database.opened().await;
    let refused = |_: &Path| Err(io::Error::other("there are too many instances"));
    let _watch = database.watched(FeedSettings { listen: refused, ..SETTINGS }).await;
    for id in ["one", "two"] {
        let change = inserted(&other, id).await;
        database.sink.hears(&change).await;
    }
}

#[tokio::test]
async fn events_that_were_refused_once_are_asked_for_again() {
    static ASKED: AtomicUsize = AtomicUsize::new(0);
    fn refused_once(database: &Path) -> io::Result<FileEvents> {
        match ASKED.fetch_add(1, Ordering::Relaxed) {
            0 => Err(io::Error::other("there are too many instances")),
            _ => certain_events(database),
        }
    }
    let database = ClosedDatabase::new().await;
    let settings = FeedSettings { listen: refused_once, listen_again: Duration::ZERO, ..SETTINGS };
    let _watch = database.watched(settings).await;
    for number in 0..5 {
        let id = format!("t{number}");
        database.write_once(&id);
        database.sink.hears(&change(&id)).await;
    }
    assert_eq!(ASKED.load(Ordering::Relaxed), 2, "it was refused, and then it was granted for good");
}

#[tokio::test]
async fn a_watch_that_waits_for_an_event_ends_at_once() {
    let database = ClosedDatabase::new().await;
    let other = database.opened().await;
    let _watch = database.watched(EVENTS_ALONE).await;
    let change = inserted(&other, "one").await;
    database.sink.hears(&change).await;
    let ClosedDatabase { feeds, .. } = database;
    let stopping = spawn_blocking(move || feeds.stop());
    timeout(Duration::from_mins(3), stopping).await.expect("its thread waits").unwrap();
}
