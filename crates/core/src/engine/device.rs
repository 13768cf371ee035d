//! How a device proves that it is the one it was: by a secret of its own, in a browser's cookie or in an app's key store.
//!
//! The secret is made and signed by us, so that nobody can plant one that we did not make. It is the browser's, not a
//! session's or a user's: it stays across sign-ins and accounts, and every session and every user stores only a hash of
//! it that is worth nothing elsewhere.

use tracing::warn;

use super::issue::IssuedProof;
use super::{EngineCore, EngineTask, IssueError, TenantError};
use crate::id::{TenantId, UserKey};
use crate::key::Keyring;
use crate::secret::{PlainSecret, SecretHash};
use crate::token::cookie::{sign, unsign};

/// What keeps device cookies and session cookies, which the same key signs, apart: no session's id begins with it.
const PURPOSE: &str = "device:";

/// What a request shows of its device.
#[derive(Clone, Default, Debug)]
pub struct PresentedDevice {
    /// The value of the device cookie.
    pub cookie: Option<PlainSecret>,
    /// The `deviceSecret` of an earlier sign-in.
    pub secret: Option<PlainSecret>,
    /// Whether the client keeps a `deviceSecret` from now on.
    pub native: bool,
    /// Whether the transport can set a cookie.
    pub keeps_cookies: bool,
}

/// The secret that a device has shown, or is about to be given.
pub(super) struct DeviceSecret {
    /// The secret itself, without its signature.
    pub(super) secret: PlainSecret,
    /// The same with its signature, as the device keeps it.
    pub(super) kept: PlainSecret,
}

/// The secret without its signature; those of the strategies' own sign-ins have none.
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
            // An app keeps what it is given; of a browser nobody knows before it has shown it.
            (None, Some(fresh)) => {
                Some(IssuedProof { secret: fresh.secret, shown: self.native, told: told(fresh.kept) })
            }
            (None, None) => None,
        }
    }
}

impl EngineCore {
    /// The secret that a request shows, if it is one of ours. What an app keeps counts before what a browser keeps; an
    /// app is never told what is in a cookie.
    pub(super) async fn shown_secret(
        &self,
        shown: &PresentedDevice,
    ) -> Result<Option<DeviceSecret>, TenantError> {
        let cookie = shown.cookie.as_ref().filter(|_| !shown.native);
        let Some(presented) = shown.secret.as_ref().or(cookie) else { return Ok(None) };
        let tenant = self.kept_tenant(&TenantId::default_tenant()).await?;
        let keys = tenant.keyring.cookie_keys(self.clock.now());
        let is_ours = unsign(&format!("{PURPOSE}{}", presented.reveal()), &keys).is_some();
        Ok(is_ours.then(|| DeviceSecret { secret: bare(presented), kept: presented.clone() }))
    }

    /// A secret for a device that has shown none.
    pub(super) async fn fresh_secret(&self) -> Result<DeviceSecret, DeviceSecretError> {
        let tenant = self.kept_tenant(&TenantId::default_tenant()).await?;
        let secret = PlainSecret::generate(self.random.as_ref());
        let kept = self.signed(&tenant.keyring, &secret)?;
        Ok(DeviceSecret { secret, kept })
    }

    /// Every tenant's device secrets are signed by the keys of tenant `default`: a browser has one for all of them.
    fn signed(&self, keyring: &Keyring, secret: &PlainSecret) -> Result<PlainSecret, IssueError> {
        let signer = keyring.device_signer(self.clock.now()).ok_or(IssueError::NoKey("cookie"))?;
        let kept = sign(signer, &format!("{PURPOSE}{}", secret.reveal()));
        // The standard alphabet of the signature has characters that a cookie may hold (RFC 6265, section 4.1.1).
        Ok(PlainSecret::presented(kept.strip_prefix(PURPOSE).unwrap_or(&kept)))
    }
}

impl EngineTask {
    /// Writes down that a user is known by a device.
    pub(super) async fn remember_device(&self, user: &UserKey, device: SecretHash) {
        let now = self.clock.now();
        if let Err(fault) = self.change_user(user, |user| user.with_known_device(device, now)).await {
            // They are signed in; the device is new to them once more the next time.
            warn!(%fault, "a device could not be remembered");
        }
    }
}

/// No secret could be made.
#[derive(Debug)]
pub(super) enum DeviceSecretError {
    Tenant(TenantError),
    Issue(IssueError),
}

impl From<TenantError> for DeviceSecretError {
    fn from(fault: TenantError) -> Self {
        Self::Tenant(fault)
    }
}

impl From<IssueError> for DeviceSecretError {
    fn from(fault: IssueError) -> Self {
        Self::Issue(fault)
    }
}
