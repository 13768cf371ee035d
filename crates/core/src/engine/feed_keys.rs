//! The keys with which verifiers in other processes follow the revocation feed.

use std::collections::HashMap;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use thiserror::Error;
use tokio::sync::Mutex;
use tokio::time::sleep;
use tracing::warn;

use super::{Engine, EngineCore, EngineTask, TenantAdminError};
use crate::bounded_cache::{BoundedCache, bounded_cache};
use crate::clock::Ticks;
use crate::event::{Event, EventKind};
use crate::id::{FeedKeyId, TenantId};
use crate::revocation::{FeedKey, FeedTenants};
use crate::secret::{PlainSecret, SecretHash};
use crate::store::{Inserted, Page, StoreError, Stored};

/// How long a key that was found is believed in: so long a removed one may still be used.
const BELIEVED_FOR: Duration = Duration::from_secs(1);
/// How often all keys are read at most.
const LISTED_EVERY: Duration = Duration::from_secs(1);
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
pub(super) struct KnownFeedKeys {
    found: BoundedCache<SecretHash, (Ticks, FeedKey)>,
    listing: Mutex<Option<FeedKeyListing>>,
    listings_begun: AtomicU64,
}

/// All keys, as they were after the listing began; `None` until the store has answered.
struct FeedKeyListing {
    number: u64,
    begun: Ticks,
    keys: Option<Stored<HashMap<SecretHash, FeedKey>>>,
}

impl FeedKeyListing {
    fn find(&self, hash: &SecretHash) -> Option<Stored<Option<FeedKey>>> {
        let found = |keys: &HashMap<_, FeedKey>| keys.get(hash).cloned();
        self.keys.as_ref().map(|keys| keys.as_ref().map(found).map_err(StoreError::clone))
    }
}

impl Default for KnownFeedKeys {
    fn default() -> Self {
        Self { found: bounded_cache(CAPACITY), listing: Mutex::default(), listings_begun: AtomicU64::new(0) }
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
        self.known_feed_keys.found.remove(&removed.hash);
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

impl Engine {
    /// Whether this process has found a feed key of this text lately, and not heard that it was removed.
    #[must_use]
    pub fn knows_feed_key(&self, shown: &PlainSecret) -> bool {
        self.core.known_feed_keys.found.contains_key(&FeedKey::hash_of(shown))
    }
}

impl EngineCore {
    pub(super) async fn feed_keys(&self, page: Page<FeedKeyId>) -> Stored<Vec<FeedKey>> {
        self.stores.feed_keys.list(page).await
    }

    pub(super) async fn feed_key(&self, shown: &PlainSecret) -> Stored<Option<FeedKey>> {
        let (hash, asked) = (FeedKey::hash_of(shown), self.clock.ticks());
        if let Some((found, key)) = self.known_feed_keys.found.get(&hash)
            && asked.since(found) < BELIEVED_FOR
        {
            return Ok(Some(key));
        }
        let Some(key) = self.stores.feed_keys.find(&hash).await? else {
            self.known_feed_keys.found.remove(&hash);
            return Ok(None);
        };
        Ok(Some(self.shown_feed_key(key, asked).await))
    }

    pub(super) async fn listed_feed_key(&self, shown: &PlainSecret) -> Stored<Option<FeedKey>> {
        let (hash, asked) = (FeedKey::hash_of(shown), self.clock.ticks());
        let Some(key) = self.key_of_listing(&hash).await? else { return Ok(None) };
        Ok(Some(self.shown_feed_key(key, asked).await))
    }

    /// Looks into a listing that was begun after the key was shown. All who wait for the next one share it.
    async fn key_of_listing(&self, hash: &SecretHash) -> Stored<Option<FeedKey>> {
        let known = &self.known_feed_keys;
        let begun = known.listings_begun.load(Ordering::SeqCst);
        let mut listing = known.listing.lock().await;
        if let Some(before) = &*listing {
            if before.number > begun
                && let Some(found) = before.find(hash)
            {
                return found;
            }
            sleep(LISTED_EVERY.saturating_sub(self.clock.ticks().since(before.begun))).await;
        }
        // Noted before the store is asked: a client that hangs up now does not make the next one come sooner.
        let number = known.listings_begun.fetch_add(1, Ordering::SeqCst) + 1;
        let next = listing.insert(FeedKeyListing { number, begun: self.clock.ticks(), keys: None });
        let all = self.stores.feed_keys.list(Page { after: None, limit: u32::MAX }).await;
        next.keys = Some(all.map(|keys| keys.into_iter().map(|key| (key.hash, key)).collect()));
        next.find(hash).unwrap_or(Ok(None))
    }

    async fn shown_feed_key(&self, mut key: FeedKey, asked: Ticks) -> FeedKey {
        self.note_use(&mut key).await;
        self.known_feed_keys.found.insert(key.hash, (asked, key.clone()));
        key
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
