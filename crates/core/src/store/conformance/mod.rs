//! The suite that proves a store: every sentence of the [traits](super), as a function that panics where it is not true.
//!
//! A backend's test makes its [`Stores`] on a new, empty database and hands them over. [`everything`] needs one way into
//! the database, [`two_nodes`] needs two, as two processes would have them; both belong into a backend's tests. Each
//! requirement is also a public function of its own, to be called alone while one works on it.
//!
//! ```
//! use portcullis_core::store::conformance::{Capabilities, everything, two_nodes};
//! use portcullis_core::store::memory::MemoryStore;
//!
//! # let runtime = tokio::runtime::Builder::new_multi_thread().enable_all().build()?;
//! # runtime.block_on(async {
//! let can = Capabilities { rounds: 2, ..Capabilities::default() };
//! everything(async || MemoryStore::stores(), can).await;
//! two_nodes(async || { let stores = MemoryStore::stores(); (stores.clone(), stores) }, can).await;
//! # });
//! # Ok::<(), std::io::Error>(())
//! ```
//!
//! The races need a runtime of several threads. Stores must take their ticks from
//! [`SystemClock`](crate::machine::SystemClock), for that is the clock that the suite compares a feed's proofs with.
//! Records are written in any order: no store may ask that a session's user, or a user's tenant, is there.

#![expect(
    clippy::missing_panics_doc,
    reason = "to panic is how every function here says that a store is wrong"
)]

pub mod attempts;
pub mod behaviour;
pub mod client;
pub mod contention;
pub mod ending;
pub mod epochs;
pub mod faults;
pub mod feed;
pub mod fixture;
pub mod keys;
pub mod mail;
pub mod mailbox;
pub mod races;
pub mod records;
pub mod rotation;
pub mod sessions;
pub mod tenant_isolation;
pub mod tenants;
pub mod tickets;
pub mod user_lookup;
pub mod users;

use std::fmt::Display;

use std::time::Duration;

use super::Stores;

/// What is asked of a backend, and what it says it cannot do.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Capabilities {
    /// How often each race is run.
    pub rounds: usize,
    /// How long a change may take to be announced before it counts as lost.
    pub patience: Duration,
    /// Whether the feed announces what another process wrote. A store whose feed does not must be used by one process
    /// at a time.
    pub announces_others: bool,
}

/// Twenty rounds, ten seconds, and a feed that announces everything.
impl Default for Capabilities {
    fn default() -> Self {
        Self { rounds: 20, patience: Duration::from_secs(10), announces_others: true }
    }
}

/// Every requirement that one process can see, each on stores of its own.
pub async fn everything(make: impl AsyncFn() -> Stores, can: Capabilities) {
    users::all(&make).await;
    user_lookup::all(&make).await;
    sessions::all(&make).await;
    ending::all(&make).await;
    rotation::all(&make).await;
    epochs::all(&make).await;
    keys::all(&make).await;
    tenants::all(&make).await;
    tickets::all(&make).await;
    attempts::all(&make).await;
    mail::all(&make).await;
    tenant_isolation::all(&make).await;
    feed::all(&make, can).await;
    let both = async || {
        let stores = make().await;
        (stores.clone(), stores)
    };
    races::all(&both, can).await;
    contention::all(&both).await;
}

/// Every requirement that takes two processes, here two ways into one database: the races across both, and that each
/// hears of what the other wrote.
pub async fn two_nodes(make: impl AsyncFn() -> (Stores, Stores), can: Capabilities) {
    races::all(&make, can).await;
    contention::all(&make).await;
    feed::of_another(&make, can).await;
}

/// What the store answered; it always does in this suite.
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

/// Runs each of a file's requirements on stores of its own.
macro_rules! each {
    ($make:expr; $($requirement:ident),+ $(,)?) => {
        $($requirement(&$make().await).await;)+
    };
}
use each;
