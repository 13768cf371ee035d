//! Answers that are not what they should be. Signed here once more, without the code of the server: so the two ways to
//! derive the key and to sign are held against each other.

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use ring::{hkdf, hmac};
use serde_json::Value;

/// The key of a feed key's text, by HKDF-SHA256.
fn derived(feed_key: &str) -> Option<hmac::Key> {
    let extracted = hkdf::Salt::new(hkdf::HKDF_SHA256, &[]).extract(feed_key.as_bytes());
    let mut bytes = [0; 32];
    extracted.expand(&[b"portcullis revocations v1"], hkdf::HKDF_SHA256).ok()?.fill(&mut bytes).ok()?;
    Some(hmac::Key::new(hmac::HMAC_SHA256, &bytes))
}

/// The same claims under a header that is changed, signed with the right key.
pub(crate) fn with_header(jws: &str, feed_key: &str, change: impl FnOnce(&mut Value)) -> Option<String> {
    let (header, payload) = jws.rsplit_once('.')?.0.split_once('.')?;
    let mut header: Value = serde_json::from_slice(&URL_SAFE_NO_PAD.decode(header).ok()?).ok()?;
    change(&mut header);
    let signed = format!("{}.{payload}", URL_SAFE_NO_PAD.encode(header.to_string()));
    let signature = hmac::sign(&derived(feed_key)?, signed.as_bytes());
    Some(format!("{signed}.{}", URL_SAFE_NO_PAD.encode(signature)))
}

/// The same without a signature.
pub(crate) fn unsigned(jws: &str) -> Option<String> {
    let payload = jws.split('.').nth(1)?;
    Some(format!("{}.{payload}.", URL_SAFE_NO_PAD.encode(r#"{"typ":"revocations+jwt","alg":"none"}"#)))
}
