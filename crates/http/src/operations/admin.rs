//! `/admin`: what an administrator does with the users of their tenant and these users' sessions.
//!
//! The tenant is always the administrator's own. The id of another tenant's user or session is answered like an unknown
//! one.

use portcullis_api::answer::Success;
use portcullis_api::answer::device::AdminUser;
use portcullis_api::operation::AdminOperation;
use portcullis_api::refusal::Refusal;
use portcullis_api::request::device::{
    CreateUserBody, ListUsersQuery, SessionPath, SetRoleBody, UserPath, UserSessionsQuery,
};
use portcullis_core::engine::NewUser;
use portcullis_core::id::{TenantId, UserKey};
use portcullis_core::session::EndReason;
use portcullis_core::ticket::IssueOutcome;
use portcullis_core::user::User;

use super::{Call, OperationDispatcher, OperationResult};

impl OperationDispatcher {
    pub(super) async fn admin(
        &self,
        operation: AdminOperation,
        call: Call<'_>,
        tenant: TenantId,
    ) -> OperationResult {
        let key =
            || Ok::<_, Refusal>(UserKey { tenant: tenant.clone(), id: UserPath::read(&call.body)?.user });
        match operation {
            AdminOperation::Users => self.users(call, tenant).await,
            AdminOperation::CreateUser => self.create_user(call, tenant).await,
            AdminOperation::User => self.user(Success::USER, self.engine.user(&key()?)).await,
            AdminOperation::DisableUser => {
                self.user(Success::USER_DISABLED, self.engine.disable_user(&key()?)).await
            }
            AdminOperation::EnableUser => {
                self.user(Success::USER_ENABLED, self.engine.enable_user(&key()?)).await
            }
            AdminOperation::UnlockUser => {
                let key = key()?;
                self.engine.unlock_user(&key).await?;
                self.user(Success::USER_UNLOCKED, self.engine.user(&key)).await
            }
            AdminOperation::SetRole => self.set_role(call, tenant).await,
            AdminOperation::ResetUser => self.reset_user(&key()?).await,
            AdminOperation::UserSessions => self.user_sessions(call, tenant).await,
            AdminOperation::EndUserSession => self.end_user_session(call, tenant).await,
            AdminOperation::EndUserSessions => self.end_user_sessions(&key()?).await,
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
        self.user(Success::USER_CREATED, self.engine.invite_user(&tenant, new)).await
    }

    async fn set_role(&self, call: Call<'_>, tenant: TenantId) -> OperationResult {
        let SetRoleBody { user, role } = SetRoleBody::read(&call.body)?;
        self.user(Success::ROLE_CHANGED, self.engine.set_role(&UserKey { tenant, id: user }, role)).await
    }

    async fn reset_user(&self, key: &UserKey) -> OperationResult {
        if let IssueOutcome::TooMany { wait } = self.engine.start_reset(key).await? {
            return Err(Refusal::too_many_attempts(wait));
        }
        self.reply(Success::RESET_SENT, ())
    }

    async fn user_sessions(&self, call: Call<'_>, tenant: TenantId) -> OperationResult {
        let UserSessionsQuery { user, page, ended } = UserSessionsQuery::read(&call.body)?;
        let user = self.engine.user(&UserKey { tenant, id: user }).await?.key;
        let listed = self.engine.sessions_that(&user, ended, page).await?;
        self.list_of_sessions((&listed, page.limit), ended, None)
    }

    async fn end_user_session(&self, call: Call<'_>, tenant: TenantId) -> OperationResult {
        let SessionPath { user, session } = SessionPath::read(&call.body)?;
        let user = self.engine.user(&UserKey { tenant, id: user }).await?.key;
        self.end_session(&user, session, EndReason::Admin).await
    }

    async fn end_user_sessions(&self, key: &UserKey) -> OperationResult {
        let user = self.engine.user(key).await?.key;
        self.end_sessions(&user, EndReason::Admin).await
    }

    /// Replies with this user.
    async fn user(
        &self,
        success: Success,
        user: impl Future<Output = Result<User, impl Into<Refusal>>>,
    ) -> OperationResult {
        let user = user.await.map_err(Into::into)?;
        self.reply(success, self.admin_user(&user).await?)
    }

    /// The user as an administrator sees them.
    async fn admin_user(&self, user: &User) -> Result<AdminUser, Refusal> {
        Ok(AdminUser::of(user, self.engine.locked_until(&user.key).await?))
    }
}
