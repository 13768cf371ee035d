//! Who a request is from, once it is authenticated.

use crate::clock::Timestamp;
use crate::id::{SessionId, SessionKey, TokenId, UserId, UserKey};
use crate::secret::PlainSecret;
use crate::strategy::StrategyName;
use crate::user::Role;

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
    /// The mail address.
    pub email: String,
    /// The full name.
    pub name: Option<String>,
    /// The first name.
    pub given_name: Option<String>,
    /// The last name.
    pub family_name: Option<String>,
    /// What the user may do: as stored now where the check asks for the session, otherwise as the token says.
    pub role: Option<Role>,
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

/// A credential whose end has moved.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct RenewedCredential {
    /// The credential, the same as before.
    pub credential: PlainSecret,
    /// Its new end.
    pub expires: Timestamp,
}
