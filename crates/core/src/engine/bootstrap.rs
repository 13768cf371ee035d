//! Opening an engine, and what has to be made the first time.

use std::io;
use std::sync::Arc;
use std::time::Duration;

use thiserror::Error;
use uuid::Builder;

use super::authenticate::VerifiedTokens;
use super::keyed_mutex::KeyedMutex;
use super::tenant_directory::{TenantDirectory, TenantError};
use super::tenant_stores::TenantStores;
use super::{ChangeListener, Engine, Setup};
use crate::clock::Timestamp;
use crate::id::TenantId;
use crate::key::{KeyFault, KeyRecord, KeyUse, KeyringFault, MasterKey, SealFault, SharedSecrets};
use crate::random::{self, Random};
use crate::store::{Inserted, StoreError};
use crate::tenant::{Installation, TenantRecord};

/// A first key signs from this long before it was made: no node's clock may be behind it.
pub(super) const FIRST_KEYS_ARE_OLDER: Duration = Duration::from_hours(1);

/// Secrets that do not live in the database.
#[derive(Clone, Default, Debug)]
pub struct Secrets {
    /// Wraps the keys in the database.
    pub master: Option<MasterKey>,
    /// Shared with other services.
    pub shared: SharedSecrets,
}

/// An engine could not be opened.
#[derive(Debug, Error)]
pub enum OpenError {
    /// The store did not answer.
    #[error(transparent)]
    Store(#[from] StoreError),
    /// A key could not be wrapped or unwrapped.
    #[error(transparent)]
    Seal(#[from] SealFault),
    /// A key could not be made.
    #[error(transparent)]
    Key(#[from] KeyFault),
    /// A key cannot be used.
    #[error(transparent)]
    Keyring(#[from] KeyringFault),
    /// The machine gave no thread.
    #[error("no thread could be started: {0}")]
    Thread(#[from] io::Error),
}

impl Engine {
    /// Opens an engine on its stores. The first one ever makes the installation, the tenant `default` and its keys;
    /// several first ones at once agree.
    ///
    /// # Errors
    /// The store does not answer, or its keys cannot be opened with this master key.
    pub async fn open(setup: Setup) -> Result<Arc<Self>, OpenError> {
        let now = setup.clock.now();
        let installation = setup
            .stores
            .tenants
            .get_or_create_installation(&installation(now, setup.random.as_ref()))
            .await?;
        let default = TenantId::default_tenant();
        setup.stores.tenants.insert(&TenantRecord::new(default.clone(), now)).await?;
        ensure_keys(&setup, &default).await?;

        let shared = TenantStores::shared(setup.stores.clone(), setup.clock.clone(), setup.bounds);
        let view = shared.view.clone();
        let directory = Arc::new(TenantDirectory::new(&setup, shared));
        let listener = Arc::new(ChangeListener { view, directory: directory.clone() });
        let watch = setup.stores.feed.watch(listener)?;
        let engine = Arc::new_cyclic(|me| Self {
            issuer: setup.issuer.unwrap_or(installation.issuer).into(),
            stores: setup.stores,
            clock: setup.clock,
            random: setup.random,
            passwords: setup.passwords,
            events: setup.events,
            directory,
            believed: VerifiedTokens::new(setup.bounds.capacity),
            registering: KeyedMutex::default(),
            me: me.clone(),
            _watch: watch,
        });
        engine.tenant(&default).await.map_err(TenantError::into_open_error)?;
        Ok(engine)
    }
}

fn installation(now: Timestamp, random: &dyn Random) -> Installation {
    let id = Builder::from_random_bytes(random::bytes(random)).into_uuid();
    Installation { issuer: format!("urn:uuid:{id}"), created: now }
}

/// Makes the keys that a tenant lacks.
async fn ensure_keys(setup: &Setup, tenant: &TenantId) -> Result<(), OpenError> {
    let held = setup.stores.keys.list(tenant).await?;
    for usage in KeyUse::ALL {
        if !held.iter().any(|key| key.usage == usage) {
            insert_key(setup, tenant, usage).await?;
        }
    }
    Ok(())
}

async fn insert_key(setup: &Setup, tenant: &TenantId, usage: KeyUse) -> Result<Inserted, OpenError> {
    let now = setup.clock.now();
    // On every node, however its clock stands.
    let long_past = now.minus(FIRST_KEYS_ARE_OLDER);
    let key = KeyRecord::generate(tenant, usage, usage.algorithm(), now, long_past, setup.random.as_ref())?;
    let key = key.seal(setup.secrets.master.as_ref(), setup.random.as_ref())?;
    Ok(setup.stores.keys.insert(&key).await?)
}
