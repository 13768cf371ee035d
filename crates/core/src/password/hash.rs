use std::fmt;
use std::sync::Arc;

use argon2::Version;
use argon2::password_hash::phc;
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD_NO_PAD;
use thiserror::Error;

use super::argon::Memory;
use super::{Argon2Cost, Password};

const SALT_BYTES: usize = 16;
const OUTPUT_BYTES: usize = 32;

/// The highest cost of an imported bcrypt hash: 1.2 seconds. Each step more doubles it.
const MOST_BCRYPT: u32 = 14;

/// The hash of a password, as it is stored: a PHC string of Argon2id, or bcrypt's own form (`$2a$`, `$2b$`, `$2y$`).
///
/// bcrypt reads 72 bytes and no more. That is how the imported hash was made, so that is how it is verified: two
/// passwords that differ later are one to it, until the next sign-in replaces it by a hash that reads everything. A NUL
/// is a byte like any other, as it is to the bcrypt libraries of Node; a hash made by one that stops at NUL, of a
/// password that contains one, does not verify.
///
/// Whatever names its own cost is bounded when it is parsed, so that no imported row can bring a process down.
#[derive(Clone)]
pub struct PasswordHash {
    text: Arc<str>,
    scheme: Arc<Scheme>,
}

enum Scheme {
    Argon2id { cost: Argon2Cost, version: Version, salt: Box<[u8]>, output: Box<[u8]> },
    Bcrypt,
}

/// The text is no hash that can be verified here.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Error)]
#[error("not a password hash: Argon2id in PHC form or bcrypt ($2a$, $2b$, $2y$), of bounded cost")]
pub struct NotAHash;

/// What came of comparing a password with a hash.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
#[must_use]
pub enum Verified {
    /// It is the password.
    Yes,
    /// It is the password, and the hash is weaker than those made now: make a new one while the password is at hand.
    YesButRehash,
    /// It is not the password.
    No,
}

impl PasswordHash {
    /// The hash that is written like this, ours or somebody else's.
    ///
    /// # Errors
    ///
    /// [`NotAHash`] if the text is of another kind, is damaged, or names a cost over the bounds.
    pub fn parse(text: &str) -> Result<Self, NotAHash> {
        let scheme = if text.starts_with("$argon2id$") { parse_argon2id(text) } else { parse_bcrypt(text) };
        scheme.map(|scheme| Self { text: text.into(), scheme: Arc::new(scheme) })
    }

    /// What to store.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.text
    }
}

impl PartialEq for PasswordHash {
    fn eq(&self, other: &Self) -> bool {
        self.text == other.text
    }
}

impl Eq for PasswordHash {}

impl fmt::Debug for PasswordHash {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("PasswordHash")
    }
}

fn parse_argon2id(text: &str) -> Result<Scheme, NotAHash> {
    let phc = phc::PasswordHash::new(text).map_err(|_| NotAHash)?;
    let number = |name| phc.params.get_decimal(name).ok_or(NotAHash);
    let cost = Argon2Cost::new(number("m")?, number("t")?, number("p")?).map_err(|_| NotAHash)?;
    if phc.params.iter().count() != 3 {
        return Err(NotAHash); // A key id or associated data, which changes the hash and which we do not have.
    }
    // Strings without a version are older than the field (PHC string format, "Argon2 Encoding").
    let version = phc.version.map_or(Ok(Version::V0x10), Version::try_from).map_err(|_| NotAHash)?;
    let (Some(salt), Some(output)) = (&phc.salt, &phc.hash) else {
        return Err(NotAHash);
    };
    let salt: &[u8] = salt.as_ref();
    if salt.len() < argon2::MIN_SALT_LEN {
        return Err(NotAHash);
    }
    Ok(Scheme::Argon2id { cost, version, salt: salt.into(), output: output.as_bytes().into() })
}

fn parse_bcrypt(text: &str) -> Result<Scheme, NotAHash> {
    // `$2x$` marks hashes of a PHP release that mangled letters beyond ASCII: nothing verifies those.
    let known = ["$2a$", "$2b$", "$2y$"].iter().any(|prefix| text.starts_with(prefix));
    let parts: bcrypt::HashParts = text.parse().map_err(|_| NotAHash)?;
    if known && (4..=MOST_BCRYPT).contains(&parts.get_cost()) { Ok(Scheme::Bcrypt) } else { Err(NotAHash) }
}

/// Makes and verifies hashes, one at a time, in memory that it keeps. It blocks for as long as that takes: asynchronous
/// code asks a [`HashPool`](super::HashPool).
pub struct Hasher {
    memory: Memory,
}

/// Argon2 gave no hash, for want of memory.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Error)]
#[error("no memory to hash a password")]
pub struct HashFailed;

impl Hasher {
    /// One that makes hashes of this cost.
    #[must_use]
    pub const fn new(cost: Argon2Cost) -> Self {
        Self { memory: Memory::new(cost) }
    }

    /// The hash of the password, to be stored. The salt must be fresh from a [`Random`](crate::random::Random).
    ///
    /// # Errors
    ///
    /// [`HashFailed`] if there is no memory.
    pub fn hash(&mut self, password: &Password, salt: [u8; SALT_BYTES]) -> Result<PasswordHash, HashFailed> {
        let cost = self.memory.own().clone();
        let version = Version::V0x13;
        let mut output = [0; OUTPUT_BYTES];
        self.memory
            .argon2id(&cost, version, password.normal(), &salt, &mut output)
            .map_err(|_| HashFailed)?;
        let text = format!(
            "$argon2id$v={}$m={},t={},p={}${}${}",
            u32::from(version),
            cost.memory_kib(),
            cost.passes(),
            cost.lanes(),
            STANDARD_NO_PAD.encode(salt),
            STANDARD_NO_PAD.encode(output),
        );
        let scheme = Scheme::Argon2id { cost, version, salt: salt.into(), output: output.into() };
        Ok(PasswordHash { text: text.into(), scheme: Arc::new(scheme) })
    }

    /// Whether this is the password that the hash was made of. Without a hash it is not, at the cost of one: whoever
    /// tries addresses learns nothing from the time.
    ///
    /// # Errors
    ///
    /// [`HashFailed`] if there is no memory.
    pub fn verify(
        &mut self,
        password: &Password,
        against: Option<&PasswordHash>,
    ) -> Result<Verified, HashFailed> {
        let Some(hash) = against else {
            return self.hash(password, [0; SALT_BYTES]).map(|_| Verified::No);
        };
        let matches = match &*hash.scheme {
            Scheme::Bcrypt => bcrypt::verify(password.received(), &hash.text).unwrap_or(false),
            Scheme::Argon2id { cost, version, salt, output } => {
                let mut fresh = vec![0; output.len()];
                self.memory
                    .argon2id(cost, *version, password.normal(), salt, &mut fresh)
                    .map_err(|_| HashFailed)?;
                is_same(&fresh, output)
            }
        };
        Ok(match (matches, self.is_weaker(&hash.scheme)) {
            (false, _) => Verified::No,
            (true, true) => Verified::YesButRehash,
            (true, false) => Verified::Yes,
        })
    }

    /// A stronger hash of somebody else's stays: replacing it would weaken it.
    fn is_weaker(&self, scheme: &Scheme) -> bool {
        match scheme {
            Scheme::Bcrypt => true,
            Scheme::Argon2id { cost, version, salt, output } => {
                *version != Version::V0x13
                    || !cost.is_at_least(self.memory.own())
                    || salt.len() < SALT_BYTES
                    || output.len() < OUTPUT_BYTES
            }
        }
    }
}

/// In constant time, though nothing could be learned otherwise: neither side can be chosen bit by bit.
fn is_same(fresh: &[u8], stored: &[u8]) -> bool {
    fresh.len() == stored.len()
        && fresh.iter().zip(stored).fold(0, |differing, (a, b)| differing | (a ^ b)) == 0
}
