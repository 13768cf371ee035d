//! Sign-up.

use thiserror::Error;

use super::{EngineTask, Tenant, TenantError};
use crate::email::Email;
use crate::event::{Event, EventKind};
use crate::id::{TenantId, UserId, UserKey};
use crate::mobile::Mobile;
use crate::password::{HashRefused, Password, WeakPassword};
use crate::queued_mail::{MailKind, QueuedMail};
use crate::session::Epochs;
use crate::store::{Inserted, StoreError, UserHandle};
use crate::strategy::StrategyName;
use crate::ticket::{Ticket, TicketPurpose};
use crate::user::{PersonName, Role, User};
use crate::username::Username;

/// Somebody who wants to become a user.
#[derive(Debug)]
pub struct Register {
    /// Where.
    pub tenant: TenantId,
    /// Under which strategy; it must be on offer.
    pub strategy: StrategyName,
    /// Who.
    pub new: NewUser,
    /// The password.
    pub password: Password,
}

/// Somebody who is to become a user.
#[derive(Clone, Debug)]
pub struct NewUser {
    /// The address.
    pub email: Email,
    /// The name to sign in by.
    pub username: Option<Username>,
    /// The mobile number.
    pub mobile: Option<Mobile>,
    /// The name.
    pub name: Option<PersonName>,
    /// What they may do.
    pub role: Role,
}

impl NewUser {
    /// Somebody with this address, who may do what everybody may.
    #[must_use]
    pub const fn new(email: Email, name: Option<PersonName>) -> Self {
        Self { email, username: None, mobile: None, name, role: Role::User }
    }

    fn user(self, key: UserKey, now: crate::clock::Timestamp) -> User {
        let Self { email, username, mobile, name, role } = self;
        User { username, mobile, ..User::new(key, email, name, role, now) }
    }
}

/// Why a sign-up is refused.
#[derive(Clone, Debug, Error)]
pub enum RegisterError {
    /// The address, the user name or the mobile number belongs to a user.
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

/// Whether a user was made.
pub(super) enum Made {
    /// One was.
    User(Box<User>),
    /// Something that only one may have is another's: whose, if it is the address.
    Taken { by: Option<UserKey> },
}

impl Made {
    pub(super) fn user(self) -> Option<User> {
        match self {
            Self::User(user) => Some(*user),
            Self::Taken { .. } => None,
        }
    }
}

impl EngineTask {
    pub(super) async fn register(&self, request: Register) -> Result<Option<User>, RegisterError> {
        let tenant = self.tenant(&request.tenant).await?;
        tenant.strategy(request.strategy).ok_or(RegisterError::NotOffered)?;
        let Register { new, password, .. } = request;
        tenant.policy.password.check(&password, &[tenant.id.as_str(), new.email.local_part()])?;
        let made = self.make_user::<RegisterError>(&tenant, new, Some(password)).await?;
        if !tenant.policy.hides_existence {
            return made.user().map(Some).ok_or(RegisterError::Taken);
        }
        if let Made::Taken { by: Some(owner) } = made {
            self.tell_of_sign_up(&tenant, &owner).await?;
        }
        self.uniform_delay().await;
        Ok(None)
    }

    /// Tells the owner of an address that somebody wanted to sign up with it; not each time, for a stranger must not be
    /// able to fill a letter box.
    async fn tell_of_sign_up(&self, tenant: &Tenant, owner: &UserKey) -> Result<(), StoreError> {
        let (now, random) = (self.clock.now(), self.random.as_ref());
        let notice = Ticket::new(owner, TicketPurpose::Notice, Epochs::default(), now, random);
        let news = QueuedMail::notification(owner, MailKind::SignUpAttempted, now, random);
        self.send_ticket(&tenant.stores, &notice, &news).await?;
        Ok(())
    }

    /// Makes a user, unless the address is taken. Whether the password is good enough has been asked.
    pub(super) async fn make_user<E>(
        &self,
        tenant: &Tenant,
        new: NewUser,
        password: Option<Password>,
    ) -> Result<Made, E>
    where
        E: From<HashRefused> + From<StoreError>,
    {
        self.passwords.admits()?;
        // Of many who claim one address at once, one pays for a hash; the others wait and find it taken. Where that is not
        // told, all pay, and nobody may learn by waiting what another one found.
        let _turn = if tenant.policy.hides_existence {
            None
        } else {
            let turn = self.registering.take(&tenant.id, new.email.canonical());
            Some(self.while_caller_waits(turn).await.ok_or(HashRefused::Stopped)?)
        };
        let users = &tenant.stores.records.users;
        let handle = UserHandle::Email(tenant.id.clone(), new.email.clone());
        let by = users.find(&handle).await?.map(|owner| owner.key);
        if by.is_some() && !tenant.policy.hides_existence {
            return Ok(Made::Taken { by });
        }
        let hash = match password {
            Some(password) => Some(self.hashing(self.passwords.hash(password)).await?),
            None => None,
        };
        if by.is_some() {
            return Ok(Made::Taken { by });
        }
        let now = self.clock.now();
        let key = UserKey { tenant: tenant.id.clone(), id: UserId::generate(now, self.random.as_ref()) };
        let user = new.user(key, now);
        let user = match hash {
            Some(hash) => user.with_password(hash, now),
            None => user,
        };
        if users.insert(&user).await? == Inserted::Clash {
            // Another node was quicker, or it is the name or the number that somebody has.
            let by = users.find(&handle).await?.map(|owner| owner.key);
            return Ok(Made::Taken { by });
        }
        self.report(&Event::of_user(&user.key, EventKind::SignedUp));
        Ok(Made::User(Box::new(user)))
    }
}
