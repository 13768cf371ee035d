use std::collections::HashSet;
use std::sync::LazyLock;

use thiserror::Error;
use zeroize::Zeroizing;

use super::Password;

/// The most common passwords, lower case, one a line; `common.md` says where they come from.
static COMMON: LazyLock<HashSet<&'static str>> =
    LazyLock::new(|| include_str!("common.txt").lines().collect());

/// What a new password must be. It is asked where a password is set, never at sign-in and never of an imported hash.
///
/// There are no rules of composition, and no password expires: both make people choose worse ones (NIST SP 800-63B,
/// section 3.1.1.2).
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct PasswordPolicy {
    /// The least number of characters.
    pub shortest: usize,
    /// Whether common passwords and those made of the account's own names are refused.
    pub refuse_common: bool,
}

/// Why a password was refused: text for the person who chose it.
#[derive(Clone, PartialEq, Eq, Debug, Error)]
pub enum WeakPassword {
    /// It has too few characters.
    #[error("password must be longer than or equal to {shortest} characters")]
    TooShort {
        /// The least number of characters.
        shortest: usize,
    },
    /// It is one of those that are tried first.
    #[error("password must not be a commonly used one")]
    Common,
    /// It is little more than a name that everybody knows here.
    #[error("password must not be made of {word}")]
    ContainsContext {
        /// The name.
        word: String,
    },
}

impl PasswordPolicy {
    /// For trying things out on one's own machine: 8 characters and nothing else.
    pub const DEVELOPMENT: Self = Self { shortest: 8, refuse_common: false };
    /// Where the password is all that is asked for.
    pub const SINGLE_FACTOR: Self = Self { shortest: 15, refuse_common: true };
    /// Where a second step always follows.
    pub const WITH_SECOND_STEP: Self = Self { shortest: 8, refuse_common: true };

    /// Whether the password may be chosen by somebody whom these words name: the tenant, the local part of the email
    /// address, the product.
    ///
    /// # Errors
    ///
    /// [`WeakPassword`] says what is wrong with it, the first of its faults in the order of the variants.
    pub fn check(&self, password: &Password, context: &[&str]) -> Result<(), WeakPassword> {
        if password.characters() < self.shortest {
            return Err(WeakPassword::TooShort { shortest: self.shortest });
        }
        if !self.refuse_common {
            return Ok(());
        }
        let folded = Zeroizing::new(password.normal().to_lowercase());
        if COMMON.contains(folded.as_str()) {
            return Err(WeakPassword::Common);
        }
        match context.iter().find(|word| is_made_of(&folded, &word.to_lowercase())) {
            Some(word) => Err(WeakPassword::ContainsContext { word: (*word).to_owned() }),
            None => Ok(()),
        }
    }
}

/// Whether hardly a letter is left of the text without the word: what remains are digits and signs, the year and the
/// exclamation marks that people add. A word of less than three characters says nothing.
fn is_made_of(text: &str, word: &str) -> bool {
    if word.chars().count() < 3 || !text.contains(word) {
        return false;
    }
    text.split(word).flat_map(str::chars).filter(|c| c.is_alphabetic()).count() < 3
}
