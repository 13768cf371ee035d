//! The core of Portcullis: it keeps users signed in, and signs them out on every node within a second.
//!
//! | module | what it is |
//! |---|---|
//! | [`engine`] | the use cases: sign-up, sign-in, authentication of a request, refresh, sign-out, administration |
//! | [`session`] | the record that a user is signed in on one device, and its pure transitions |
//! | [`strategy`] | how a user stays signed in: carrier, check and renewal, as data |
//! | [`token`], [`key`] | access tokens, refresh tokens and signed cookies; signing keys, their rotation, the master key |
//! | [`user`], [`email`], [`username`], [`mobile`], [`password`] | users, the names they sign in by, and their passwords |
//! | [`tenant`] | a tenant's record, settings and policy |
//! | [`lockout`], [`ticket`] | brute-force lockout; one-time codes and links |
//! | [`queued_mail`], [`outgoing_mail`] | the mail queue; mails that are about to be sent, and the trait that delivers them |
//! | [`revocation`] | the revocation feed: what verifiers in other processes are told |
//! | [`event`] | what the engine reports for the audit log |
//! | [`store`] | the store traits, the memory store, and the conformance suite for other stores |
//! | [`revocation`] | what ends tokens before they expire, for verifiers in other processes |
//! | [`liveness`] | the session view: a cache of sessions and users that knows how old it is |
//! | [`id`], [`secret`], [`invisible`] | ids and keys of records; plain and hashed secrets; characters that mislead |
//! | [`client_network`] | the network of a client, the unit in which clients are limited and take turns |
//! | [`clock`], [`random`], [`machine`] | time and randomness as arguments, and the machine's own |
//! | [`steered_clock`] | a clock that shows the database's time, so that all nodes agree on it |
//!
//! This crate contains no framework, no database driver and no configuration format.

mod bounded_cache;
pub mod client_network;
pub mod clock;
pub mod email;
pub mod engine;
pub mod event;
pub mod id;
pub mod invisible;
pub mod key;
pub mod liveness;
pub mod lockout;
pub mod machine;
pub mod mobile;
pub mod outgoing_mail;
pub mod password;
pub mod queued_mail;
pub mod random;
pub mod revocation;
pub mod secret;
mod serde_input;
pub mod session;
mod shown;
pub mod steered_clock;
pub mod store;
pub mod strategy;
mod strict_json;
pub mod tenant;
pub mod ticket;
pub mod token;
pub mod user;
pub mod username;
mod word_enum;
