//! Secrets shared with other services, and names.

use super::*;
use crate::token::cookie::{sign, unsign};

const JWT: &str = "a jwt secret of more than thirty-two bytes";
const COOKIE: &str = "a cookie secret of more than thirty-two bytes";

// ASVS-map: JW10, AU3
#[test]
fn a_shared_secret_that_could_be_guessed_is_refused_with_the_reason_and_the_cure() {
    for short in ["", "secret", "keyboard cat", &JWT[..31]] {
        let fault = SharedSecrets::new(Some(short), None).unwrap_err();
        assert_eq!(
            fault,
            SharedSecretFault::TooShort { name: "JWT_SECRET", signed: "token", length: short.len() }
        );
        let text = fault.to_string();
        for needed in ["JWT_SECRET", "at least 32", "RFC 7518", "openssl rand"] {
            assert!(text.contains(needed), "{text}");
        }
    }
    assert!(SharedSecrets::new(Some(&JWT[..32]), None).is_ok());
    let guessable = Err(SharedSecretFault::Guessable { name: "SESSION_SECRET" });
    for known in [
        &"0".repeat(64),
        &"secret".repeat(8),
        "a-string-secret-at-least-256-bits-long",
        "your-super-secret-jwt-key-change-this-in-production",
        "CHANGEME-CHANGEME-CHANGEME-CHANGEME",
        "your-256-bit-secret-for-HS256-tokens",
        "Correct-Horse-Correct-Horse-Correct",
        "portcullis portcullis portcullis 2026",
    ] {
        assert_eq!(SharedSecrets::new(None, Some(known)).map(drop), guessable, "{known}");
        assert!(SharedSecrets::even_guessable(None, Some(known)).is_ok(), "{known}");
    }
    assert!(
        SharedSecrets::even_guessable(None, Some("secret")).unwrap_err().to_string().contains("one cookie")
    );
    for random in [
        "030a11181f262d343b424950575e656c",
        "6Zk2m1YFQ0v9cWq4rXt7uBn3sEa8dHj5",
        "31415926535897932384626433832795028841971693993751",
    ] {
        assert!(SharedSecrets::new(Some(random), None).is_ok(), "{random}");
    }
}

// ASVS-map: JW2
#[test]
fn one_secret_does_not_serve_for_tokens_and_cookies() {
    assert_eq!(SharedSecrets::new(Some(JWT), Some(JWT)).map(drop), Err(SharedSecretFault::SameTwice));
    assert!(SharedSecrets::new(Some(JWT), Some(COOKIE)).is_ok());
}

#[test]
fn a_shared_secret_signs_and_the_tenants_own_keys_still_verify() {
    let records: Vec<KeyRecord> = KeyUse::ALL.iter().map(|usage| key(*usage, NOW, NOW)).collect();
    let own = ring(&records);
    let shared = SharedSecrets::new(Some(JWT), Some(COOKIE)).unwrap();
    let both = opened(&records, None, &shared).unwrap();

    let signer = both.access_signer(NOW).unwrap();
    assert_eq!(signer.algorithm(), Algorithm::Hs256);
    assert_eq!(signer.kid(), opened(&[], None, &shared).unwrap().access_signer(NOW).unwrap().kid());
    for kid in [signer.kid(), &records[0].kid] {
        assert_eq!(both.access_key(kid, NOW).map(SigningKey::kid), Some(kid));
    }
    assert!(both.access_key(&"unknown".parse().unwrap(), NOW).is_none());
    assert_eq!(both.jwks(NOW), own.jwks(NOW));
    assert_eq!(both.refresh_signer(NOW).unwrap().kid(), own.refresh_signer(NOW).unwrap().kid());

    let ours = sign(own.cookie_signer(NOW).unwrap(), "v");
    let theirs = sign(both.cookie_signer(NOW).unwrap(), "v");
    assert_ne!(ours, theirs);
    for signed in [ours, theirs] {
        assert_eq!(unsign(&signed, &both.cookie_keys(NOW)), Some("v"));
    }
}

// ASVS-map: OP6
#[test]
fn nothing_secret_shows_in_debug() {
    let shared = SharedSecrets::new(Some(JWT), Some(COOKIE)).unwrap();
    let records: Vec<KeyRecord> = KeyUse::ALL.iter().map(|usage| key(*usage, NOW, NOW)).collect();
    let cookie = records[2].open(None).unwrap();
    let cookie = std::str::from_utf8(&cookie).unwrap();
    let ring = opened(&records, None, &shared).unwrap();
    let shown = format!("{records:?} {shared:?} {ring:?}");
    for secret in [JWT, COOKIE, cookie, "[48, ", "redacted"] {
        assert!(!shown.contains(secret), "{shown}");
    }
}

#[test]
fn a_key_name_is_short_and_plain() {
    for good in ["a", "A-_9", &"k".repeat(128)] {
        assert_eq!(good.parse::<Kid>().unwrap().as_str(), good);
    }
    for bad in ["", "a b", "a.b", "a/b", "a=", "é", "a\0", "a\n", &"k".repeat(129)] {
        assert_eq!(bad.parse::<Kid>(), Err(InvalidKid), "{bad:?}");
    }
}
