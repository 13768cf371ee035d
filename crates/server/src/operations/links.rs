//! What the links in mails lead to: `/auth/unlock` (`auth.unlock`), `/auth/password/forgot`, `/auth/password/reset`

use portcullis_api::answer::Success;
use portcullis_api::request::device::{Forgot, Reset, Unlock};
use portcullis_core::id::TenantId;
use portcullis_core::ticket::LinkToken;

use super::{Call, Desk, Replied};

impl Desk {
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

    /// The rules for the password are those of the tenant that the link names; of one that names none, the default's.
    pub(super) async fn reset_password(&self, call: Call<'_>) -> Replied {
        let named = Unlock::read(&call.body).ok().and_then(|link| LinkToken::parse(link.token.reveal()));
        let named = named.map_or_else(TenantId::default_tenant, |link| link.ticket.tenant);
        let tenant = match self.engine.tenant(&named).await {
            Ok(tenant) => tenant,
            Err(_) => self.engine.tenant(&TenantId::default_tenant()).await?,
        };
        let Reset { token, new } = Reset::read(&call.body, &tenant.policy.password)?;
        self.engine.reset_password(token.reveal(), new).await?;
        self.reply(Success::PASSWORD_RESET, ())
    }
}
