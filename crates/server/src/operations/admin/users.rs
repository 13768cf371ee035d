//! Users.

use portcullis_api::answer::Success;
use portcullis_api::answer::device::AdminUser;
use portcullis_api::refusal::Refusal;
use portcullis_api::request::device::{CreateUser, ListUsers, OneUser, SetRole};
use portcullis_core::engine::NewUser;
use portcullis_core::id::TenantId;
use portcullis_core::ticket::IssueOutcome;
use portcullis_core::user::User;

use super::key;
use crate::operations::{Call, OperationDispatcher, Replied, Reply};

impl OperationDispatcher {
    pub(super) async fn users(&self, call: Call<'_>, tenant: TenantId) -> Replied {
        let ListUsers { page, search } = ListUsers::read(&call.body)?;
        let found = self.engine.users(&tenant, search.as_deref().unwrap_or_default(), page).await?;
        let mut shown = Vec::with_capacity(found.len());
        for user in &found {
            shown.push(self.seen(user).await?);
        }
        let is_full = found.len() >= page.limit as usize;
        let next = found.last().filter(|_| is_full).map(|user| user.key.id.as_uuid());
        Reply::of(&Success::USERS.page(shown, next, self.now()))
    }

    pub(super) async fn create_user(&self, call: Call<'_>, tenant: TenantId) -> Replied {
        let CreateUser { email, username, mobile, name, role } = CreateUser::read(&call.body)?;
        let new = NewUser { email, username, mobile, name, role };
        let user = self.engine.invite_user(&tenant, new).await?;
        self.said(Success::USER_CREATED, &user).await
    }

    pub(super) async fn user(&self, call: Call<'_>, tenant: TenantId) -> Replied {
        let OneUser { user } = OneUser::read(&call.body)?;
        let user = self.engine.user(&key(tenant, user)).await?;
        self.said(Success::USER, &user).await
    }

    pub(super) async fn disable_user(&self, call: Call<'_>, tenant: TenantId) -> Replied {
        let OneUser { user } = OneUser::read(&call.body)?;
        let user = self.engine.disable_user(&key(tenant, user)).await?;
        self.said(Success::USER_DISABLED, &user).await
    }

    pub(super) async fn enable_user(&self, call: Call<'_>, tenant: TenantId) -> Replied {
        let OneUser { user } = OneUser::read(&call.body)?;
        let user = self.engine.enable_user(&key(tenant, user)).await?;
        self.said(Success::USER_ENABLED, &user).await
    }

    pub(super) async fn unlock_user(&self, call: Call<'_>, tenant: TenantId) -> Replied {
        let OneUser { user } = OneUser::read(&call.body)?;
        let key = key(tenant, user);
        self.engine.unlock_user(&key).await?;
        let user = self.engine.user(&key).await?;
        self.said(Success::USER_UNLOCKED, &user).await
    }

    pub(super) async fn set_role(&self, call: Call<'_>, tenant: TenantId) -> Replied {
        let SetRole { user, role } = SetRole::read(&call.body)?;
        let user = self.engine.set_role(&key(tenant, user), role).await?;
        self.said(Success::ROLE_CHANGED, &user).await
    }

    pub(super) async fn reset_user(&self, call: Call<'_>, tenant: TenantId) -> Replied {
        let OneUser { user } = OneUser::read(&call.body)?;
        if let IssueOutcome::TooMany { wait } = self.engine.start_reset(&key(tenant, user)).await? {
            return Err(Refusal::too_many_attempts(wait));
        }
        self.reply(Success::RESET_SENT, ())
    }

    async fn said(&self, success: Success, user: &User) -> Replied {
        self.reply(success, self.seen(user).await?)
    }

    /// The user as an administrator sees them.
    async fn seen(&self, user: &User) -> Result<AdminUser, Refusal> {
        Ok(AdminUser::of(user, self.engine.locked_until(&user.key).await?))
    }
}
