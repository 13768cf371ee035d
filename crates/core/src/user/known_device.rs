//! A device on which a user has signed in.

use uuid::{Builder, Uuid};

use crate::clock::Timestamp;
use crate::id::SessionId;
use crate::secret::SecretHash;
use crate::session::Session;

/// A device on which a user has signed in.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct KnownDevice {
    /// Hash of the device's secret and the user.
    pub hash: SecretHash,
    /// When the user last signed in on it, up to a day behind.
    pub used: Timestamp,
    /// The name by which the user recognises it. Empty if an older version remembered it.
    pub name: String,
    /// The session that began on it last. `None` if an older version remembered it.
    pub session: Option<SessionId>,
}

impl KnownDevice {
    /// The device on which this session began, by the hash of its secret.
    #[must_use]
    pub fn of(session: &Session, hash: SecretHash, now: Timestamp) -> Self {
        Self { hash, used: now, name: session.device.name.clone(), session: Some(session.key.id) }
    }

    /// The id by which the user names it. It tells nothing of the hash.
    #[must_use]
    pub fn id(&self) -> Uuid {
        let hash = SecretHash::of(&[b"id of a known device", self.hash.as_bytes()]);
        let mut bytes = [0; 16];
        bytes.copy_from_slice(hash.as_bytes().split_at(16).0);
        Builder::from_custom_bytes(bytes).into_uuid()
    }
}
