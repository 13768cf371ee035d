//! The pairs of stores on which a server is killed: a database, and where live sessions are. Their servers are started
//! here and outlive the one that is killed.

use std::ffi::{OsStr, OsString};
use std::fmt;
use std::fs::{self, Permissions};
use std::os::unix::fs::PermissionsExt as _;
use std::path::Path;

use clap::ValueEnum as _;
use clap::builder::PossibleValue;
use portcullis_bench::server::{Server, StartError};
use portcullis_bench::store_servers::{PostgresServer, RedisDurability, RedisServer, StoreServerError};

/// The database of the servers under test.
pub(crate) const DATABASE: &str = "torture";
/// What stands for every pair.
const ALL: &str = "all";

/// A pair.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Debug, clap::ValueEnum)]
pub(crate) enum StoresUnderTest {
    Sqlite,
    #[value(name = "sqlite+redis")]
    SqliteAndRedis,
    Postgres,
    #[value(name = "postgres+redis")]
    PostgresAndRedis,
}

/// The pairs that one argument names.
pub(crate) type StoresNamed = Vec<StoresUnderTest>;

impl StoresUnderTest {
    /// The pairs that an argument names.
    ///
    /// # Errors
    /// It names none.
    pub(crate) fn named(argument: &str) -> Result<StoresNamed, String> {
        if argument == ALL {
            return Ok(Self::value_variants().to_vec());
        }
        let names = Self::value_variants().iter().map(Self::to_string).collect::<Vec<_>>().join(", ");
        let known = <Self as clap::ValueEnum>::from_str(argument, false);
        known.map(|stores| vec![stores]).map_err(|_| format!("stores are {names}, or {ALL}"))
    }

    /// Whether the database is one that nodes on any machines share.
    pub(crate) const fn on_postgres(self) -> bool {
        matches!(self, Self::Postgres | Self::PostgresAndRedis)
    }

    const fn with_redis(self) -> bool {
        matches!(self, Self::SqliteAndRedis | Self::PostgresAndRedis)
    }
}

impl fmt::Display for StoresUnderTest {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let value = self.to_possible_value();
        f.write_str(value.as_ref().map_or_else(Default::default, PossibleValue::get_name))
    }
}

/// The running servers of a pair; dropping them ends them.
#[derive(Debug)]
pub(crate) struct StoresInUse {
    _postgres: Option<PostgresServer>,
    _redis: Option<RedisServer>,
    variables: Vec<(&'static str, OsString)>,
}

impl StoresInUse {
    /// Starts what a pair needs, in a folder of the caller.
    ///
    /// # Errors
    /// [`StoreServerError`]
    pub(crate) async fn start(stores: StoresUnderTest, folder: &Path) -> Result<Self, StoreServerError> {
        let (mut postgres, mut redis, mut variables) = (None, None, Vec::new());
        if stores.on_postgres() {
            let started = postgres_in(folder).await?;
            variables.push(("PORTCULLIS_DATABASE", started.new_database(DATABASE)?.into()));
            postgres = Some(started);
        }
        if stores.with_redis() {
            let started = redis_in(folder).await?;
            variables.push(("PORTCULLIS_SESSIONS", format!("redis://{}", started.address()).into()));
            redis = Some(started);
        }
        Ok(Self { _postgres: postgres, _redis: redis, variables })
    }

    /// Starts a server on them. A database of SQLite is in the data directory.
    ///
    /// # Errors
    /// [`StartError`]
    pub(crate) async fn serve(&self, program: &Path, data: &Path) -> Result<Server, StartError> {
        let variables: Vec<(&str, &OsStr)> =
            self.variables.iter().map(|(name, value)| (*name, value.as_os_str())).collect();
        Server::start_with(program, data, &variables).await
    }
}

/// A database server on a cluster of its own in this folder.
///
/// # Errors
/// [`StoreServerError`]
pub(crate) async fn postgres_in(folder: &Path) -> Result<PostgresServer, StoreServerError> {
    // The database server runs as another user.
    fs::set_permissions(folder, Permissions::from_mode(0o755))?;
    PostgresServer::start(&folder.join("postgres")).await
}

/// A Redis that loses nothing, in this folder. Without `maxmemory` it evicts nothing, either.
///
/// # Errors
/// [`StoreServerError`]
pub(crate) async fn redis_in(folder: &Path) -> Result<RedisServer, StoreServerError> {
    let folder = folder.join("redis");
    fs::create_dir(&folder)?;
    RedisServer::start(&folder, RedisDurability::Everything).await
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn stores_are_named_one_by_one_or_all_at_once() {
        let named = |argument| StoresUnderTest::named(argument);
        assert_eq!(named("sqlite+redis"), Ok(vec![StoresUnderTest::SqliteAndRedis]));
        assert_eq!(named("all").unwrap().len(), 4);
        let refusal = "stores are sqlite, sqlite+redis, postgres, postgres+redis, or all";
        assert_eq!(named("redis"), Err(refusal.to_owned()));
    }
}
