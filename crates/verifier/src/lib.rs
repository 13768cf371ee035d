//! Verifies the tokens of a Portcullis server in another process, and honours sign-outs within a second, with no call
//! per request.
//!
//! A [`Verifier`] knows the server's public keys, so it verifies a token by itself. It follows the server's revocation
//! feed, so it learns what has been revoked, and it knows how old its knowledge is. A token counts only while that is
//! younger than `max_staleness`. If it is older, each route decides ([`OnStale`]): ask the server, or refuse with 503.
//!
//! ```no_run
//! use portcullis_verifier::{OnStale, SentCredential, Verifier, VerifyError};
//!
//! # async fn guard(header: &str) -> Result<(), Box<dyn std::error::Error>> {
//! let verifier = Verifier::builder("https://auth.example.com").feed_key("…").build()?;
//! match verifier.verify(SentCredential::Bearer(header), OnStale::Ask).await {
//!     Ok(user) => println!("{} of {}", user.id, user.tenant),
//!     // An outage is no rejection: 503 with Retry-After, never 401.
//!     Err(VerifyError::Unavailable { retry_after }) => println!("again in {retry_after:?}"),
//!     Err(refused) => println!("401: {refused}"),
//! }
//! # Ok(())
//! # }
//! ```
//!
//! `docs/revocation-feed.md` is the protocol, with the proof of its bound. This crate contains no store and no
//! framework; [`HttpClient`] is the one thing it needs from outside, and [`HyperClient`] is the default.

mod ask;
mod builder;
mod cookies;
mod credential;
mod feed;
mod http_client;
mod hyper_client;
mod jitter;
mod keys;
mod revocations;
mod server;
mod server_clock;
mod status;
mod stream_watch;
mod verified_user;
mod verifier;
mod verifier_core;
mod verify;
mod verify_error;

pub use builder::{BuildError, VerifierBuilder};
pub use credential::{OnStale, SentCredential};
pub use http_client::{HttpClient, HttpFault};
pub use hyper_client::HyperClient;
pub use server::InvalidServerUrl;
pub use status::VerifierStatus;
pub use stream_watch::CutReason;
pub use verified_user::VerifiedUser;
pub use verifier::Verifier;
pub use verify_error::VerifyError;
