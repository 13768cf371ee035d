//! Writes a session as two records, and reads it back.
//!
//! The first record is what a check reads. It begins with the user's id, by which scripts find the user's hash. The
//! second is what each use and each rotation changes. It begins with the version, which a compare-and-set compares.

use portcullis_core::clock::Timestamp;
use portcullis_core::id::SessionKey;
use portcullis_core::secret::SecretHash;
use portcullis_core::session::{
    Device, DeviceProof, Epochs, LateRepeats, PreviousGeneration, RotationState, Session, SessionState,
};
use portcullis_core::store::{StoreError, Stored};
use serde::{Deserialize, Serialize};

use super::short_text::{ID_LENGTH, id, lengthened, shortened, user_id};

/// Stands before what is written in this form. Another form gets another mark, for records live as long as sessions.
const FORM: u8 = b'a';
/// Stands before the user's password epoch, behind which a first part follows in [`FORM`]. Most users never replace
/// their password, so most records have neither.
const PASSWORD_EPOCH: u8 = b'p';

/// What a check reads.
#[derive(Serialize, Deserialize)]
struct CheckedPart {
    strategy: String,
    /// Absent if it is the user agent, as in most sessions.
    device_name: Option<String>,
    address: String,
    user_agent: String,
    created: i64,
    absolute_expires: i64,
    epochs: (u64, u64, u64),
    gave_code: bool,
    cookie: Option<[u8; 32]>,
    proof: Option<([u8; 32], bool)>,
}

/// What each use and each rotation changes.
#[derive(Serialize, Deserialize)]
struct UsedPart {
    last_seen: i64,
    idle_expires: i64,
    rotation: Option<RotationPart>,
}

#[derive(Serialize, Deserialize)]
struct RotationPart {
    generation: u64,
    issued: i64,
    expires: i64,
    kid: String,
    current: [u8; 32],
    previous: Option<([u8; 32], i64, i64)>,
    late_repeats: Option<(u64, u64)>,
}

/// The two records of a session.
#[derive(Clone)]
pub(super) struct SessionRecords {
    pub(super) checked: Vec<u8>,
    pub(super) used: Vec<u8>,
}

impl SessionRecords {
    pub(super) fn of(session: &Session) -> Self {
        let owner = [user_id(session.user).into_bytes(), password_epoch(session.password_epoch)].concat();
        Self {
            checked: [owner, vec![FORM], bytes(&CheckedPart::of(session))].concat(),
            used: [session.version.to_string().into_bytes(), vec![FORM], bytes(&UsedPart::of(session))]
                .concat(),
        }
    }

    /// The session of these records, which is live. An error names the part that cannot be read.
    pub(super) fn session(&self, key: &SessionKey) -> Stored<Session> {
        self.read(key).map_err(|part| StoreError::corrupt("session", &key.id, part))
    }

    fn read(&self, key: &SessionKey) -> Result<Session, &'static str> {
        let (owner, checked) = self.checked.split_at_checked(ID_LENGTH).ok_or("user")?;
        let (password_epoch, checked) = without_password_epoch(checked).ok_or("sign-in")?;
        let checked: CheckedPart = part(checked).ok_or("sign-in")?;
        let digits = self.used.iter().take_while(|byte| byte.is_ascii_digit()).count();
        let (version, used) = self.used.split_at_checked(digits).ok_or("version")?;
        let moving: UsedPart = part(used).ok_or("use")?;
        Ok(Session {
            key: key.clone(),
            user: id(owner).ok_or("user")?,
            strategy: checked.strategy.parse().map_err(|_| "strategy")?,
            created: Timestamp::from_millis(checked.created),
            last_seen: Timestamp::from_millis(moving.last_seen),
            idle_expires: Timestamp::from_millis(moving.idle_expires),
            absolute_expires: Timestamp::from_millis(checked.absolute_expires),
            epochs: checked.epochs(),
            password_epoch,
            gave_code: checked.gave_code,
            cookie: checked.cookie.map(SecretHash::from_bytes),
            rotation: moving.rotation.map(RotationPart::state).transpose()?,
            proof: checked
                .proof
                .map(|(hash, shown)| DeviceProof { hash: SecretHash::from_bytes(hash), shown }),
            device: checked.device(),
            state: SessionState::Live,
            version: str::from_utf8(version).ok().and_then(|text| text.parse().ok()).ok_or("version")?,
        })
    }
}

/// Nothing in a record can fail to be written: it has texts and numbers alone.
fn bytes(part: &impl Serialize) -> Vec<u8> {
    postcard::to_allocvec(part).unwrap_or_default()
}

fn password_epoch(epoch: u64) -> Vec<u8> {
    if epoch == 0 { Vec::new() } else { [vec![PASSWORD_EPOCH], bytes(&epoch)].concat() }
}

/// The password epoch, and what stands behind it.
fn without_password_epoch(written: &[u8]) -> Option<(u64, &[u8])> {
    match written.strip_prefix(&[PASSWORD_EPOCH]) {
        Some(written) => postcard::take_from_bytes(written).ok(),
        None => Some((0, written)),
    }
}

/// A part with nothing behind it.
fn part<P: for<'de> Deserialize<'de>>(written: &[u8]) -> Option<P> {
    let (read, rest) = postcard::take_from_bytes(written.strip_prefix(&[FORM])?).ok()?;
    rest.is_empty().then_some(read)
}

impl CheckedPart {
    fn of(session: &Session) -> Self {
        let Device { name, address, user_agent } = &session.device;
        let Epochs { user, tenant, everyone } = session.epochs;
        Self {
            strategy: session.strategy.as_str().to_owned(),
            device_name: (name != user_agent).then(|| name.clone()),
            address: address.clone(),
            user_agent: shortened(user_agent),
            created: session.created.as_millis(),
            absolute_expires: session.absolute_expires.as_millis(),
            epochs: (user, tenant, everyone),
            gave_code: session.gave_code,
            cookie: session.cookie.map(|hash| *hash.as_bytes()),
            proof: session.proof.map(|proof| (*proof.hash.as_bytes(), proof.shown)),
        }
    }

    const fn epochs(&self) -> Epochs {
        let (user, tenant, everyone) = self.epochs;
        Epochs { user, tenant, everyone }
    }

    fn device(self) -> Device {
        let user_agent = lengthened(&self.user_agent);
        Device {
            name: self.device_name.unwrap_or_else(|| user_agent.clone()),
            address: self.address,
            user_agent,
        }
    }
}

impl UsedPart {
    fn of(session: &Session) -> Self {
        Self {
            last_seen: session.last_seen.as_millis(),
            idle_expires: session.idle_expires.as_millis(),
            rotation: session.rotation.as_ref().map(RotationPart::of),
        }
    }
}

impl RotationPart {
    fn of(rotation: &RotationState) -> Self {
        let previous = |previous: &PreviousGeneration| {
            (*previous.hash.as_bytes(), previous.issued.as_millis(), previous.expires.as_millis())
        };
        Self {
            generation: rotation.generation,
            issued: rotation.issued.as_millis(),
            expires: rotation.expires.as_millis(),
            kid: rotation.kid.as_str().to_owned(),
            current: *rotation.current.as_bytes(),
            previous: rotation.previous.as_ref().map(previous),
            late_repeats: rotation.late_repeats.map(|repeats| (repeats.newest, repeats.in_a_row)),
        }
    }

    fn state(self) -> Result<RotationState, &'static str> {
        let previous = |(hash, issued, expires)| PreviousGeneration {
            hash: SecretHash::from_bytes(hash),
            issued: Timestamp::from_millis(issued),
            expires: Timestamp::from_millis(expires),
        };
        Ok(RotationState {
            generation: self.generation,
            issued: Timestamp::from_millis(self.issued),
            expires: Timestamp::from_millis(self.expires),
            kid: self.kid.parse().map_err(|_| "rotation")?,
            current: SecretHash::from_bytes(self.current),
            previous: self.previous.map(previous),
            late_repeats: self.late_repeats.map(|(newest, in_a_row)| LateRepeats { newest, in_a_row }),
        })
    }
}

#[cfg(test)]
mod tests;
