//! Password sign-in, under a strategy that asks for nothing else; and the password step of a device sign-in.

use thiserror::Error;

use super::device_proof::{DeviceSecret, PresentedDevice, ShownSecrets};
use super::issue::{IssuedProof, NewSession};
use super::password_attempt::{AttemptResult, PasswordAttempt};
use super::session_cookies::MOST_COOKIES;
use super::{EngineTask, Grant, IssueError, Tenant, TenantError};
use crate::event::{Event, EventKind};
use crate::id::{SessionId, SessionKey, TenantId, UserKey};
use crate::lockout::AttemptKey;
use crate::password::{HashRefused, Password, PasswordMatch};
use crate::secret::{PlainSecret, SecretHash};
use crate::session::{Device, DeviceProof, EndReason, Epochs, Session};
use crate::store::{EndScope, Inserted, StoreError, Stores, Updated, UserHandle};
use crate::strategy::{Strategy, StrategyName};
use crate::user::User;
use crate::username::LoginName;

/// A sign-in with a password alone.
#[derive(Debug)]
pub struct PasswordSignIn {
    /// The tenant that the user signs in to.
    pub tenant: TenantId,
    /// The strategy, which must be on offer and have no second step.
    pub strategy: StrategyName,
    /// Names the user: an address, a user name or a mobile number.
    pub login: LoginName,
    /// The password.
    pub password: Password,
    /// The device, as it describes itself.
    pub device: Device,
    /// Whether to issue a device secret, if the strategy rotates.
    pub native: bool,
    /// The device secret of an earlier sign-in: it tells a known device from others. `None` if the client has none.
    pub device_secret: Option<PlainSecret>,
    /// Credentials whose sessions end because this one replaces them.
    pub replaces: Vec<String>,
}

impl PasswordSignIn {
    /// A sign-in to the tenant `default`, on a device that is not described.
    #[must_use]
    pub fn new(strategy: StrategyName, login: LoginName, password: Password) -> Self {
        let (tenant, device) = (TenantId::default_tenant(), Device::described("", ""));
        let (native, device_secret, replaces) = (false, None, Vec::new());
        Self { tenant, strategy, login, password, device, native, device_secret, replaces }
    }
}

/// A completed sign-in.
#[derive(Clone, Debug)]
pub struct CompletedSignIn {
    /// The user.
    pub user: User,
    /// The session's public id.
    pub session: SessionId,
    /// The credentials for the client.
    pub grant: Grant,
}

/// Why a sign-in is refused.
#[derive(Clone, Debug, Error)]
pub enum PasswordSignInError {
    /// There is no such user, or the password is wrong, or the user is disabled. The client does not learn which.
    #[error("wrong address or password")]
    InvalidCredentials,
    /// The password is right, and the account is locked because of wrong ones.
    #[error("the account is locked")]
    Locked,
    /// The tenant does not offer the strategy, or a sign-in under it can have a second step, which a password alone
    /// must not skip.
    #[error("the strategy is not on offer")]
    NotOffered,
    /// Too many passwords are being hashed.
    #[error(transparent)]
    Busy(#[from] HashRefused),
    /// No credential could be issued.
    #[error(transparent)]
    Issue(#[from] IssueError),
    /// The tenant.
    #[error(transparent)]
    Tenant(#[from] TenantError),
    /// The store.
    #[error(transparent)]
    Store(#[from] StoreError),
}

impl EngineTask {
    pub(super) async fn password_sign_in(
        &self,
        request: PasswordSignIn,
    ) -> Result<CompletedSignIn, PasswordSignInError> {
        let tenant = self.tenant(&request.tenant).await?;
        let strategy =
            offered_by_password(&tenant, request.strategy).ok_or(PasswordSignInError::NotOffered)?;
        let replaced = self.replaced_by(&request).await?;
        let PasswordSignIn { strategy: name, login, password, device, native, device_secret, .. } = request;
        let shown = PresentedDevice { secret: device_secret, native, ..PresentedDevice::default() };
        let secrets = self.shown_secrets(&shown).await?;
        let (user, epochs) = self.standing_with_password(&tenant, &login, password, &secrets).await?;
        let known = secrets.meant(|secret| self.counted_device(&user, secret).is_some());
        let secret = known.as_ref().map(|known| known.secret.clone());

        let proof = self.proof_of(shown, known).await?.filter(|_| strategy.rotates());
        let secret = proof.as_ref().map(|proof| proof.secret.clone()).or(secret);
        let gave_code = false;
        let beginning = NewSession {
            tenant: &tenant,
            name,
            strategy,
            user: &user,
            epochs,
            password_epoch: user.password_epoch,
            device,
            proof,
            gave_code,
        };
        let (session, grant) = self.begin(beginning)?;
        if strategy.keeps_session() {
            self.keep(&tenant, &session).await?;
        }
        for replaced in replaced {
            tenant.stores.view.end(&EndScope::One(replaced), EndReason::Logout).await?;
        }
        self.report(&Event::of_session(&session, EventKind::SignedIn));
        if let Some(secret) = secret {
            let by_password = || DeviceProof::password_device_hash(&secret, &user.key);
            let device = self.knows_device(&user, &secret).unwrap_or_else(by_password);
            self.remember_device(&session, device).await;
        }
        Ok(CompletedSignIn { user, session: session.key.id, grant })
    }

    /// Writes a new session, and ends the user's oldest ones if they are too many now.
    pub(super) async fn keep(&self, tenant: &Tenant, session: &Session) -> Result<(), StoreError> {
        let view = &tenant.stores.view;
        if view.insert(session).await? == Inserted::Clash {
            return Err(StoreError::corrupt("session", &session.key.id, "id"));
        }
        let cap = tenant.policy.session_cap;
        if cap == 0 {
            return Ok(());
        }
        let (user, reason) = (session.user_key(), EndReason::Limit);
        let ended = view.end(&EndScope::UserBeyond(user.clone(), cap), reason).await?;
        if !ended.is_empty() {
            let count = ended.len() as u64;
            self.report(&Event::of_user(&user, EventKind::Ended { reason, count }));
        }
        Ok(())
    }

    /// The user with this password, as stored now, and the epochs.
    ///
    /// If the user was changed during the comparison, the password is compared once more: another sign-in may have
    /// brought an old hash up to date.
    pub(super) async fn standing_with_password(
        &self,
        tenant: &Tenant,
        login: &LoginName,
        password: Password,
        device: &ShownSecrets,
    ) -> Result<(User, Epochs), PasswordSignInError> {
        let user = self.user_with_password(tenant, login, password.clone(), device).await?;
        if let Some(standing) = unchanged_user(tenant, user).await? {
            return Ok(standing);
        }
        let user = self.user_with_password(tenant, login, password, device).await?;
        unchanged_user(tenant, user).await?.ok_or(PasswordSignInError::InvalidCredentials)
    }

    /// The user with this password. Whatever is wrong, the answer, its cost and its time are the same.
    async fn user_with_password(
        &self,
        tenant: &Tenant,
        login: &LoginName,
        password: Password,
        device: &ShownSecrets,
    ) -> Result<User, PasswordSignInError> {
        self.begin_uniform_delay();
        // In a flood of sign-ins most are rejected: that must not cost a read each.
        self.passwords.admits(self.client)?;
        let user = self.readable_user(&tenant.stores, &UserHandle::by_login(&tenant.id, login)).await?;
        let key =
            user.as_ref().map_or_else(|| self.decoy_user(tenant, login.canonical()), |user| user.key.clone());
        let whose = AttemptKey { device: self.known_device(user.as_ref(), device), user: key };
        let attempt = PasswordAttempt {
            tenant,
            whose: whose.clone(),
            hash: user.as_ref().and_then(|user| user.password.clone()),
            stands: user.as_ref().is_some_and(|user| user.disabled.is_none()),
            password: password.clone(),
        };
        match (self.attempt_password::<PasswordSignInError>(attempt).await?, user) {
            (AttemptResult::Right(verified), Some(user)) => {
                if whose.device.is_some() {
                    // The owner is back: the attempts of strangers count no more.
                    tenant.stores.records.attempts.clear(&user.key).await?;
                }
                if verified == PasswordMatch::YesButRehash {
                    self.rehash(tenant, user, password).await
                } else {
                    Ok(user)
                }
            }
            (AttemptResult::Locked, Some(user)) => {
                self.report(&Event::of_user(&user.key, EventKind::SignInRefused));
                Err(PasswordSignInError::Locked)
            }
            (_, user) => {
                let event = Event::of_tenant(tenant.id.clone(), EventKind::SignInRefused);
                self.report(&Event { user: user.map(|user| user.key.id), ..event });
                self.uniform_delay().await;
                Err(PasswordSignInError::InvalidCredentials)
            }
        }
    }

    /// The device whose attempts are counted on their own.
    fn known_device(&self, user: Option<&User>, shown: &ShownSecrets) -> Option<SecretHash> {
        shown.0.iter().find_map(|shown| self.counted_device(user?, &shown.secret))
    }

    /// The hash by which attempts from the device with this secret are counted; `None` unless the user has signed in on
    /// it before, in whichever way.
    pub(super) fn counted_device(&self, user: &User, secret: &PlainSecret) -> Option<SecretHash> {
        let by_password = DeviceProof::password_device_hash(secret, &user.key);
        let is_known = user.knows_device(&by_password, self.clock.now());
        self.knows_device(user, secret).or(is_known.then_some(by_password))
    }

    /// The hash by which a user knows the device with this secret; `None` for a device that is not known.
    pub(super) fn knows_device(&self, user: &User, secret: &PlainSecret) -> Option<SecretHash> {
        let hash = DeviceProof::known_device_hash(secret, &user.key);
        user.knows_device(&hash, self.clock.now()).then_some(hash)
    }

    /// The device proof of a session, if the client keeps a secret.
    async fn proof_of(
        &self,
        shown: PresentedDevice,
        known: Option<DeviceSecret>,
    ) -> Result<Option<IssuedProof>, PasswordSignInError> {
        if !shown.native {
            return Ok(None);
        }
        let fresh = match known {
            Some(_) => None,
            None => Some(self.fresh_secret::<PasswordSignInError>().await?),
        };
        Ok(shown.proof(known, fresh))
    }

    /// Brings an old hash up to date. If the pool is full, the next sign-in tries again.
    async fn rehash(
        &self,
        tenant: &Tenant,
        user: User,
        password: Password,
    ) -> Result<User, PasswordSignInError> {
        let Ok(hash) = self.hashing(self.passwords.hash(self.client, password)).await else {
            return Ok(user);
        };
        let rehashed = user.clone().rehashed(hash);
        match tenant.stores.records.users.update(&rehashed).await? {
            Updated::Done => Ok(rehashed),
            Updated::Stale => Ok(user),
        }
    }

    /// The sessions that the sign-in replaces. They are looked up before anything is written: an outage must not leave
    /// an old session beside the new one.
    async fn replaced_by(&self, request: &PasswordSignIn) -> Result<Vec<SessionKey>, StoreError> {
        let mut replaced = Vec::new();
        for credential in request.replaces.iter().take(MOST_COOKIES) {
            replaced.extend(self.session_of_credential(&request.tenant, request.strategy, credential).await?);
        }
        Ok(replaced)
    }
}

/// A strategy on offer under which a password alone signs in. One with a second step has a sign-in of its own, which
/// decides whether the step is needed.
fn offered_by_password(tenant: &Tenant, name: StrategyName) -> Option<Strategy> {
    tenant.strategy(name).filter(|_| !name.has_second_step())
}

/// The user as stored now, and the epochs, unless the user was disabled or got another password since the comparison.
///
/// The epochs are read first: what ends the user's sessions later advances them, and so ends the session that is made
/// under them. The user has the password epoch of the password that was compared: it is raised with the password.
async fn unchanged_user(tenant: &Tenant, user: User) -> Result<Option<(User, Epochs)>, StoreError> {
    let (key, stores): (&UserKey, &Stores) = (&user.key, &tenant.stores.records);
    let epochs = stores.epochs.read(key).await?;
    let now = stores.users.find(&UserHandle::Id(key.clone())).await?;
    let unchanged = now.filter(|now| now.disabled.is_none() && now.password == user.password);
    Ok(unchanged.map(|now| (now, epochs)))
}
