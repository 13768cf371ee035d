//! A user's known devices, as JSON: `[{"hash":"base64url","used":milliseconds,"name":"…","session":"uuid"}]`. An older
//! version wrote neither name nor session.

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use portcullis_core::clock::Timestamp;
use portcullis_core::secret::SecretHash;
use portcullis_core::user::KnownDevice;
use serde_json::{Value, json};

pub(super) fn written(devices: &[KnownDevice]) -> String {
    let device = |known: &KnownDevice| {
        let hash = URL_SAFE_NO_PAD.encode(known.hash.as_bytes());
        json!({ "hash": hash, "used": known.used.as_millis(), "name": known.name, "session": known.session })
    };
    devices.iter().map(device).collect::<Value>().to_string()
}

pub(super) fn read(json: &str) -> Option<Vec<KnownDevice>> {
    let devices: Vec<Value> = serde_json::from_str(json).ok()?;
    devices.iter().map(device).collect()
}

fn device(known: &Value) -> Option<KnownDevice> {
    let hash = URL_SAFE_NO_PAD.decode(known.get("hash")?.as_str()?).ok()?;
    let used = known.get("used")?.as_i64()?;
    let hash = SecretHash::from_bytes(hash.try_into().ok()?);
    let name = known.get("name").and_then(Value::as_str).unwrap_or_default().to_owned();
    let session = match known.get("session") {
        None | Some(Value::Null) => None,
        Some(session) => Some(session.as_str()?.parse().ok()?),
    };
    Some(KnownDevice { hash, used: Timestamp::from_millis(used), name, session })
}
