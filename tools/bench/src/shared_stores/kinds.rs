//! The kinds of stores, and new ones of each kind.

use std::ffi::OsStr;
use std::fs::{self, Permissions};
use std::net::SocketAddr;
use std::os::unix::fs::PermissionsExt as _;
use std::path::{Path, PathBuf};

use portcullis_bench::store_servers::{ControlGroup, PostgresServer, RedisDurability, RedisServer};

use crate::error::BenchError;

/// Which database there is, and where live sessions are.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) struct StoreKind {
    pub(crate) name: &'static str,
    /// Whether the database is PostgreSQL; otherwise it is SQLite.
    pub(crate) on_postgres: bool,
    /// Whether live sessions are in Redis; otherwise they are in the database.
    pub(crate) on_redis: bool,
}

impl StoreKind {
    pub(crate) const ALL: [Self; 4] = [
        Self { name: "sqlite", on_postgres: false, on_redis: false },
        Self { name: "postgres", on_postgres: true, on_redis: false },
        Self { name: "sqlite+redis", on_postgres: false, on_redis: true },
        Self { name: "postgres+redis", on_postgres: true, on_redis: true },
    ];
}

/// The servers that all kinds are on.
#[derive(Debug)]
pub(crate) struct StoreServers {
    pub(crate) postgres: PostgresServer,
    pub(crate) redis: RedisServer,
    /// Removed after what is in it has ended: the fields are dropped in this order.
    _group: Option<ControlGroup>,
}

impl StoreServers {
    /// Starts them in a folder, PostgreSQL with a weight if one is given.
    ///
    /// # Errors
    /// [`BenchError`]
    pub(crate) async fn start(directory: &Path, weight: Option<u32>) -> Result<Self, BenchError> {
        // The database server runs as another user.
        fs::set_permissions(directory, Permissions::from_mode(0o755))?;
        let redis_folder = directory.join("redis-server");
        fs::create_dir(&redis_folder)?;
        let redis = RedisServer::start(&redis_folder, RedisDurability::Nothing).await?;
        // Before the server, so that it is removed after it.
        let group = weight.map(ControlGroup::of_weight).transpose().map_err(BenchError::ControlGroup)?;
        let postgres = PostgresServer::start(&directory.join("postgres-server")).await?;
        if let Some(group) = &group {
            postgres.join(group).map_err(BenchError::ControlGroup)?;
        }
        Ok(Self { postgres, redis, _group: group })
    }

    /// Empty stores of a kind, in a folder that is made.
    ///
    /// # Errors
    /// [`BenchError`]
    pub(crate) fn new_stores(
        &self,
        kind: StoreKind,
        part: &str,
        directory: &Path,
    ) -> Result<PlacedStores, BenchError> {
        let label = format!("{part}-{}", kind.name.replace('+', "-"));
        let folder = directory.join(&label);
        fs::create_dir(&folder)?;
        let database = if kind.on_postgres {
            self.postgres.new_database(&database_name(&label))?
        } else {
            format!("sqlite:{}", folder.join("shared.db").display())
        };
        let redis = kind.on_redis.then(|| self.redis.address());
        Ok(PlacedStores { kind, label, prefix: None, folder, database, redis })
    }

    /// Removes what is in the stores. Their nodes must have ended.
    ///
    /// # Errors
    /// [`BenchError`]
    pub(crate) fn remove(&self, stores: &PlacedStores) -> Result<(), BenchError> {
        if stores.kind.on_postgres {
            self.postgres.by_hand("postgres", &format!("DROP DATABASE {}", stores.database_name()))?;
        }
        if stores.kind.on_redis {
            self.redis.by_hand(&["FLUSHALL"])?;
        }
        Ok(fs::remove_dir_all(&stores.folder)?)
    }
}

/// Stores of one kind.
#[derive(Clone, Debug)]
pub(crate) struct PlacedStores {
    pub(crate) kind: StoreKind,
    label: String,
    prefix: Option<String>,
    /// What belongs to them and their nodes is in here.
    pub(crate) folder: PathBuf,
    /// The URL of the database.
    pub(crate) database: String,
    /// Where live sessions are, unless they are in the database.
    redis: Option<SocketAddr>,
}

impl PlacedStores {
    /// The name of the database on its server.
    pub(crate) fn database_name(&self) -> String {
        database_name(&self.label)
    }

    /// The file of the database, if it is one.
    pub(crate) fn file(&self) -> PathBuf {
        self.folder.join("shared.db")
    }

    /// What all keys in Redis begin with.
    pub(crate) fn prefix(&self) -> String {
        self.prefix.clone().unwrap_or_else(|| format!("{}:", self.label))
    }

    /// The same stores with another prefix: it counts in the memory of each session.
    pub(crate) fn with_prefix(self, prefix: &str) -> Self {
        Self { prefix: Some(prefix.to_owned()), ..self }
    }

    /// The URL of the store of live sessions.
    pub(crate) fn sessions(&self) -> String {
        match self.redis {
            Some(redis) => format!("redis://{redis}?prefix={}", self.prefix()),
            None => self.database.clone(),
        }
    }

    /// The same stores, reached at other addresses.
    pub(crate) fn reached(&self, postgres: Option<SocketAddr>, redis: Option<SocketAddr>) -> Self {
        let mut reached = Self { redis: redis.or(self.redis), ..self.clone() };
        if let Some(postgres) = postgres {
            reached.database = format!("postgres://portcullis@{postgres}/{}", self.database_name());
        }
        reached
    }

    /// The settings of a node on them.
    pub(crate) fn settings(&self) -> StoreSettings {
        StoreSettings { database: self.database.clone(), sessions: self.sessions() }
    }
}

/// The URLs that a node is given.
#[derive(Debug)]
pub(crate) struct StoreSettings {
    database: String,
    sessions: String,
}

impl StoreSettings {
    pub(crate) fn variables(&self) -> [(&'static str, &OsStr); 2] {
        [
            ("PORTCULLIS_DATABASE", OsStr::new(&self.database)),
            ("PORTCULLIS_SESSIONS", OsStr::new(&self.sessions)),
        ]
    }
}

fn database_name(label: &str) -> String {
    format!("bench_{}", label.replace('-', "_"))
}
