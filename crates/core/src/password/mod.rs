//! Passwords: the plain text, the policy for new ones, and their hashes.
//!
//! The length of a [`Password`] is limited before anything else happens. A [`PasswordHash`] is Argon2id, or an imported
//! Argon2id or bcrypt hash, which is verified and replaced at the next sign-in. Hashing takes tens of milliseconds and
//! happens in a [`HashPool`]. Its queue is bounded, so that a burst of sign-ins is refused instead of starving
//! everything else.
//!
//! The module does not decide whether a sign-in succeeds, counts no failures and uses no store.
//!
//! ```
//! use portcullis_core::password::{Password, PasswordPolicy, WeakPassword};
//!
//! let password = Password::new("acme2026!!!!!!!").unwrap();
//! let refused = PasswordPolicy::SINGLE_FACTOR.check(&password, &["acme", "jo.bloggs"]).unwrap_err();
//! assert_eq!(refused, WeakPassword::ContainsContext { word: "acme".to_owned() });
//! ```

mod argon2id;
mod hash;
mod hasher;
mod known_words;
mod plain;
mod policy;
mod pool;

pub use argon2id::{Argon2Cost, InvalidArgon2Cost};
pub use hash::{InvalidPasswordHash, PasswordHash};
pub use hasher::{HashFailed, Hasher, PasswordMatch};
pub use plain::{Password, PasswordTooLong};
pub use policy::{PasswordPolicy, WeakPassword};
pub use pool::{HashPool, HashRefused, PoolSize};
