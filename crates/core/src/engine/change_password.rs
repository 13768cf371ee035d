//! A user changes the password.

use std::time::Duration;

use thiserror::Error;

use super::password_attempt::{AttemptResult, PasswordAttempt};
use super::{EngineTask, Identity, Tenant, TenantError};
use crate::event::{Event, EventKind};
use crate::id::UserKey;
use crate::lockout::AttemptKey;
use crate::password::{HashRefused, Password, PasswordMatch, WeakPassword};
use crate::secret::SecretHash;
use crate::session::EndReason;
use crate::store::{EndScope, StoreError, Updated, UserHandle};
use crate::user::User;

/// A user's request for another password.
#[derive(Debug)]
pub struct ChangePassword {
    /// The user, and the session that stays.
    pub identity: Identity,
    /// The present password.
    pub current: Password,
    /// The new password.
    pub new: Password,
}

/// Why a password is not changed.
#[derive(Clone, Debug, Error)]
pub enum ChangePasswordError {
    /// The present password is another one.
    #[error("the current password is wrong")]
    WrongPassword,
    /// Too many wrong passwords came from this session: none is compared for a while.
    #[error("the current password was wrong too often")]
    TooManyGuesses {
        /// How long, at most, until one is compared again.
        wait: Duration,
    },
    /// It is one of the user's former passwords.
    #[error("the password was used before")]
    Reused,
    /// It is too easy to guess.
    #[error(transparent)]
    Weak(#[from] WeakPassword),
    /// The user is gone, or disabled.
    #[error("the user is gone or disabled")]
    UserGone,
    /// Another process changed the user at the same time.
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

impl EngineTask {
    pub(super) async fn change_password(&self, request: ChangePassword) -> Result<(), ChangePasswordError> {
        let ChangePassword { identity, current, new } = request;
        let tenant = self.tenant(&identity.user.tenant).await?;
        let before = standing(&tenant, &identity.user).await?;
        // A change costs several hashes. So those of one account take turns, and at most one waits for the pool.
        let whose = identity.user.id.to_string();
        let turn = self.changing_passwords.take(&tenant.id, &whose);
        let _turn = self.while_caller_waits(turn).await.ok_or(HashRefused::Stopped)?;
        let user = standing(&tenant, &identity.user).await?;
        if user.password != before.password {
            return Err(ChangePasswordError::Contended);
        }
        self.check_strength(&tenant, &new, &user.email)?;
        self.is_current(&tenant, &identity, &user, current).await?;
        if self.was_used_before(&user, &new).await? {
            return Err(ChangePasswordError::Reused);
        }
        let hash = self.hashing(self.passwords.hash(self.client, new)).await?;

        let changed = user.with_new_password(hash, Some(identity.session), self.clock.now());
        if tenant.stores.records.users.update(&changed).await? == Updated::Stale {
            return Err(ChangePasswordError::Contended);
        }
        let user = changed;
        let others = EndScope::UserExcept(user.key.clone(), identity.session);
        let event = EventKind::PasswordChanged;
        let count = self.end_after_new_password(&tenant.stores, &others, &user, event).await?;
        let reason = EndReason::PasswordChange;
        self.report(&Event::of_user(&user.key, EventKind::Ended { reason, count }));
        Ok(())
    }

    /// Attempts from within a session have a counter of their own: a thief with a stolen session cannot go on
    /// guessing, and strangers who have locked the account do not keep its owner from changing the password.
    async fn is_current(
        &self,
        tenant: &Tenant,
        identity: &Identity,
        user: &User,
        current: Password,
    ) -> Result<(), ChangePasswordError> {
        let session = SecretHash::of(&[b"session", identity.session.as_uuid().as_bytes()]);
        let attempt = PasswordAttempt {
            tenant,
            whose: AttemptKey { user: user.key.clone(), device: Some(session) },
            hash: user.password.clone(),
            stands: true,
            password: current,
        };
        let refused = match self.attempt_password::<ChangePasswordError>(attempt).await? {
            AttemptResult::Right(_) => return Ok(()),
            AttemptResult::Wrong => ChangePasswordError::WrongPassword,
            // The same answer for a right password: a thief with a stolen session learns nothing.
            AttemptResult::Locked | AttemptResult::Blocked => {
                ChangePasswordError::TooManyGuesses { wait: tenant.policy.lockout.lock_duration }
            }
        };
        self.report(&Event::of_user(&user.key, EventKind::PasswordChangeRefused));
        Err(refused)
    }

    /// Whether a password is one of those that the user had lately.
    pub(super) async fn was_used_before(&self, user: &User, new: &Password) -> Result<bool, HashRefused> {
        for former in user.remembered_passwords() {
            let comparing = self.passwords.verify(self.client, new.clone(), Some(former.clone()));
            if self.hashing(comparing).await? != PasswordMatch::No {
                return Ok(true);
            }
        }
        Ok(false)
    }
}

/// The user as stored now, unless gone or disabled.
async fn standing(tenant: &Tenant, user: &UserKey) -> Result<User, ChangePasswordError> {
    let found = tenant.stores.records.users.find(&UserHandle::Id(user.clone())).await?;
    found.filter(|user| user.disabled.is_none()).ok_or(ChangePasswordError::UserGone)
}
