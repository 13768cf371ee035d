//! `POST /auth/signup`, `auth.signup`

use portcullis_api::answer::Success;
use portcullis_api::answer::device::DeviceUser;
use portcullis_api::request::device::SignUp;
use portcullis_core::engine::{NewUser, Register};
use portcullis_core::strategy::StrategyName;

use super::{Call, OperationDispatcher, Replied};

impl OperationDispatcher {
    pub(super) async fn signup(&self, call: Call<'_>) -> Replied {
        let tenant = self.engine.tenant(&call.tenant()).await?;
        let SignUp { username, email, mobile, password, name } =
            SignUp::read(&call.body, &tenant.policy.password)?;
        let new = NewUser { username, mobile, ..NewUser::new(email, name) };
        let tenant = tenant.id.clone();
        let request = Register { tenant, strategy: StrategyName::Device, new, password };
        let user = self.engine.register(request).await?;
        self.reply(Success::SIGNED_UP, user.as_ref().map(DeviceUser::of))
    }
}
