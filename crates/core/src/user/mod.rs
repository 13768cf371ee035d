//! A user of a tenant, and the transitions of one.
//!
//! Every transition takes the user by value and returns the next one, so that a caller cannot go on with an outdated
//! one. A transition that changes something increments [`User::version`], which a store compares before it writes.
//! Sessions and lockout records are kept elsewhere.

mod correction;
mod known_device;
mod person_name;
mod profile;
mod role;
mod search;
mod session_state;

use std::time::Duration;

use uuid::Uuid;

pub use correction::UserCorrection;
pub use known_device::KnownDevice;
pub use person_name::{InvalidPersonName, PersonName};
pub use profile::UserProfile;
pub use role::{Role, UnknownRole};
pub use search::UserSearch;

use crate::clock::Timestamp;
use crate::email::Email;
use crate::id::{SessionId, UserKey};
use crate::mobile::Mobile;
use crate::password::PasswordHash;
use crate::secret::SecretHash;
use crate::session::KNOWN_DEVICE;
use crate::username::Username;

/// How many passwords a user may not choose again, including the current one.
pub const REMEMBERED_PASSWORDS: usize = 5;

/// The maximum number of known devices of a user.
pub const KNOWN_DEVICES: usize = 20;

/// How exactly the last use of a device is known: at most one sign-in a day is recorded.
const USE_PRECISION: Duration = Duration::from_hours(24);

/// A user, who can sign in to one tenant.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct User {
    /// Tenant and id.
    pub key: UserKey,
    /// The email address, unique in the tenant by its canonical form.
    pub email: Email,
    /// The user name, unique in the tenant by its canonical form. `None` if the user has none.
    pub username: Option<Username>,
    /// The mobile number, unique in the tenant. `None` if it is not known.
    pub mobile: Option<Mobile>,
    /// The person's name. `None` if the user did not give one.
    pub name: Option<PersonName>,
    /// What the user may do.
    pub role: Role,
    /// The hash of the password. `None` if the user cannot sign in with one.
    pub password: Option<PasswordHash>,
    /// How often the password was replaced. A session whose password was compared under a lower number is over.
    pub password_epoch: u64,
    /// The session that replaced the password last, and stays. `None` if it was replaced without one, or never.
    pub kept_session: Option<SessionId>,
    /// The hashes of earlier passwords, newest first: with the current one at most [`REMEMBERED_PASSWORDS`].
    pub former_passwords: Vec<PasswordHash>,
    /// The known devices, the one used last first: at most [`KNOWN_DEVICES`].
    pub devices: Vec<KnownDevice>,
    /// Whether a code or a link that was sent to the address was used.
    pub email_verified: bool,
    /// Since when the user may not sign in. `None` if the user may.
    pub disabled: Option<Timestamp>,
    /// When the user was created.
    pub created: Timestamp,
    /// When the user was last changed.
    pub updated: Timestamp,
    /// How often the user was changed.
    pub version: u64,
    /// The columns of the record that could not be read, where a value that permits nothing stands instead. The next
    /// change writes that value.
    pub unreadable: Vec<&'static str>,
}

impl User {
    /// A new user without a password.
    #[must_use]
    pub fn new(key: UserKey, email: Email, name: Option<PersonName>, role: Role, now: Timestamp) -> Self {
        Self {
            key,
            email,
            username: None,
            mobile: None,
            name,
            role,
            password: None,
            password_epoch: 0,
            kept_session: None,
            former_passwords: Vec::new(),
            devices: Vec::new(),
            email_verified: false,
            disabled: None,
            created: now,
            updated: now,
            version: 0,
            unreadable: Vec::new(),
        }
    }

    /// Changes the password and remembers the former one.
    #[must_use]
    pub fn with_password(mut self, hash: PasswordHash, now: Timestamp) -> Self {
        if let Some(before) = self.password.replace(hash) {
            self.former_passwords.insert(0, before);
            self.former_passwords.truncate(REMEMBERED_PASSWORDS - 1);
        }
        self.changed(now)
    }

    /// Replaces the password. What was signed in with the former one is over, but for the session `kept`; the known
    /// devices are forgotten, but for that of `kept`: they may be a thief's.
    #[must_use]
    pub fn with_new_password(mut self, hash: PasswordHash, kept: Option<SessionId>, now: Timestamp) -> Self {
        self.devices.retain(|known| kept.is_some() && known.session == kept);
        self.password_epoch = self.password_epoch.saturating_add(1);
        self.kept_session = kept;
        self.with_password(hash, now)
    }

    /// Records that a code or a link that was sent to the address was used.
    #[must_use]
    pub fn with_verified_email(mut self) -> Self {
        let updated = self.updated;
        if std::mem::replace(&mut self.email_verified, true) { self } else { self.changed(updated) }
    }

    /// Forgets the known device with this id.
    #[must_use]
    pub fn without_device(mut self, id: Uuid) -> Self {
        let (before, updated) = (self.devices.len(), self.updated);
        self.devices.retain(|known| known.id() != id);
        if self.devices.len() == before { self } else { self.changed(updated) }
    }

    /// Replaces the hash of the same password. Neither the password nor [`User::updated`] changes.
    #[must_use]
    pub fn rehashed(mut self, hash: PasswordHash) -> Self {
        let updated = self.updated;
        self.password = Some(hash);
        self.changed(updated)
    }

    /// Forbids the user to sign in. A disabled user does not change.
    #[must_use]
    pub fn disabled(mut self, now: Timestamp) -> Self {
        if self.disabled.is_some() {
            return self;
        }
        self.disabled = Some(now);
        self.changed(now)
    }

    /// Allows the user to sign in again.
    #[must_use]
    pub fn enabled(mut self, now: Timestamp) -> Self {
        if self.disabled.take().is_some() { self.changed(now) } else { self }
    }

    /// Gives the user this role. The same role again mends a record that could not be read in full.
    #[must_use]
    pub fn with_role(mut self, role: Role, now: Timestamp) -> Self {
        if self.role == role && self.unreadable.is_empty() {
            return self;
        }
        self.role = role;
        self.changed(now)
    }

    /// The user name, otherwise the address.
    #[must_use]
    pub fn login_name(&self) -> &str {
        self.username.as_ref().map_or_else(|| self.email.as_typed(), Username::as_typed)
    }

    /// Whether `device` is a known device of the user at `now`.
    #[must_use]
    pub fn knows_device(&self, device: &SecretHash, now: Timestamp) -> bool {
        self.devices.iter().any(|known| known.hash == *device && now.since(known.used) < KNOWN_DEVICE)
    }

    /// Records a sign-in on this device. Devices that were not used for [`KNOWN_DEVICE`] are forgotten, and the ones
    /// unused for longest if there are too many. [`User::updated`] does not change.
    #[must_use]
    pub fn with_known_device(mut self, device: KnownDevice) -> Self {
        let now = device.used;
        let is_as_known = |known: &KnownDevice| {
            known.hash == device.hash
                && known.session == device.session
                && now.since(known.used) < USE_PRECISION
        };
        if self.devices.iter().any(is_as_known) {
            return self;
        }
        self.devices.retain(|known| known.hash != device.hash && now.since(known.used) < KNOWN_DEVICE);
        self.devices.insert(0, device);
        self.devices.truncate(KNOWN_DEVICES);
        let updated = self.updated;
        self.changed(updated)
    }

    /// Records a sign-in on a device that has shown its proof. A user who signed in on it with a password alone knows
    /// it by another hash, which is forgotten: it is one device.
    #[must_use]
    pub fn with_proven_device(mut self, device: KnownDevice, by_password: &SecretHash) -> Self {
        let is_listed_twice = self.devices.iter().any(|known| known.hash == *by_password);
        if is_listed_twice {
            self.devices.retain(|known| known.hash != *by_password && known.hash != device.hash);
        }
        self.with_known_device(device)
    }

    /// The hashes of all passwords that the user may not choose again, the current one first.
    pub fn remembered_passwords(&self) -> impl Iterator<Item = &PasswordHash> {
        self.password.iter().chain(&self.former_passwords).take(REMEMBERED_PASSWORDS)
    }

    fn changed(self, now: Timestamp) -> Self {
        Self { updated: now, version: self.version.saturating_add(1), unreadable: Vec::new(), ..self }
    }
}

#[cfg(test)]
mod tests;
