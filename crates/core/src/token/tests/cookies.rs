//! Signed cookie values.

use zeroize::Zeroizing;

use super::*;
use crate::key::KeyMaterial;
use crate::token::cookie::{sign, unsign};

fn ring_of(secrets: &[&str]) -> Keyring {
    let tenant = TenantId::default_tenant();
    let record = |(age, secret): (usize, &&str)| {
        let active_from = NOW.minus(minutes(60 * age as u64));
        let material = KeyMaterial::Plain(Zeroizing::new(secret.as_bytes().to_vec()));
        KeyRecord { material, ..key(&tenant, KeyUse::Cookie, active_from) }
    };
    let records: Vec<KeyRecord> = secrets.iter().enumerate().map(record).collect();
    ring(&tenant, &records, &SharedSecrets::default())
}

/// Made with version 1.2.2 of `cookie-signature` under Node.
#[test]
fn a_value_is_signed_as_express_signs_it() {
    for (secret, value, signed) in [
        ("tobiiscool", "hello", "hello.DGDUkGlIkCzPz+C0B064FNgHdEjox7ch8tOBGslZ5QI"),
        ("schlüssel 🔑", "wert mit . und ü", "wert mit . und ü.s9pxmiDMxHQVOPz6RFlr31Lno9d0SiHycIM34USq8xA"),
    ] {
        let keys = ring_of(&[secret]);
        assert_eq!(sign(keys.cookie_signer(NOW).unwrap(), value), signed);
        assert_eq!(unsign(signed, &keys.cookie_keys(NOW)), Some(value));
    }
}

// ASVS-map: SE2
#[test]
fn no_byte_of_a_signed_value_can_be_changed() {
    let keys = ring_of(&["a secret for cookies"]);
    let signed = sign(keys.cookie_signer(NOW).unwrap(), "0123.456789");
    for index in 0..signed.len() {
        for bit in 0..7 {
            let mut bytes = signed.clone().into_bytes();
            bytes[index] ^= 1 << bit;
            let changed = String::from_utf8(bytes).unwrap();
            assert_eq!(unsign(&changed, &keys.cookie_keys(NOW)), None, "{changed}");
        }
    }
}

#[test]
fn a_signature_has_one_spelling() {
    let keys = ring_of(&["a secret for cookies"]);
    let signed = sign(keys.cookie_signer(NOW).unwrap(), "v");
    let url_safe = signed.replace('+', "-").replace('/', "_");
    for bad in [
        format!("{signed}="),
        format!("{signed} "),
        format!("{signed}\n"),
        format!("{signed}."),
        signed.replace('.', ""),
        format!("{signed}A"),
        "v.".to_owned(),
        "v".to_owned(),
        ".".to_owned(),
        String::new(),
        "x".repeat(5000),
    ] {
        assert_eq!(unsign(&bad, &keys.cookie_keys(NOW)), None, "{bad}");
    }
    assert_eq!(unsign(&url_safe, &keys.cookie_keys(NOW)).is_some(), url_safe == signed);
}

#[test]
fn the_newest_key_signs_and_older_ones_still_verify() {
    let keys = ring_of(&["the newer secret", "the older secret"]);
    let [newer, older] = ["the newer secret", "the older secret"].map(|secret| ring_of(&[secret]));
    let by = |ring: &Keyring| sign(ring.cookie_signer(NOW).unwrap(), "value");
    assert_eq!(by(&keys), by(&newer));
    assert_eq!(unsign(&by(&older), &keys.cookie_keys(NOW)), Some("value"));
    assert_eq!(unsign(&by(&older), &newer.cookie_keys(NOW)), None);
}
