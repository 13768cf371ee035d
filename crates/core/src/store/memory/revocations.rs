//! Revocations, and feed keys. This store has no clock: it keeps revocations for ever.

use std::collections::BTreeMap;
use std::time::Duration;

use async_trait::async_trait;

use super::{MemoryStore, Records};
use crate::clock::Timestamp;
use crate::id::{FeedKeyId, TenantId, UserKey};
use crate::revocation::{FeedKey, RevocationPlace, Revoked, StoredRevocation};
use crate::secret::SecretHash;
use crate::session::Session;
use crate::store::{
    Change, EpochScope, FeedKeyStore, Inserted, ListedRevocations, Page, RevocationPage, RevocationStore,
    Stored,
};

/// What was revoked last of each kind and id.
pub(super) type Revocations = BTreeMap<RevocationPlace, StoredRevocation>;

const FOR_EVER: Timestamp = Timestamp::from_millis(i64::MAX);

impl Records {
    /// Notes what was revoked, and says how that is announced.
    pub(super) fn revoke(&mut self, tenant: Option<&TenantId>, what: Revoked) -> Change {
        self.revoke_until(tenant, what, FOR_EVER)
    }

    fn revoke_until(&mut self, tenant: Option<&TenantId>, what: Revoked, until: Timestamp) -> Change {
        let revocation =
            StoredRevocation { tenant: tenant.cloned(), what, until, at: Timestamp::from_millis(0) };
        self.revocations.insert(revocation.place(), revocation.clone());
        Change::Revoked(Box::new(revocation))
    }

    pub(super) fn revoke_session(&mut self, ended: &Session) -> Change {
        let what = Revoked::Session(ended.key.id);
        self.revoke_until(Some(&ended.key.tenant), what, ended.absolute_expires)
    }

    /// Counts an epoch up.
    pub(super) fn advance_epoch(&mut self, scope: &EpochScope) -> Change {
        match scope {
            EpochScope::Tenant(tenant) => {
                *self.tenant_epochs.entry(tenant.clone()).or_default() += 1;
                self.revoke(Some(tenant), Revoked::Tenant)
            }
            EpochScope::Everyone => {
                self.everyone_epoch += 1;
                self.revoke(None, Revoked::Everyone)
            }
        }
    }

    /// Counts the epoch of a user up who was disabled.
    pub(super) fn revoke_user(&mut self, user: &UserKey) -> Change {
        let epoch = self.user_epochs.entry(user.clone()).or_default();
        *epoch += 1;
        let what = Revoked::User { user: user.id, epoch: *epoch, kept: None };
        self.revoke(Some(&user.tenant), what)
    }
}

#[async_trait]
impl RevocationStore for MemoryStore {
    async fn note_token_lifetime(&self, _longest: Duration) -> Stored<()> {
        Ok(())
    }

    async fn list(&self, page: &RevocationPage) -> Stored<ListedRevocations> {
        let records = self.records();
        let of_tenant = records.revocations.iter().filter(|(_, it)| is_of(page.tenant.as_ref(), it));
        let behind = of_tenant.filter(|(place, _)| page.after.as_ref().is_none_or(|after| *place > after));
        let found: Vec<_> = behind.take(page.limit as usize).collect();
        let next =
            found.last().filter(|_| found.len() == page.limit as usize).map(|(place, _)| (*place).clone());
        Ok(ListedRevocations { revocations: found.into_iter().map(|(_, it)| it.clone()).collect(), next })
    }

    async fn latest(
        &self,
        tenant: Option<TenantId>,
        _within: Duration,
        most: u32,
    ) -> Stored<Option<Vec<StoredRevocation>>> {
        let records = self.records();
        let of_tenant = records.revocations.values().filter(|it| is_of(tenant.as_ref(), it));
        let found: Vec<_> = of_tenant.cloned().collect();
        Ok(Some(found).filter(|found| found.len() <= most as usize))
    }

    async fn purge(&self, _limit: u32) -> Stored<u64> {
        Ok(0)
    }
}

fn is_of(tenant: Option<&TenantId>, revocation: &StoredRevocation) -> bool {
    tenant.is_none() || revocation.tenant.as_ref() == tenant
}

#[async_trait]
impl FeedKeyStore for MemoryStore {
    async fn insert(&self, key: &FeedKey) -> Stored<Inserted> {
        let keys = &mut self.records().feed_keys;
        if keys.iter().any(|known| known.id == key.id || known.hash == key.hash) {
            return Ok(Inserted::Clash);
        }
        keys.push(key.clone());
        Ok(Inserted::Done)
    }

    async fn find(&self, hash: &SecretHash) -> Stored<Option<FeedKey>> {
        Ok(self.records().feed_keys.iter().find(|key| key.hash == *hash).cloned())
    }

    async fn list(&self, page: Page<FeedKeyId>) -> Stored<Vec<FeedKey>> {
        let mut keys = self.records().feed_keys.clone();
        keys.sort_by_key(|key| key.id);
        keys.retain(|key| page.after.is_none_or(|after| key.id > after));
        keys.truncate(page.limit as usize);
        Ok(keys)
    }

    async fn note_use(&self, id: FeedKeyId, now: Timestamp) -> Stored<()> {
        for key in self.records().feed_keys.iter_mut().filter(|key| key.id == id) {
            key.last_used = key.last_used.max(Some(now));
        }
        Ok(())
    }

    async fn remove(&self, id: FeedKeyId) -> Stored<Option<FeedKey>> {
        Ok(self.records().feed_keys.extract_if(.., |key| key.id == id).last())
    }
}
