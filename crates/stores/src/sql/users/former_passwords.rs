//! The hashes of earlier passwords, as a JSON array in one column.

use portcullis_core::password::PasswordHash;

pub(super) fn written(hashes: &[PasswordHash]) -> String {
    let hashes: Vec<&str> = hashes.iter().map(PasswordHash::as_str).collect();
    serde_json::json!(hashes).to_string()
}

pub(super) fn read(json: &str) -> Option<Vec<PasswordHash>> {
    let texts: Vec<String> = serde_json::from_str(json).ok()?;
    Some(texts.iter().map(|text| PasswordHash::stored(text)).collect())
}
