//! Password reset: a new password without the present one, by a link that is sent to the user's address.

use thiserror::Error;

use super::tenant_stores::TenantStores;
use super::{EngineTask, Tenant, TenantError, UserAdminError};
use crate::email::Email;
use crate::event::{Event, EventKind};
use crate::id::{TenantId, UserKey};
use crate::password::{HashRefused, Password, PasswordHash, WeakPassword};
use crate::queued_mail::{MailKind, QueuedMail};
use crate::store::{EndScope, StoreError, UserHandle};
use crate::ticket::{
    IssueOutcome, LONGEST_LIFETIME, LinkToken, PresentedTicketSecret, RedeemOutcome, Ticket, TicketKey,
    TicketPurpose, TicketState,
};
use crate::user::User;

/// Why a password is not reset.
#[derive(Clone, Debug, Error)]
pub enum ResetError {
    /// The link is not one of ours, has expired, was used, or a newer one was sent.
    #[error("the link is not good, or not good any more")]
    InvalidToken,
    /// It is one of the user's former passwords.
    #[error("the password was used before")]
    Reused,
    /// It is too easy to guess.
    #[error(transparent)]
    Weak(#[from] WeakPassword),
    /// Too many passwords are being hashed.
    #[error(transparent)]
    Busy(#[from] HashRefused),
    /// The tenant.
    #[error(transparent)]
    Tenant(#[from] TenantError),
    /// The user could not be changed.
    #[error(transparent)]
    Account(#[from] UserAdminError),
    /// The store.
    #[error(transparent)]
    Store(#[from] StoreError),
}

impl EngineTask {
    pub(super) async fn forgot_password(&self, tenant: &TenantId, email: &Email) -> Result<(), TenantError> {
        let tenant = self.tenant(tenant).await?;
        let handle = UserHandle::Email(tenant.id.clone(), email.clone());
        let found = self.readable_user(&tenant.stores, &handle).await?;
        let user = found.map_or_else(|| self.decoy_user(&tenant, email.canonical()), |user| user.key);
        self.send_reset(&tenant, &user, MailKind::Reset).await?;
        self.uniform_delay().await;
        Ok(())
    }

    pub(super) async fn start_reset(&self, user: &UserKey) -> Result<IssueOutcome, UserAdminError> {
        self.user(user).await?;
        let tenant = self.tenant(&user.tenant).await?;
        Ok(self.send_reset(&tenant, user, MailKind::Reset).await?)
    }

    pub(super) async fn send_reset(
        &self,
        tenant: &Tenant,
        user: &UserKey,
        about: MailKind,
    ) -> Result<IssueOutcome, StoreError> {
        let (now, random) = (self.clock.now(), self.random.as_ref());
        let epochs = tenant.stores.records.epochs.read(user).await?;
        let ticket = Ticket::new(user, TicketPurpose::Reset, epochs, now, random);
        let ticket = match about {
            MailKind::Welcome => Ticket { expires: now.plus(LONGEST_LIFETIME), ..ticket },
            _ => ticket,
        };
        let queued = QueuedMail { kind: about, ..QueuedMail::for_ticket(&ticket, random) };
        let issued = self.send_ticket(&tenant.stores, &ticket, &queued).await?;
        self.report(&Event::of_user(user, EventKind::ResetAsked));
        Ok(issued)
    }

    pub(super) async fn reset_password(&self, token: &str, new: Password) -> Result<(), ResetError> {
        let LinkToken { ticket: key, secret } = LinkToken::parse(token).ok_or(ResetError::InvalidToken)?;
        let tenant =
            self.tenant(&key.tenant).await.map_err(|refused| refused.or_unknown(ResetError::InvalidToken))?;
        let secret = PresentedTicketSecret::of(&key, &secret, &tenant.keyring, self.clock.now());
        // A password that is refused leaves the link unused. So what comes with one link takes turns.
        let link = key.id.to_string();
        let turn = self.changing_passwords.take(&tenant.id, &link);
        let _turn = self.while_caller_waits(turn).await.ok_or(HashRefused::Stopped)?;
        let user = self.user_of_link(&tenant, &key, &secret).await?;
        self.check_strength(&tenant, &new, &user.email)?;
        if self.was_used_before(&user, &new).await? {
            return Err(ResetError::Reused);
        }
        let password = self.hashing(self.passwords.hash(self.client, new)).await?;
        let stores = &tenant.stores.records;
        match stores.tickets.redeem(&key, TicketPurpose::Reset, &secret, None, self.clock.now()).await? {
            RedeemOutcome::Done(_) => self.set_password_by_link(&tenant.stores, &user.key, password).await,
            _ => Err(ResetError::InvalidToken),
        }
    }

    async fn set_password_by_link(
        &self,
        stores: &TenantStores,
        user: &UserKey,
        password: PasswordHash,
    ) -> Result<(), ResetError> {
        let (all, now) = (EndScope::User(user.clone()), self.clock.now());
        let next = |user: User| {
            let email_verified = true;
            User { email_verified, ..user.with_new_password(password.clone(), None, now) }
        };
        let changed = self.change_user(user, next).await?;
        self.end_after_new_password(stores, &all, &changed, EventKind::PasswordReset).await?;
        Ok(stores.records.attempts.clear(user).await?)
    }

    /// The user to whose address a link was sent, while the link is good.
    async fn user_of_link(
        &self,
        tenant: &Tenant,
        key: &TicketKey,
        secret: &PresentedTicketSecret,
    ) -> Result<User, ResetError> {
        let stores = &tenant.stores.records;
        let found = stores.tickets.find(key).await?.ok_or(ResetError::InvalidToken)?;
        let is_good = found.purpose == TicketPurpose::Reset
            && found.state == TicketState::Open
            && self.clock.now() < found.expires
            && secret.is(found.secret.as_ref())
            && found.epochs == stores.epochs.read(&found.user_key()).await?;
        let user = stores.users.find(&UserHandle::Id(found.user_key())).await?;
        user.filter(|user| is_good && user.disabled.is_none()).ok_or(ResetError::InvalidToken)
    }
}
