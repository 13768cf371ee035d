//! Tests of the PostgreSQL store, on a server that they start. Each has a database of its own.

mod cluster;
mod conformance;
mod faults;
mod feed;
mod opening;
mod proxy;
mod round_trips;
mod tenant_databases;

use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use portcullis_core::clock::{Clock as _, Ticks};
use portcullis_core::machine::SystemClock;
use portcullis_core::store::{Change, ChangeSink, Stored, Stores};
use portcullis_stores::{DatabaseUrl, IfMissing, OpenDatabase};
use sqlx::{AssertSqlSafe, Connection as _, Executor as _, PgConnection};
use tokio::sync::OnceCell;
use tokio::time::{sleep, timeout};

use cluster::Cluster;

/// The server of all tests. The shell that runs it ends it with this process.
async fn shared_cluster() -> &'static Cluster {
    static CLUSTER: OnceCell<Cluster> = OnceCell::const_new();
    let started = async {
        let cluster = tokio::task::spawn_blocking(Cluster::start).await.unwrap();
        cluster.is_up().await;
        cluster
    };
    CLUSTER.get_or_init(|| started).await
}

/// A database of one test, on the server of all tests.
struct TestDatabase {
    cluster: &'static Cluster,
    name: String,
    made: AtomicUsize,
}

impl TestDatabase {
    async fn new() -> Self {
        static MADE: AtomicUsize = AtomicUsize::new(0);
        let cluster = shared_cluster().await;
        let name = format!("test{}", MADE.fetch_add(1, Ordering::Relaxed));
        execute(&cluster.url("postgres", ""), &format!("CREATE DATABASE {name}")).await;
        Self { cluster, name, made: AtomicUsize::new(0) }
    }

    /// The URL of a schema that was not used before.
    async fn fresh(&self) -> String {
        let schema = format!("s{}", self.made.fetch_add(1, Ordering::Relaxed));
        execute(&self.cluster.url(&self.name, ""), &format!("CREATE SCHEMA {schema}")).await;
        self.cluster.url(&self.name, &schema)
    }

    /// Runs what an operator types into the shell, in the schema that was made last.
    fn by_hand(&self, sql: &str) {
        let last = self.made.load(Ordering::Relaxed) - 1;
        self.cluster.by_hand(&self.name, &format!("SET search_path = s{last}; {sql}"));
    }
}

/// Runs statements on a connection of another program.
async fn execute(url: &str, sql: &str) {
    let mut db = PgConnection::connect(url).await.unwrap();
    db.execute(AssertSqlSafe(sql.to_owned())).await.unwrap();
    db.close().await.unwrap();
}

async fn try_open(url: &str) -> Stored<Arc<dyn OpenDatabase>> {
    DatabaseUrl::parse(url).unwrap().open(Arc::new(SystemClock), IfMissing::Create).await
}

async fn open(url: &str) -> Stores {
    try_open(url).await.unwrap().stores()
}

#[derive(Clone, PartialEq, Debug)]
enum Announcement {
    Changed(Change),
    Proven(Ticks),
}

/// Records what the feed announces.
#[derive(Default)]
struct ChangeRecorder(Mutex<Vec<Announcement>>);

impl ChangeSink for ChangeRecorder {
    fn changed(&self, change: &Change) {
        self.0.lock().unwrap().push(Announcement::Changed(change.clone()));
    }

    fn proven(&self, sent: Ticks) {
        self.0.lock().unwrap().push(Announcement::Proven(sent));
    }
}

impl ChangeRecorder {
    fn announcements(&self) -> Vec<Announcement> {
        self.0.lock().unwrap().clone()
    }

    fn changes(&self) -> Vec<Change> {
        let changes = self.announcements().into_iter().filter_map(|told| match told {
            Announcement::Changed(change) => Some(change),
            Announcement::Proven(_) => None,
        });
        changes.collect()
    }

    /// What was announced since the last call, once everything that has been written by now must have been.
    async fn news(&self) -> Vec<Change> {
        self.catches_up().await;
        let news = self.changes();
        self.0.lock().unwrap().clear();
        news
    }

    /// Waits until the feed must have announced everything that has been written by now.
    async fn catches_up(&self) {
        let now = SystemClock.ticks();
        let proven = |told: &Announcement| matches!(told, Announcement::Proven(sent) if *sent > now);
        self.wait_for(proven).await;
    }

    async fn wait_for(&self, what: impl Fn(&Announcement) -> bool) {
        let hearing = async {
            while !self.announcements().iter().any(&what) {
                sleep(Duration::from_millis(5)).await;
            }
        };
        timeout(Duration::from_mins(3), hearing).await.expect("it was never announced");
    }
}
