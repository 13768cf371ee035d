//! The keys with which verifiers in other processes follow the revocation feed.

use std::time::Duration;

use thiserror::Error;
use tracing::warn;

use super::{EngineCore, EngineTask, TenantAdminError};
use crate::bounded_cache::{BoundedCache, bounded_cache};
use crate::clock::Ticks;
use crate::event::{Event, EventKind};
use crate::id::{FeedKeyId, TenantId};
use crate::revocation::{FeedKey, FeedTenants};
use crate::secret::{PlainSecret, SecretHash};
use crate::store::{Inserted, Page, StoreError, Stored};

/// How long a key that was found is believed in: so long a removed one may still be used.
const BELIEVED_FOR: Duration = Duration::from_secs(1);
/// How often the use of a key is written down.
const NOTED_EVERY: Duration = Duration::from_mins(1);
/// The most keys in the cache.
const CAPACITY: u64 = 10_000;

/// A feed key could not be made or removed.
#[derive(Debug, Error)]
pub enum FeedKeyError {
    /// It is for no tenant.
    #[error("a feed key is for one tenant at least")]
    NoTenant,
    /// One of its tenants.
    #[error(transparent)]
    Tenant(#[from] TenantAdminError),
    /// The store.
    #[error(transparent)]
    Store(#[from] StoreError),
}

/// The keys that were found lately.
pub(super) struct KnownFeedKeys(BoundedCache<SecretHash, (Ticks, FeedKey)>);

impl Default for KnownFeedKeys {
    fn default() -> Self {
        Self(bounded_cache(CAPACITY))
    }
}

impl EngineTask {
    pub(super) async fn create_feed_key(
        &self,
        tenants: &FeedTenants,
    ) -> Result<(FeedKey, PlainSecret), FeedKeyError> {
        if let FeedTenants::Some(named) = tenants {
            if named.is_empty() {
                return Err(FeedKeyError::NoTenant);
            }
            for tenant in named {
                self.tenant_record(tenant).await?;
            }
        }
        loop {
            let (key, secret) = FeedKey::generate(tenants.clone(), self.clock.now(), self.random.as_ref());
            if self.stores.feed_keys.insert(&key).await? == Inserted::Done {
                self.report_of_feed_key(&key, EventKind::FeedKeyCreated);
                return Ok((key, secret));
            }
        }
    }

    pub(super) async fn remove_feed_key(&self, id: FeedKeyId) -> Result<bool, FeedKeyError> {
        let Some(removed) = self.stores.feed_keys.remove(id).await? else { return Ok(false) };
        self.known_feed_keys.0.remove(&removed.hash);
        self.report_of_feed_key(&removed, EventKind::FeedKeyRemoved);
        Ok(true)
    }

    /// In the log of each tenant that the key is for; in that of the default tenant if it is for all.
    fn report_of_feed_key(&self, key: &FeedKey, what: EventKind) {
        let default = || [TenantId::default_tenant()].into_iter().collect();
        let tenants = match &key.tenants {
            FeedTenants::All => default(),
            FeedTenants::Some(named) => named.clone(),
        };
        for tenant in tenants {
            self.report(&Event::of_tenant(tenant, what));
        }
    }
}

impl EngineCore {
    pub(super) async fn feed_keys(&self, page: Page<FeedKeyId>) -> Stored<Vec<FeedKey>> {
        self.stores.feed_keys.list(page).await
    }

    pub(super) async fn feed_key(&self, shown: &PlainSecret) -> Stored<Option<FeedKey>> {
        let (hash, asked) = (FeedKey::hash_of(shown), self.clock.ticks());
        if let Some((found, key)) = self.known_feed_keys.0.get(&hash)
            && asked.since(found) < BELIEVED_FOR
        {
            return Ok(Some(key));
        }
        let Some(mut key) = self.stores.feed_keys.find(&hash).await? else {
            self.known_feed_keys.0.remove(&hash);
            return Ok(None);
        };
        self.note_use(&mut key).await;
        self.known_feed_keys.0.insert(hash, (asked, key.clone()));
        Ok(Some(key))
    }

    async fn note_use(&self, key: &mut FeedKey) {
        let now = self.clock.now();
        if key.last_used.is_none_or(|used| now.since(used) >= NOTED_EVERY) {
            key.last_used = Some(now);
            if let Err(fault) = self.stores.feed_keys.note_use(key.id, now).await {
                warn!(%fault, key = %key.id, "the use of a feed key could not be written down");
            }
        }
    }
}
