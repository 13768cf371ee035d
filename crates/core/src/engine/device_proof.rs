//! The device proof: a secret of the device, in a browser's cookie or in an app's key store.
//!
//! The server makes and signs the secret, so that an attacker cannot plant one. It belongs to the browser, not to a
//! session or a user: it stays across sign-ins and accounts. Each session and each user stores a hash of it that is
//! of no use for another.

use tracing::warn;
use uuid::Uuid;

use super::issue::IssuedProof;
use super::session_cookies::MOST_COOKIES;
use super::{EngineCore, EngineTask, IssueError, TenantError, UserAdminError};
use crate::event::{Event, EventKind};
use crate::id::{TenantId, UserKey};
use crate::key::Keyring;
use crate::secret::{PlainSecret, SecretHash};
use crate::session::{DeviceProof, Session};
use crate::token::cookie::{sign, unsign};
use crate::user::{KnownDevice, User};

/// Separates device cookies from session cookies, which the same key signs: no session id begins with it.
const PURPOSE: &str = "device:";

/// What a request presents of its device.
#[derive(Clone, Default, Debug)]
pub struct PresentedDevice {
    /// The values of the device cookies that the browser sent. Another site of the domain may have planted some.
    pub cookies: Vec<PlainSecret>,
    /// The `deviceSecret` of an earlier sign-in; `None` where the client keeps none.
    pub secret: Option<PlainSecret>,
    /// Whether the client keeps a `deviceSecret` from now on.
    pub native: bool,
    /// Whether the transport can set a cookie.
    pub keeps_cookies: bool,
}

/// The secret that a device has presented or is about to be given.
pub(super) struct DeviceSecret {
    /// The secret itself, without its signature.
    pub(super) secret: PlainSecret,
    /// The same with its signature, as the device keeps it.
    pub(super) kept: PlainSecret,
}

/// The secrets that a request presents, all of them signed by this installation.
#[derive(Default)]
pub(super) struct ShownSecrets(pub(super) Vec<DeviceSecret>);

impl ShownSecrets {
    /// The one that is meant. Of several, any but the one that the account, the session or the sign-in knows may be
    /// planted; a single one need not be known.
    pub(super) fn meant(mut self, is_known: impl Fn(&PlainSecret) -> bool) -> Option<DeviceSecret> {
        match self.0.iter().position(|shown| is_known(&shown.secret)) {
            Some(at) => Some(self.0.swap_remove(at)),
            None if self.0.len() == 1 => self.0.pop(),
            None => None,
        }
    }
}

/// The secret without its signature. One that an older release gave at a password sign-in has none.
pub(super) fn bare(presented: &PlainSecret) -> PlainSecret {
    PlainSecret::presented(presented.reveal().split('.').next().unwrap_or_default())
}

impl PresentedDevice {
    /// The proof of a session that begins now, and the cookie that is to be set.
    pub(super) fn proof(
        &self,
        shown: Option<DeviceSecret>,
        fresh: Option<DeviceSecret>,
    ) -> Option<IssuedProof> {
        let told = |kept: PlainSecret| self.native.then_some(kept);
        match (shown, fresh) {
            (Some(shown), _) => {
                Some(IssuedProof { secret: shown.secret, shown: true, told: told(shown.kept) })
            }
            // An app keeps what it is given. Whether a browser does shows when it comes back with the cookie.
            (None, Some(fresh)) => {
                Some(IssuedProof { secret: fresh.secret, shown: self.native, told: told(fresh.kept) })
            }
            (None, None) => None,
        }
    }
}

impl EngineCore {
    /// The secrets that a request presents, if this installation signed them. An app's own secret counts before
    /// cookies, and an app is never told what is in a cookie.
    pub(super) async fn shown_secrets(&self, shown: &PresentedDevice) -> Result<ShownSecrets, TenantError> {
        let presented = match &shown.secret {
            Some(secret) => std::slice::from_ref(secret),
            None if shown.native || shown.cookies.len() > MOST_COOKIES => &[],
            None => shown.cookies.as_slice(),
        };
        if presented.is_empty() {
            return Ok(ShownSecrets::default());
        }
        let tenant = self.any_tenant(&TenantId::default_tenant()).await?;
        let keys = tenant.keyring.cookie_keys(self.clock.now());
        let is_ours =
            |secret: &&PlainSecret| unsign(&format!("{PURPOSE}{}", secret.reveal()), &keys).is_some();
        let of = |kept: &PlainSecret| DeviceSecret { secret: bare(kept), kept: kept.clone() };
        Ok(ShownSecrets(presented.iter().filter(is_ours).map(of).collect()))
    }

    /// A secret for a device that has presented none.
    pub(super) async fn fresh_secret<E>(&self) -> Result<DeviceSecret, E>
    where
        E: From<TenantError> + From<IssueError>,
    {
        let tenant = self.any_tenant(&TenantId::default_tenant()).await?;
        let secret = PlainSecret::generate(self.random.as_ref());
        let kept = self.signed(&tenant.keyring, &secret)?;
        Ok(DeviceSecret { secret, kept })
    }

    /// The keys of tenant `default` sign the device secrets of all tenants: a browser has one secret.
    fn signed(&self, keyring: &Keyring, secret: &PlainSecret) -> Result<PlainSecret, IssueError> {
        let signer = keyring.device_signer(self.clock.now()).ok_or(IssueError::NoKey("cookie"))?;
        let kept = sign(signer, &format!("{PURPOSE}{}", secret.reveal()));
        // A cookie may hold every character of the signature's alphabet (RFC 6265, section 4.1.1).
        Ok(PlainSecret::presented(kept.strip_prefix(PURPOSE).unwrap_or(&kept)))
    }
}

impl EngineTask {
    /// Remembers the device of a session, which has shown its proof.
    pub(super) async fn remember_proven_device(&self, session: &Session, secret: &PlainSecret) {
        let user = session.user_key();
        let by_password = DeviceProof::password_device_hash(secret, &user);
        let known = KnownDevice::of(session, DeviceProof::known_device_hash(secret, &user), self.clock.now());
        self.remember(&user, |user| user.with_proven_device(known.clone(), &by_password)).await;
    }

    /// Remembers the device of a session by this hash of its secret.
    pub(super) async fn remember_device(&self, session: &Session, device: SecretHash) {
        let known = KnownDevice::of(session, device, self.clock.now());
        self.remember(&session.user_key(), |user| user.with_known_device(known.clone())).await;
    }

    async fn remember(&self, user: &UserKey, change: impl Fn(User) -> User + Send + Sync) {
        let remembered = self.change_user(user, change).await;
        if let Err(fault) = remembered {
            // The user is signed in all the same; the next sign-in reports the device as new once more.
            warn!(%fault, "a device could not be remembered");
        }
    }

    pub(super) async fn forget_device(&self, user: &UserKey, id: Uuid) -> Result<bool, UserAdminError> {
        if !self.user(user).await?.devices.iter().any(|known| known.id() == id) {
            return Ok(false);
        }
        self.change_user(user, |user| user.without_device(id)).await?;
        self.report(&Event::of_user(user, EventKind::DeviceForgotten));
        Ok(true)
    }
}
