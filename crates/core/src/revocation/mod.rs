//! The revocation feed: how verifiers in other processes learn what has been revoked.
//!
//! [`wire`] is what travels: queries, records, and the signed answers. Server and verifiers share these types, so that
//! they cannot differ in a byte. `docs/revocation-feed.md` is the protocol for verifiers in other languages.

pub mod wire;
