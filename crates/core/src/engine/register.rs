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

/// A sign-up.
#[derive(Debug)]
pub struct Register {
    /// The tenant that the user signs up with.
    pub tenant: TenantId,
    /// The strategy, which must be on offer.
    pub strategy: StrategyName,
    /// The user to be made.
    pub new: NewUser,
    /// The first password.
    pub password: Password,
}

impl Register {
    /// A sign-up to the tenant `default`.
    #[must_use]
    pub fn new(strategy: StrategyName, new: NewUser, password: Password) -> Self {
        Self { tenant: TenantId::default_tenant(), strategy, new, password }
    }
}

/// A user to be made.
#[derive(Clone, Debug)]
pub struct NewUser {
    /// The mail address.
    pub email: Email,
    /// A name to sign in by; `None` for the address alone.
    pub username: Option<Username>,
    /// A mobile number to sign in by; `None` for the address alone.
    pub mobile: Option<Mobile>,
    /// The person's name; `None` if it is not known.
    pub name: Option<PersonName>,
    /// What the user may do.
    pub role: Role,
}

impl NewUser {
    /// A plain user with this address.
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

/// Whether a user was created.
pub(super) enum CreatedUser {
    /// It was.
    User(Box<User>),
    /// The address, the user name or the mobile number is another user's: `by`, if it is the address.
    Taken { by: Option<UserKey> },
}

impl CreatedUser {
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
        self.check_strength(&tenant, &password, &new.email)?;
        self.begin_uniform_delay();
        let created = self.make_user::<RegisterError>(&tenant, new, Some(password)).await?;
        if !tenant.policy.hides_existence {
            return created.user().map(Some).ok_or(RegisterError::Taken);
        }
        if let CreatedUser::Taken { by: Some(owner) } = created {
            self.tell_of_sign_up(&tenant, &owner).await?;
        }
        self.uniform_delay().await;
        Ok(None)
    }

    /// Mails the owner of an address that a sign-up with it was attempted; not each time, or strangers could fill the
    /// owner's mailbox.
    async fn tell_of_sign_up(&self, tenant: &Tenant, owner: &UserKey) -> Result<(), StoreError> {
        let (now, random) = (self.clock.now(), self.random.as_ref());
        let notice = Ticket::new(owner, TicketPurpose::Notice, Epochs::default(), now, random);
        let news = QueuedMail::notification(owner, MailKind::SignUpAttempted, now, random);
        self.send_ticket(&tenant.stores, &notice, &news).await?;
        Ok(())
    }

    /// Makes a user, unless the address is taken. The caller has checked the strength of the password.
    pub(super) async fn make_user<E>(
        &self,
        tenant: &Tenant,
        new: NewUser,
        password: Option<Password>,
    ) -> Result<CreatedUser, E>
    where
        E: From<HashRefused> + From<StoreError>,
    {
        self.passwords.admits(self.client)?;
        // Of many sign-ups with one address at once, one pays for a hash; the others wait and find it taken. Where
        // the tenant hides that, all pay: a wait would tell.
        let _turn = if tenant.policy.hides_existence {
            None
        } else {
            let turn = self.registering.take(&tenant.id, new.email.canonical());
            Some(self.while_caller_waits(turn).await.ok_or(HashRefused::Stopped)?)
        };
        let users = &tenant.stores.records.users;
        let handle = UserHandle::Email(tenant.id.clone(), new.email.clone());
        let by = self.readable_user(&tenant.stores, &handle).await?.map(|owner| owner.key);
        if by.is_some() && !tenant.policy.hides_existence {
            return Ok(CreatedUser::Taken { by });
        }
        let hash = match password {
            Some(password) => Some(self.hashing(self.passwords.hash(self.client, password)).await?),
            None => None,
        };
        if by.is_some() {
            return Ok(CreatedUser::Taken { by });
        }
        let now = self.clock.now();
        let key = UserKey { tenant: tenant.id.clone(), id: UserId::generate(now, self.random.as_ref()) };
        let user = new.user(key, now);
        let user = match hash {
            Some(hash) => user.with_password(hash, now),
            None => user,
        };
        if users.insert(&user).await? == Inserted::Clash {
            // Another node was quicker, or another user has the user name or the mobile number.
            let by = self.readable_user(&tenant.stores, &handle).await?.map(|owner| owner.key);
            return Ok(CreatedUser::Taken { by });
        }
        self.report(&Event::of_user(&user.key, EventKind::SignedUp));
        Ok(CreatedUser::User(Box::new(user)))
    }
}
