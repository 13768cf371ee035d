//! The core of Portcullis: keep people signed in, and get them out again the moment somebody says so.
//!
//! | module | what it is |
//! |---|---|
//! | [`session`] | the one thing that says somebody is signed in, and its pure transitions |
//! | [`strategy`] | how people stay signed in: carrier, check and renewal, as data |
//! | [`engine`] | what happens when somebody signs up, signs in, comes back, refreshes, signs out |
//! | [`liveness`] | a view of the sessions that knows how old it is |
//! | [`store`] | what a store must do, the memory store, and the suite that proves another one |
//! | [`token`], [`key`] | what is signed and when it is believed; the keys, and the master key over them |
//! | [`password`], [`user`], [`email`], [`username`], [`mobile`] | who somebody is |
//! | [`tenant`] | whose rules hold |
//! | [`lockout`], [`ticket`] | how many wrong guesses are looked at; secrets that are sent and work once |
//! | [`queued_mail`], [`outgoing_mail`] | messages that wait to be sent; letters, and whoever delivers them |
//! | [`clock`], [`random`], [`machine`] | time and chance, as arguments |
//!
//! This crate knows no framework, no driver and no configuration format. Time and randomness are arguments.

pub mod clock;
pub mod email;
pub mod engine;
pub mod event;
pub mod id;
pub mod key;
pub mod liveness;
pub mod lockout;
pub mod machine;
pub mod mobile;
pub mod outgoing_mail;
pub mod password;
pub mod queued_mail;
pub mod random;
pub mod secret;
pub mod session;
pub mod store;
pub mod strategy;
pub mod tenant;
pub mod ticket;
pub mod token;
pub mod user;
pub mod username;
