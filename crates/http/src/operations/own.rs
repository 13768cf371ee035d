//! What a signed-in user does with their own account.

use portcullis_api::answer::Success;
use portcullis_api::answer::device::{
    DeviceProfile, DeviceSummary, DeviceUser, ForgottenDevice, RenamedSession, SessionSummary,
};
use portcullis_api::operation::OwnOperation;
use portcullis_api::refusal::{Code, Refusal};
use portcullis_api::request::ChangePasswordBody;
use portcullis_api::request::device::{DevicePath, EndSessionBody, OwnSessionsQuery, RenameSessionBody};
use portcullis_core::engine::ChangePassword;
use portcullis_core::session::{EndReason, SessionState};

use super::{AuthenticatedCaller, Call, OperationDispatcher, OperationResult};

impl OperationDispatcher {
    pub(super) async fn own(
        &self,
        operation: OwnOperation,
        call: Call<'_>,
        caller: AuthenticatedCaller,
    ) -> OperationResult {
        match operation {
            OwnOperation::Password => self.change_password(call, caller).await,
            OwnOperation::Me => self.me(caller).await,
            OwnOperation::Sessions => self.own_sessions(call, caller).await,
            OwnOperation::RenameSession => self.rename_session(call, caller).await,
            OwnOperation::Devices => self.devices(caller).await,
            OwnOperation::ForgetDevice => self.forget_device(call, caller).await,
            OwnOperation::LogoutSession => self.logout_session(call, caller).await,
            OwnOperation::LogoutAll => self.end_sessions(&caller.user, EndReason::LogoutAll).await,
        }
    }

    async fn change_password(&self, call: Call<'_>, caller: AuthenticatedCaller) -> OperationResult {
        // A gateway names no session, and the engine keeps the session that asks.
        let identity = caller.identity.ok_or_else(|| Refusal::plain(Code::Unauthorized))?;
        self.rates.admit_password_change(&identity, &call.requester)?;
        let tenant = self.engine.tenant(&identity.user.tenant).await?;
        let ChangePasswordBody { current, new } =
            ChangePasswordBody::read(&call.body, &tenant.policy.password)?;
        let request = ChangePassword { identity, current, new };
        self.engine.change_password(request).await.map_err(Refusal::of_device_password)?;
        self.reply(Success::PASSWORD_CHANGED, ())
    }

    async fn me(&self, caller: AuthenticatedCaller) -> OperationResult {
        let current = caller.session().ok_or_else(|| Refusal::plain(Code::Unauthorized))?;
        let user = self.engine.user(&caller.user).await?;
        let session = self.engine.session_of(&caller.user, current).await?;
        let session = session.ok_or_else(|| Refusal::plain(Code::Unauthorized))?;
        let session = SessionSummary::of(&session, SessionState::Live, Some(current));
        self.reply(Success::PROFILE, DeviceProfile { user: DeviceUser::of(&user), session })
    }

    async fn own_sessions(&self, call: Call<'_>, caller: AuthenticatedCaller) -> OperationResult {
        let OwnSessionsQuery { page, ended } = OwnSessionsQuery::read(&call.body)?;
        let listed = self.engine.sessions_that(&caller.user, ended, page).await?;
        self.list_of_sessions((&listed, page.limit), ended, caller.session())
    }

    async fn rename_session(&self, call: Call<'_>, caller: AuthenticatedCaller) -> OperationResult {
        let RenameSessionBody { session, device_name } = RenameSessionBody::read(&call.body)?;
        let renamed = self.engine.rename_session(&caller.user, session, device_name.clone()).await?;
        if renamed.is_none() {
            return Err(Refusal::plain(Code::SessionNotFound).about_session(session));
        }
        self.reply(Success::SESSION_RENAMED, RenamedSession { session_id: session, device_name })
    }

    async fn devices(&self, caller: AuthenticatedCaller) -> OperationResult {
        let user = self.engine.user(&caller.user).await?;
        let current = caller.session();
        let devices: Vec<_> = user.devices.iter().map(|known| DeviceSummary::of(known, current)).collect();
        self.reply(Success::DEVICES, devices)
    }

    async fn forget_device(&self, call: Call<'_>, caller: AuthenticatedCaller) -> OperationResult {
        let DevicePath { device } = DevicePath::read(&call.body)?;
        if !self.engine.forget_device(&caller.user, device).await? {
            return Err(Refusal::plain(Code::DeviceNotFound));
        }
        self.reply(Success::DEVICE_FORGOTTEN, ForgottenDevice { device_id: device })
    }

    async fn logout_session(&self, call: Call<'_>, caller: AuthenticatedCaller) -> OperationResult {
        let EndSessionBody { session } = EndSessionBody::read(&call.body)?;
        self.end_session(&caller.user, session, EndReason::Logout).await
    }
}
