//! The master key, which is kept outside the database, and encryption under it.
//!
//! A sealed value is a version (1 byte), the id of the master key (8), a random nonce (12), and the AES-256-GCM
//! ciphertext with its tag. The associated data is the context of the value, so a thief or a bug cannot move a sealed
//! value to another row.

use std::fmt::Write as _;

use base64::Engine as _;
use base64::alphabet;
use base64::engine::{DecodePaddingMode, GeneralPurpose, GeneralPurposeConfig};
use ring::aead::{AES_256_GCM, Aad, LessSafeKey, NONCE_LEN, Nonce, UnboundKey};
use ring::hkdf::{HKDF_SHA256, Prk, Salt};
use thiserror::Error;
use zeroize::Zeroizing;

use super::is_repetitive;
use crate::random::{self, Random};
use crate::shown::shown_by_name;

const VERSION: u8 = 1;
const ID_LENGTH: usize = 8;

/// The key that encrypts private keys and secrets in the database: 256 bits, the same on every node.
#[derive(Clone)]
pub struct MasterKey(Zeroizing<[u8; 32]>);

/// The text is not a master key. The message does not repeat it, because it may be a mistyped one.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Error)]
#[error(
    "a master key is 32 random bytes in hexadecimal (64 characters) or base64 (43 or 44); \
     make one with: openssl rand -hex 32"
)]
pub struct InvalidMasterKey;

/// Why a value cannot be encrypted or decrypted.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Error)]
pub enum SealFault {
    /// The value is encrypted, and no master key was given.
    #[error(
        "it is encrypted, and no master key is configured: give the `master_key` that it was encrypted under"
    )]
    NoMasterKey,
    /// The value was encrypted under another master key.
    #[error("it was encrypted under another master key than the configured one: give that `master_key`")]
    WrongMasterKey,
    /// The value was encrypted under this master key, and was changed since or belongs to another context.
    #[error("it is damaged, or was moved here from another record")]
    Corrupt,
    /// The value is longer than AES-GCM allows.
    #[error("it cannot be encrypted")]
    Refused,
}

impl MasterKey {
    /// The text of a new key, as [`MasterKey::parse`] reads it: 64 hexadecimal digits.
    #[must_use]
    pub fn generate(random: &dyn Random) -> Zeroizing<String> {
        let bytes = Zeroizing::new(random::bytes::<32>(random));
        let mut text = Zeroizing::new(String::with_capacity(64));
        for byte in bytes.iter() {
            // Writing to a string cannot fail.
            let _ = write!(text, "{byte:02x}");
        }
        text
    }

    /// Reads 32 bytes in hexadecimal or base64 (either alphabet, with or without padding), white space around them
    /// allowed, as files end with a line break.
    ///
    /// # Errors
    ///
    /// [`InvalidMasterKey`] for everything else, and for a repeated pattern, which no random source makes.
    pub fn parse(text: &str) -> Result<Self, InvalidMasterKey> {
        let bytes = Zeroizing::new(decode(text.trim_ascii()).ok_or(InvalidMasterKey)?);
        let key: [u8; 32] = bytes.as_slice().try_into().map_err(|_| InvalidMasterKey)?;
        if is_repetitive(&key) { Err(InvalidMasterKey) } else { Ok(Self(Zeroizing::new(key))) }
    }

    /// Encrypts `plain` so that it opens with the same `context` alone.
    ///
    /// # Errors
    ///
    /// [`SealFault::Refused`] if `plain` has more than 64 GiB.
    pub fn seal(&self, context: &[&[u8]], plain: &[u8], random: &dyn Random) -> Result<Vec<u8>, SealFault> {
        let nonce: [u8; NONCE_LEN] = random::bytes(random);
        let mut sealed = plain.to_vec();
        let nonce_once = Nonce::assume_unique_for_key(nonce);
        self.cipher()?
            .seal_in_place_append_tag(nonce_once, associated_data(context), &mut sealed)
            .map_err(|_| SealFault::Refused)?;
        Ok([&[VERSION], self.id()?.as_slice(), &nonce, &sealed].concat())
    }

    /// Decrypts what was encrypted with this `context`.
    ///
    /// # Errors
    ///
    /// [`SealFault::WrongMasterKey`] and [`SealFault::Corrupt`].
    pub fn open(&self, context: &[&[u8]], sealed: &[u8]) -> Result<Zeroizing<Vec<u8>>, SealFault> {
        let (version, rest) = sealed.split_first().ok_or(SealFault::Corrupt)?;
        let (id, rest) = rest.split_at_checked(ID_LENGTH).ok_or(SealFault::Corrupt)?;
        let (nonce, rest) = rest.split_at_checked(NONCE_LEN).ok_or(SealFault::Corrupt)?;
        if *version != VERSION {
            return Err(SealFault::Corrupt);
        }
        if id != self.id()? {
            return Err(SealFault::WrongMasterKey);
        }
        let nonce = Nonce::try_assume_unique_for_key(nonce).map_err(|_| SealFault::Corrupt)?;
        let mut opened = Zeroizing::new(rest.to_vec());
        let length = self
            .cipher()?
            .open_in_place(nonce, associated_data(context), &mut opened)
            .map_err(|_| SealFault::Corrupt)?
            .len();
        opened.truncate(length);
        Ok(opened)
    }

    fn derived(&self) -> Prk {
        Salt::new(HKDF_SHA256, b"portcullis master key").extract(self.0.as_slice())
    }

    fn cipher(&self) -> Result<LessSafeKey, SealFault> {
        let derived = self.derived();
        let bytes = derived.expand(&[b"seal"], &AES_256_GCM).map_err(|_| SealFault::Refused)?;
        Ok(LessSafeKey::new(UnboundKey::from(bytes)))
    }

    /// Tells one master key from another and reveals nothing about either.
    fn id(&self) -> Result<[u8; ID_LENGTH], SealFault> {
        let mut id = [0; 32];
        let derived = self.derived();
        let bytes = derived.expand(&[b"id"], HKDF_SHA256).map_err(|_| SealFault::Refused)?;
        bytes.fill(&mut id).map_err(|_| SealFault::Refused)?;
        id.first_chunk().copied().ok_or(SealFault::Refused)
    }
}

shown_by_name!(MasterKey);

/// The parts with their lengths in front, so that two contexts never give the same bytes.
fn associated_data(context: &[&[u8]]) -> Aad<Vec<u8>> {
    let mut bytes = Vec::new();
    for part in context {
        bytes.extend_from_slice(&(part.len() as u64).to_be_bytes());
        bytes.extend_from_slice(part);
    }
    Aad::from(bytes)
}

fn decode(text: &str) -> Option<Vec<u8>> {
    let config = GeneralPurposeConfig::new().with_decode_padding_mode(DecodePaddingMode::Indifferent);
    let alphabet = if text.contains(['-', '_']) { &alphabet::URL_SAFE } else { &alphabet::STANDARD };
    if text.len() == 64 { hex(text) } else { GeneralPurpose::new(alphabet, config).decode(text).ok() }
}

fn hex(text: &str) -> Option<Vec<u8>> {
    let digit = |c: u8| char::from(c).to_digit(16).and_then(|value| u8::try_from(value).ok());
    let (pairs, _) = text.as_bytes().as_chunks::<2>();
    pairs.iter().map(|&[high, low]| Some((digit(high)? << 4) | digit(low)?)).collect()
}
