//! A user changes their password.

use std::sync::Arc;
use std::time::Duration;

use thiserror::Error;

use super::password_attempt::{AttemptResult, PasswordAttempt};
use super::tenant_stores::TenantStores;
use super::uniform_delay::UniformDelay;
use super::whole::whole;
use super::{Engine, Identity, Tenant, TenantError};
use crate::event::{Event, EventKind};
use crate::id::SessionId;
use crate::lockout::AttemptKey;
use crate::password::{HashRefused, Password, PasswordHash, PasswordMatch, WeakPassword};
use crate::queued_mail::{MailKind, QueuedMail};
use crate::secret::SecretHash;
use crate::session::EndReason;
use crate::store::{EndScope, StoreError, Updated, UserHandle};
use crate::user::User;

/// Somebody who wants another password.
#[derive(Debug)]
pub struct ChangePassword<'a> {
    /// Who.
    pub identity: &'a Identity,
    /// The password they have.
    pub current: Password,
    /// The password they want.
    pub new: Password,
}

/// Why a password is not changed.
#[derive(Clone, Debug, Error)]
pub enum ChangePasswordError {
    /// That is not the password they have.
    #[error("the current password is wrong")]
    WrongPassword,
    /// They were wrong too often: what they have is not looked at for a while.
    #[error("the current password was wrong too often")]
    TooManyGuesses {
        /// How long, at most.
        wait: Duration,
    },
    /// They had it before.
    #[error("the password was used before")]
    Reused,
    /// It is too easy to guess.
    #[error(transparent)]
    Weak(#[from] WeakPassword),
    /// The user is gone, or disabled.
    #[error("the user is gone or disabled")]
    UserGone,
    /// The user was changed by somebody else at the same time.
    #[error("the user was changed at the same time; try again")]
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

impl Engine {
    /// Changes a password, and ends every other session of the user.
    ///
    /// The others end before the password changes and once more after it. A crash in between leaves the old password
    /// and nobody else signed in, never a new password and a thief; and a sign-in with the old one that was under way
    /// was made under an epoch that the second ending leaves behind.
    ///
    /// # Errors
    /// A [`ChangePasswordError`]; the password is as it was then.
    pub async fn change_password(
        self: &Arc<Self>,
        request: ChangePassword<'_>,
    ) -> Result<(), ChangePasswordError> {
        let ChangePassword { identity, current, new } = request;
        let tenant = self.tenant(&identity.user.tenant).await?;
        let found = tenant.stores.records.users.find(&UserHandle::Id(identity.user.clone())).await?;
        let user = found.filter(|user| user.disabled.is_none()).ok_or(ChangePasswordError::UserGone)?;
        self.is_current(&tenant, identity, &user, current).await?;
        tenant.policy.password.check(&new, &[tenant.id.as_str(), user.email.local_part()])?;
        self.refuse_former(&user, &new).await?;
        let hash = self.passwords.hash(new).await?;

        // On its own, so that a client who hangs up half-way cannot keep the second ending from happening.
        let (engine, kept) = (Arc::clone(self), identity.session);
        let replacing = async move { engine.replace_password(&tenant.stores, user, hash, kept).await };
        whole("change a password", replacing).await
    }

    /// Guesses from within a session have a counter of their own: a stolen session cannot guess on, and strangers who have
    /// locked the account do not keep its owner from changing the password.
    async fn is_current(
        &self,
        tenant: &Tenant,
        identity: &Identity,
        user: &User,
        current: Password,
    ) -> Result<(), ChangePasswordError> {
        let session = SecretHash::of(&[b"session", identity.session.as_uuid().as_bytes()]);
        let guess = PasswordAttempt {
            tenant,
            whose: AttemptKey { user: user.key.clone(), device: Some(session) },
            hash: user.password.clone(),
            stands: true,
            password: current,
            pace: &mut UniformDelay::begin(&self.clock),
        };
        let refused = match self.attempt_password::<ChangePasswordError>(guess).await? {
            AttemptResult::Right(_) => return Ok(()),
            AttemptResult::Wrong => ChangePasswordError::WrongPassword,
            // Right or not: a stolen session does not find out.
            AttemptResult::Locked | AttemptResult::Blocked => {
                ChangePasswordError::TooManyGuesses { wait: tenant.policy.lockout.lock_duration }
            }
        };
        self.report(&Event::of_user(&user.key, EventKind::PasswordChangeRefused));
        Err(refused)
    }

    async fn replace_password(
        &self,
        stores: &TenantStores,
        user: User,
        hash: PasswordHash,
        kept: SessionId,
    ) -> Result<(), ChangePasswordError> {
        let others = EndScope::UserExcept(user.key.clone(), kept);
        let mut count = stores.view.end(&others, EndReason::PasswordChange).await?.len();
        let changed = user.with_password(hash, self.clock.now());
        if stores.records.users.update(&changed).await? == Updated::Stale {
            return Err(ChangePasswordError::Contended);
        }
        count += stores.view.end(&others, EndReason::PasswordChange).await?.len();
        self.report(&Event::of_user(&changed.key, EventKind::PasswordChanged));
        let news = QueuedMail::notification(
            &changed.key,
            MailKind::PasswordChanged,
            self.clock.now(),
            self.random.as_ref(),
        );
        self.send_news(stores, &news).await;
        let reason = EndReason::PasswordChange;
        self.report(&Event::of_user(&changed.key, EventKind::Ended { reason, count: count as u64 }));
        Ok(())
    }

    async fn refuse_former(&self, user: &User, new: &Password) -> Result<(), ChangePasswordError> {
        for former in user.remembered_passwords() {
            if self.passwords.verify(new.clone(), Some(former.clone())).await? != PasswordMatch::No {
                return Err(ChangePasswordError::Reused);
            }
        }
        Ok(())
    }
}
