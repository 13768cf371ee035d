//! Tests of live sessions in Redis beside a database, on a server that they start.

mod conformance;
mod faults;
mod lost_sessions;
mod memory;
mod opening;
mod pair;
mod server;

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use portcullis_core::machine::SystemClock;
use portcullis_core::store::Stores;
use portcullis_stores::{DatabaseUrl, IfMissing, RedisSessions, RedisUrl, SessionPair};
use tempfile::TempDir;
use tokio::sync::OnceCell;

use crate::reserved_port::ReservedPort;
use server::RedisServer;

/// The server of all tests that do it no harm.
async fn shared_server() -> &'static RedisServer {
    static SERVER: OnceCell<RedisServer> = OnceCell::const_new();
    SERVER.get_or_init(|| RedisServer::start(&[])).await
}

/// The URL of a part of a server that was not used before.
fn fresh(server: &RedisServer) -> RedisUrl {
    static MADE: AtomicUsize = AtomicUsize::new(0);
    server.url(&format!("t{}:", MADE.fetch_add(1, Ordering::Relaxed)))
}

/// A database of one test.
struct Database {
    folder: TempDir,
    made: AtomicUsize,
}

impl Database {
    fn new() -> Self {
        Self { folder: TempDir::new().unwrap(), made: AtomicUsize::new(0) }
    }

    /// The URL of a database that was not used before.
    fn fresh(&self) -> DatabaseUrl {
        let name = format!("{}.db", self.made.fetch_add(1, Ordering::Relaxed));
        let path = self.folder.path().join(name);
        DatabaseUrl::parse(&format!("sqlite:{}", path.display())).unwrap()
    }
}

/// A database that stays for as long as this value.
struct KeptDatabase {
    url: DatabaseUrl,
    _folder: Database,
}

impl Database {
    fn fresh_kept(self) -> KeptDatabase {
        KeptDatabase { url: self.fresh(), _folder: self }
    }
}

/// A node on this database and this server.
async fn open(database: &DatabaseUrl, sessions: &RedisUrl) -> Stores {
    let database = database.open(Arc::new(SystemClock), IfMissing::Create).await.unwrap();
    let live = RedisSessions::open(sessions, Arc::new(SystemClock)).await.unwrap();
    SessionPair::stores(live, &*database)
}
