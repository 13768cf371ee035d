//! Secrets that an operator states.
//!
//! No sentence here repeats any part of what was stated. A secret is judged by what a guesser would try: its length,
//! whether it repeats itself, and whether it stands in somebody's documentation.

use std::collections::BTreeSet;
use std::fmt;

use base64::Engine as _;
use base64::alphabet::{STANDARD, URL_SAFE};
use base64::engine::{DecodePaddingMode, GeneralPurpose, GeneralPurposeConfig};
use portcullis_core::secret::PlainSecret;
use zeroize::Zeroizing;

use super::Parsed;

const SHORTEST_SECRET: usize = 32;
const LEAST_DISTINCT: usize = 8;
const NEW_SECRET: &str = "make one with `openssl rand -base64 48`";
const NEW_KEY: &str = "make one with `openssl rand -hex 32`";

/// Parts of the secrets that documentation and templates show. Long enough, and the first that anybody tries.
const PLACEHOLDERS: [&str; 12] = [
    "changeme",
    "change-me",
    "change_me",
    "change-this",
    "change_this",
    "replace-me",
    "replace_me",
    "your-secret",
    "your_secret",
    "your-super-secret",
    "your_super_secret",
    "a-string-secret-at-least-256-bits-long",
];

/// A secret that signs: at least 32 bytes, as RFC 7518, section 3.2, demands of HS256.
pub(in super::super) fn secret(text: &str) -> Parsed<PlainSecret> {
    let length = text.len();
    if length < SHORTEST_SECRET {
        return Err(format!(
            "is {length} bytes long and needs {SHORTEST_SECRET}: a shorter one can be guessed by anybody who holds one \
             signature; {NEW_SECRET}"
        ));
    }
    if distinct(text.as_bytes()) < LEAST_DISTINCT {
        return Err(format!("repeats a few characters and can be guessed; {NEW_SECRET}"));
    }
    let lower = text.to_lowercase();
    if PLACEHOLDERS.iter().any(|placeholder| lower.contains(placeholder)) {
        return Err(format!("is a placeholder out of documentation; {NEW_SECRET}"));
    }
    Ok(PlainSecret::presented(text))
}

fn distinct(bytes: &[u8]) -> usize {
    bytes.iter().collect::<BTreeSet<_>>().len()
}

/// The key that wraps private keys and secrets in the database. Every node has the same.
#[derive(Clone, PartialEq, Eq)]
pub struct MasterKey(Zeroizing<[u8; 32]>);

impl MasterKey {
    /// The key itself.
    #[must_use]
    pub fn as_bytes(&self) -> &[u8; 32] {
        &self.0
    }
}

impl fmt::Debug for MasterKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("MasterKey")
    }
}

/// 32 bytes, as 64 hexadecimal digits or in base64 of either alphabet, padded or not.
pub(in super::super) fn master_key(text: &str) -> Parsed<MasterKey> {
    let text = text.trim();
    let bytes = Zeroizing::new(from_hex(text).or_else(|| from_base64(text)).unwrap_or_default());
    let key: [u8; 32] = bytes
        .as_slice()
        .try_into()
        .map_err(|_| format!("is not 32 bytes, written as 64 hexadecimal digits or in base64; {NEW_KEY}"))?;
    if distinct(&key) < LEAST_DISTINCT {
        return Err(format!("repeats a few bytes and can be guessed; {NEW_KEY}"));
    }
    Ok(MasterKey(Zeroizing::new(key)))
}

fn from_hex(text: &str) -> Option<Vec<u8>> {
    let digits: Option<Vec<u8>> =
        text.chars().map(|c| c.to_digit(16).and_then(|digit| u8::try_from(digit).ok())).collect();
    let digits = digits.filter(|digits| digits.len() == 64)?;
    Some(digits.chunks_exact(2).map(|pair| pair.iter().fold(0, |byte, digit| byte << 4 | digit)).collect())
}

fn from_base64(text: &str) -> Option<Vec<u8>> {
    let config = GeneralPurposeConfig::new().with_decode_padding_mode(DecodePaddingMode::Indifferent);
    let alphabets = [STANDARD, URL_SAFE];
    alphabets.iter().find_map(|alphabet| GeneralPurpose::new(alphabet, config).decode(text).ok())
}

#[cfg(test)]
mod tests {
    use super::*;

    // ASVS-map: AU3
    // ASVS-map: JW10
    #[test]
    fn short_repeating_and_well_known_secrets_are_refused_with_a_cure() {
        for (bad, why) in [
            ("", "0 bytes"),
            ("secret", "6 bytes"),
            ("only-31-bytes-of-a-fine-secret!", "31 bytes"),
            (&"abc".repeat(20), "repeats"),
            ("your-super-secret-jwt-key-change-this-in-production", "placeholder"),
            ("a-string-secret-at-least-256-bits-long", "placeholder"),
            ("CHANGEME-CHANGEME-CHANGEME-CHANGEME", "placeholder"),
        ] {
            let message = secret(bad).unwrap_err();
            assert!(message.contains(why) && message.contains("openssl rand -base64 48"), "{bad}: {message}");
        }
        assert!(secret("only-32-bytes-of-a-fine-secret!!").is_ok());
    }

    #[test]
    fn a_master_key_is_32_bytes_in_hex_or_base64() {
        let bytes: Vec<u8> = (0..32).map(|i| i * 7 + 3).collect();
        let hex = "030a11181f262d343b424950575e656c737a81888f969da4abb2b9c0c7ced5dc".to_owned();
        let standard = base64::engine::general_purpose::STANDARD.encode(&bytes);
        let url_safe = base64::engine::general_purpose::URL_SAFE_NO_PAD.encode(&bytes);
        for text in [hex.clone(), hex.to_uppercase(), format!("{hex}\n"), standard, url_safe] {
            assert_eq!(master_key(&text).unwrap().as_bytes().as_slice(), bytes, "{text}");
        }
    }

    // ASVS-map: AU3
    #[test]
    fn a_master_key_of_another_length_or_without_chance_in_it_is_refused() {
        for bad in ["", "abcd", &"ab".repeat(31), &"zz".repeat(32), &"0".repeat(64), &"A".repeat(43)] {
            assert!(master_key(bad).unwrap_err().contains("openssl rand -hex 32"), "{bad}");
        }
    }

    #[test]
    fn a_master_key_does_not_show_itself() {
        let key = master_key("00112233445566778899aabbccddeeff00112233445566778899aabbccddeeff").unwrap();
        assert_eq!(format!("{key:?}"), "MasterKey");
    }
}
