//! Sign-in on the device-session surface: a password, and then a code where the tenant asks for one.

use std::time::Duration;

use thiserror::Error;

use super::device::{DeviceSecret, DeviceSecretError, ShownDevice};
use super::issue::{Beginning, GivenProof};
use super::{Engine, IssueError, SignInError, SignedIn, Tenant, TenantError};
use crate::clock::Timestamp;
use crate::event::{Event, What};
use crate::id::{TenantId, TicketId};
use crate::mailing::{About, Mailing};
use crate::password::Password;
use crate::secret::{PlainSecret, SecretHash};
use crate::session::{Device, Epochs, Proof, Session};
use crate::store::{StoreError, UserHandle};
use crate::strategy::{Strategy, StrategyName};
use crate::tenant::SecondStep;
use crate::ticket::{Issued, Purpose, Redeemed, Ticket, TicketKey};
use crate::user::User;
use crate::username::LoginName;

/// Somebody who wants to be signed in.
#[derive(Debug)]
pub struct LogIn {
    /// Where.
    pub tenant: TenantId,
    /// Who they say they are.
    pub login: LoginName,
    /// The password.
    pub password: Password,
    /// On what.
    pub device: Device,
    /// What that shows of itself.
    pub shown: ShownDevice,
}

/// The second step.
#[derive(Debug)]
pub struct VerifyLogin {
    /// Where.
    pub tenant: TenantId,
    /// Which sign-in.
    pub login: TicketId,
    /// The code.
    pub code: PlainSecret,
    /// On what.
    pub device: Device,
    /// What that shows of itself.
    pub shown: ShownDevice,
}

/// What a right password gets.
#[derive(Clone, Debug)]
pub enum LoggedIn {
    /// A code was asked for and is on its way.
    CodeSent {
        /// What names the sign-in in the second step.
        login: TicketId,
        /// From when on the code is no good.
        expires: Timestamp,
        /// The device cookie to set.
        cookie: Option<PlainSecret>,
    },
    /// Somebody is signed in.
    Done(Box<DeviceSignedIn>),
}

/// Somebody is signed in on a device.
#[derive(Clone, Debug)]
pub struct DeviceSignedIn {
    /// Who, and with what.
    pub signed_in: SignedIn,
    /// The session.
    pub session: Session,
    /// The device cookie to set.
    pub cookie: Option<PlainSecret>,
}

/// Why a sign-in is refused.
#[derive(Clone, Debug, Error)]
pub enum LogInError {
    /// The password was not accepted, or nobody could be signed in with it.
    #[error(transparent)]
    SignIn(#[from] SignInError),
    /// Too many codes were asked for lately.
    #[error("too many codes were asked for")]
    TooManyCodes {
        /// How long until another one may be.
        wait: Duration,
    },
}

/// Why a code is refused.
#[derive(Clone, Debug, Error)]
pub enum VerifyError {
    /// It is not the code, or there is no such sign-in, or it is over, or of another device.
    #[error("the code is not right")]
    Wrong,
    /// The code has expired.
    #[error("the code has expired")]
    Expired,
    /// There were too many wrong ones.
    #[error("too many wrong codes")]
    TooMany,
    /// The tenant does not offer device sessions.
    #[error("the strategy is not on offer")]
    NotOffered,
    /// Nothing could be issued.
    #[error(transparent)]
    Issue(#[from] IssueError),
    /// The tenant.
    #[error(transparent)]
    Tenant(#[from] TenantError),
    /// The store.
    #[error(transparent)]
    Store(#[from] StoreError),
}

/// Somebody who may be signed in now.
struct Accepted<'a> {
    tenant: &'a Tenant,
    strategy: Strategy,
    user: User,
    epochs: Epochs,
    device: Device,
    proof: Option<GivenProof>,
    cookie: Option<PlainSecret>,
}

impl Engine {
    /// Signs somebody in, or asks for a code.
    ///
    /// # Errors
    /// A [`LogInError`]; nobody is signed in and no code is on its way then.
    pub async fn log_in(&self, request: LogIn) -> Result<LoggedIn, LogInError> {
        let tenant = self.tenant(&request.tenant).await.map_err(SignInError::from)?;
        let strategy = tenant.strategy(StrategyName::Device).ok_or(SignInError::NotOffered)?;
        let LogIn { login, password, device, shown, .. } = request;
        let known = self.shown_secret(&shown).await.map_err(SignInError::from)?;
        let secret = known.as_ref().map(|known| &known.secret);
        let (user, epochs) = self.standing_with_password(&tenant, &login, password, secret).await?;

        let fresh = match known {
            None if shown.keeps_cookies || shown.native => {
                Some(self.fresh_secret().await.map_err(SignInError::from)?)
            }
            _ => None,
        };
        let cookie = cookie_of(&shown, known.as_ref().or(fresh.as_ref()));
        if tenant.policy.second_step == SecondStep::Off {
            let proof = shown.proof(known, fresh);
            let accepted = Accepted { tenant: &tenant, strategy, user, epochs, device, proof, cookie };
            return Ok(LoggedIn::Done(Box::new(self.accept::<LogInError>(accepted).await?)));
        }
        let asking = if shown.native { None } else { known.or(fresh) };
        let ticket = self.ask_for_code(&tenant, &user, epochs, &device, asking.as_ref()).await?;
        Ok(LoggedIn::CodeSent { login: ticket.key.id, expires: ticket.expires, cookie })
    }

    async fn ask_for_code(
        &self,
        tenant: &Tenant,
        user: &User,
        epochs: Epochs,
        device: &Device,
        asking: Option<&DeviceSecret>,
    ) -> Result<Ticket, LogInError> {
        let now = self.clock.now();
        let ticket = Ticket::new(&user.key, Purpose::Code, epochs, now, self.random.as_ref());
        let bound = asking.map(|asking| bound_to(&ticket.key, asking));
        let ticket = Ticket { device: bound, ..ticket };
        let mailing = Mailing::of_ticket(&ticket, self.random.as_ref()).about_device(device);
        let issued = self.send_ticket(&tenant.home, &ticket, &mailing).await.map_err(SignInError::from)?;
        if let Issued::TooMany { wait } = issued {
            return Err(LogInError::TooManyCodes { wait });
        }
        self.report(&Event::of_user(&user.key, What::CodeAsked));
        Ok(ticket)
    }

    /// Takes the second step.
    ///
    /// # Errors
    /// A [`VerifyError`]; nobody is signed in then. A code that was right is spent even so.
    pub async fn verify_login(&self, request: VerifyLogin) -> Result<DeviceSignedIn, VerifyError> {
        let tenant = self.tenant(&request.tenant).await?;
        let strategy = tenant.strategy(StrategyName::Device).ok_or(VerifyError::NotOffered)?;
        let VerifyLogin { login, code, device, shown, .. } = request;
        let known = self.shown_secret(&shown).await?;
        let key = TicketKey { tenant: tenant.id.clone(), id: login };
        // A browser sends its cookie whether it wants to or not, and with it the code that another one was sent. What an
        // app keeps it sends on purpose, and it may do so with this step only.
        let sent_unasked = known.as_ref().filter(|_| shown.secret.is_none());
        let ticket = self.redeem_code(&tenant, &key, &code, sent_unasked).await?;

        let stores = &tenant.home.stores;
        let epochs = stores.epochs.read(&ticket.user_key()).await?;
        let found = stores.users.find(&UserHandle::Id(ticket.user_key())).await?;
        let stands = |user: &User| user.disabled.is_none() && epochs == ticket.epochs;
        let user = found.filter(stands).ok_or(VerifyError::Wrong)?;

        let fresh = match known {
            None if shown.native => Some(self.fresh_secret().await?),
            _ => None,
        };
        let cookie = cookie_of(&shown, known.as_ref());
        let proof = shown.proof(known, fresh);
        self.accept(Accepted { tenant: &tenant, strategy, user, epochs, device, proof, cookie }).await
    }

    async fn redeem_code(
        &self,
        tenant: &Tenant,
        key: &TicketKey,
        code: &PlainSecret,
        known: Option<&DeviceSecret>,
    ) -> Result<Ticket, VerifyError> {
        let (hash, device) = (Ticket::hash_of(key, code), known.map(|known| bound_to(key, known)));
        let redeemed =
            tenant.home.stores.tickets.redeem(key, Purpose::Code, hash, device, self.clock.now()).await?;
        let refused = match redeemed {
            Redeemed::Done(ticket) => return Ok(ticket),
            Redeemed::Wrong | Redeemed::Gone => VerifyError::Wrong,
            Redeemed::Expired => VerifyError::Expired,
            Redeemed::Exhausted => VerifyError::TooMany,
        };
        self.report(&Event::of_tenant(tenant.id.clone(), What::CodeRefused));
        Err(refused)
    }

    /// Signs somebody in who has shown all that was asked for, and tells them if the device is new to them.
    async fn accept<E>(&self, accepted: Accepted<'_>) -> Result<DeviceSignedIn, E>
    where
        E: From<IssueError> + From<StoreError>,
    {
        let Accepted { tenant, strategy, user, epochs, device, proof, cookie } = accepted;
        let proven = proof.as_ref().filter(|proof| proof.shown);
        let device_proof = proven.map(|proof| Proof::known_as(&proof.secret, &user.key));
        let name = StrategyName::Device;
        let (session, grant) =
            self.begin(Beginning { tenant, name, strategy, user: &user, epochs, device, proof })?;
        self.keep(tenant, &session).await?;
        self.report(&Event::of_session(&session, What::SignedIn));
        self.tell_of_device(tenant, &user, &session, device_proof).await;
        let signed_in = SignedIn { user, session: session.key.id, grant };
        Ok(DeviceSignedIn { signed_in, session, cookie })
    }

    /// Tells the owner of a device that is new to them, and remembers it once it has proven itself: a browser has when it
    /// comes back with the cookie. The first device of all is no news.
    async fn tell_of_device(
        &self,
        tenant: &Tenant,
        user: &User,
        session: &Session,
        device: Option<SecretHash>,
    ) {
        let now = self.clock.now();
        let is_known = device.is_some_and(|device| user.knows(&device, now));
        if !is_known && !user.devices.is_empty() {
            let news = Mailing::news(&user.key, About::NewDevice, now, self.random.as_ref());
            self.send_news(&tenant.home, &news.about_device(&session.device)).await;
        }
        if let Some(device) = device {
            self.remember_device(&user.key, device).await;
        }
    }
}

/// What a ticket remembers of the device that asked for it: worth nothing for another ticket.
fn bound_to(key: &TicketKey, device: &DeviceSecret) -> SecretHash {
    device.secret.hash("device of a ticket", format!("{}/{}", key.tenant, key.id).as_bytes())
}

/// The cookie that the device is to keep, or to keep for longer.
fn cookie_of(shown: &ShownDevice, secret: Option<&DeviceSecret>) -> Option<PlainSecret> {
    let is_browser = shown.keeps_cookies && !shown.native && shown.secret.is_none();
    secret.filter(|_| is_browser).map(|secret| secret.kept.clone())
}

impl From<IssueError> for LogInError {
    fn from(fault: IssueError) -> Self {
        Self::SignIn(fault.into())
    }
}

impl From<StoreError> for LogInError {
    fn from(fault: StoreError) -> Self {
        Self::SignIn(fault.into())
    }
}

impl From<DeviceSecretError> for SignInError {
    fn from(fault: DeviceSecretError) -> Self {
        match fault {
            DeviceSecretError::Tenant(fault) => fault.into(),
            DeviceSecretError::Issue(fault) => fault.into(),
        }
    }
}

impl From<DeviceSecretError> for VerifyError {
    fn from(fault: DeviceSecretError) -> Self {
        match fault {
            DeviceSecretError::Tenant(fault) => fault.into(),
            DeviceSecretError::Issue(fault) => fault.into(),
        }
    }
}
