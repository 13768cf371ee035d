//! `/admin`: what an administrator does with the users of their tenant and these users' sessions.
//!
//! The tenant is always the administrator's own. The id of another tenant's user or session is answered like an unknown
//! one.

use portcullis_api::answer::Success;
use portcullis_api::answer::device::{AdminUser, RevokedSession, RevokedSessions};
use portcullis_api::operation::AdminOperation;
use portcullis_api::refusal::{Code, Refusal};
use portcullis_api::request::device::{
    CreateUserBody, ListUsersQuery, SessionPath, SetRoleBody, UserPath, UserSessionsQuery,
};
use portcullis_core::engine::NewUser;
use portcullis_core::id::{TenantId, UserId, UserKey};
use portcullis_core::session::EndReason;
use portcullis_core::ticket::IssueOutcome;
use portcullis_core::user::User;

use super::{Call, OperationDispatcher, OperationResult};

fn key(tenant: TenantId, id: UserId) -> UserKey {
    UserKey { tenant, id }
}

impl OperationDispatcher {
    pub(super) async fn admin(
        &self,
        operation: AdminOperation,
        call: Call<'_>,
        tenant: TenantId,
    ) -> OperationResult {
        match operation {
            AdminOperation::Users => self.users(call, tenant).await,
            AdminOperation::CreateUser => self.create_user(call, tenant).await,
            AdminOperation::User => self.user(call, tenant).await,
            AdminOperation::DisableUser => self.disable_user(call, tenant).await,
            AdminOperation::EnableUser => self.enable_user(call, tenant).await,
            AdminOperation::UnlockUser => self.unlock_user(call, tenant).await,
            AdminOperation::SetRole => self.set_role(call, tenant).await,
            AdminOperation::ResetUser => self.reset_user(call, tenant).await,
            AdminOperation::UserSessions => self.user_sessions(call, tenant).await,
            AdminOperation::EndUserSession => self.end_user_session(call, tenant).await,
            AdminOperation::EndUserSessions => self.end_user_sessions(call, tenant).await,
        }
    }

    async fn users(&self, call: Call<'_>, tenant: TenantId) -> OperationResult {
        let ListUsersQuery { page, search } = ListUsersQuery::read(&call.body)?;
        let found = self.engine.users(&tenant, search.as_deref().unwrap_or_default(), page).await?;
        let mut data = Vec::with_capacity(found.len());
        for user in &found {
            data.push(self.admin_user(user).await?);
        }
        self.page(Success::USERS, (&found, page.limit), |user| user.key.id.as_uuid(), data.into_iter())
    }

    async fn create_user(&self, call: Call<'_>, tenant: TenantId) -> OperationResult {
        let CreateUserBody { email, username, mobile, name, role } = CreateUserBody::read(&call.body)?;
        let new = NewUser { email, username, mobile, name, role };
        let user = self.engine.invite_user(&tenant, new).await?;
        self.reply_with(Success::USER_CREATED, &user).await
    }

    async fn user(&self, call: Call<'_>, tenant: TenantId) -> OperationResult {
        let UserPath { user } = UserPath::read(&call.body)?;
        let user = self.engine.user(&key(tenant, user)).await?;
        self.reply_with(Success::USER, &user).await
    }

    async fn disable_user(&self, call: Call<'_>, tenant: TenantId) -> OperationResult {
        let UserPath { user } = UserPath::read(&call.body)?;
        let user = self.engine.disable_user(&key(tenant, user)).await?;
        self.reply_with(Success::USER_DISABLED, &user).await
    }

    async fn enable_user(&self, call: Call<'_>, tenant: TenantId) -> OperationResult {
        let UserPath { user } = UserPath::read(&call.body)?;
        let user = self.engine.enable_user(&key(tenant, user)).await?;
        self.reply_with(Success::USER_ENABLED, &user).await
    }

    async fn unlock_user(&self, call: Call<'_>, tenant: TenantId) -> OperationResult {
        let UserPath { user } = UserPath::read(&call.body)?;
        let key = key(tenant, user);
        self.engine.unlock_user(&key).await?;
        let user = self.engine.user(&key).await?;
        self.reply_with(Success::USER_UNLOCKED, &user).await
    }

    async fn set_role(&self, call: Call<'_>, tenant: TenantId) -> OperationResult {
        let SetRoleBody { user, role } = SetRoleBody::read(&call.body)?;
        let user = self.engine.set_role(&key(tenant, user), role).await?;
        self.reply_with(Success::ROLE_CHANGED, &user).await
    }

    async fn reset_user(&self, call: Call<'_>, tenant: TenantId) -> OperationResult {
        let UserPath { user } = UserPath::read(&call.body)?;
        if let IssueOutcome::TooMany { wait } = self.engine.start_reset(&key(tenant, user)).await? {
            return Err(Refusal::too_many_attempts(wait));
        }
        self.reply(Success::RESET_SENT, ())
    }

    async fn user_sessions(&self, call: Call<'_>, tenant: TenantId) -> OperationResult {
        let UserSessionsQuery { user, page, ended } = UserSessionsQuery::read(&call.body)?;
        let user = self.engine.user(&key(tenant, user)).await?.key;
        let listed = self.engine.sessions_that(&user, ended, page).await?;
        self.list_of_sessions((&listed, page.limit), ended, None)
    }

    async fn end_user_session(&self, call: Call<'_>, tenant: TenantId) -> OperationResult {
        let SessionPath { user, session } = SessionPath::read(&call.body)?;
        let user = self.engine.user(&key(tenant, user)).await?.key;
        if !self.engine.end_session_of(&user, session, EndReason::Admin).await? {
            return Err(Refusal::plain(Code::SessionNotFound).about_session(session));
        }
        self.reply(Success::SESSION_REVOKED, RevokedSession { session_id: session })
    }

    async fn end_user_sessions(&self, call: Call<'_>, tenant: TenantId) -> OperationResult {
        let UserPath { user } = UserPath::read(&call.body)?;
        let user = self.engine.user(&key(tenant, user)).await?.key;
        let revoked_count = self.engine.end_sessions(&user, EndReason::Admin).await?;
        self.reply(Success::ALL_SESSIONS_REVOKED, RevokedSessions { revoked_count })
    }

    async fn reply_with(&self, success: Success, user: &User) -> OperationResult {
        self.reply(success, self.admin_user(user).await?)
    }

    /// The user as an administrator sees them.
    async fn admin_user(&self, user: &User) -> Result<AdminUser, Refusal> {
        Ok(AdminUser::of(user, self.engine.locked_until(&user.key).await?))
    }
}
