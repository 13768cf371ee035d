//! Tests of the PostgreSQL store, on a server that they start. Each has a database of its own.

mod cluster;
mod conformance;
mod faults;
mod feed;
mod opening;
mod proxy;
mod round_trips;
mod tenant_databases;

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use portcullis_core::machine::SystemClock;
use portcullis_core::store::{Stored, Stores};
use portcullis_stores::{DatabaseUrl, IfMissing, OpenDatabase};
use sqlx::{AssertSqlSafe, Connection as _, Executor as _, PgConnection};
use tokio::sync::OnceCell;

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
