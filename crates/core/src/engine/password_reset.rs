//! Choosing another password without the present one: by a link that is sent to the user's address.

use std::sync::Arc;
use std::time::Duration;

use thiserror::Error;

use super::tenant_stores::TenantStores;
use super::uniform_delay::UniformDelay;
use super::whole::whole;
use super::{Engine, Tenant, TenantError, UserAdminError};
use crate::email::Email;
use crate::event::{Event, EventKind};
use crate::id::{TenantId, UserKey};
use crate::password::{HashRefused, Password, PasswordHash, PasswordMatch, WeakPassword};
use crate::queued_mail::{MailKind, QueuedMail};
use crate::session::EndReason;
use crate::store::{StoreError, UserHandle};
use crate::ticket::{IssueOutcome, LinkToken, RedeemOutcome, Ticket, TicketKey, TicketPurpose, TicketState};
use crate::user::User;

/// How long somebody has to choose a first password for an account that an administrator made.
const WELCOME: Duration = Duration::from_hours(3 * 24);

/// Why a password is not chosen.
#[derive(Clone, Debug, Error)]
pub enum ResetError {
    /// It is no such link, or it has expired, or it was used, or a newer one was sent.
    #[error("the link is not good, or not good any more")]
    InvalidToken,
    /// They had it before.
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

impl Engine {
    /// Sends a link to the user of an address, if there is one; if not, the same happens, and nobody gets it. The account
    /// stays as it is until the link is used.
    ///
    /// # Errors
    /// The tenant's or the store's.
    pub async fn forgot_password(&self, tenant: &TenantId, email: &Email) -> Result<(), TenantError> {
        let pace = UniformDelay::begin(&self.clock);
        let tenant = self.tenant(tenant).await?;
        let handle = UserHandle::Email(tenant.id.clone(), email.clone());
        let found = tenant.stores.records.users.find(&handle).await?;
        let user = found.map_or_else(|| self.decoy_user(&tenant, email.canonical()), |user| user.key);
        self.send_reset(&tenant, &user, MailKind::Reset).await?;
        pace.kept().await;
        Ok(())
    }

    /// Sends a user a link, because an administrator asks for it, unless too many were sent lately.
    ///
    /// # Errors
    /// [`UserAdminError::NotFound`], or the store's.
    pub async fn start_reset(&self, user: &UserKey) -> Result<IssueOutcome, UserAdminError> {
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
            MailKind::Welcome => Ticket { expires: now.plus(WELCOME), ..ticket },
            _ => ticket,
        };
        let queued = QueuedMail { kind: about, ..QueuedMail::for_ticket(&ticket, random) };
        let issued = self.send_ticket(&tenant.stores, &ticket, &queued).await?;
        self.report(&Event::of_user(user, EventKind::ResetAsked));
        Ok(issued)
    }

    /// Sets the password of the user whom a link was sent to, and ends all of their sessions. Nobody is signed in by it.
    ///
    /// What is wrong with the password is said before the link is spent.
    ///
    /// # Errors
    /// A [`ResetError`]; the password is as it was then.
    pub async fn reset_password(self: &Arc<Self>, token: &str, new: Password) -> Result<(), ResetError> {
        let LinkToken { ticket: key, secret } = LinkToken::parse(token).ok_or(ResetError::InvalidToken)?;
        let tenant = self.tenant(&key.tenant).await.map_err(|refused| match refused {
            TenantError::Unknown(_) => ResetError::InvalidToken,
            other => other.into(),
        })?;
        let hash = Ticket::hash_of(&key, &secret);
        let user = self.whose_link(&tenant, &key, hash).await?;
        tenant.policy.password.check(&new, &[tenant.id.as_str(), user.email.local_part()])?;
        for former in user.remembered_passwords() {
            if self.passwords.verify(new.clone(), Some(former.clone())).await? != PasswordMatch::No {
                return Err(ResetError::Reused);
            }
        }
        let password = self.passwords.hash(new).await?;
        // On its own: a client who hangs up must not leave a link that is spent and a password that is the old one.
        let engine = Arc::clone(self);
        let choosing = async move {
            let TenantStores { records: stores, .. } = &*tenant.stores;
            match stores.tickets.redeem(&key, TicketPurpose::Reset, hash, None, engine.clock.now()).await? {
                RedeemOutcome::Done(_) => engine.choose_password(&tenant.stores, &user.key, password).await,
                _ => Err(ResetError::InvalidToken),
            }
        };
        whole("choose a password", choosing).await
    }

    async fn choose_password(
        &self,
        stores: &TenantStores,
        user: &UserKey,
        password: PasswordHash,
    ) -> Result<(), ResetError> {
        self.end_all(user, EndReason::PasswordChange).await?;
        let now = self.clock.now();
        self.change_user(user, |user| user.with_password(password.clone(), now)).await?;
        self.end_all(user, EndReason::PasswordChange).await?;
        stores.records.attempts.clear(user).await?;
        self.report(&Event::of_user(user, EventKind::PasswordReset));
        self.send_news(
            stores,
            &QueuedMail::notification(user, MailKind::PasswordChanged, now, self.random.as_ref()),
        )
        .await;
        Ok(())
    }

    /// The user whom a link was sent to, while it is good.
    async fn whose_link(
        &self,
        tenant: &Tenant,
        key: &TicketKey,
        hash: crate::secret::SecretHash,
    ) -> Result<User, ResetError> {
        let stores = &tenant.stores.records;
        let now = self.clock.now();
        let found = stores.tickets.find(key).await?.ok_or(ResetError::InvalidToken)?;
        let is_good = found.purpose == TicketPurpose::Reset
            && found.state == TicketState::Open
            && now < found.expires
            && found.secret == Some(hash)
            && found.epochs == stores.epochs.read(&found.user_key()).await?;
        let user = stores.users.find(&UserHandle::Id(found.user_key())).await?;
        user.filter(|user| is_good && user.disabled.is_none()).ok_or(ResetError::InvalidToken)
    }
}
