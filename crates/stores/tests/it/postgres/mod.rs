//! Tests of the PostgreSQL store, on a server that they start. Each has a database of its own.

mod clocks;
mod cluster;
mod conformance;
mod connections;
mod deadlines;
mod failover;
mod faults;
mod feed;
mod opening;
mod proxy;
mod races;
mod round_trips;
mod schemas;
mod tenant_databases;
mod triggers;

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use portcullis_core::machine::SystemClock;
use portcullis_core::store::{Stored, Stores};
use portcullis_stores::{DatabaseUrl, IfMissing, OpenDatabase};
use sqlx::{AssertSqlSafe, Connection as _, Executor as _, PgConnection};
use tokio::sync::OnceCell;

use crate::reserved_port::ReservedPort;
use cluster::Cluster;

/// Ends all connections but that of the shell, so that new ones are made.
const END_CONNECTIONS: &str = "SELECT pg_terminate_backend(pid) FROM pg_stat_activity \
    WHERE datname = current_database() AND pid <> pg_backend_pid()";

/// The server of all tests. The shell that runs it ends it with this process.
async fn shared_cluster() -> &'static Cluster {
    static CLUSTER: OnceCell<Cluster> = OnceCell::const_new();
    CLUSTER.get_or_init(own_cluster).await
}

/// A server of one test.
async fn own_cluster() -> Cluster {
    tokio::task::spawn_blocking(Cluster::start).await.unwrap()
}

/// A database of one test, on the server of all tests.
pub(crate) struct TestDatabase {
    cluster: &'static Cluster,
    name: String,
    made: AtomicUsize,
}

impl TestDatabase {
    pub(crate) async fn new() -> Self {
        static MADE: AtomicUsize = AtomicUsize::new(0);
        let cluster = shared_cluster().await;
        let name = format!("test{}", MADE.fetch_add(1, Ordering::Relaxed));
        let make = format!("CREATE DATABASE {name} OWNER portcullis");
        execute(&cluster.operators_url("postgres"), &make).await;
        Self { cluster, name, made: AtomicUsize::new(0) }
    }

    /// The URL of a schema that was not used before.
    pub(crate) async fn fresh(&self) -> String {
        let schema = format!("s{}", self.made.fetch_add(1, Ordering::Relaxed));
        execute(&self.cluster.url(&self.name, ""), &format!("CREATE SCHEMA {schema}")).await;
        self.cluster.url(&self.name, &schema)
    }

    /// The URL without a schema.
    fn url(&self) -> String {
        self.cluster.url(&self.name, "")
    }

    /// Runs what the operator of the server types into the shell, in the schema that was made last.
    fn by_hand(&self, sql: &str) {
        let last = self.made.load(Ordering::Relaxed).saturating_sub(1);
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
