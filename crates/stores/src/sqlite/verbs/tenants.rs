//! Tenants, and the installation.

use async_trait::async_trait;
use portcullis_core::id::TenantId;
use portcullis_core::store::{Inserted, Page, Stored, TenantStore, Updated};
use portcullis_core::tenant::{Installation, TenantRecord};

use crate::sql::tenants;
use crate::sqlite::{SqliteStore, in_time};

#[async_trait]
impl TenantStore for SqliteStore {
    async fn get_or_create_installation(&self, proposed: &Installation) -> Stored<Installation> {
        let proposed = proposed.clone();
        self.writer
            .write("create the installation", |db| {
                Box::pin(async move { tenants::get_or_create_installation(db, &proposed).await })
            })
            .await
    }

    async fn insert(&self, tenant: &TenantRecord) -> Stored<Inserted> {
        let tenant = tenant.clone();
        self.writer
            .write("insert a tenant", |db| Box::pin(async move { tenants::insert(db, &tenant).await }))
            .await
    }

    async fn update(&self, tenant: &TenantRecord) -> Stored<Updated> {
        let tenant = tenant.clone();
        self.writer
            .write("update a tenant", |db| Box::pin(async move { tenants::update(db, &tenant).await }))
            .await
    }

    async fn find(&self, id: &TenantId) -> Stored<Option<TenantRecord>> {
        let find = async { tenants::find(&mut *self.reader().await?, id).await };
        in_time("find a tenant", find).await
    }

    async fn list(&self, page: Page<TenantId>) -> Stored<Vec<TenantRecord>> {
        let list = async { tenants::list(&mut *self.reader().await?, &page).await };
        in_time("list tenants", list).await
    }
}
