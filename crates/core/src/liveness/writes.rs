//! Writes of users and epochs that go through the view: what this process has written, it obeys at once.
//!
//! The engine holds the view in place of the stores of users and epochs, so no write can bypass it. The old value is
//! forgotten even if the store's answer is lost: the store may have written all the same.

use async_trait::async_trait;

use super::SessionView;
use crate::id::{TenantId, UserId, UserKey};
use crate::session::{Ending, Epochs};
use crate::store::{
    Change, ChangeSink, EpochScope, EpochStore, Inserted, MendOutcome, Page, Stored, UnreadableRecord,
    Updated, UserHandle, UserStore,
};
use crate::user::{User, UserCorrection};

#[async_trait]
impl UserStore for SessionView {
    async fn insert(&self, user: &User) -> Stored<Inserted> {
        let inserted = self.stores.users.insert(user).await;
        self.users.forget(&user.key);
        inserted
    }

    async fn find(&self, handle: &UserHandle) -> Stored<Option<User>> {
        self.stores.users.find(handle).await
    }

    async fn find_with_epochs(&self, key: &UserKey) -> Stored<Option<(User, Epochs)>> {
        self.stores.users.find_with_epochs(key).await
    }

    async fn update(&self, user: &User) -> Stored<Updated> {
        let updated = self.stores.users.update(user).await;
        self.users.forget(&user.key);
        updated
    }

    async fn list(&self, tenant: &TenantId, search: &str, page: Page<UserId>) -> Stored<Vec<User>> {
        self.stores.users.list(tenant, search, page).await
    }

    async fn unreadable(&self, tenant: &TenantId) -> Stored<Vec<UnreadableRecord>> {
        self.stores.users.unreadable(tenant).await
    }

    async fn mend(
        &self,
        tenant: &TenantId,
        record: &UnreadableRecord,
        correction: &UserCorrection,
    ) -> Stored<MendOutcome> {
        let mended = self.stores.users.mend(tenant, record, correction).await;
        // Its key may have been another one.
        self.sessions.forget_tenant(tenant);
        self.users.forget_tenant(tenant);
        mended
    }
}

#[async_trait]
impl EpochStore for SessionView {
    async fn read(&self, user: &UserKey) -> Stored<Epochs> {
        self.stores.epochs.read(user).await
    }

    async fn advance(&self, scope: &EpochScope, ending: Ending) -> Stored<()> {
        let advanced = self.stores.epochs.advance(scope, ending).await;
        self.changed(&match scope {
            EpochScope::Tenant(tenant) => Change::Tenant(tenant.clone()),
            EpochScope::Everyone => Change::Everything,
        });
        advanced
    }
}
