//! Who a request is from, once it is authenticated.

use std::ops::Deref;
use std::sync::Arc;

use crate::clock::Timestamp;
use crate::id::{SessionId, SessionKey, TokenId, UserId, UserKey};
use crate::secret::PlainSecret;
use crate::strategy::StrategyName;
use crate::user::{Role, UserProfile};

/// The user and the session behind a credential.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Identity {
    /// Tenant and user.
    pub user: UserKey,
    /// The session's id.
    pub session: SessionId,
    /// The strategy it was made under.
    pub strategy: StrategyName,
    /// The access token's id; `None` for a session cookie.
    pub token: Option<TokenId>,
    /// Address and name, as the token or the user's record has them. All requests of a session share them.
    pub profile: Arc<UserProfile>,
    /// What the user may do: as stored now where the check asks for the session, otherwise as the token says.
    pub role: Option<Role>,
    /// When the user signed in (`auth_time`); `None` where the token does not say it.
    pub signed_in: Option<Timestamp>,
    /// The credential to set again because its end has moved; `None` if it has not.
    pub renewed: Option<RenewedCredential>,
}

impl Identity {
    /// The user's id.
    #[must_use]
    pub const fn user_id(&self) -> UserId {
        self.user.id
    }

    /// The session's key.
    #[must_use]
    pub fn session_key(&self) -> SessionKey {
        SessionKey { tenant: self.user.tenant.clone(), id: self.session }
    }
}

/// Its address and name are read as its own, `identity.email`.
impl Deref for Identity {
    type Target = UserProfile;

    fn deref(&self) -> &UserProfile {
        &self.profile
    }
}

/// A credential whose end has moved.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct RenewedCredential {
    /// The credential, the same as before.
    pub credential: PlainSecret,
    /// Its new end.
    pub expires: Timestamp,
}
