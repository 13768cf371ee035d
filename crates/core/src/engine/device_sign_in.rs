//! Sign-in on the device-session surface: a password, and then a code if the tenant asks for a second step.

use std::time::Duration;

use thiserror::Error;

use super::code_attempt::CodeAttempt;
use super::device_proof::{DeviceSecret, PresentedDevice, ShownSecrets};
use super::issue::{IssuedProof, NewSession};
use super::{CompletedSignIn, EngineTask, IssueError, PasswordSignInError, Tenant, TenantError};
use crate::clock::Timestamp;
use crate::event::{Event, EventKind};
use crate::id::{TenantId, TicketId};
use crate::password::Password;
use crate::queued_mail::{MailKind, QueuedMail};
use crate::secret::{PlainSecret, SecretHash};
use crate::session::{Device, Epochs, Session};
use crate::store::{StoreError, UserHandle};
use crate::strategy::{Strategy, StrategyName};
use crate::tenant::SecondStep;
use crate::ticket::{IssueOutcome, PresentedTicketSecret, RedeemOutcome, Ticket, TicketKey, TicketPurpose};
use crate::user::User;
use crate::username::LoginName;

/// The first step of a device sign-in.
#[derive(Debug)]
pub struct DeviceSignIn {
    /// The tenant that the user signs in to.
    pub tenant: TenantId,
    /// Names the user: an address, a user name or a mobile number.
    pub login: LoginName,
    /// The password.
    pub password: Password,
    /// The device, as it describes itself.
    pub device: Device,
    /// What the request presents of its device.
    pub shown: PresentedDevice,
}

impl DeviceSignIn {
    /// A sign-in to the tenant `default`, on a device that is not described and presents nothing.
    #[must_use]
    pub fn new(login: LoginName, password: Password) -> Self {
        let (tenant, device) = (TenantId::default_tenant(), Device::described("", ""));
        Self { tenant, login, password, device, shown: PresentedDevice::default() }
    }
}

/// The second step of a device sign-in.
#[derive(Debug)]
pub struct VerifyCode {
    /// The tenant that the user signs in to.
    pub tenant: TenantId,
    /// The sign-in that the first step began.
    pub login: TicketId,
    /// The code from the mail.
    pub code: PlainSecret,
    /// The device, as it describes itself.
    pub device: Device,
    /// What the request presents of its device.
    pub shown: PresentedDevice,
}

/// What a right password leads to.
#[derive(Clone, Debug)]
pub enum DeviceSignInResult {
    /// A code is on its way.
    CodeSent {
        /// Names the sign-in in the second step.
        login: TicketId,
        /// When the code expires.
        expires: Timestamp,
        /// The device cookie to set; `None` if none is to be set.
        cookie: Option<PlainSecret>,
    },
    /// The user is signed in.
    Done(Box<CompletedDeviceSignIn>),
}

/// A completed sign-in on a device.
#[derive(Clone, Debug)]
pub struct CompletedDeviceSignIn {
    /// The user, and the credentials.
    pub signed_in: CompletedSignIn,
    /// The new session.
    pub session: Session,
    /// The device cookie to set; `None` if none is to be set.
    pub cookie: Option<PlainSecret>,
}

/// Why a sign-in is refused.
#[derive(Clone, Debug, Error)]
pub enum DeviceSignInError {
    /// The password was not accepted, or the sign-in failed after it.
    #[error(transparent)]
    Password(#[from] PasswordSignInError),
    /// Too many codes were asked for lately.
    #[error("too many codes were asked for")]
    TooManyCodes {
        /// How long until another code may be asked for.
        wait: Duration,
    },
}

/// Why a code is refused.
#[derive(Clone, Debug, Error)]
pub enum VerifyCodeError {
    /// It is not the code, or there is no such sign-in, or the sign-in is over or belongs to another device.
    #[error("the code is not right")]
    Wrong,
    /// The code has expired.
    #[error("the code has expired")]
    Expired,
    /// Too many wrong codes came before.
    #[error("too many wrong codes")]
    TooMany,
    /// The tenant does not offer device sessions.
    #[error("the strategy is not on offer")]
    NotOffered,
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

/// A user who has taken every step that was asked for.
struct Accepted<'a> {
    tenant: &'a Tenant,
    strategy: Strategy,
    user: User,
    epochs: Epochs,
    password_epoch: u64,
    device: Device,
    proof: Option<IssuedProof>,
    cookie: Option<PlainSecret>,
    gave_code: bool,
}

impl EngineTask {
    pub(super) async fn device_sign_in(
        &self,
        request: DeviceSignIn,
    ) -> Result<DeviceSignInResult, DeviceSignInError> {
        let tenant = self.tenant(&request.tenant).await?;
        let strategy = tenant.strategy(StrategyName::Device).ok_or(PasswordSignInError::NotOffered)?;
        let DeviceSignIn { login, password, device, shown, .. } = request;
        let secrets = self.shown_secrets(&shown).await?;
        let (user, epochs) = self.standing_with_password(&tenant, &login, password, &secrets).await?;
        let is_known = |secret: &PlainSecret| self.knows_device(&user, secret).is_some();
        let known = secrets.meant(is_known);
        let asks_for_code = match tenant.policy.second_step {
            SecondStep::Off => false,
            SecondStep::NewDevices => !known.as_ref().is_some_and(|known| is_known(&known.secret)),
            SecondStep::On | SecondStep::Forced => true,
        };

        let fresh = match known {
            None if shown.keeps_cookies || shown.native => {
                Some(self.fresh_secret::<DeviceSignInError>().await?)
            }
            _ => None,
        };
        let cookie = cookie_of(&shown, known.as_ref().or(fresh.as_ref()));
        if !asks_for_code {
            let proof = shown.proof(known, fresh);
            let gave_code = false;
            let (tenant, password_epoch) = (&tenant, user.password_epoch);
            let accepted =
                Accepted { tenant, strategy, user, epochs, password_epoch, device, proof, cookie, gave_code };
            return Ok(DeviceSignInResult::Done(Box::new(self.accept::<DeviceSignInError>(accepted).await?)));
        }
        let asking = if shown.native { None } else { known.or(fresh) };
        let ticket = self.ask_for_code(&tenant, &user, epochs, &device, asking.as_ref()).await?;
        Ok(DeviceSignInResult::CodeSent { login: ticket.key.id, expires: ticket.expires, cookie })
    }

    async fn ask_for_code(
        &self,
        tenant: &Tenant,
        user: &User,
        epochs: Epochs,
        device: &Device,
        asking: Option<&DeviceSecret>,
    ) -> Result<Ticket, DeviceSignInError> {
        let now = self.clock.now();
        let ticket = Ticket::new(&user.key, TicketPurpose::Code, epochs, now, self.random.as_ref());
        let bound = asking.map(|asking| bound_to(&ticket.key, &asking.secret));
        let ticket = Ticket { device: bound, password_epoch: user.password_epoch, ..ticket };
        let queued = QueuedMail::for_ticket(&ticket, self.random.as_ref()).with_device(device);
        let issued = self.send_ticket(&tenant.stores, &ticket, &queued).await?;
        if let IssueOutcome::TooMany { wait } = issued {
            return Err(DeviceSignInError::TooManyCodes { wait });
        }
        self.report(&Event::of_user(&user.key, EventKind::CodeAsked));
        Ok(ticket)
    }

    pub(super) async fn verify_code(
        &self,
        request: VerifyCode,
    ) -> Result<CompletedDeviceSignIn, VerifyCodeError> {
        let tenant = self.tenant(&request.tenant).await?;
        let strategy = tenant.strategy(StrategyName::Device).ok_or(VerifyCodeError::NotOffered)?;
        let VerifyCode { login, code, device, shown, .. } = request;
        let secrets = self.shown_secrets(&shown).await?;
        let key = TicketKey { tenant: tenant.id.clone(), id: login };
        let known = match secrets.0.len() {
            0 | 1 => secrets.meant(|_| false),
            _ => that_asked(secrets, &key, tenant.stores.records.tickets.find(&key).await?.as_ref()),
        };
        // A browser sends its cookie with every request. So the cookie must be that of the device that asked for the
        // code. An app sends its secret on purpose, and may begin to do so with this step.
        let sent_unasked = known.as_ref().filter(|_| shown.secret.is_none());
        let attempt = self.reserve_code_attempt(&tenant, &key, known.as_ref()).await?;
        let ticket = self.redeem_code(&tenant, &key, &code, sent_unasked, attempt).await?;

        let stores = &tenant.stores.records;
        let epochs = stores.epochs.read(&ticket.user_key()).await?;
        let found = stores.users.find(&UserHandle::Id(ticket.user_key())).await?;
        let stands = |user: &User| epochs == ticket.epochs && ticket.may_complete(user);
        let user = found.filter(stands).ok_or(VerifyCodeError::Wrong)?;
        let user = self.with_verified_email(user).await;

        let fresh = match known {
            None if shown.native => Some(self.fresh_secret::<VerifyCodeError>().await?),
            _ => None,
        };
        let cookie = cookie_of(&shown, known.as_ref());
        let proof = shown.proof(known, fresh);
        let gave_code = true;
        let (tenant, password_epoch) = (&tenant, ticket.password_epoch);
        self.accept(Accepted {
            tenant,
            strategy,
            user,
            epochs,
            password_epoch,
            device,
            proof,
            cookie,
            gave_code,
        })
        .await
    }

    async fn redeem_code(
        &self,
        tenant: &Tenant,
        key: &TicketKey,
        code: &PlainSecret,
        known: Option<&DeviceSecret>,
        attempt: Option<CodeAttempt>,
    ) -> Result<Ticket, VerifyCodeError> {
        let now = self.clock.now();
        let secret = PresentedTicketSecret::of(key, code, &tenant.keyring, now);
        let device = known.map(|known| bound_to(key, &known.secret));
        let tickets = &tenant.stores.records.tickets;
        let redeemed = tickets.redeem(key, TicketPurpose::Code, &secret, device, now).await?;
        if let Some(attempt) = attempt {
            self.settle_code_attempt(tenant, attempt, &redeemed).await?;
        }
        let refused = match redeemed {
            RedeemOutcome::Done(ticket) => return Ok(*ticket),
            RedeemOutcome::Wrong | RedeemOutcome::Gone => VerifyCodeError::Wrong,
            RedeemOutcome::Expired => VerifyCodeError::Expired,
            RedeemOutcome::Exhausted => VerifyCodeError::TooMany,
        };
        self.report(&Event::of_tenant(tenant.id.clone(), EventKind::CodeRefused));
        Err(refused)
    }

    /// Makes the session, and mails the user if the device is new.
    async fn accept<E>(&self, accepted: Accepted<'_>) -> Result<CompletedDeviceSignIn, E>
    where
        E: From<IssueError> + From<StoreError>,
    {
        let Accepted { tenant, strategy, user, epochs, password_epoch, device, proof, cookie, gave_code } =
            accepted;
        let proven = proof.as_ref().filter(|proof| proof.shown).map(|proof| proof.secret.clone());
        let name = StrategyName::Device;
        let (session, grant) = self.begin(NewSession {
            tenant,
            name,
            strategy,
            user: &user,
            epochs,
            password_epoch,
            device,
            proof,
            gave_code,
        })?;
        self.keep(tenant, &session).await?;
        self.report(&Event::of_session(&session, EventKind::SignedIn));
        self.tell_of_device(tenant, &user, &session, proven.as_ref()).await;
        let signed_in = CompletedSignIn { user, session: session.key.id, grant };
        Ok(CompletedDeviceSignIn { signed_in, session, cookie })
    }

    /// Mails the user about a new device, but not about the first one. Remembers a device once it has proven itself: a
    /// browser has when it comes back with the cookie.
    async fn tell_of_device(
        &self,
        tenant: &Tenant,
        user: &User,
        session: &Session,
        device: Option<&PlainSecret>,
    ) {
        let is_known = device.is_some_and(|device| self.knows_device(user, device).is_some());
        if !is_known && !user.devices.is_empty() {
            self.send_news(&tenant.stores, &user.key, MailKind::NewDevice, Some(&session.device)).await;
        }
        if let Some(device) = device {
            self.remember_proven_device(session, device).await;
        }
    }
}

/// The secret of the device that asked for the code, or the only one that is shown.
pub(super) fn that_asked(
    secrets: ShownSecrets,
    key: &TicketKey,
    ticket: Option<&Ticket>,
) -> Option<DeviceSecret> {
    let asked = ticket.and_then(|ticket| ticket.device.as_ref());
    secrets.meant(|secret| asked == Some(&bound_to(key, secret)))
}

/// The hash by which a ticket remembers the device that asked for it. It is of no use for another ticket.
pub(super) fn bound_to(key: &TicketKey, device: &PlainSecret) -> SecretHash {
    device.hash("device of a ticket", format!("{}/{}", key.tenant, key.id).as_bytes())
}

/// The device cookie to set anew, which also prolongs it. `None` for an app.
fn cookie_of(shown: &PresentedDevice, secret: Option<&DeviceSecret>) -> Option<PlainSecret> {
    let is_browser = shown.keeps_cookies && !shown.native && shown.secret.is_none();
    secret.filter(|_| is_browser).map(|secret| secret.kept.clone())
}

/// The errors that are those of a password sign-in.
macro_rules! errors_of_password_sign_in {
    ($($error:ty),+) => {
        $(impl From<$error> for DeviceSignInError {
            fn from(error: $error) -> Self {
                Self::Password(error.into())
            }
        })+
    };
}

errors_of_password_sign_in!(IssueError, TenantError, StoreError);
