//! Who calls: a user with an access token, or a user that a trusted gateway names.

use portcullis_api::refusal::{Code, Refusal};
use portcullis_core::engine::{AuthenticationError, AuthenticationRequest, Identity, UserAdminError};
use portcullis_core::id::{SessionId, UserId, UserKey};
use portcullis_core::strategy::{PresentedCredentials, StrategyName};
use portcullis_core::user::{Role, User};

use super::{Call, OperationDispatcher};

/// What proves who calls.
#[derive(Clone, Copy, Debug)]
pub enum CallerCredentials<'a> {
    /// The credentials of the request.
    Presented(PresentedCredentials<'a>),
    /// The word of a trusted gateway.
    Gateway(GatewayUser),
}

/// The user that a trusted gateway names.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum GatewayUser {
    /// It names none.
    Unnamed,
    /// It names one by an id that is none of ours.
    Unknown,
    /// It names this one, and possibly the session.
    Known(UserId, Option<SessionId>),
}

/// A caller who is signed in.
#[derive(Clone, Debug)]
pub(super) struct AuthenticatedCaller {
    /// Tenant and user.
    pub(super) user: UserKey,
    /// The role; `None` where the credential says nothing of one.
    pub(super) role: Option<Role>,
    /// The session and its credential; `None` where a gateway named the user.
    pub(super) identity: Option<Identity>,
    /// The session that a gateway named.
    named_session: Option<SessionId>,
}

impl AuthenticatedCaller {
    /// The session that calls.
    pub(super) fn session(&self) -> Option<SessionId> {
        self.identity.as_ref().map(|identity| identity.session).or(self.named_session)
    }
}

impl OperationDispatcher {
    /// Authenticates the caller.
    pub(super) async fn caller(&self, call: &Call<'_>) -> Result<AuthenticatedCaller, Refusal> {
        match call.credentials {
            CallerCredentials::Presented(envelope) => {
                let (tenant, strategy) = (call.tenant.clone(), StrategyName::Device);
                let attempt = AuthenticationRequest { tenant, strategy, envelope };
                let identity =
                    self.engine.authenticate(&attempt).await.map_err(Refusal::of_device_credential)?;
                let (user, role) = (identity.user.clone(), identity.role);
                Ok(AuthenticatedCaller { user, role, identity: Some(identity), named_session: None })
            }
            CallerCredentials::Gateway(GatewayUser::Unnamed) => Err(Refusal::plain(Code::UserIdMissing)),
            CallerCredentials::Gateway(GatewayUser::Unknown) => Err(Refusal::plain(Code::UserGone)),
            CallerCredentials::Gateway(GatewayUser::Known(id, session)) => {
                self.named_by_gateway(UserKey { tenant: call.tenant(), id }, session).await
            }
        }
    }

    async fn named_by_gateway(
        &self,
        key: UserKey,
        named_session: Option<SessionId>,
    ) -> Result<AuthenticatedCaller, Refusal> {
        let tenant = self.engine.tenant(&key.tenant).await?;
        if tenant.strategy(StrategyName::Device).is_none() {
            return Err(AuthenticationError::NotOffered.into());
        }
        let role = self.standing_user(&key).await?.role;
        Ok(AuthenticatedCaller { user: key, role: Some(role), identity: None, named_session })
    }

    /// The user as the store has it now; one who is gone or disabled is refused.
    pub(super) async fn standing_user(&self, key: &UserKey) -> Result<User, Refusal> {
        match self.engine.user(key).await {
            Ok(user) if user.disabled.is_none() => Ok(user),
            Ok(_) | Err(UserAdminError::NotFound) => Err(Refusal::plain(Code::UserGone)),
            Err(error) => Err(error.into()),
        }
    }
}
