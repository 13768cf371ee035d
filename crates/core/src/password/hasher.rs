use std::sync::Arc;

use argon2::Version;
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD_NO_PAD;
use thiserror::Error;

use super::argon2id::Argon2Memory;
use super::hash::HashScheme;
use super::{Argon2Cost, Password, PasswordHash};

const SALT_BYTES: usize = 16;
const OUTPUT_BYTES: usize = 32;

/// The result of comparing a password with a hash.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
#[must_use]
pub enum PasswordMatch {
    /// The password is right.
    Yes,
    /// The password is right, but the hash is weaker than new ones and should be replaced.
    YesButRehash,
    /// The password is wrong.
    No,
}

/// Makes and verifies hashes, one at a time, in memory that it keeps. It blocks its thread: asynchronous code uses a
/// [`HashPool`](super::HashPool).
pub struct Hasher {
    memory: Argon2Memory,
}

/// Argon2 could not allocate its memory.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Error)]
#[error("no memory to hash a password")]
pub struct HashFailed;

impl Hasher {
    /// A hasher that makes hashes of this cost.
    #[must_use]
    pub const fn new(cost: Argon2Cost) -> Self {
        Self { memory: Argon2Memory::new(cost) }
    }

    /// Hashes a password. The salt must be new from a [`Random`](crate::random::Random).
    ///
    /// # Errors
    ///
    /// [`HashFailed`] if memory cannot be allocated.
    pub fn hash(&mut self, password: &Password, salt: [u8; SALT_BYTES]) -> Result<PasswordHash, HashFailed> {
        let cost = self.memory.own().clone();
        let version = Version::V0x13;
        let mut output = [0; OUTPUT_BYTES];
        self.memory
            .argon2id(&cost, version, password.normal(), &salt, &mut output)
            .map_err(|_| HashFailed)?;
        let (v, m, t, p) = (u32::from(version), cost.memory_kib(), cost.passes(), cost.lanes());
        let [encoded_salt, encoded_output] = [&salt[..], &output].map(|it| STANDARD_NO_PAD.encode(it));
        let text = format!("$argon2id$v={v}$m={m},t={t},p={p}${encoded_salt}${encoded_output}");
        let scheme = HashScheme::Argon2id { cost, version, salt: salt.into(), output: output.into() };
        Ok(PasswordHash { text: text.into(), scheme: Arc::new(scheme) })
    }

    /// Compares a password with a hash. Without a hash that can be read the password is wrong, at the same cost, so
    /// that the time does not tell an attacker which users exist.
    ///
    /// # Errors
    ///
    /// [`HashFailed`] if memory cannot be allocated.
    pub fn verify(
        &mut self,
        password: &Password,
        against: Option<&PasswordHash>,
    ) -> Result<PasswordMatch, HashFailed> {
        let Some(hash) = against.filter(|hash| hash.is_readable()) else {
            return self.hash(password, [0; SALT_BYTES]).map(|_| PasswordMatch::No);
        };
        let matches = match &*hash.scheme {
            HashScheme::Unreadable => false,
            HashScheme::Bcrypt => bcrypt::verify(password.received(), &hash.text).unwrap_or(false),
            HashScheme::Argon2id { cost, version, salt, output } => {
                let mut fresh = vec![0; output.len()];
                self.memory
                    .argon2id(cost, *version, password.normal(), salt, &mut fresh)
                    .map_err(|_| HashFailed)?;
                is_same(&fresh, output)
            }
        };
        Ok(match (matches, self.is_weaker(&hash.scheme)) {
            (false, _) => PasswordMatch::No,
            (true, true) => PasswordMatch::YesButRehash,
            (true, false) => PasswordMatch::Yes,
        })
    }

    /// A stronger imported hash is kept: replacing it would weaken it.
    fn is_weaker(&self, scheme: &HashScheme) -> bool {
        match scheme {
            HashScheme::Bcrypt | HashScheme::Unreadable => true,
            HashScheme::Argon2id { cost, version, salt, output } => {
                *version != Version::V0x13
                    || !cost.is_at_least(self.memory.own())
                    || salt.len() < SALT_BYTES
                    || output.len() < OUTPUT_BYTES
            }
        }
    }
}

/// In constant time as a precaution: an attacker cannot choose either side bit by bit.
fn is_same(fresh: &[u8], stored: &[u8]) -> bool {
    fresh.len() == stored.len()
        && fresh.iter().zip(stored).fold(0, |differing, (a, b)| differing | (a ^ b)) == 0
}

#[cfg(test)]
mod tests;
