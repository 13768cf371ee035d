//! Users.

use std::mem;

use async_trait::async_trait;

use super::{MemoryStore, Records};
use crate::id::{TenantId, UserId, UserKey};
use crate::revocation::Revoked;
use crate::session::Epochs;
use crate::store::{
    Change, Inserted, MendOutcome, Page, RecordKind, Stored, UnreadableRecord, Updated, UserHandle, UserStore,
};
use crate::user::{User, UserCorrection};
use crate::username::Username;

#[async_trait]
impl UserStore for MemoryStore {
    async fn insert(&self, user: &User) -> Stored<Inserted> {
        let mut records = self.records();
        if records.users.contains_key(&user.key) || records.is_taken(user) {
            return Ok(Inserted::Clash);
        }
        records.users.insert(user.key.clone(), user.clone());
        drop(records);
        self.announce(&[Change::User(user.key.clone())]);
        Ok(Inserted::Done)
    }

    async fn find(&self, handle: &UserHandle) -> Stored<Option<User>> {
        let records = self.records();
        Ok(match handle {
            UserHandle::Id(key) => records.users.get(key).cloned(),
            UserHandle::Email(tenant, email) => {
                records.user(tenant, |user| user.email.canonical() == email.canonical())
            }
            UserHandle::Username(tenant, name) => {
                let canonical = Some(name.canonical());
                records.user(tenant, |user| user.username.as_ref().map(Username::canonical) == canonical)
            }
            UserHandle::Mobile(tenant, mobile) => {
                records.user(tenant, |user| user.mobile.as_ref() == Some(mobile))
            }
        })
    }

    async fn find_with_epochs(&self, key: &UserKey) -> Stored<Option<(User, Epochs)>> {
        let records = self.records();
        Ok(records.users.get(key).map(|user| (user.clone(), records.epochs_of(key))))
    }

    async fn update(&self, user: &User) -> Stored<Updated> {
        let mut records = self.records();
        if records.is_taken(user) {
            return Ok(Updated::Stale);
        }
        let before = match records.users.get_mut(&user.key) {
            Some(stored) if stored.version.checked_add(1) == Some(user.version) => {
                mem::replace(stored, user.clone())
            }
            _ => return Ok(Updated::Stale),
        };
        let mut changes = vec![Change::User(user.key.clone())];
        if before.role != user.role {
            let what = Revoked::Role { user: user.key.id, role: user.role };
            changes.push(records.revoke(Some(&user.key.tenant), what));
        }
        if before.disabled.is_none() && user.disabled.is_some() {
            changes.push(records.revoke_user(&user.key));
        }
        drop(records);
        self.announce(&changes);
        Ok(Updated::Done)
    }

    async fn list(&self, tenant: &TenantId, search: &str, page: Page<UserId>) -> Stored<Vec<User>> {
        let records = self.records();
        let of_tenant =
            records.users.values().filter(|user| user.key.tenant == *tenant && user.matches_search(search));
        let behind = of_tenant.filter(|user| page.after.is_none_or(|after| user.key.id > after));
        Ok(behind.take(page.limit as usize).cloned().collect())
    }

    /// What stands in a text column can always be read here, so a record says of itself what could not be.
    async fn mend(
        &self,
        tenant: &TenantId,
        record: &UnreadableRecord,
        correction: &UserCorrection,
    ) -> Stored<MendOutcome> {
        let mut records = self.records();
        let Some(user) = records.spoiled(tenant, record) else { return Ok(MendOutcome::NothingToMend) };
        let mut lost = user.unreadable.clone();
        lost.retain(|column| !correction.states(column));
        if !(lost.is_empty() || correction.gives_up) {
            return Ok(MendOutcome::Unclear(lost));
        }
        let user = user.corrected(correction);
        if records.is_taken(&user) {
            return Ok(MendOutcome::Clash);
        }
        records.users.insert(user.key.clone(), user.clone());
        drop(records);
        self.announce(&[Change::User(user.key.clone())]);
        Ok(MendOutcome::Mended { user: Box::new(user), lost })
    }
}

impl Records {
    fn spoiled(&self, tenant: &TenantId, record: &UnreadableRecord) -> Option<User> {
        let id = record.id.parse().ok().filter(|_| record.record == RecordKind::User)?;
        let key = UserKey { tenant: tenant.clone(), id };
        self.users.get(&key).filter(|user| !user.unreadable.is_empty()).cloned()
    }

    fn user(&self, tenant: &TenantId, is_meant: impl Fn(&User) -> bool) -> Option<User> {
        self.users.values().find(|user| user.key.tenant == *tenant && is_meant(user)).cloned()
    }

    /// Whether another user of the tenant has something that only one may have.
    fn is_taken(&self, user: &User) -> bool {
        let clashes = |other: &User| {
            let same_name = other.username.as_ref().map(Username::canonical)
                == user.username.as_ref().map(Username::canonical);
            other.key != user.key
                && (other.email.canonical() == user.email.canonical()
                    || (user.username.is_some() && same_name)
                    || (user.mobile.is_some() && other.mobile == user.mobile))
        };
        self.user(&user.key.tenant, clashes).is_some()
    }
}
