//! Opens the engine that a configuration describes: the one place that puts stores, clock, keys and policy together.

use std::collections::BTreeMap;
use std::io;
use std::num::NonZeroUsize;
use std::sync::Arc;

use portcullis_core::clock::Clock;
use portcullis_core::engine::{Engine, OpenError};
use portcullis_core::event::EventSink;
use portcullis_core::key::{KeyringFault, SealFault};
use portcullis_core::lockout::LockoutLimits;
use portcullis_core::machine::SystemRandom;
use portcullis_core::password::{Argon2Cost, HashPool, PasswordPolicy, PoolSize};
use portcullis_core::steered_clock::SteeredClock;
use portcullis_core::store::StoreError;
use portcullis_core::strategy::{InvalidStrategy, StrategyName};
use portcullis_core::tenant::{SettingsFault, TenantPolicy, TenantSettings};
use portcullis_stores::{OpenedStores, RedisOpenError, SessionPlacementError};
use thiserror::Error;

use crate::config::{Config, Sessions, SigningIn};

/// An engine, and the stores that it works on.
pub struct OpenedEngine {
    /// The engine.
    pub engine: Engine,
    /// The stores. To be closed after the last handle to the engine is gone.
    pub stores: OpenedStores,
}

impl OpenedEngine {
    /// Finishes pending writes and closes all databases.
    pub async fn close(self) {
        let Self { engine, stores } = self;
        drop(engine);
        stores.close().await;
    }
}

/// Why the engine was not opened.
#[derive(Debug, Error)]
pub enum CannotOpen {
    /// The database could not be opened.
    #[error(transparent)]
    Store(#[from] StoreError),
    /// The Redis server of the sessions cannot be used.
    #[error(transparent)]
    Sessions(#[from] RedisOpenError),
    /// Live sessions are not where the nodes of the database keep them.
    #[error(transparent)]
    Placement(#[from] SessionPlacementError),
    /// The keys in the database could not be used.
    #[error("{0}")]
    Engine(#[from] OpenError),
    /// The configured lifetimes of a strategy contradict each other.
    #[error("strategy {0}: {1}")]
    Strategy(StrategyName, InvalidStrategy),
    /// The configuration as the policy of a tenant.
    #[error(transparent)]
    Policy(#[from] SettingsFault),
    /// The pool that hashes passwords could not be started.
    #[error("no thread could be started for hashing passwords: {0}")]
    Threads(#[from] io::Error),
}

impl CannotOpen {
    /// Whether the configuration is the cause, so that another try with the same one would fail as well.
    #[must_use]
    pub const fn is_of_configuration(&self) -> bool {
        use SealFault::{NoMasterKey, WrongMasterKey};
        match self {
            Self::Strategy(..) | Self::Policy(_) | Self::Engine(OpenError::Settings(_)) => true,
            Self::Engine(OpenError::Keyring(KeyringFault::Sealed { source, .. })) => {
                matches!(source, NoMasterKey | WrongMasterKey)
            }
            _ => false,
        }
    }
}

/// What an engine is opened for.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum OpenedFor {
    /// For a node, which says where all nodes keep live sessions if none has said it before.
    Serving,
    /// For a command, which looks where the nodes keep them.
    Command,
}

/// Opens what `config` describes. The first call ever creates the database and the keys in it. The engine goes by the
/// time of `machine`, or of the database if that has a clock of its own.
///
/// # Errors
/// [`CannotOpen`] names the cause in one line.
pub async fn open(
    config: &Config,
    opened_for: OpenedFor,
    events: Arc<dyn EventSink>,
    machine: Arc<dyn Clock>,
) -> Result<OpenedEngine, CannotOpen> {
    let clock: Arc<dyn Clock> = Arc::new(SteeredClock::over(machine));
    let stores = open_stores(config, clock.clone()).await?;
    let placed = match opened_for {
        OpenedFor::Serving => stores.join_nodes().await,
        OpenedFor::Command => stores.check_sessions().await,
    };
    if let Err(elsewhere) = placed {
        stores.close().await;
        return Err(elsewhere.into());
    }
    let random = Arc::new(SystemRandom);
    let passwords = HashPool::new(pool_size(config), Argon2Cost::RECOMMENDED, clock.clone(), random.clone())?;
    let mut builder = Engine::builder(stores.stores())
        .clock(clock)
        .random(random)
        .passwords(Arc::new(passwords))
        .events(events)
        .tenant_databases(stores.tenant_databases())
        .policy(policy(config)?)
        .shared_secrets(config.shared_secrets.clone())
        .view_limits(config.liveness);
    if let Some(url) = &config.public_url {
        builder = builder.issuer(url.as_str());
    }
    if let Some(key) = config.master_key.clone() {
        builder = builder.master_key(key);
    }
    let engine = builder.open().await?;
    Ok(OpenedEngine { engine, stores })
}

/// Opens the stores that `config` names, wherever the nodes of the database keep live sessions.
pub(crate) async fn open_stores(config: &Config, clock: Arc<dyn Clock>) -> Result<OpenedStores, CannotOpen> {
    let connections = config.database_connections;
    let stores = OpenedStores::open(&config.database, connections, &config.data_dir, clock.clone()).await?;
    let Sessions::InRedis(url) = &config.sessions else { return Ok(stores) };
    Ok(stores.with_redis(url, clock).await?)
}

/// How many passwords are hashed at once, and how long a password may wait for it.
pub(crate) fn pool_size(config: &Config) -> PoolSize {
    let threads = config.hashing.threads.and_then(NonZeroUsize::new);
    let threads = threads.unwrap_or(PoolSize::default().threads);
    PoolSize { threads, max_wait: config.hashing.max_wait }
}

/// The policy of every tenant that has no settings of its own.
pub(crate) fn policy(config: &Config) -> Result<TenantPolicy, CannotOpen> {
    let preset =
        if config.is_development() { PasswordPolicy::DEVELOPMENT } else { PasswordPolicy::SINGLE_FACTOR };
    let password = PasswordPolicy { min_length: config.password.shortest, ..preset };
    let mut strategies = BTreeMap::new();
    for name in StrategyName::ALL {
        if config.strategies.enabled.contains(&name) {
            let strategy = name.strategy().with_renewal(config.strategies.renewal(name));
            strategies.insert(name, strategy.map_err(|fault| CannotOpen::Strategy(name, fault))?);
        }
    }
    let SigningIn { otp, lockout, session_cap, hide_existence } = &config.sign_in;
    let policy = TenantPolicy {
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
    };
    // As a tenant without settings of its own gets it.
    Ok(TenantSettings::default().applied_to(&policy)?)
}
