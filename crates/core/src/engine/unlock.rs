//! Opening an account that wrong passwords have locked: by the link in the mail, or by an operator.

use thiserror::Error;

use super::{EngineCore, EngineTask, TenantError, UserAdminError};
use crate::clock::Timestamp;
use crate::event::{Event, EventKind};
use crate::id::UserKey;
use crate::lockout::AttemptKey;
use crate::store::StoreError;
use crate::ticket::{LinkToken, PresentedTicketSecret, RedeemOutcome, TicketPurpose};

/// Why an account is not unlocked.
#[derive(Clone, Debug, Error)]
pub enum UnlockError {
    /// The link is not one of ours, has expired, or was used.
    #[error("the link is not good, or not good any more")]
    InvalidToken,
    /// The tenant.
    #[error(transparent)]
    Tenant(#[from] TenantError),
    /// The store.
    #[error(transparent)]
    Store(#[from] StoreError),
}

impl EngineTask {
    pub(super) async fn unlock(&self, token: &str) -> Result<(), UnlockError> {
        let LinkToken { ticket: key, secret } = LinkToken::parse(token).ok_or(UnlockError::InvalidToken)?;
        let tenant = self
            .tenant(&key.tenant)
            .await
            .map_err(|refused| refused.or_unknown(UnlockError::InvalidToken))?;
        let (stores, now) = (&tenant.stores.records, self.clock.now());
        let secret = PresentedTicketSecret::of(&key, &secret, &tenant.keyring, now);
        match stores.tickets.redeem(&key, TicketPurpose::Unlock, &secret, None, now).await? {
            RedeemOutcome::Done(ticket) => {
                stores.attempts.clear(&ticket.user_key()).await?;
                if let Ok(user) = self.user(&ticket.user_key()).await {
                    self.with_verified_email(user).await;
                }
                self.report(&Event::of_user(&ticket.user_key(), EventKind::Unlocked));
                Ok(())
            }
            _ => Err(UnlockError::InvalidToken),
        }
    }

    pub(super) async fn unlock_user(&self, user: &UserKey) -> Result<(), UserAdminError> {
        self.user(user).await?;
        self.any_tenant(&user.tenant).await?.stores.records.attempts.clear(user).await?;
        self.report(&Event::of_user(user, EventKind::Unlocked));
        Ok(())
    }
}

impl EngineCore {
    pub(super) async fn locked_until(&self, user: &UserKey) -> Result<Option<Timestamp>, UserAdminError> {
        let tenant = self.any_tenant(&user.tenant).await?;
        let key = AttemptKey { user: user.clone(), device: None };
        let attempts = tenant.stores.records.attempts.find(&key).await?;
        let passwords = attempts.locked(self.clock.now(), &tenant.policy.lockout);
        Ok(passwords.max(self.codes_locked_until(&tenant, user).await?))
    }
}
