//! How an operator creates, changes, suspends and resumes tenants.

use thiserror::Error;

use super::first_keys::make_missing_keys;
use super::{EngineCore, EngineTask, TenantError};
use crate::clock::Timestamp;
use crate::event::{Event, EventKind};
use crate::id::TenantId;
use crate::key::{KeyFault, SealFault};
use crate::session::{EndReason, Ending};
use crate::store::{EpochScope, Inserted, Page, StoreError, Updated};
use crate::tenant::{SettingsFault, TenantRecord, TenantSettings};

/// How often a change is tried that meets a concurrent one.
const TRIES: u32 = 5;

/// Why a tenant was not created or changed.
#[derive(Debug, Error)]
pub enum TenantAdminError {
    /// There is a tenant of this name.
    #[error("there is a tenant {0} already")]
    Taken(TenantId),
    /// There is no tenant of this name.
    #[error("there is no tenant {0}")]
    NotFound(TenantId),
    /// The default tenant cannot be suspended.
    #[error("tenant default cannot be suspended: it is the one that is meant where none is named")]
    Default,
    /// The settings make no sense.
    #[error(transparent)]
    Settings(#[from] SettingsFault),
    /// Other processes changed it at each try.
    #[error("another process changed the tenant at the same time; try again")]
    Contended,
    /// A key could not be generated.
    #[error(transparent)]
    Key(#[from] KeyFault),
    /// A key could not be encrypted.
    #[error(transparent)]
    Seal(#[from] SealFault),
    /// The tenant.
    #[error(transparent)]
    Tenant(#[from] TenantError),
    /// The store.
    #[error(transparent)]
    Store(#[from] StoreError),
}

impl EngineTask {
    pub(super) async fn create_tenant(
        &self,
        id: TenantId,
        settings: TenantSettings,
        database: Option<String>,
    ) -> Result<TenantRecord, TenantAdminError> {
        if self.stores.tenants.find(&id).await?.is_some() {
            return Err(TenantAdminError::Taken(id));
        }
        settings.applied_to(self.directory.policy())?;
        // Stores and keys first: a tenant that exists can be used. A second try uses what a first one left behind.
        self.directory.registry.get_or_create(database.as_deref()).await?;
        let (keys, now) = (&*self.stores.keys, self.clock.now());
        make_missing_keys::<TenantAdminError>(keys, &self.directory, &id, now, &*self.random).await?;
        let tenant = TenantRecord { settings, database, ..TenantRecord::new(id.clone(), self.clock.now()) };
        if self.stores.tenants.insert(&tenant).await? == Inserted::Clash {
            return Err(TenantAdminError::Taken(id));
        }
        self.directory.forget(&id);
        self.report(&Event::of_tenant(id, EventKind::TenantCreated));
        Ok(tenant)
    }

    pub(super) async fn change_tenant(
        &self,
        id: &TenantId,
        change: impl Fn(TenantSettings) -> TenantSettings + Send + Sync,
    ) -> Result<TenantRecord, TenantAdminError> {
        let changed = self
            .replace_tenant(id, |tenant| {
                let settings = change(tenant.settings.clone());
                settings.applied_to(self.directory.policy())?;
                Ok(tenant.with_settings(settings))
            })
            .await?;
        self.report(&Event::of_tenant(id.clone(), EventKind::TenantChanged));
        Ok(changed)
    }

    pub(super) async fn suspend_tenant(&self, id: &TenantId) -> Result<TenantRecord, TenantAdminError> {
        if *id == TenantId::default_tenant() {
            return Err(TenantAdminError::Default);
        }
        let now = self.clock.now();
        let suspended = self.replace_tenant(id, |tenant| Ok(tenant.suspended(now))).await?;
        self.end_all_sessions(id, now).await?;
        self.report(&Event::of_tenant(id.clone(), EventKind::TenantSuspended));
        Ok(suspended)
    }

    /// Counts the tenant's epoch up. So does a trigger on `tenants`, for any program, but in the shared database and
    /// with the change: sessions may be in a database of the tenant's own, and those of a tenant who is resumed must be
    /// over before it is.
    async fn end_all_sessions(&self, id: &TenantId, now: Timestamp) -> Result<(), TenantAdminError> {
        let epochs = &self.any_tenant(id).await?.stores.records.epochs;
        let ending = Ending { at: now, reason: EndReason::Tenant };
        Ok(epochs.advance(&EpochScope::Tenant(id.clone()), ending).await?)
    }

    pub(super) async fn resume_tenant(&self, id: &TenantId) -> Result<TenantRecord, TenantAdminError> {
        let now = self.clock.now();
        if self.tenant_record(id).await?.suspended.is_some() {
            self.end_all_sessions(id, now).await?;
        }
        let resumed = self.replace_tenant(id, |tenant| Ok(tenant.resumed(now))).await?;
        self.report(&Event::of_tenant(id.clone(), EventKind::TenantResumed));
        Ok(resumed)
    }

    async fn replace_tenant(
        &self,
        id: &TenantId,
        change: impl Fn(TenantRecord) -> Result<TenantRecord, TenantAdminError> + Send + Sync,
    ) -> Result<TenantRecord, TenantAdminError> {
        for _ in 0..TRIES {
            let before = self.tenant_record(id).await?;
            let version = before.version;
            let after = change(before)?;
            if after.version == version || self.stores.tenants.update(&after).await? == Updated::Done {
                self.directory.forget(id);
                return Ok(after);
            }
        }
        Err(TenantAdminError::Contended)
    }
}

impl EngineCore {
    pub(super) async fn tenant_record(&self, id: &TenantId) -> Result<TenantRecord, TenantAdminError> {
        self.stores.tenants.find(id).await?.ok_or_else(|| TenantAdminError::NotFound(id.clone()))
    }

    pub(super) async fn tenants(&self, page: Page<TenantId>) -> Result<Vec<TenantRecord>, StoreError> {
        self.stores.tenants.list(page).await
    }
}
