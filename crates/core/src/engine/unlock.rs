//! Opening an account that was locked because of wrong guesses: by the link in the mail, or by an operator.

use std::sync::Arc;

use thiserror::Error;

use super::tenant_stores::TenantStores;
use super::whole::whole;
use super::{Engine, TenantError, UserAdminError};
use crate::clock::Timestamp;
use crate::event::{Event, EventKind};
use crate::id::UserKey;
use crate::lockout::AttemptKey;
use crate::secret::SecretHash;
use crate::store::StoreError;
use crate::ticket::{LinkToken, RedeemOutcome, Ticket, TicketKey, TicketPurpose};

/// Why an account is not opened.
#[derive(Clone, Debug, Error)]
pub enum UnlockError {
    /// It is no such link, or it has expired, or it was used.
    #[error("the link is not good, or not good any more")]
    InvalidToken,
    /// The tenant.
    #[error(transparent)]
    Tenant(#[from] TenantError),
    /// The store.
    #[error(transparent)]
    Store(#[from] StoreError),
}

impl Engine {
    /// Opens the account that a link is for.
    ///
    /// # Errors
    /// An [`UnlockError`]; the account is as it was then.
    pub async fn unlock(self: &Arc<Self>, token: &str) -> Result<(), UnlockError> {
        let LinkToken { ticket: key, secret } = LinkToken::parse(token).ok_or(UnlockError::InvalidToken)?;
        let tenant = self.tenant(&key.tenant).await.map_err(|refused| match refused {
            TenantError::Unknown(_) => UnlockError::InvalidToken,
            other => other.into(),
        })?;
        // On its own: a client who hangs up must not leave a link that is spent and an account that is locked.
        let (engine, hash) = (Arc::clone(self), Ticket::hash_of(&key, &secret));
        let opening = async move { engine.open_account(&tenant.stores, &key, hash).await };
        whole("open an account", opening).await
    }

    async fn open_account(
        &self,
        stores: &TenantStores,
        key: &TicketKey,
        secret: SecretHash,
    ) -> Result<(), UnlockError> {
        let stores = &stores.records;
        match stores.tickets.redeem(key, TicketPurpose::Unlock, secret, None, self.clock.now()).await? {
            RedeemOutcome::Done(ticket) => {
                stores.attempts.clear(&ticket.user_key()).await?;
                self.report(&Event::of_user(&ticket.user_key(), EventKind::Unlocked));
                Ok(())
            }
            _ => Err(UnlockError::InvalidToken),
        }
    }

    /// Opens a user's account.
    ///
    /// # Errors
    /// [`UserAdminError::NotFound`], or the store's.
    pub async fn unlock_user(&self, user: &UserKey) -> Result<(), UserAdminError> {
        self.user(user).await?;
        self.kept_tenant(&user.tenant).await?.stores.records.attempts.clear(user).await?;
        self.report(&Event::of_user(user, EventKind::Unlocked));
        Ok(())
    }

    /// Until when a user's account is locked, if it is.
    ///
    /// # Errors
    /// The tenant's or the store's.
    pub async fn locked_until(&self, user: &UserKey) -> Result<Option<Timestamp>, UserAdminError> {
        let tenant = self.kept_tenant(&user.tenant).await?;
        let key = AttemptKey { user: user.clone(), device: None };
        let attempts = tenant.stores.records.attempts.find(&key).await?;
        Ok(attempts.locked(self.clock.now(), &tenant.policy.lockout))
    }
}
