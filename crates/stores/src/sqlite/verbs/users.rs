//! Users.

use async_trait::async_trait;
use portcullis_core::id::{TenantId, UserId};
use portcullis_core::store::{Inserted, Page, Stored, Updated, UserHandle, UserStore};
use portcullis_core::user::User;

use crate::sql::users;
use crate::sqlite::{SqliteStore, in_time};

#[async_trait]
impl UserStore for SqliteStore {
    async fn insert(&self, user: &User) -> Stored<Inserted> {
        let user = user.clone();
        self.writer.write("insert a user", |db| Box::pin(async move { users::insert(db, &user).await })).await
    }

    async fn find(&self, handle: &UserHandle) -> Stored<Option<User>> {
        let find = async { users::find(&mut *self.reader().await?, handle).await };
        in_time("find a user", find).await
    }

    async fn update(&self, user: &User) -> Stored<Updated> {
        let user = user.clone();
        self.writer.write("update a user", |db| Box::pin(async move { users::update(db, &user).await })).await
    }

    async fn list(&self, tenant: &TenantId, search: &str, page: Page<UserId>) -> Stored<Vec<User>> {
        let list = async { users::list(&mut *self.reader().await?, tenant, search, &page).await };
        in_time("list users", list).await
    }
}
