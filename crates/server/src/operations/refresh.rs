//! `POST /auth/refresh`, `auth.refresh`

use portcullis_api::answer::Success;
use portcullis_api::answer::device::TokenPair;
use portcullis_api::refusal::Refusal;
use portcullis_api::request::device;
use portcullis_core::engine::Refresh;
use portcullis_core::strategy::StrategyName;

use super::{Call, OperationDispatcher, Replied};

impl OperationDispatcher {
    pub(super) async fn refresh(&self, call: Call<'_>) -> Replied {
        let device::Refresh { token, device_secret } = device::Refresh::read(&call.body)?;
        let refresh = Refresh {
            tenant: call.tenant.clone(),
            strategy: StrategyName::Device,
            token: token.reveal(),
            device_secret,
            cookie: call.cookie.clone(),
        };
        let refreshed = self.engine.refresh(&refresh).await.map_err(Refusal::of_device_refresh)?;
        self.reply(Success::TOKENS_REFRESHED, TokenPair::new(&refreshed.access, &refreshed.refresh))
    }
}
