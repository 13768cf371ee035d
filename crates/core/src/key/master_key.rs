//! The master key, which stands outside the database, and what is sealed under it.
//!
//! A sealed value is a version (1 byte), the id of the master key (8), a random nonce (12), and the AES-256-GCM
//! ciphertext with its tag. It is bound to the place it belongs to: what was sealed for one place opens in no other.

use std::fmt;

use base64::Engine as _;
use base64::alphabet;
use base64::engine::{DecodePaddingMode, GeneralPurpose, GeneralPurposeConfig};
use ring::aead::{AES_256_GCM, Aad, LessSafeKey, NONCE_LEN, Nonce, UnboundKey};
use ring::hkdf::{HKDF_SHA256, Prk, Salt};
use thiserror::Error;
use zeroize::Zeroizing;

use super::is_pattern;
use crate::random::{self, Random};

const VERSION: u8 = 1;
const ID_LENGTH: usize = 8;

/// The key that private keys and secrets in the database are sealed under: 256 bits, the same on every node.
#[derive(Clone)]
pub struct MasterKey(Zeroizing<[u8; 32]>);

/// The text is no master key. It is not repeated here: it may be a mistyped one.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Error)]
#[error(
    "a master key is 32 random bytes in hexadecimal (64 characters) or base64 (43 or 44); \
     make one with: openssl rand -hex 32"
)]
pub struct InvalidMasterKey;

/// Why something cannot be sealed or opened.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Error)]
pub enum SealFault {
    /// It is sealed, and no master key was given.
    #[error("it is sealed, and no master key is configured")]
    NoMasterKey,
    /// It was sealed under another master key.
    #[error("it was sealed under another master key than the configured one")]
    WrongMasterKey,
    /// It was sealed under this master key, and has changed since or belongs to another place.
    #[error("it is damaged, or was moved here from another place")]
    Corrupt,
    /// The cipher did not take it: it is longer than AES-GCM allows.
    #[error("it cannot be sealed")]
    Refused,
}

impl MasterKey {
    /// Reads 32 bytes in hexadecimal or base64 (either alphabet, with or without padding), white space around them
    /// allowed, as files end with a line break.
    ///
    /// # Errors
    ///
    /// [`InvalidMasterKey`] for everything else, and for bytes of which nearly all are equal: nobody drew those at random.
    pub fn parse(text: &str) -> Result<Self, InvalidMasterKey> {
        let bytes = Zeroizing::new(decode(text.trim_ascii()).ok_or(InvalidMasterKey)?);
        let key: [u8; 32] = bytes.as_slice().try_into().map_err(|_| InvalidMasterKey)?;
        if is_pattern(&key) { Err(InvalidMasterKey) } else { Ok(Self(Zeroizing::new(key))) }
    }

    /// Seals `plain` for the place that `place` names, part by part.
    ///
    /// # Errors
    ///
    /// [`SealFault::Refused`] for something of more than 64 GiB.
    pub fn seal(&self, place: &[&[u8]], plain: &[u8], random: &dyn Random) -> Result<Vec<u8>, SealFault> {
        let nonce: [u8; NONCE_LEN] = random::bytes(random);
        let mut sealed = plain.to_vec();
        let nonce_once = Nonce::assume_unique_for_key(nonce);
        self.cipher()?
            .seal_in_place_append_tag(nonce_once, associated(place), &mut sealed)
            .map_err(|_| SealFault::Refused)?;
        Ok([&[VERSION], self.id()?.as_slice(), &nonce, &sealed].concat())
    }

    /// Opens what was sealed for `place`.
    ///
    /// # Errors
    ///
    /// [`SealFault::WrongMasterKey`] and [`SealFault::Corrupt`].
    pub fn open(&self, place: &[&[u8]], sealed: &[u8]) -> Result<Zeroizing<Vec<u8>>, SealFault> {
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
            .open_in_place(nonce, associated(place), &mut opened)
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

    /// What tells one master key from another; it says nothing about either.
    fn id(&self) -> Result<[u8; ID_LENGTH], SealFault> {
        let mut id = [0; 32];
        let derived = self.derived();
        let bytes = derived.expand(&[b"id"], HKDF_SHA256).map_err(|_| SealFault::Refused)?;
        bytes.fill(&mut id).map_err(|_| SealFault::Refused)?;
        id.first_chunk().copied().ok_or(SealFault::Refused)
    }
}

impl fmt::Debug for MasterKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("MasterKey")
    }
}

/// The parts with their lengths in front, so that no two places run together.
fn associated(place: &[&[u8]]) -> Aad<Vec<u8>> {
    let mut bytes = Vec::new();
    for part in place {
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
