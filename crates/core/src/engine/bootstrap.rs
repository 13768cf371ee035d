//! Opening an engine, and what the first start of an installation makes.

use std::fmt;
use std::io;
use std::sync::Arc;

use thiserror::Error;
use tokio::sync::Semaphore;
use uuid::Builder;

use super::attempt_turns::AttemptTurns;
use super::builder::EngineBuilder;
use super::feed_keys::KnownFeedKeys;
use super::first_keys::make_missing_keys;
use super::housekeeping::all_tenants;
use super::keyed_mutex::KeyedMutex;
use super::mail_trouble::MailTrouble;
use super::revocation_snapshot::PAGES_AT_ONCE;
use super::task::RunningTasks;
use super::tenant_directory::{TenantDirectory, TenantError};
use super::tenant_stores::TenantStores;
use super::verified_cookies::VerifiedCookies;
use super::write_health::WriteHealth;
use super::{ChangeListener, Engine, EngineCore};
use crate::clock::Timestamp;
use crate::id::TenantId;
use crate::key::{KeyFault, KeyringFault, SealFault};
use crate::password::{Argon2Cost, HashPool, PoolSize};
use crate::random::{self, Random};
use crate::store::StoreError;
use crate::tenant::{Installation, SettingsFault, TenantRecord};
use crate::token::VerifiedCredentials;

/// An engine could not be opened. Its `Debug` is its sentence too: a `main` that returns it tells its user what to do.
#[derive(Error)]
pub enum OpenError {
    /// The store did not answer.
    #[error(transparent)]
    Store(#[from] StoreError),
    /// A key could not be encrypted or decrypted.
    #[error(transparent)]
    Seal(#[from] SealFault),
    /// A key could not be generated.
    #[error(transparent)]
    Key(#[from] KeyFault),
    /// A key cannot be used.
    #[error(transparent)]
    Keyring(#[from] KeyringFault),
    /// The settings of the tenant `default` contradict the configuration, which may have changed since they were made.
    #[error(
        "the settings of tenant default do not suit the configuration: {0}; change the configuration back, or further"
    )]
    Settings(SettingsFault),
    /// The operating system gave no thread.
    #[error("no thread could be started: {0}")]
    Thread(#[from] io::Error),
}

impl fmt::Debug for OpenError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, f)
    }
}

impl EngineBuilder {
    /// Opens the engine. The first one on a database makes the tenant `default` and its keys; if several processes
    /// start at once, they agree on one set. A tenant that has no key of some use, as after an update that brings a new
    /// use, gets one.
    ///
    /// # Errors
    /// An [`OpenError`] that names the cause and the cure.
    pub async fn open(self) -> Result<Engine, OpenError> {
        let passwords = if let Some(pool) = self.passwords.clone() {
            pool
        } else {
            let (size, cost) = (PoolSize::default(), Argon2Cost::RECOMMENDED);
            Arc::new(HashPool::new(size, cost, self.clock.clone(), self.random.clone())?)
        };
        open(self, passwords).await
    }
}

async fn open(parts: EngineBuilder, passwords: Arc<HashPool>) -> Result<Engine, OpenError> {
    let now = parts.clock.now();
    let proposed = installation(now, parts.random.as_ref());
    let installation = parts.stores.tenants.get_or_create_installation(&proposed).await?;
    let default = TenantId::default_tenant();
    parts.stores.tenants.insert(&TenantRecord::new(default.clone(), now)).await?;
    let shared = TenantStores::shared(parts.stores.clone(), parts.clock.clone(), parts.bounds);
    let view = shared.view.clone();
    let directory = Arc::new(TenantDirectory::new(&parts, shared));
    for tenant in all_tenants(&*parts.stores.tenants).await? {
        make_missing_keys::<OpenError>(&*parts.stores.keys, &directory, &tenant, now, &*parts.random).await?;
    }
    let revocations = directory.registry.revocations.clone();
    let listener = ChangeListener { view, directory: directory.clone(), revocations: revocations.clone() };
    let listener = Arc::new(listener);
    let watch = parts.stores.feed.watch(listener).await?;
    let core = EngineCore {
        issuer: parts.issuer.unwrap_or(installation.issuer).into(),
        stores: parts.stores,
        clock: parts.clock,
        random: parts.random,
        passwords,
        events: parts.events,
        directory,
        verified: VerifiedCredentials::new(parts.bounds.capacity),
        cookies: VerifiedCookies::new(parts.bounds.capacity),
        mail_trouble: MailTrouble::default(),
        writes: WriteHealth::default(),
        registering: KeyedMutex::default(),
        changing_passwords: KeyedMutex::default(),
        attempt_turns: AttemptTurns::default(),
        revocation_logs: revocations,
        snapshot_turns: Semaphore::new(PAGES_AT_ONCE),
        known_feed_keys: KnownFeedKeys::default(),
        tasks: RunningTasks::none(),
        _watch: watch,
    };
    if let Some(record) = core.stores.tenants.find(&default).await? {
        record.settings.applied_to(core.directory.policy()).map_err(OpenError::Settings)?;
    }
    core.tenant(&default).await?;
    Ok(Engine { core: Arc::new(core), client: None })
}

fn installation(now: Timestamp, random: &dyn Random) -> Installation {
    let id = Builder::from_random_bytes(random::bytes(random)).into_uuid();
    Installation { issuer: format!("urn:uuid:{id}"), created: now }
}

impl From<TenantError> for OpenError {
    fn from(fault: TenantError) -> Self {
        let corrupt = |id: &TenantId, what| Self::Store(StoreError::corrupt("tenant", id, what));
        match fault {
            TenantError::Store(fault) => Self::Store(fault),
            TenantError::Unknown(id) => corrupt(&id, "name"),
            TenantError::Suspended => corrupt(&TenantId::default_tenant(), "suspended"),
            TenantError::Keys(fault) => Self::Keyring(Arc::unwrap_or_clone(fault)),
        }
    }
}
