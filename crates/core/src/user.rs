//! A user of a tenant, and what can happen to one.
//!
//! Every transition takes the user by value, and the time where it matters, and gives the next one: nobody can go on with
//! what is no longer so. A transition that changes something counts [`User::version`] up, which is what a store compares
//! before it writes. Sessions, locks and counters of wrong guesses are kept elsewhere.

use std::fmt;
use std::str::FromStr;
use std::time::Duration;

use thiserror::Error;

use crate::clock::Timestamp;
use crate::email::Email;
use crate::id::UserKey;
use crate::mobile::Mobile;
use crate::password::PasswordHash;
use crate::secret::SecretHash;
use crate::session::KNOWN_DEVICE;
use crate::username::Username;

/// How many passwords may not be chosen again, the present one among them.
pub const REMEMBERED_PASSWORDS: usize = 5;

/// The most devices that a user is known by.
pub const KNOWN_DEVICES: usize = 20;

/// How exactly the last use of a device is known: a sign-in a day is written down.
const USE_OF_DEVICE: Duration = Duration::from_hours(24);

/// A device that a user has signed in on.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct KnownDevice {
    /// Hash of its secret and the user.
    pub hash: SecretHash,
    /// When somebody signed in on it last.
    pub used: Timestamp,
}

/// Somebody who can sign in to a tenant.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct User {
    /// Tenant and id.
    pub key: UserKey,
    /// The address, unique in the tenant by its canonical form.
    pub email: Email,
    /// The name they sign in by, where they have one; unique in the tenant by its canonical form.
    pub username: Option<Username>,
    /// The mobile number, where it is known; unique in the tenant.
    pub mobile: Option<Mobile>,
    /// What they are called, if they said so.
    pub name: Option<PersonName>,
    /// What they may do.
    pub role: Role,
    /// The hash of the password; none where nobody can sign in with one.
    pub password: Option<PasswordHash>,
    /// The hashes of the passwords before, newest first: with the present one at most [`REMEMBERED_PASSWORDS`].
    pub former_passwords: Vec<PasswordHash>,
    /// The devices that have proven themselves at a sign-in, the last one used first: at most [`KNOWN_DEVICES`].
    pub devices: Vec<KnownDevice>,
    /// Since when the user may not sign in.
    pub disabled: Option<Timestamp>,
    /// When the user came to be.
    pub created: Timestamp,
    /// When the user was last changed.
    pub updated: Timestamp,
    /// How often the user was changed.
    pub version: u64,
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
            former_passwords: Vec::new(),
            devices: Vec::new(),
            disabled: None,
            created: now,
            updated: now,
            version: 0,
        }
    }

    /// The user with another password; the one before is remembered.
    #[must_use]
    pub fn with_password(mut self, hash: PasswordHash, now: Timestamp) -> Self {
        if let Some(before) = self.password.replace(hash) {
            self.former_passwords.insert(0, before);
            self.former_passwords.truncate(REMEMBERED_PASSWORDS - 1);
        }
        self.changed(now)
    }

    /// The user with a new hash of the same password: that is no change of password, and none of the user that anybody
    /// sees.
    #[must_use]
    pub fn rehashed(mut self, hash: PasswordHash) -> Self {
        let updated = self.updated;
        self.password = Some(hash);
        self.changed(updated)
    }

    /// The user, who may not sign in from now on; one who already may not is left as they are.
    #[must_use]
    pub fn disabled(mut self, now: Timestamp) -> Self {
        if self.disabled.is_some() {
            return self;
        }
        self.disabled = Some(now);
        self.changed(now)
    }

    /// The user, who may sign in again.
    #[must_use]
    pub fn enabled(mut self, now: Timestamp) -> Self {
        if self.disabled.take().is_some() { self.changed(now) } else { self }
    }

    /// The user in this role.
    #[must_use]
    pub fn with_role(mut self, role: Role, now: Timestamp) -> Self {
        if self.role == role {
            return self;
        }
        self.role = role;
        self.changed(now)
    }

    /// The user name, or else the address.
    #[must_use]
    pub fn login_name(&self) -> &str {
        self.username.as_ref().map_or_else(|| self.email.as_typed(), Username::as_typed)
    }

    /// Whether something that names the user has `text` in it, compared without regard to case.
    #[must_use]
    pub fn matches_search(&self, text: &str) -> bool {
        let text = text.to_lowercase();
        let name = self.name.as_ref().map(|name| name.full().to_lowercase());
        let username = self.username.as_ref().map(|name| name.canonical().to_owned());
        let mobile = self.mobile.as_ref().map(|mobile| mobile.as_str().to_owned());
        let named = [Some(self.email.canonical().to_owned()), username, mobile, name];
        named.iter().flatten().any(|named| named.contains(&text))
    }

    /// Whether the user is known by this device at `now`.
    #[must_use]
    pub fn knows_device(&self, device: &SecretHash, now: Timestamp) -> bool {
        self.devices.iter().any(|known| known.hash == *device && now.since(known.used) < KNOWN_DEVICE)
    }

    /// The user, who has signed in on this device. Devices that nobody has used for long are forgotten, and so is the
    /// one that was not used for longest when there are too many. That is no change that anybody sees.
    #[must_use]
    pub fn with_known_device(mut self, device: SecretHash, now: Timestamp) -> Self {
        let used_lately = |known: &KnownDevice| known.hash == device && now.since(known.used) < USE_OF_DEVICE;
        if self.devices.iter().any(used_lately) {
            return self;
        }
        self.devices.retain(|known| known.hash != device && now.since(known.used) < KNOWN_DEVICE);
        self.devices.insert(0, KnownDevice { hash: device, used: now });
        self.devices.truncate(KNOWN_DEVICES);
        let updated = self.updated;
        self.changed(updated)
    }

    /// The hashes of all passwords that may not be chosen again, the present one first.
    pub fn remembered_passwords(&self) -> impl Iterator<Item = &PasswordHash> {
        self.password.iter().chain(&self.former_passwords).take(REMEMBERED_PASSWORDS)
    }

    fn changed(self, now: Timestamp) -> Self {
        Self { updated: now, version: self.version.saturating_add(1), ..self }
    }
}

/// What a user may do; each role is written as its name in lower case.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug, Default)]
pub enum Role {
    /// `user`: what everybody may.
    #[default]
    User,
    /// `manager`.
    Manager,
    /// `admin`.
    Admin,
}

/// The text is no role.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Error)]
#[error("a role is one of user, manager, admin")]
pub struct UnknownRole;

impl Role {
    /// Every role.
    pub const ALL: [Self; 3] = [Self::User, Self::Manager, Self::Admin];

    /// The role's name.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::User => "user",
            Self::Manager => "manager",
            Self::Admin => "admin",
        }
    }
}

impl FromStr for Role {
    type Err = UnknownRole;

    fn from_str(text: &str) -> Result<Self, UnknownRole> {
        Self::ALL.into_iter().find(|role| role.as_str() == text).ok_or(UnknownRole)
    }
}

impl fmt::Display for Role {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

/// What somebody is called: a name, or the two parts of one.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct PersonName {
    name: String,
    given: Option<String>,
    family: Option<String>,
}

/// The text is no name.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Error)]
pub enum InvalidPersonName {
    /// There is nothing but white space.
    #[error("should not be empty")]
    Empty,
    /// It has more than [`PersonName::LONGEST`] characters.
    #[error("must be shorter than or equal to {} characters", PersonName::LONGEST)]
    TooLong,
    /// It has a line break or another control character.
    #[error("must not contain control characters")]
    ControlCharacter,
}

impl PersonName {
    /// The most characters of a name, and of each part of one.
    pub const LONGEST: usize = 200;

    /// The name that is not divided into parts.
    ///
    /// # Errors
    ///
    /// [`InvalidPersonName`] says why it is none.
    pub fn new(name: &str) -> Result<Self, InvalidPersonName> {
        Ok(Self { name: checked(name)?, given: None, family: None })
    }

    /// The name that consists of these parts.
    ///
    /// # Errors
    ///
    /// [`InvalidPersonName`] says why one of them is none.
    pub fn from_parts(given: &str, family: &str) -> Result<Self, InvalidPersonName> {
        let (given, family) = (checked(given)?, checked(family)?);
        Ok(Self { name: format!("{given} {family}"), given: Some(given), family: Some(family) })
    }

    /// The whole name.
    #[must_use]
    pub fn full(&self) -> &str {
        &self.name
    }

    /// The given name, or the whole one where it has no parts.
    #[must_use]
    pub fn first(&self) -> &str {
        self.given.as_deref().unwrap_or(&self.name)
    }

    /// The family name, where it is known.
    #[must_use]
    pub fn last(&self) -> Option<&str> {
        self.family.as_deref()
    }
}

fn checked(text: &str) -> Result<String, InvalidPersonName> {
    if text.trim().is_empty() {
        Err(InvalidPersonName::Empty)
    } else if text.chars().count() > PersonName::LONGEST {
        Err(InvalidPersonName::TooLong)
    } else if text.chars().any(char::is_control) {
        Err(InvalidPersonName::ControlCharacter)
    } else {
        Ok(text.to_owned())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::id::{TenantId, UserId};
    use crate::machine::SystemRandom;
    use crate::password::{Argon2Cost, Hasher, Password};

    const NOW: Timestamp = Timestamp::from_millis(1_769_638_376_311);
    const LATER: Timestamp = Timestamp::from_millis(1_769_638_400_000);

    fn jo() -> User {
        let key = UserKey { tenant: TenantId::default_tenant(), id: UserId::generate(NOW, &SystemRandom) };
        let name = PersonName::new("Jo Bloggs").unwrap();
        User::new(key, Email::parse("jo@example.com").unwrap(), Some(name), Role::User, NOW)
    }

    fn hash(number: u8) -> PasswordHash {
        Hasher::new(Argon2Cost::LEAST).hash(&Password::new("vexed quilt").unwrap(), [number; 16]).unwrap()
    }

    #[test]
    fn the_last_five_passwords_are_remembered_newest_first() {
        let user = (1..=7).fold(jo(), |user, number| user.with_password(hash(number), LATER));
        assert_eq!(user.password, Some(hash(7)));
        assert_eq!(user.former_passwords, [6, 5, 4, 3].map(hash));
        assert!(user.remembered_passwords().eq(&[7, 6, 5, 4, 3].map(hash)));
        assert_eq!((user.created, user.updated, user.version), (NOW, LATER, 7));
    }

    #[test]
    fn a_first_password_leaves_nothing_to_remember() {
        let user = jo().with_password(hash(1), LATER);
        assert!(user.former_passwords.is_empty());
        assert!(user.remembered_passwords().eq(&[hash(1)]));
    }

    // ASVS-map: PW6
    #[test]
    fn a_new_hash_of_the_same_password_is_no_change_of_password() {
        let before = jo().with_password(hash(1), NOW).with_password(hash(2), NOW);
        let after = before.clone().rehashed(hash(3));
        assert_eq!(after, User { password: Some(hash(3)), version: before.version + 1, ..before });
    }

    #[test]
    fn a_user_is_disabled_once_and_enabled_again() {
        let disabled = jo().disabled(NOW);
        assert_eq!((disabled.disabled, disabled.version), (Some(NOW), 1));
        assert_eq!(disabled.clone().disabled(LATER), disabled);
        let enabled = disabled.enabled(LATER);
        assert_eq!((enabled.disabled, enabled.updated, enabled.version), (None, LATER, 2));
        assert_eq!(enabled.clone().enabled(LATER), enabled);
    }

    #[test]
    fn the_last_twenty_devices_are_known_for_four_hundred_days() {
        let device = |number: u8| SecretHash::from_bytes([number; 32]);
        let day = |number: u64| NOW.plus(Duration::from_hours(24 * number));
        let user =
            (1..=21).fold(jo(), |user, number| user.with_known_device(device(number), day(number.into())));
        assert_eq!((user.devices.len(), user.updated), (KNOWN_DEVICES, NOW));
        assert!(!user.knows_device(&device(1), day(21)) && user.knows_device(&device(2), day(21)));
        assert!(user.knows_device(&device(21), day(420)) && !user.knows_device(&device(21), day(421)));
        assert_eq!(user.clone().with_known_device(device(21), day(21)), user);
        let forgetful = user.with_known_device(device(9), day(421));
        assert_eq!(forgetful.devices, [KnownDevice { hash: device(9), used: day(421) }]);
    }

    #[test]
    fn a_role_that_is_the_same_already_is_no_change() {
        let manager = jo().with_role(Role::Manager, LATER);
        assert_eq!((manager.role, manager.updated, manager.version), (Role::Manager, LATER, 1));
        assert_eq!(manager.clone().with_role(Role::Manager, NOW), manager);
    }

    #[test]
    fn a_role_is_read_as_it_is_written() {
        for role in Role::ALL {
            assert_eq!(role.to_string().parse(), Ok(role));
        }
        for text in ["", "Admin", "root", " user"] {
            assert_eq!(text.parse::<Role>(), Err(UnknownRole), "{text:?}");
        }
    }

    #[test]
    fn a_name_has_a_first_part_even_where_it_has_one_part_only() {
        let whole = PersonName::new("Jo Bloggs").unwrap();
        assert_eq!((whole.full(), whole.first(), whole.last()), ("Jo Bloggs", "Jo Bloggs", None));
        let parts = PersonName::from_parts("Jo", "Bloggs").unwrap();
        assert_eq!((parts.full(), parts.first(), parts.last()), ("Jo Bloggs", "Jo", Some("Bloggs")));
    }

    #[test]
    fn a_name_is_neither_empty_nor_endless_and_has_no_line_breaks() {
        assert_eq!(PersonName::new(" "), Err(InvalidPersonName::Empty));
        assert!(PersonName::new(&"é".repeat(200)).is_ok());
        assert_eq!(PersonName::new(&"é".repeat(201)), Err(InvalidPersonName::TooLong));
        assert_eq!(PersonName::new("Jo\nBcc: all"), Err(InvalidPersonName::ControlCharacter));
        assert_eq!(PersonName::from_parts("Jo", ""), Err(InvalidPersonName::Empty));
    }

    #[test]
    fn a_user_shows_no_hash() {
        let user = jo().with_password(hash(1), NOW);
        assert!(!format!("{user:?}").contains("argon2"));
    }
}
