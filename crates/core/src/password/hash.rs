use std::sync::Arc;

use argon2::Version;
use argon2::password_hash::phc;
use thiserror::Error;

use super::Argon2Cost;
use crate::shown::shown_by_name;

/// The maximum cost of an imported bcrypt hash: 1.2 seconds. Each step more doubles it.
const MOST_BCRYPT: u32 = 14;

/// The hash of a password, as it is stored: a PHC string of Argon2id, or bcrypt's own form (`$2a$`, `$2b$`, `$2y$`).
///
/// bcrypt reads the first 72 bytes only. An imported hash was made like that, so it is verified like that: passwords
/// that differ later are equal to it, until the next sign-in replaces it with a hash that reads all bytes. A NUL is a
/// byte like any other, as in the bcrypt libraries of Node. A hash of a password with a NUL, made by a library that
/// stops there, does not verify.
///
/// The cost in the text is limited when it is parsed, so that no imported hash can exhaust a process.
#[derive(Clone)]
pub struct PasswordHash {
    pub(super) text: Arc<str>,
    pub(super) scheme: Arc<HashScheme>,
}

/// The algorithm of a hash and its parameters.
pub(super) enum HashScheme {
    Argon2id {
        cost: Argon2Cost,
        version: Version,
        salt: Box<[u8]>,
        output: Box<[u8]>,
    },
    Bcrypt,
    /// A stored text of another form. No password matches it.
    Unreadable,
}

/// The text is not a hash that can be verified here.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Error)]
#[error("not a password hash: Argon2id in PHC form or bcrypt ($2a$, $2b$, $2y$), of bounded cost")]
pub struct InvalidPasswordHash;

impl PasswordHash {
    /// Reads a hash, made by Portcullis or imported.
    ///
    /// # Errors
    ///
    /// [`InvalidPasswordHash`] if the text has another form, is damaged, or names a cost above the limits.
    pub fn parse(text: &str) -> Result<Self, InvalidPasswordHash> {
        let scheme = if text.starts_with("$argon2id$") { parse_argon2id(text) } else { parse_bcrypt(text) };
        scheme.map(|scheme| Self { text: text.into(), scheme: Arc::new(scheme) })
    }

    /// Reads a stored text. One that is no hash is kept as it is, and no password matches it: an operator may have
    /// written it, and a later version may read it.
    #[must_use]
    pub fn stored(text: &str) -> Self {
        Self::parse(text)
            .unwrap_or_else(|_| Self { text: text.into(), scheme: Arc::new(HashScheme::Unreadable) })
    }

    /// Whether a password can match it.
    #[must_use]
    pub fn is_readable(&self) -> bool {
        !matches!(*self.scheme, HashScheme::Unreadable)
    }

    /// The text to store.
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

shown_by_name!(PasswordHash);

fn parse_argon2id(text: &str) -> Result<HashScheme, InvalidPasswordHash> {
    let phc = phc::PasswordHash::new(text).map_err(|_| InvalidPasswordHash)?;
    let number = |name| phc.params.get_decimal(name).ok_or(InvalidPasswordHash);
    let cost = Argon2Cost::new(number("m")?, number("t")?, number("p")?).map_err(|_| InvalidPasswordHash)?;
    if phc.params.iter().count() != 3 {
        return Err(InvalidPasswordHash); // A key id or associated data, which is part of the hash and not available here.
    }
    // Strings without a version are older than the field (PHC string format, "Argon2 Encoding").
    let version =
        phc.version.map_or(Ok(Version::V0x10), Version::try_from).map_err(|_| InvalidPasswordHash)?;
    let (Some(salt), Some(output)) = (&phc.salt, &phc.hash) else {
        return Err(InvalidPasswordHash);
    };
    let salt: &[u8] = salt.as_ref();
    if salt.len() < argon2::MIN_SALT_LEN {
        return Err(InvalidPasswordHash);
    }
    Ok(HashScheme::Argon2id { cost, version, salt: salt.into(), output: output.as_bytes().into() })
}

fn parse_bcrypt(text: &str) -> Result<HashScheme, InvalidPasswordHash> {
    // `$2x$` marks hashes of a PHP release with a bug in letters beyond ASCII. No library verifies them.
    let known = ["$2a$", "$2b$", "$2y$"].iter().any(|prefix| text.starts_with(prefix));
    let parts: bcrypt::HashParts = text.parse().map_err(|_| InvalidPasswordHash)?;
    if known && (4..=MOST_BCRYPT).contains(&parts.get_cost()) {
        Ok(HashScheme::Bcrypt)
    } else {
        Err(InvalidPasswordHash)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn argon2id(parameters: &str) -> String {
        format!("$argon2id$v=19${parameters}$c29tZXNhbHQ$nf65EOgLrQMR/uIPnA4rEsF5h7TKyQwu9U1bMCHGi/4")
    }

    // ASVS-map: OP6
    #[test]
    fn a_hash_is_written_as_it_was_read_and_does_not_show_itself() {
        let text = argon2id("m=256,t=2,p=1");
        let hash = PasswordHash::parse(&text).unwrap();
        assert_eq!(hash.as_str(), text);
        assert_eq!(format!("{hash:?}"), "PasswordHash");
    }

    #[test]
    fn hashes_of_every_known_origin_are_read() {
        let libsodium = argon2id("m=262144,t=3,p=1");
        let argon2_of_node = argon2id("m=65536,t=3,p=4");
        let old = "$argon2id$m=256,t=2,p=1$c29tZXNhbHQ$nf65EOgLrQMR/uIPnA4rEsF5h7TKyQwu9U1bMCHGi/4";
        let bcrypt = "$2b$12$L6Bc/AlTQHyd9liGgGEZyOFLPHNgyxeEPfgYfBCVxJ7JIlwxyVU3u";
        for text in [&libsodium, &argon2_of_node, old, bcrypt] {
            assert!(PasswordHash::parse(text).is_ok(), "{text}");
        }
    }

    #[test]
    fn a_hash_that_would_exhaust_the_machine_is_refused() {
        for parameters in ["m=262145,t=1,p=1", "m=65536,t=17,p=1", "m=4294967295,t=4294967295,p=1"] {
            assert_eq!(PasswordHash::parse(&argon2id(parameters)), Err(InvalidPasswordHash), "{parameters}");
        }
        let bcrypt = "$2b$15$L6Bc/AlTQHyd9liGgGEZyOFLPHNgyxeEPfgYfBCVxJ7JIlwxyVU3u";
        assert_eq!(PasswordHash::parse(bcrypt), Err(InvalidPasswordHash));
    }

    #[test]
    fn a_damaged_hash_or_one_of_another_algorithm_is_refused() {
        for parameters in
            ["m=256,t=2", "m=7,t=2,p=1", "m=256,t=0,p=1", "m=256,t=2,p=0", "m=256,t=2,p=1,keyid=AAAA"]
        {
            assert_eq!(PasswordHash::parse(&argon2id(parameters)), Err(InvalidPasswordHash), "{parameters}");
        }
        for text in [
            "",
            "password",
            "$argon2id$",
            "$argon2id$v=19$m=256,t=2,p=1$c29tZXNhbHQ",
            "$argon2id$v=18$m=256,t=2,p=1$c29tZXNhbHQ$nf65EOgLrQMR/uIPnA4rEsF5h7TKyQwu9U1bMCHGi/4",
            "$argon2id$v=19$m=256,t=2,p=1$c2hvcnQ$nf65EOgLrQMR/uIPnA4rEsF5h7TKyQwu9U1bMCHGi/4",
            "$argon2i$v=19$m=256,t=2,p=1$c29tZXNhbHQ$nf65EOgLrQMR/uIPnA4rEsF5h7TKyQwu9U1bMCHGi/4",
            "$2x$12$L6Bc/AlTQHyd9liGgGEZyOFLPHNgyxeEPfgYfBCVxJ7JIlwxyVU3u",
            "$2b$03$L6Bc/AlTQHyd9liGgGEZyOFLPHNgyxeEPfgYfBCVxJ7JIlwxyVU3u",
            "$2b$12$L6Bc/AlTQHyd9liGgGEZyOFLPHNgyxeEPfgYfBCVxJ7JIlwxyVU3",
        ] {
            assert_eq!(PasswordHash::parse(text), Err(InvalidPasswordHash), "{text}");
        }
    }
}
