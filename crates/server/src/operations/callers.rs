//! Who calls: by an access token, or because a gateway that is trusted says so.

use portcullis_api::refusal::{Code, Refusal};
use portcullis_core::engine::{AuthenticationError, AuthenticationRequest, Identity, UserAdminError};
use portcullis_core::id::{SessionId, UserId, UserKey};
use portcullis_core::strategy::{PresentedCredentials, StrategyName};
use portcullis_core::user::Role;

use super::{Call, OperationDispatcher};

/// Who somebody says they are.
#[derive(Clone, Copy, Debug)]
pub(crate) enum CallerClaim<'a> {
    /// By what they show.
    Shown(PresentedCredentials<'a>),
    /// By the word of a gateway, which names a user or forgot to.
    Vouched(Option<UserId>),
}

/// Somebody who is signed in.
#[derive(Clone, Debug)]
pub(crate) struct Caller {
    /// Tenant and user.
    pub(crate) user: UserKey,
    /// What they may do, where that is known.
    pub(crate) role: Option<Role>,
    /// How they are signed in; a gateway vouches for a user and not for a session.
    pub(crate) identity: Option<Identity>,
}

impl Caller {
    /// The session that asks.
    pub(super) fn session(&self) -> Option<SessionId> {
        self.identity.as_ref().map(|identity| identity.session)
    }
}

impl OperationDispatcher {
    /// Whoever calls, if they are signed in.
    pub(super) async fn member(&self, call: &Call<'_>) -> Result<Caller, Refusal> {
        match call.claim {
            CallerClaim::Shown(envelope) => {
                let attempt = AuthenticationRequest {
                    tenant: call.tenant.clone(),
                    strategy: StrategyName::Device,
                    envelope,
                };
                let identity =
                    self.engine.authenticate(&attempt).await.map_err(Refusal::of_device_credential)?;
                Ok(Caller { user: identity.user.clone(), role: identity.role, identity: Some(identity) })
            }
            CallerClaim::Vouched(None) => Err(Refusal::plain(Code::UserIdMissing)),
            CallerClaim::Vouched(Some(id)) => self.vouched(UserKey { tenant: call.tenant(), id }).await,
        }
    }

    async fn vouched(&self, user: UserKey) -> Result<Caller, Refusal> {
        let tenant = self.engine.tenant(&user.tenant).await?;
        if tenant.strategy(StrategyName::Device).is_none() {
            return Err(AuthenticationError::NotOffered.into());
        }
        let found = match self.engine.user(&user).await {
            Ok(found) => Some(found),
            Err(UserAdminError::NotFound) => None,
            Err(error) => return Err(error.into()),
        };
        let stands = found.filter(|found| found.disabled.is_none());
        let found = stands.ok_or_else(|| Refusal::plain(Code::UserGone))?;
        Ok(Caller { user, role: Some(found.role), identity: None })
    }
}
