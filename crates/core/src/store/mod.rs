//! What a store must do: one small trait for each kind of record. Every verb is one atomic step.
//!
//! | verb | what it does |
//! |---|---|
//! | `insert` | creates a record; never replaces one |
//! | `find` | reads a record, or `Ok(None)`; expiry is judged by the given time |
//! | `update` | compare-and-set on the version that was read: of a session, what a use or a rotation makes of it |
//! | `issue`, `arm`, `redeem` | creates a ticket, gives it its secret, and decides about a secret that a client presents |
//! | `reissue` | makes a ticket's secret worthless, and puts a mail with another one into the queue |
//! | `reserve`, `settle`, `clear` | counts a password attempt before the comparison and after it, and forgets attempts |
//! | `put`, `claim`, `put_off`, `done` | a mail in the queue, for the mail worker |
//! | `note_token_lifetime`, `latest` | how long a revocation matters, and what was revoked lately |
//! | `unreadable`, `mend` | finds records that cannot be read, and mends one for an operator |
//! | `rename` | changes a session that has not ended |
//! | `end` | ends one session, or a user's; no verb brings one back |
//! | `advance` | counts an epoch up: every session made under the lower number is over |
//! | `list` | a page of records, by id |
//! | `purge` | removes records that are no longer needed, a bounded number at a time |
//!
//! No verb takes an id without its tenant. An acknowledged write is durable. A store that cannot answer returns
//! [`StoreError`], which is an outage and never a rejection of the client. [`memory`] is the reference. The
//! `conformance` suite beside the traits is how another store proves that it does the same.

mod attempts;
mod change_feed;
#[cfg(feature = "conformance")]
pub mod conformance;
mod error;
mod keys;
mod mail;
pub mod memory;
mod revocations;
mod sessions;
mod tenants;
mod tickets;
mod users;

use std::sync::Arc;

use crate::shown::shown_by_name;

pub use attempts::AttemptStore;
pub use change_feed::{Change, ChangeFeed, ChangeSink, Watch};
pub use error::StoreError;
pub use keys::KeyStore;
pub use mail::MailStore;
pub use revocations::{FeedKeyStore, ListedRevocations, RevocationPage, RevocationStore};
pub use sessions::{CookieKey, EndScope, EpochScope, EpochStore, SessionHandle, SessionStore, UserVersions};
pub use tenants::{NoTenantDatabases, TenantDatabases, TenantStore};
pub use tickets::TicketStore;
pub use users::{MendOutcome, RecordKind, UnreadableRecord, UserHandle, UserStore};

/// What a verb returns: its answer, or the reason why the store gave none.
pub type Stored<T> = Result<T, StoreError>;

/// Whether a record was created.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Inserted {
    /// The record was created.
    Done,
    /// Another record has its id or its unique name; nothing was written.
    Clash,
}

/// Whether a compare-and-set took place.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Updated {
    /// The record was replaced.
    Done,
    /// Another writer was first, or the record is gone; nothing was written.
    Stale,
}

/// A part of a list in the order of its ids.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Page<I> {
    /// The last id of the page before; `None` for the first page.
    pub after: Option<I>,
    /// The most records.
    pub limit: u32,
}

/// The stores that one engine works on.
#[derive(Clone)]
pub struct Stores {
    /// Users.
    pub users: Arc<dyn UserStore>,
    /// Sessions.
    pub sessions: Arc<dyn SessionStore>,
    /// Epochs, in the same database as users and sessions.
    pub epochs: Arc<dyn EpochStore>,
    /// Signing keys and secrets.
    pub keys: Arc<dyn KeyStore>,
    /// Tenants.
    pub tenants: Arc<dyn TenantStore>,
    /// Tickets, in the same database as the users.
    pub tickets: Arc<dyn TicketStore>,
    /// Password attempts, in the same database as the users.
    pub attempts: Arc<dyn AttemptStore>,
    /// The mail queue, in the same database as the users.
    pub mail: Arc<dyn MailStore>,
    /// Revocations, in the same database as users, sessions and epochs.
    pub revocations: Arc<dyn RevocationStore>,
    /// Feed keys.
    pub feed_keys: Arc<dyn FeedKeyStore>,
    /// Announces what was written in any of them.
    pub feed: Arc<dyn ChangeFeed>,
}

impl Stores {
    /// All stores in one.
    #[must_use]
    pub fn from_one<S>(store: Arc<S>) -> Self
    where
        S: UserStore + SessionStore + EpochStore + KeyStore + TenantStore,
        S: TicketStore + AttemptStore + MailStore + RevocationStore + FeedKeyStore + ChangeFeed + 'static,
    {
        Self {
            users: store.clone(),
            sessions: store.clone(),
            epochs: store.clone(),
            keys: store.clone(),
            tenants: store.clone(),
            tickets: store.clone(),
            attempts: store.clone(),
            mail: store.clone(),
            revocations: store.clone(),
            feed_keys: store.clone(),
            feed: store,
        }
    }
}

shown_by_name!(Stores);
