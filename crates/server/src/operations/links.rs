//! What the links in mails lead to: `/auth/unlock` (`auth.unlock`), `/auth/password/forgot`, `/auth/password/reset`

use portcullis_api::answer::Success;
use portcullis_api::request::device::{Forgot, Reset, Unlock};

use super::{Call, OperationDispatcher, Replied};

impl OperationDispatcher {
    pub(super) async fn unlock(&self, call: Call<'_>) -> Replied {
        let Unlock { token } = Unlock::read(&call.body)?;
        self.engine.unlock(token.reveal()).await?;
        self.reply(Success::ACCOUNT_UNLOCKED, ())
    }

    pub(super) async fn forgot_password(&self, call: Call<'_>) -> Replied {
        let Forgot { email } = Forgot::read(&call.body)?;
        self.engine.forgot_password(&call.tenant(), &email).await?;
        self.reply(Success::RESET_REQUESTED, ())
    }

    /// The rules for the password are those of the tenant of the link, so they are asked once the link is known to be good.
    pub(super) async fn reset_password(&self, call: Call<'_>) -> Replied {
        let Reset { token, new } = Reset::read(&call.body)?;
        self.engine.reset_password(token.reveal(), new).await?;
        self.reply(Success::PASSWORD_RESET, ())
    }
}
