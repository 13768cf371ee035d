//! The suite that proves a store. A store author runs both parts in the tests of the store:
//!
//! | part | what it proves | entry points |
//! |---|---|---|
//! | [`contract`] | every sentence of the [traits](super), on the store alone | [`contract::run`], [`contract::run_across_processes`] |
//! | [`scenarios`] | the engine on the store: what every strategy promises users | [`scenarios::run`] |
//!
//! A test makes [`Stores`](super::Stores) on a new, empty database and hands them over. Each requirement is a public
//! function that panics if the store breaks it, so that an author can call one alone while working on it.
//! [`contract::run_across_processes`] needs two connections to one database, as two processes would have them.
//!
//! | module | what it is for |
//! |---|---|
//! | [`records`] | sample records |
//! | [`fixture`] | an engine on the store, and users who sign in |
//! | [`faults`] | stores that fail, stop and fall silent when a test tells them to |
//!
//! ```
//! use portcullis_core::store::conformance::{Capabilities, contract};
//! use portcullis_core::store::memory::MemoryStore;
//!
//! # let runtime = tokio::runtime::Builder::new_multi_thread().enable_all().build()?;
//! # runtime.block_on(async {
//! let can = Capabilities { rounds: 2, ..Capabilities::default() };
//! contract::run(async || MemoryStore::stores(), can).await;
//! contract::run_across_processes(async || { let stores = MemoryStore::stores(); (stores.clone(), stores) }, can).await;
//! # });
//! # Ok::<(), std::io::Error>(())
//! ```
//!
//! The races need a runtime with several threads. A store must take its ticks from
//! [`SystemClock`](crate::machine::SystemClock), because the suite compares the feed's proofs with that clock. The
//! suite writes records in any order: no store may require that a session's user, or a user's tenant, exists.

#![expect(
    clippy::missing_panics_doc,
    reason = "to panic is how every function here says that a store is wrong"
)]

pub mod contract;
pub mod faults;
pub mod fixture;
mod hand_clock;
pub mod records;
pub mod scenarios;
mod second_step;

use std::fmt::Display;
use std::time::Duration;

/// How hard the suite tests a store, and what the store cannot do.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Capabilities {
    /// How often the suite runs each race.
    pub rounds: usize,
    /// How long the feed may take to announce a change before it counts as lost.
    pub announcement_timeout: Duration,
    /// Whether the feed announces what another process wrote. If it does not, one process alone may use the store.
    pub announces_others: bool,
    /// Whether a session is updated under its user's versions. If not, its users are in another store.
    pub compares_users: bool,
    /// Whether live sessions are removed by [`purge`](crate::store::SessionStore::purge). If not, they expire by the
    /// store's own clock.
    pub purges_live_sessions: bool,
}

/// Twenty rounds, ten seconds, and a store that can do everything.
impl Default for Capabilities {
    fn default() -> Self {
        Self {
            rounds: 20,
            announcement_timeout: Duration::from_secs(10),
            announces_others: true,
            compares_users: true,
            purges_live_sessions: true,
        }
    }
}

/// Unwraps the answer of a store that must not fail in this suite.
trait Answered<T> {
    fn answered(self) -> T;
}

impl<T, E: Display> Answered<T> for Result<T, E> {
    #[track_caller]
    fn answered(self) -> T {
        match self {
            Ok(answer) => answer,
            #[expect(clippy::panic, reason = "a store that does not answer has failed the suite")]
            Err(fault) => panic!("the store did not answer: {fault}"),
        }
    }
}
