//! The tenants that this process has loaded, with their policies and keys.

use std::error::Error;
use std::sync::Arc;

use thiserror::Error;
use tracing::warn;

use super::EngineCore;
use super::builder::{EngineBuilder, Secrets};
use super::key_reloads::KeyReloads;
use super::revocation_logs::RevocationLogs;
use super::tenant_stores::{TenantStores, TenantStoresRegistry};
use crate::bounded_cache::{BoundedCache, bounded_cache};
use crate::clock::Clock;
use crate::id::TenantId;
use crate::key::{Algorithm, KeyRecord, Keyring, KeyringFault, KeyringSource, SealFault, generation};
use crate::liveness::SingleFlightCache;
use crate::random::Random;
use crate::store::{Change, StoreError, Stored, Stores};
use crate::strategy::{Strategy, StrategyName};
use crate::tenant::{TenantPolicy, TenantRecord};

/// The most tenants in the cache.
const CAPACITY: u64 = 10_000;

/// A loaded tenant.
#[derive(Debug)]
pub struct Tenant {
    /// Its name.
    pub id: TenantId,
    /// Its rules.
    pub policy: Arc<TenantPolicy>,
    /// Its keys.
    pub keyring: Keyring,
    /// The stored record.
    pub record: TenantRecord,
    pub(super) stores: Arc<TenantStores>,
}

/// The tenant cannot be used.
#[derive(Clone, Debug, Error)]
pub enum TenantError {
    /// There is no tenant of this name.
    #[error("there is no tenant {0}")]
    Unknown(TenantId),
    /// The tenant is suspended: its users can neither sign in nor stay signed in.
    #[error("the tenant is suspended")]
    Suspended,
    /// Its keys cannot be used.
    #[error("the keys of the tenant cannot be used: {0}")]
    Keys(Arc<KeyringFault>),
    /// The store did not answer.
    #[error(transparent)]
    Store(#[from] StoreError),
}

impl TenantError {
    /// The error of a use case to which an unknown tenant is nothing but `unknown`.
    pub(super) fn or_unknown<E: From<Self>>(self, unknown: E) -> E {
        if matches!(self, Self::Unknown(_)) { unknown } else { self.into() }
    }
}

impl Tenant {
    /// The strategy of this name with the tenant's lifetimes; `None` if it is not on offer.
    #[must_use]
    pub fn strategy(&self, name: StrategyName) -> Option<Strategy> {
        self.policy.offers(name)
    }

    /// `aud` of its refresh tokens, and of access tokens that have one.
    #[must_use]
    pub fn audience(&self) -> &str {
        audience_of(&self.policy, &self.id)
    }

    /// Whether its access tokens have `aud`. Services that share a secret expect none, unless one is configured.
    #[must_use]
    pub fn names_audience(&self) -> bool {
        self.policy.audience.is_some() || self.keyring.access_algorithm() != Algorithm::Hs256
    }
}

fn audience_of<'a>(policy: &'a TenantPolicy, tenant: &'a TenantId) -> &'a str {
    policy.audience.as_deref().unwrap_or(tenant.as_str())
}

/// A tenant that exists, or why it cannot be used.
type LoadedTenant = Result<Arc<Tenant>, TenantError>;

/// The cache of tenants.
pub(super) struct TenantDirectory {
    stores: Stores,
    clock: Arc<dyn Clock>,
    policy: Arc<TenantPolicy>,
    secrets: Secrets,
    pub(super) registry: TenantStoresRegistry,
    tenants: SingleFlightCache<TenantId, Option<LoadedTenant>>,
    /// Each tenant as it was last loaded. It counts while the store is out of reach, unless a change of it was
    /// announced: tokens that need no store are verified with keys alone.
    last_known: BoundedCache<TenantId, Arc<Tenant>>,
    reloads: KeyReloads,
}

impl TenantDirectory {
    pub(super) fn new(parts: &EngineBuilder, shared: Arc<TenantStores>) -> Self {
        let clock = parts.clock.clone();
        let revocations = Arc::new(RevocationLogs::new(clock.clone(), parts.random.clone()));
        let databases = parts.tenant_databases.clone();
        Self {
            registry: TenantStoresRegistry::new(shared, databases, clock, parts.bounds, revocations),
            stores: parts.stores.clone(),
            clock: parts.clock.clone(),
            policy: parts.policy.clone(),
            secrets: parts.secrets.clone(),
            tenants: SingleFlightCache::new(CAPACITY),
            last_known: bounded_cache(CAPACITY),
            reloads: KeyReloads::new(parts.clock.clone(), CAPACITY),
        }
    }

    pub(super) fn changed(&self, change: &Change) {
        match change {
            Change::Tenant(id) => self.forget(id),
            // Changes may have been missed, as after every outage; that does not mean that a tenant has changed.
            Change::Everything => self.tenants.forget_everything(),
            Change::Session(_) | Change::AllSessions | Change::User(_) | Change::Revoked(_) => (),
        }
    }

    /// The policy of tenants without settings of their own.
    pub(super) fn policy(&self) -> &TenantPolicy {
        &self.policy
    }

    /// Forgets a tenant that has changed, its last known state included: it may have been suspended, and the store
    /// may be out of reach.
    pub(super) fn forget(&self, id: &TenantId) {
        self.tenants.forget(id);
        self.last_known.remove(id);
    }

    /// A key as it is stored: encrypted, if there is a master key.
    pub(super) fn sealed(&self, key: KeyRecord, random: &dyn Random) -> Result<KeyRecord, SealFault> {
        key.seal(self.secrets.master.as_ref(), random)
    }

    async fn find(&self, id: &TenantId) -> Result<Arc<Tenant>, TenantError> {
        // A suspension that the feed has not announced must not go unnoticed for longer than the end of a session.
        let known = match self.is_fresh().then(|| self.tenants.hit(id)).flatten().flatten() {
            Some(known) => Some(known),
            // In a box of its own: what a miss needs would make every hit's future large.
            None => Box::pin(self.read(id)).await?,
        };
        known.ok_or_else(|| TenantError::Unknown(id.clone()))?
    }

    /// Whether the feed of the shared stores, which hold the tenants, proves that no change is missing.
    fn is_fresh(&self) -> bool {
        self.registry.shared.view.is_fresh()
    }

    /// Keeps what it reads even while the feed is silent: no hit is served before the feed has passed on what was
    /// written meanwhile.
    async fn read(&self, id: &TenantId) -> Stored<Option<LoadedTenant>> {
        let known = |fault| self.last_known.get(id).map(|known| Some(Ok(known))).ok_or(fault);
        self.read_from_store(id).await.or_else(known)
    }

    async fn read_from_store(&self, id: &TenantId) -> Stored<Option<LoadedTenant>> {
        let join = self.registry.shared.view.max_staleness();
        let read = self.tenants.read(id, self.clock.ticks(), join, true, self.load(id)).await;
        match &read {
            Ok(Some(Ok(tenant))) => self.remember(id, tenant),
            // A stranger can make up names without end: a name that no tenant has is not cached.
            Ok(None) => self.forget(id),
            Ok(Some(Err(_))) | Err(_) => (),
        }
        read
    }

    /// Reads a tenant again because a token names a key that it does not have.
    async fn reload(&self, id: &TenantId) -> Stored<()> {
        let read = async || {
            self.tenants.forget(id);
            self.read_from_store(id).await.map(drop)
        };
        self.reloads.reload(id, read).await
    }

    fn remember(&self, id: &TenantId, tenant: &Arc<Tenant>) {
        self.last_known.insert(id.clone(), tenant.clone());
        // A change that came during the read found nothing here to forget. The cache has dropped the tenant then.
        let is_kept = match self.tenants.hit(id) {
            Some(Some(Ok(kept))) => Arc::ptr_eq(&kept, tenant),
            _ => false,
        };
        if !is_kept {
            self.last_known.remove(id);
        }
    }

    async fn load(&self, id: &TenantId) -> Stored<Option<LoadedTenant>> {
        let Some(record) = self.stores.tenants.find(id).await? else { return Ok(None) };
        let keys = self.stores.keys.list(&record.id).await?;
        let stores = self.registry.at(record.database.as_deref()).await;
        let stores = stores.map_err(|fault| stores_unavailable(id, fault))?;
        let loaded = self.ready(record, &keys, stores);
        if let Ok(tenant) = &loaded {
            let longest = tenant.policy.key_lifetimes().access;
            let noted = tenant.stores.note_token_lifetime(longest).await;
            noted.map_err(|fault| stores_unavailable(id, fault))?;
        }
        Ok(Some(loaded))
    }

    fn ready(&self, record: TenantRecord, keys: &[KeyRecord], stores: Arc<TenantStores>) -> LoadedTenant {
        let (policy, faults) = record.settings.applied_as_far_as_possible(&self.policy);
        let generation = generation(keys, &policy.key_lifetimes(), audience_of(&policy, &record.id));
        let known = self.last_known.get(&record.id);
        let is_same =
            |known: &Arc<Tenant>| known.record == record && known.keyring.generation() == generation;
        if let Some(known) = known.filter(is_same) {
            return Ok(known);
        }
        for fault in faults {
            warn!(tenant = %record.id, %fault, "a setting of a tenant does not suit the configuration and is left out");
        }
        let secrets = &self.secrets;
        let keyring = Keyring::open(&KeyringSource {
            tenant: &record.id,
            generation,
            records: keys,
            master: secrets.master.as_ref(),
            shared: &secrets.shared,
            lifetimes: policy.key_lifetimes(),
        });
        let keyring = keyring.map_err(|fault| TenantError::Keys(Arc::new(fault)))?;
        let (id, policy) = (record.id.clone(), Arc::new(policy));
        Ok(Arc::new(Tenant { id, policy, keyring, record, stores }))
    }
}

/// A tenant's database is out of reach.
#[derive(Debug, Error)]
#[error("the database of tenant {tenant}: {source}")]
struct TenantStoresUnavailable {
    tenant: TenantId,
    source: Arc<dyn Error + Send + Sync>,
}

/// Adds the tenant to a fault, for the reader of the log.
pub(super) fn stores_unavailable(tenant: &TenantId, fault: StoreError) -> StoreError {
    match fault {
        StoreError::Unavailable { doing, source } => {
            StoreError::unavailable(doing, TenantStoresUnavailable { tenant: tenant.clone(), source })
        }
        fault => fault,
    }
}

impl EngineCore {
    pub(super) async fn tenant(&self, id: &TenantId) -> Result<Arc<Tenant>, TenantError> {
        let tenant = self.directory.find(id).await?;
        if tenant.record.suspended.is_some() { Err(TenantError::Suspended) } else { Ok(tenant) }
    }

    /// The same, suspended or not: for administration.
    pub(super) async fn any_tenant(&self, id: &TenantId) -> Result<Arc<Tenant>, TenantError> {
        self.directory.find(id).await
    }

    /// The tenant with keys that were read after this was called: a token names a key that `tenant` does not have.
    pub(super) async fn reloaded(&self, tenant: &Arc<Tenant>) -> Result<Arc<Tenant>, TenantError> {
        // Boxed, like the read of a miss: few tokens name an unknown key.
        Box::pin(self.directory.reload(&tenant.id)).await?;
        self.any_tenant(&tenant.id).await
    }
}
