//! The device of a session, and the device proof.

use std::time::Duration;

use crate::id::{SessionKey, UserKey};
use crate::secret::{PlainSecret, SecretHash};

/// The device on which a user signed in, as the client described it.
#[derive(Clone, PartialEq, Eq, Default, Debug)]
pub struct Device {
    /// The name by which the user recognises it in lists and mails.
    pub name: String,
    /// The IP address from which the user signed in.
    pub address: String,
    /// The `User-Agent` that the client sent.
    pub user_agent: String,
}

/// The maximum number of characters of a `User-Agent` that are kept.
const LONGEST_USER_AGENT: usize = 512;

impl Device {
    /// The device of a request. Control characters are dropped and the length is limited, because a client chose the
    /// text.
    #[must_use]
    pub fn described(address: &str, user_agent: &str) -> Self {
        let user_agent: String =
            user_agent.chars().filter(|c| !c.is_control()).take(LONGEST_USER_AGENT).collect();
        Self { name: user_agent.clone(), address: address.to_owned(), user_agent }
    }
}

/// How long a device is known after its last use: the longest that a browser keeps a cookie.
pub const KNOWN_DEVICE: Duration = Duration::from_hours(400 * 24);

/// The device proof of a session: the hash of a second secret, which does not leak along with a refresh token.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct DeviceProof {
    /// Hash of the secret and the session.
    pub hash: SecretHash,
    /// Whether the device has presented the secret once. From then on every refresh requires it.
    pub shown: bool,
}

impl DeviceProof {
    /// The hash of `secret` as the device proof of one session. It matches no other session.
    #[must_use]
    pub fn hash_of(secret: &PlainSecret, session: &SessionKey) -> SecretHash {
        let owner = format!("{}/{}", session.tenant, session.id);
        secret.hash("device proof", owner.as_bytes())
    }

    /// The hash of `secret` as that of a known device of one user. It matches no other user.
    #[must_use]
    pub fn known_device_hash(secret: &PlainSecret, user: &UserKey) -> SecretHash {
        secret.hash("known device", format!("{}/{}", user.tenant, user.id).as_bytes())
    }

    /// The hash of `secret` as that of a device on which one user signed in with a password alone. Strangers cannot
    /// lock such a device out, but it has not shown a second step.
    #[must_use]
    pub fn password_device_hash(secret: &PlainSecret, user: &UserKey) -> SecretHash {
        secret.hash("device of a password sign-in", format!("{}/{}", user.tenant, user.id).as_bytes())
    }
}
