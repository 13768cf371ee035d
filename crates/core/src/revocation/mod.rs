//! Revocations: what ends tokens before they expire, for verifiers that do not ask the store.
//!
//! A database writes and announces a [`StoredRevocation`] with whatever revokes tokens. Each process keeps what it
//! hears in logs, which verifiers in other processes read over the network; they show a [`FeedKey`].
//! `docs/revocation-feed.md` is the protocol, and proves its bound. Server and verifiers share the types of what
//! travels, [`wire`].

mod feed_key;
pub(crate) mod log;
mod record;
pub mod wire;

pub use feed_key::{FeedKey, FeedTenants};
pub use record::{RevocationPlace, Revoked, StoredRevocation};
