//! Sign-up.

use thiserror::Error;

use super::{Engine, NewUser, Tenant, TenantError};
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

        let Register { email, name, password, .. } = request;
        let new = NewUser { tenant: tenant.id.clone(), email, name, role: Role::User, password };
        self.make_user::<RegisterError>(&tenant, new).await?.ok_or(RegisterError::Taken)
    }

    /// Makes a user, unless the address is taken. Whether the password is good enough has been asked.
    pub(super) async fn make_user<E>(&self, tenant: &Tenant, new: NewUser) -> Result<Option<User>, E>
    where
        E: From<HashRefused> + From<StoreError>,
    {
        self.passwords.admits()?;
        // Of many who claim one address at once, one pays for a hash; the others wait and find it taken.
        let _turn = self.registering.take(&new.tenant, new.email.canonical()).await;
        let handle = UserHandle::Email(new.tenant.clone(), new.email.clone());
        let users = &tenant.home.stores.users;
        if users.find(&handle).await?.is_some() {
            return Ok(None);
        }
        let password = self.passwords.hash(new.password).await?;
        let now = self.clock.now();
        let key = UserKey { tenant: new.tenant, id: UserId::generate(now, self.random.as_ref()) };
        let user = User::new(key, new.email, Some(new.name), new.role, now).with_password(password, now);
        if users.insert(&user).await? == Inserted::Clash {
            return Ok(None);
        }
        self.report(&Event::of_user(&user.key, What::SignedUp));
        Ok(Some(user))
    }
}
