//! What somebody is signed in on, and how it proves that it is still the same.

use std::time::Duration;

use crate::id::{SessionKey, UserKey};
use crate::secret::{PlainSecret, SecretHash};

/// What somebody signed in on, as it described itself.
#[derive(Clone, PartialEq, Eq, Default, Debug)]
pub struct Device {
    /// A name that its owner recognises.
    pub name: String,
    /// The address the sign-in came from.
    pub address: String,
    /// The `User-Agent` it sent.
    pub user_agent: String,
}

/// The most characters of a `User-Agent` that are kept.
const LONGEST_USER_AGENT: usize = 512;

impl Device {
    /// The device of a request. Control characters are dropped and length is bounded: both texts are a stranger's.
    #[must_use]
    pub fn described(address: &str, user_agent: &str) -> Self {
        let user_agent: String =
            user_agent.chars().filter(|c| !c.is_control()).take(LONGEST_USER_AGENT).collect();
        Self { name: user_agent.clone(), address: address.to_owned(), user_agent }
    }
}

/// How long a device is known after its last use: as long as a browser keeps its cookie at most.
pub const KNOWN_DEVICE: Duration = Duration::from_hours(400 * 24);

/// The device proof of a session: the hash of a second secret, which stays on the device when a refresh token leaks.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct DeviceProof {
    /// Hash of secret and session.
    pub hash: SecretHash,
    /// Whether the device has shown it. From then on every refresh needs it.
    pub shown: bool,
}

impl DeviceProof {
    /// The hash of `secret` as a proof for one session; worth nothing for another.
    #[must_use]
    pub fn hash_of(secret: &PlainSecret, session: &SessionKey) -> SecretHash {
        let owner = format!("{}/{}", session.tenant, session.id);
        secret.hash("device proof", owner.as_bytes())
    }

    /// The hash of `secret` as that of a device that a user is known by; worth nothing for another user.
    #[must_use]
    pub fn known_device_hash(secret: &PlainSecret, user: &UserKey) -> SecretHash {
        secret.hash("known device", format!("{}/{}", user.tenant, user.id).as_bytes())
    }
}
