//! How an operator creates, invites, disables and changes users.

use thiserror::Error;
use tracing::{error, warn};

use super::tenant_stores::TenantStores;
use super::{EngineCore, EngineTask, NewUser, TenantError};
use crate::email::Email;
use crate::event::{Event, EventKind};
use crate::id::{TenantId, UserId, UserKey};
use crate::password::{HashRefused, Password, WeakPassword};
use crate::queued_mail::MailKind;
use crate::session::EndReason;
use crate::store::{EndScope, Page, StoreError, Stored, UnreadableRecord, Updated, UserHandle};
use crate::user::{Role, User};
use crate::username::LoginName;

/// How often a change is tried that meets a concurrent one.
const TRIES: u32 = 5;

/// Why a user was not created or changed.
#[derive(Clone, Debug, Error)]
pub enum UserAdminError {
    /// There is no such user.
    #[error("there is no such user")]
    NotFound,
    /// The address, the user name or the mobile number belongs to a user.
    #[error("the address is taken")]
    Taken,
    /// The password is too easy to guess.
    #[error(transparent)]
    Weak(#[from] WeakPassword),
    /// Other processes changed the user at each try.
    #[error("another process changed the user at the same time; try again")]
    Contended,
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

impl EngineCore {
    /// The user with a name that a stranger has typed. One whose record cannot be read gets the same answers, at the
    /// same cost, as a name that no user has: another answer would tell that the account exists.
    pub(super) async fn readable_user(
        &self,
        stores: &TenantStores,
        handle: &UserHandle,
    ) -> Stored<Option<User>> {
        match stores.records.users.find(handle).await {
            Err(fault @ StoreError::Corrupt { .. }) => {
                error!(%fault, "a user cannot sign in: `portcullis doctor` names such records");
                Ok(None)
            }
            found => found,
        }
    }

    pub(super) async fn unreadable(
        &self,
        tenant: &TenantId,
    ) -> Result<Vec<UnreadableRecord>, UserAdminError> {
        Ok(self.any_tenant(tenant).await?.stores.records.users.unreadable(tenant).await?)
    }

    pub(super) async fn user_by_email(
        &self,
        tenant: &TenantId,
        email: &Email,
    ) -> Result<User, UserAdminError> {
        self.user_by_login(tenant, &LoginName::Email(email.clone())).await
    }

    pub(super) async fn user_by_login(
        &self,
        tenant: &TenantId,
        name: &LoginName,
    ) -> Result<User, UserAdminError> {
        let stores = &self.any_tenant(tenant).await?.stores;
        let handle = UserHandle::by_login(tenant, name);
        stores.records.users.find(&handle).await?.ok_or(UserAdminError::NotFound)
    }

    pub(super) async fn user(&self, key: &UserKey) -> Result<User, UserAdminError> {
        let stores = &self.any_tenant(&key.tenant).await?.stores;
        stores.records.users.find(&UserHandle::Id(key.clone())).await?.ok_or(UserAdminError::NotFound)
    }

    pub(super) async fn users(
        &self,
        tenant: &TenantId,
        search: &str,
        page: Page<UserId>,
    ) -> Result<Vec<User>, UserAdminError> {
        let stores = &self.any_tenant(tenant).await?.stores;
        Ok(stores.records.users.list(tenant, search, page).await?)
    }
}

impl EngineTask {
    pub(super) async fn create_user(
        &self,
        tenant: &TenantId,
        new: NewUser,
        password: Password,
    ) -> Result<User, UserAdminError> {
        let tenant = self.any_tenant(tenant).await?;
        self.check_strength(&tenant, &password, &new.email)?;
        let created = self.make_user::<UserAdminError>(&tenant, new, Some(password)).await?;
        created.user().ok_or(UserAdminError::Taken)
    }

    pub(super) async fn invite_user(&self, tenant: &TenantId, new: NewUser) -> Result<User, UserAdminError> {
        let tenant = self.tenant(tenant).await?;
        let created = self.make_user::<UserAdminError>(&tenant, new, None).await?;
        let user = created.user().ok_or(UserAdminError::Taken)?;
        self.send_reset(&tenant, &user.key, MailKind::Welcome).await?;
        Ok(user)
    }

    pub(super) async fn disable_user(&self, key: &UserKey) -> Result<User, UserAdminError> {
        let user = self.change_user(key, |user| user.disabled(self.clock.now())).await?;
        self.end_all(key, EndReason::Admin).await?;
        self.report(&Event::of_user(key, EventKind::UserDisabled));
        Ok(user)
    }

    /// The user, who has used a code or a link that was sent to the address.
    pub(super) async fn with_verified_email(&self, user: User) -> User {
        if user.email_verified {
            return user;
        }
        match self.change_user(&user.key, User::with_verified_email).await {
            Ok(user) => user,
            Err(fault) => {
                // The next code or link records it.
                warn!(%fault, "it could not be recorded that an address is the user's");
                user
            }
        }
    }

    pub(super) async fn enable_user(&self, key: &UserKey) -> Result<User, UserAdminError> {
        if self.user(key).await?.disabled.is_some() {
            // A process that died while it disabled the user may have left sessions.
            self.end_all(key, EndReason::Admin).await?;
        }
        let user = self.change_user(key, |user| user.enabled(self.clock.now())).await?;
        self.report(&Event::of_user(key, EventKind::UserEnabled));
        Ok(user)
    }

    pub(super) async fn set_role(&self, key: &UserKey, role: Role) -> Result<User, UserAdminError> {
        let user = self.change_user(key, |user| user.with_role(role, self.clock.now())).await?;
        self.report(&Event::of_user(key, EventKind::RoleChanged { role }));
        Ok(user)
    }

    pub(super) async fn set_password(&self, key: &UserKey, new: Password) -> Result<User, UserAdminError> {
        let tenant = self.any_tenant(&key.tenant).await?;
        let found = self.user(key).await?;
        self.check_strength(&tenant, &new, &found.email)?;
        let hash = self.hashing(self.passwords.hash(self.client, new)).await?;
        let now = self.clock.now();
        let user = self.change_user(key, |user| user.with_new_password(hash.clone(), None, now)).await?;
        let all = EndScope::User(key.clone());
        self.end_after_new_password(&tenant.stores, &all, &user, EventKind::PasswordSet).await?;
        tenant.stores.records.attempts.clear(key).await?;
        Ok(user)
    }

    /// Ends the sessions of `scope` once the password is replaced, and tells the user: how many ended.
    ///
    /// No node accepts them any more: the write of the password has raised the password epoch. The end says so to those
    /// who know no such number, ends the tickets, and notes when and why. A process that dies before it leaves a new
    /// password and no session of a thief.
    pub(super) async fn end_after_new_password(
        &self,
        stores: &TenantStores,
        scope: &EndScope,
        user: &User,
        event: EventKind,
    ) -> Stored<u64> {
        let ended = stores.view.end(scope, EndReason::PasswordChange).await?;
        self.report(&Event::of_user(&user.key, event));
        self.send_news(stores, &user.key, MailKind::PasswordChanged, None).await;
        Ok(ended.len() as u64)
    }

    pub(super) async fn end_all(&self, user: &UserKey, reason: EndReason) -> Result<u64, UserAdminError> {
        let view = &self.any_tenant(&user.tenant).await?.stores.view;
        Ok(view.end(&EndScope::User(user.clone()), reason).await?.len() as u64)
    }

    pub(super) async fn change_user(
        &self,
        key: &UserKey,
        change: impl Fn(User) -> User + Send + Sync,
    ) -> Result<User, UserAdminError> {
        let stores = &self.any_tenant(&key.tenant).await?.stores;
        for _ in 0..TRIES {
            let before = self.user(key).await?;
            let version = before.version;
            let after = change(before);
            if after.version == version || stores.records.users.update(&after).await? == Updated::Done {
                return Ok(after);
            }
        }
        Err(UserAdminError::Contended)
    }
}
