//! Passwords: the plain text, what a new one must be, and the hash that is kept.
//!
//! A [`Password`] is bounded before anything is done with it. A [`PasswordHash`] is Argon2id of our own making, or
//! Argon2id or bcrypt of somebody else's, which is verified and replaced at the next sign-in. The hashing itself costs
//! tens of milliseconds and is done by a [`HashPool`], whose queue is bounded, so that a storm of sign-ins is refused
//! instead of starving everything else.
//!
//! Nothing here decides whether a sign-in succeeds, counts wrong guesses or knows a store.
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
mod plain;
mod policy;
mod pool;

pub use argon2id::{Argon2Cost, InvalidArgon2Cost};
pub use hash::{InvalidPasswordHash, PasswordHash};
pub use hasher::{HashFailed, Hasher, PasswordMatch};
pub use plain::{Password, PasswordTooLong};
pub use policy::{PasswordPolicy, WeakPassword};
pub use pool::{HashPool, HashRefused, PoolSize};
