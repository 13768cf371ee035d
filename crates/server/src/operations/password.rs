//! `POST /auth/password`

use portcullis_api::answer::Success;
use portcullis_api::refusal::{Code, Refusal};
use portcullis_api::request;
use portcullis_core::engine::ChangePassword;

use super::{Call, Caller, OperationDispatcher, Replied};

impl OperationDispatcher {
    pub(super) async fn change_password(&self, call: Call<'_>, member: Caller) -> Replied {
        let tenant = self.engine.tenant(&member.user.tenant).await?;
        let request::ChangePassword { current, new } =
            request::ChangePassword::read(&call.body, &tenant.policy.password)?;
        // A gateway vouches for no session, and this is about all but one of them.
        let identity = member.identity.ok_or_else(|| Refusal::plain(Code::Unauthorized))?;
        let request = ChangePassword { identity: &identity, current, new };
        self.engine.change_password(request).await.map_err(Refusal::of_device_password)?;
        self.reply(Success::PASSWORD_CHANGED, ())
    }
}
