//! `/admin`: what an administrator of a tenant does with its users and their sessions.
//!
//! The tenant is always the administrator's own; the id of another tenant's user or session is as good as none.

mod sessions;
mod users;

use portcullis_api::operation::DeviceOperation;
use portcullis_api::refusal::Refusal;
use portcullis_core::id::{UserId, UserKey};

use super::{Call, Caller, OperationDispatcher, Replied};

impl OperationDispatcher {
    pub(super) async fn administer(&self, call: Call<'_>, member: Caller) -> Replied {
        let tenant = member.user.tenant;
        match call.operation.kind {
            DeviceOperation::Users => self.users(call, tenant).await,
            DeviceOperation::CreateUser => self.create_user(call, tenant).await,
            DeviceOperation::User => self.user(call, tenant).await,
            DeviceOperation::DisableUser => self.disable_user(call, tenant).await,
            DeviceOperation::EnableUser => self.enable_user(call, tenant).await,
            DeviceOperation::UnlockUser => self.unlock_user(call, tenant).await,
            DeviceOperation::SetRole => self.set_role(call, tenant).await,
            DeviceOperation::ResetUser => self.reset_user(call, tenant).await,
            DeviceOperation::UserSessions => self.user_sessions(call, tenant).await,
            DeviceOperation::EndUserSession => self.end_user_session(call, tenant).await,
            DeviceOperation::EndUserSessions => self.end_user_sessions(call, tenant).await,
            _ => Err(Refusal::no_route()),
        }
    }
}

fn key(tenant: portcullis_core::id::TenantId, id: UserId) -> UserKey {
    UserKey { tenant, id }
}
