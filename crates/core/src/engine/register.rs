//! Sign-up.

use thiserror::Error;

use super::{Engine, TenantError};
use crate::email::Email;
use crate::event::{Event, What};
use crate::id::{TenantId, UserId, UserKey};
use crate::password::{HashRefused, Password, WeakPassword};
use crate::store::{Inserted, StoreError, UserHandle};
use crate::strategy::StrategyName;
use crate::user::{PersonName, Role, User};

/// Somebody who wants to become a user.
#[derive(Debug)]
pub struct Register {
    /// Where.
    pub tenant: TenantId,
    /// Under which strategy; it must be on offer.
    pub strategy: StrategyName,
    /// The address.
    pub email: Email,
    /// The name.
    pub name: PersonName,
    /// The password.
    pub password: Password,
}

/// Why a sign-up is refused.
#[derive(Clone, Debug, Error)]
pub enum RegisterError {
    /// The address belongs to a user.
    #[error("the address is taken")]
    Taken,
    /// The password is too easy to guess.
    #[error(transparent)]
    Weak(#[from] WeakPassword),
    /// The tenant does not offer the strategy.
    #[error("the strategy is not on offer")]
    NotOffered,
    /// Too many passwords are being hashed.
    #[error(transparent)]
    Busy(#[from] HashRefused),
    /// The tenant.
    #[error(transparent)]
    Tenant(#[from] TenantError),
    /// The store.
    #[error(transparent)]
    Store(#[from] StoreError),
}

impl Engine {
    /// Makes a user.
    ///
    /// # Errors
    /// A [`RegisterError`]; nothing was written then.
    pub async fn register(&self, request: Register) -> Result<User, RegisterError> {
        let tenant = self.tenant(&request.tenant).await?;
        tenant.strategy(request.strategy).ok_or(RegisterError::NotOffered)?;
        tenant.policy.password.check(&request.password, &[tenant.id.as_str(), request.email.local_part()])?;

        self.passwords.admits()?;
        // Of many who claim one address at once, one pays for a hash; the others wait and find it taken.
        let _turn = self.registering.take(&tenant.id, request.email.canonical()).await;
        let handle = UserHandle::Email(tenant.id.clone(), request.email.clone());
        if self.stores.users.find(&handle).await?.is_some() {
            return Err(RegisterError::Taken);
        }
        let password = self.passwords.hash(request.password).await?;
        let now = self.clock.now();
        let id = UserId::generate(now, self.random.as_ref());
        let key = UserKey { tenant: tenant.id.clone(), id };
        let user =
            User::new(key, request.email, Some(request.name), Role::User, now).with_password(password, now);
        match self.stores.users.insert(&user).await? {
            Inserted::Done => {
                self.report(&Event::of_user(&user.key, What::SignedUp));
                Ok(user)
            }
            Inserted::Clash => Err(RegisterError::Taken),
        }
    }
}
