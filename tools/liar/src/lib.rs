//! A revocation feed that lies on demand, for the tests of verifiers in any language.
//!
//! A [`Liar`] is a small authorization server: metadata, key set, `/auth/verify`, and the feed with its snapshot. It is
//! honest until it is told to play a [`Trick`]. A verifier must never accept a token later than `max_staleness` after
//! its session ended, whatever trick is played, and must go on by itself when the trick is over.
//!
//! The program `liar` is the same for verifiers in other languages: `liar --help`.
//!
//! It leaves out on purpose whatever a verifier does not see: users, passwords, stores.

mod answers;
mod forgery;
mod issuer;
mod proxy;
mod routes;
mod state;
mod trick;

pub use issuer::{LiarSession, LiarUser};
pub use routes::Liar;
pub use trick::Trick;
