//! Opening the engine that a configuration describes: the one place where stores, clock, keys and rules come together.

use std::collections::BTreeMap;
use std::io;
use std::num::NonZeroUsize;
use std::sync::Arc;

use portcullis_core::clock::Clock;
use portcullis_core::engine::{Engine, OpenError, Secrets, Setup};
use portcullis_core::event::EventSink;
use portcullis_core::liveness::Bounds;
use portcullis_core::lockout::LockoutLimits;
use portcullis_core::machine::{SystemClock, SystemRandom};
use portcullis_core::password::{Argon2Cost, HashPool, PasswordPolicy, PoolSize};
use portcullis_core::store::StoreError;
use portcullis_core::strategy::{InvalidStrategy, StrategyName};
use portcullis_core::tenant::TenantPolicy;
use portcullis_stores::sqlite::{SqliteStore, SqliteTenantDatabases};
use thiserror::Error;

use crate::config::{Config, Database, SigningIn};

/// An engine, and the database it works on.
pub struct Opened {
    /// The engine.
    pub engine: Arc<Engine>,
    /// The database.
    pub store: SqliteStore,
    /// The databases of tenants that have one of their own.
    pub homes: Arc<SqliteTenantDatabases>,
}

impl Opened {
    /// Finishes what was asked for and lets go of the database.
    pub async fn close(self) {
        let Self { engine, store, homes } = self;
        drop(engine);
        homes.close().await;
        store.close().await;
    }
}

/// The engine could not be opened.
#[derive(Debug, Error)]
pub enum CannotOpen {
    /// The database.
    #[error(transparent)]
    Store(#[from] StoreError),
    /// The keys in it.
    #[error("{0}")]
    Engine(#[from] OpenError),
    /// The lifetimes of a strategy.
    #[error("strategy {0}: {1}")]
    Strategy(StrategyName, InvalidStrategy),
    /// The pool that hashes passwords.
    #[error("no thread could be started for hashing passwords: {0}")]
    Threads(#[from] io::Error),
}

/// Opens what `config` describes. The first one ever makes the database and the keys in it.
///
/// # Errors
/// What is in the way, in one line.
pub async fn open(config: &Config, events: Arc<dyn EventSink>) -> Result<Opened, CannotOpen> {
    let clock: Arc<dyn Clock> = Arc::new(SystemClock);
    let Database::Sqlite(path) = &config.database;
    let store = SqliteStore::open(path, clock.clone()).await?;
    let homes = Arc::new(SqliteTenantDatabases::new(&config.data_dir, clock.clone()));
    let random = Arc::new(SystemRandom);
    let passwords = HashPool::new(pool_size(config), Argon2Cost::RECOMMENDED, random.clone())?;
    let engine = Engine::open(Setup {
        stores: store.stores(),
        clock,
        random,
        passwords: Arc::new(passwords),
        events,
        tenant_databases: homes.clone(),
        policy: Arc::new(policy(config)?),
        issuer: config.public_url.as_ref().map(|url| url.as_str().to_owned()),
        secrets: Secrets { master: config.master_key.clone(), shared: config.shared_secrets.clone() },
        bounds: Bounds { max_staleness: config.liveness.max_staleness, ..Bounds::default() },
    })
    .await?;
    Ok(Opened { engine, store, homes })
}

/// How many passwords are hashed at once, and how many may wait.
pub(crate) fn pool_size(config: &Config) -> PoolSize {
    let preset = PoolSize::default();
    let threads = config.hashing.threads.and_then(NonZeroUsize::new).unwrap_or(preset.threads);
    let queue = config.hashing.queue.and_then(NonZeroUsize::new);
    PoolSize { queue: queue.unwrap_or(PoolSize::of(threads).queue), threads }
}

/// The rules of every tenant that has decided nothing for itself.
pub(crate) fn policy(config: &Config) -> Result<TenantPolicy, CannotOpen> {
    let preset =
        if config.is_development() { PasswordPolicy::DEVELOPMENT } else { PasswordPolicy::SINGLE_FACTOR };
    let password = PasswordPolicy { shortest: config.password.shortest, ..preset };
    let mut strategies = BTreeMap::new();
    for name in StrategyName::ALL {
        if config.strategies.enabled.contains(&name) {
            let strategy = name.strategy().with_renewal(config.strategies.renewal(name));
            strategies.insert(name, strategy.map_err(|fault| CannotOpen::Strategy(name, fault))?);
        }
    }
    let SigningIn { otp, lockout, session_cap, hide_existence } = &config.sign_in;
    Ok(TenantPolicy {
        strategies,
        second_step: *otp,
        lockout: LockoutLimits {
            max_failures: lockout.after,
            lock_duration: lockout.lasts,
            ..LockoutLimits::default()
        },
        session_cap: *session_cap,
        hides_existence: *hide_existence,
        audience: config.audience.clone(),
        leeway: config.leeway,
        ..TenantPolicy::with_passwords(password)
    })
}
