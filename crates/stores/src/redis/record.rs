//! Writes a session as two texts, and reads it back.
//!
//! The first text is what a check reads. The second is what each use and each rotation changes; it begins with the
//! version, which a compare-and-set compares.

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use portcullis_core::clock::Timestamp;
use portcullis_core::id::SessionKey;
use portcullis_core::secret::SecretHash;
use portcullis_core::session::{
    Device, DeviceProof, Epochs, LateRepeats, PreviousGeneration, RotationState, Session, SessionState,
};
use portcullis_core::store::{StoreError, Stored};
use serde::{Deserialize, Serialize};

/// The length of a user's id, with which the first text begins: a script finds the user's hash by it.
pub(super) const USER_ID_LENGTH: usize = 36;

/// What a check reads. The names are short, for there is one record for each session.
#[derive(Serialize, Deserialize)]
struct CheckedPart {
    #[serde(rename = "st")]
    strategy: String,
    /// Absent if it is the user agent, as in most sessions.
    #[serde(rename = "n", skip_serializing_if = "Option::is_none")]
    device_name: Option<String>,
    #[serde(rename = "ip")]
    address: String,
    #[serde(rename = "ua")]
    user_agent: String,
    #[serde(rename = "c")]
    created: i64,
    #[serde(rename = "x")]
    absolute_expires: i64,
    #[serde(rename = "e")]
    epochs: (u64, u64, u64),
    #[serde(rename = "g", default, skip_serializing_if = "std::ops::Not::not")]
    gave_code: bool,
    #[serde(rename = "k", skip_serializing_if = "Option::is_none")]
    cookie: Option<String>,
    #[serde(rename = "p", skip_serializing_if = "Option::is_none")]
    proof: Option<(String, bool)>,
}

/// What each use and each rotation changes.
#[derive(Serialize, Deserialize)]
struct UsedPart {
    #[serde(rename = "s")]
    last_seen: i64,
    #[serde(rename = "i")]
    idle_expires: i64,
    #[serde(rename = "r", skip_serializing_if = "Option::is_none")]
    rotation: Option<RotationPart>,
}

#[derive(Serialize, Deserialize)]
struct RotationPart {
    #[serde(rename = "g")]
    generation: u64,
    #[serde(rename = "t")]
    issued: i64,
    #[serde(rename = "x")]
    expires: i64,
    #[serde(rename = "k")]
    kid: String,
    #[serde(rename = "h")]
    current: String,
    #[serde(rename = "p", skip_serializing_if = "Option::is_none")]
    previous: Option<(String, i64, i64)>,
    #[serde(rename = "l", skip_serializing_if = "Option::is_none")]
    late_repeats: Option<(u64, u64)>,
}

/// The two texts of a session.
pub(super) struct SessionTexts {
    pub(super) checked: String,
    pub(super) used: String,
}

pub(super) fn hash_text(hash: &SecretHash) -> String {
    URL_SAFE_NO_PAD.encode(hash.as_bytes())
}

/// A part of a record cannot be read.
struct Unreadable;

fn hash_of(text: &str) -> Result<SecretHash, Unreadable> {
    let bytes = URL_SAFE_NO_PAD.decode(text).map_err(|_| Unreadable)?;
    bytes.try_into().map(SecretHash::from_bytes).map_err(|_| Unreadable)
}

impl SessionTexts {
    pub(super) fn of(session: &Session) -> Self {
        let (checked, used) = (CheckedPart::of(session), UsedPart::of(session));
        let checked = format!("{}{}", session.user, json(&checked));
        Self { checked, used: format!("{}{}", session.version, json(&used)) }
    }

    /// The session of these texts, which is live. An error names the part that cannot be read.
    pub(super) fn session(&self, key: &SessionKey) -> Stored<Session> {
        self.read(key).map_err(|part| StoreError::corrupt("session", &key.id, part))
    }

    fn read(&self, key: &SessionKey) -> Result<Session, &'static str> {
        let (user, checked) = self.checked.split_at_checked(USER_ID_LENGTH).ok_or("user")?;
        let checked: CheckedPart = serde_json::from_str(checked).map_err(|_| "sign-in")?;
        let start = self.used.find('{').ok_or("use")?;
        let (version, moving) = self.used.split_at(start);
        let moving: UsedPart = serde_json::from_str(moving).map_err(|_| "use")?;
        Ok(Session {
            key: key.clone(),
            user: user.parse().map_err(|_| "user")?,
            strategy: checked.strategy.parse().map_err(|_| "strategy")?,
            created: Timestamp::from_millis(checked.created),
            last_seen: Timestamp::from_millis(moving.last_seen),
            idle_expires: Timestamp::from_millis(moving.idle_expires),
            absolute_expires: Timestamp::from_millis(checked.absolute_expires),
            epochs: checked.epochs(),
            gave_code: checked.gave_code,
            cookie: checked.cookie.as_deref().map(hash_of).transpose().map_err(|_| "cookie")?,
            rotation: moving.rotation.map(RotationPart::state).transpose().map_err(|_| "rotation")?,
            proof: checked.proof().map_err(|_| "device proof")?,
            device: checked.device(),
            state: SessionState::Live,
            version: version.parse().map_err(|_| "version")?,
        })
    }
}

/// Nothing in a record can fail to be written: it has texts and numbers alone.
fn json(part: &impl Serialize) -> String {
    serde_json::to_string(part).unwrap_or_default()
}

impl CheckedPart {
    fn of(session: &Session) -> Self {
        let Device { name, address, user_agent } = session.device.clone();
        let Epochs { user, tenant, everyone } = session.epochs;
        Self {
            strategy: session.strategy.as_str().to_owned(),
            device_name: (name != user_agent).then_some(name),
            address,
            user_agent,
            created: session.created.as_millis(),
            absolute_expires: session.absolute_expires.as_millis(),
            epochs: (user, tenant, everyone),
            gave_code: session.gave_code,
            cookie: session.cookie.as_ref().map(hash_text),
            proof: session.proof.map(|proof| (hash_text(&proof.hash), proof.shown)),
        }
    }

    const fn epochs(&self) -> Epochs {
        let (user, tenant, everyone) = self.epochs;
        Epochs { user, tenant, everyone }
    }

    fn proof(&self) -> Result<Option<DeviceProof>, Unreadable> {
        let Some((hash, shown)) = &self.proof else { return Ok(None) };
        Ok(Some(DeviceProof { hash: hash_of(hash)?, shown: *shown }))
    }

    fn device(self) -> Device {
        let name = self.device_name.unwrap_or_else(|| self.user_agent.clone());
        Device { name, address: self.address, user_agent: self.user_agent }
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
            (hash_text(&previous.hash), previous.issued.as_millis(), previous.expires.as_millis())
        };
        Self {
            generation: rotation.generation,
            issued: rotation.issued.as_millis(),
            expires: rotation.expires.as_millis(),
            kid: rotation.kid.as_str().to_owned(),
            current: hash_text(&rotation.current),
            previous: rotation.previous.as_ref().map(previous),
            late_repeats: rotation.late_repeats.map(|repeats| (repeats.newest, repeats.in_a_row)),
        }
    }

    fn state(self) -> Result<RotationState, Unreadable> {
        Ok(RotationState {
            generation: self.generation,
            issued: Timestamp::from_millis(self.issued),
            expires: Timestamp::from_millis(self.expires),
            kid: self.kid.parse().map_err(|_| Unreadable)?,
            current: hash_of(&self.current)?,
            previous: self.previous.map(previous).transpose()?,
            late_repeats: self.late_repeats.map(|(newest, in_a_row)| LateRepeats { newest, in_a_row }),
        })
    }
}

fn previous((hash, issued, expires): (String, i64, i64)) -> Result<PreviousGeneration, Unreadable> {
    let (issued, expires) = (Timestamp::from_millis(issued), Timestamp::from_millis(expires));
    Ok(PreviousGeneration { hash: hash_of(&hash)?, issued, expires })
}

#[cfg(test)]
mod tests {
    use portcullis_core::store::conformance::records::{bare_session, new_user_key, session, tenant};

    use super::*;

    #[test]
    fn a_session_is_read_as_it_was_written() {
        let jo = new_user_key(&tenant("acme"));
        for mut known in [session(&jo), bare_session(&jo)] {
            for name in ["a phone", known.device.user_agent.clone().as_str()] {
                name.clone_into(&mut known.device.name);
                assert_eq!(SessionTexts::of(&known).session(&known.key).unwrap(), known);
            }
        }
    }

    #[test]
    fn a_record_that_cannot_be_read_is_named() {
        let known = session(&new_user_key(&tenant("acme")));
        let texts = || SessionTexts::of(&known);
        let spoiled = [
            (SessionTexts { checked: String::new(), ..texts() }, "user"),
            (SessionTexts { checked: texts().checked.replacen('-', "x", 1), ..texts() }, "user"),
            (SessionTexts { checked: format!("a{}", "ä".repeat(20)), ..texts() }, "user"),
            (SessionTexts { checked: texts().checked + "x", ..texts() }, "sign-in"),
            (SessionTexts { used: "7".to_owned(), ..texts() }, "use"),
            (SessionTexts { used: texts().used.replace("\"k\":\"", "\"k\":\"%"), ..texts() }, "rotation"),
            (SessionTexts { used: texts().used.replacen('{', "x{", 1), ..texts() }, "version"),
        ];
        for (texts, part) in spoiled {
            let fault = texts.session(&known.key).unwrap_err().to_string();
            assert!(fault.contains(part) && fault.contains(&known.key.id.to_string()), "{fault}");
        }
    }
}
