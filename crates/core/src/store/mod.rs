//! What a store must do: one small trait a kind of record, every verb one atomic step.
//!
//! | verb | means |
//! |---|---|
//! | `insert` | create only, never replace |
//! | `find` | not found is `Ok(None)`; expiry is judged with the given time |
//! | `update` | compare-and-set on the version that was read |
//! | `rotate` | decide and write the rotation of a refresh token; `Reused` ends the session in the same step |
//! | `touch`, `rename` | change what exists and has not ended |
//! | `end` | end one session, or a user's; nothing brings one back |
//! | `advance` | count an epoch up: everything made under the lower one is over |
//! | `list` | a page, by id |
//! | `purge` | remove what has outlived its use, bounded |
//!
//! No verb takes an id without its tenant. An acknowledged write is durable. A store that cannot answer says
//! [`StoreError`], which is an outage and never a refusal. [`memory`] is the reference; the
//! `conformance` suite, beside the traits, is how another store proves that it does the same.

pub mod memory;

#[cfg(feature = "conformance")]
pub mod conformance;

mod error;

use std::fmt;
use std::sync::Arc;

use async_trait::async_trait;

pub use error::StoreError;

use crate::clock::{Ticks, Timestamp};
use crate::email::Email;
use crate::id::{Bucket, SessionId, SessionKey, TenantId, UserId, UserKey};
use crate::key::{KeyMaterial, KeyRecord, Kid};
use crate::secret::SecretHash;
use crate::session::{Ending, Epochs, Redemption, Rotated, Session};
use crate::strategy::StrategyName;
use crate::tenant::{Installation, TenantRecord};
use crate::user::User;

/// The answer of a verb that may find its store out of reach.
pub type Stored<T> = Result<T, StoreError>;

/// Whether a record was created.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Inserted {
    /// It was.
    Done,
    /// Another record has its id or its unique name; nothing was written.
    Clash,
}

/// Whether a compare-and-set took place.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Updated {
    /// It did.
    Done,
    /// Somebody else was first, or the record is gone; nothing was written.
    Stale,
}

/// A stretch of a list in the order of its ids.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Page<I> {
    /// Begin behind this id; at the beginning without one.
    pub after: Option<I>,
    /// The most records.
    pub limit: u32,
}

/// How a user is looked up.
#[derive(Clone, PartialEq, Eq, Debug)]
pub enum UserHandle {
    /// By id.
    Id(UserKey),
    /// By address, in its canonical form.
    Email(TenantId, Email),
}

/// Users.
#[async_trait]
pub trait UserStore: Send + Sync {
    /// Creates a user. [`Inserted::Clash`]: the tenant has one of this id or address.
    async fn insert(&self, user: &User) -> Stored<Inserted>;

    /// The user, if there is one.
    async fn find(&self, handle: &UserHandle) -> Stored<Option<User>>;

    /// Replaces the user if its stored version is the one before `user.version`.
    async fn update(&self, user: &User) -> Stored<Updated>;

    /// Users of a tenant, by id.
    async fn list(&self, tenant: &TenantId, page: Page<UserId>) -> Stored<Vec<User>>;
}

/// How a session is looked up.
#[derive(Clone, PartialEq, Eq, Hash, Debug)]
pub enum SessionHandle {
    /// By its public id.
    Id(SessionKey),
    /// By the opaque id of a cookie.
    Cookie(CookieKey),
}

/// The opaque id of a cookie, as a store knows it.
#[derive(Clone, PartialEq, Eq, Hash, Debug)]
pub struct CookieKey {
    /// The tenant.
    pub tenant: TenantId,
    /// Where the session is kept: a cookie names no user.
    pub bucket: Bucket,
    /// Hash of the opaque id.
    pub hash: SecretHash,
}

/// Which sessions to end.
#[derive(Clone, PartialEq, Eq, Debug)]
pub enum EndScope {
    /// One.
    One(SessionKey),
    /// All of a user; counts the user's epoch up, so that a sign-in under way does not slip through.
    User(UserKey),
    /// All of a user but one, which is taken over into the new epoch in the same step.
    UserExcept(UserKey, SessionId),
    /// All of a user under one strategy; the epoch stays, for it holds for all strategies.
    UserStrategy(UserKey, StrategyName),
}

/// Sessions, and the tombstones that they leave.
#[async_trait]
pub trait SessionStore: Send + Sync {
    /// Creates a session. [`Inserted::Clash`]: there is or was one of this id.
    async fn insert(&self, session: &Session) -> Stored<Inserted>;

    /// The session or its tombstone, with the expiries of `now` written into its state.
    async fn find(&self, handle: &SessionHandle, now: Timestamp) -> Stored<Option<Session>>;

    /// Applies [`Session::rotate`].
    async fn rotate(&self, key: &SessionKey, redemption: &Redemption) -> Stored<Rotated>;

    /// Applies [`Session::touch`]; `false` if the session is gone or has ended. Not announced in the change feed.
    async fn touch(&self, key: &SessionKey, seen: Timestamp, idle_expires: Option<Timestamp>)
    -> Stored<bool>;

    /// Renames the device; `false` if the session is gone or has ended.
    async fn rename(&self, key: &SessionKey, name: &str, now: Timestamp) -> Stored<bool>;

    /// Ends what is live at `ending.at` in the scope: which ones that were.
    async fn end(&self, scope: &EndScope, ending: Ending) -> Stored<Vec<SessionId>>;

    /// Sessions and tombstones of a user, by id, which is oldest first, with the expiries of `now` in their states.
    async fn list(&self, user: &UserKey, page: Page<SessionId>, now: Timestamp) -> Stored<Vec<Session>>;

    /// Removes at most `limit` records whose [`Session::kept_until`] has passed: how many.
    async fn purge(&self, now: Timestamp, limit: u32) -> Stored<u64>;
}

/// Whose sessions an epoch ends.
#[derive(Clone, PartialEq, Eq, Debug)]
pub enum EpochScope {
    /// A tenant's.
    Tenant(TenantId),
    /// Everyone's.
    Everyone,
}

/// Epochs: counters that end any number of sessions in one write. A user's is counted up by [`SessionStore::end`].
#[async_trait]
pub trait EpochStore: Send + Sync {
    /// The three that hold for a user. To be read **before** the session that is made under them: too low a number
    /// only ends it.
    async fn read(&self, user: &UserKey) -> Stored<Epochs>;

    /// Counts one up, with time and reason.
    async fn advance(&self, scope: &EpochScope, ending: Ending) -> Stored<()>;
}

/// Signing keys and secrets.
#[async_trait]
pub trait KeyStore: Send + Sync {
    /// Creates a key. [`Inserted::Clash`]: there is one of this id.
    async fn insert(&self, key: &KeyRecord) -> Stored<Inserted>;

    /// All keys of a tenant.
    async fn list(&self, tenant: &TenantId) -> Stored<Vec<KeyRecord>>;

    /// Replaces the material of a key: the same secret, wrapped otherwise. `false` if there is no such key.
    async fn rewrap(&self, tenant: &TenantId, kid: &Kid, material: &KeyMaterial) -> Stored<bool>;

    /// Removes a key; `false` if there is no such key.
    async fn remove(&self, tenant: &TenantId, kid: &Kid) -> Stored<bool>;
}

/// Tenants, and the installation that they are tenants of.
#[async_trait]
pub trait TenantStore: Send + Sync {
    /// The installation: `proposed` if there was none yet, else the one that stands.
    async fn found(&self, proposed: &Installation) -> Stored<Installation>;

    /// Creates a tenant.
    async fn insert(&self, tenant: &TenantRecord) -> Stored<Inserted>;

    /// The tenant, if there is one.
    async fn find(&self, id: &TenantId) -> Stored<Option<TenantRecord>>;

    /// Tenants, by name.
    async fn list(&self, page: Page<TenantId>) -> Stored<Vec<TenantRecord>>;
}

/// Something that was written, by whomever.
#[derive(Clone, PartialEq, Eq, Debug)]
pub enum Change {
    /// A session was created, ended, rotated, renamed or removed.
    Session(SessionKey),
    /// A user's record or epoch.
    User(UserKey),
    /// A tenant's record, keys or epoch.
    Tenant(TenantId),
    /// Anything: changes may have been missed.
    Everything,
}

/// Who wants to know of changes.
pub trait ChangeSink: Send + Sync {
    /// Something was written. Applied when this returns.
    fn changed(&self, change: &Change);

    /// Every change that had been acknowledged at `sent` has been passed to [`ChangeSink::changed`]. `sent` is the time
    /// **before** the question that proved it was asked.
    fn proven(&self, sent: Ticks);
}

/// A store's own announcement of what was written, by this process or another.
pub trait ChangeFeed: Send + Sync {
    /// Announces changes to `sink` from now on, on a thread of the feed's own, so that load does not delay them, for as
    /// long as the returned guard lives.
    ///
    /// # Errors
    /// The feed cannot be set up.
    fn watch(&self, sink: Arc<dyn ChangeSink>) -> Stored<Watch>;
}

/// Ends a watch when it is dropped.
pub struct Watch(#[expect(dead_code, reason = "held for its Drop")] Box<dyn Send + Sync>);

impl Watch {
    /// A watch that lasts as long as `guard`.
    #[must_use]
    pub fn new(guard: impl Send + Sync + 'static) -> Self {
        Self(Box::new(guard))
    }
}

impl fmt::Debug for Watch {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Watch")
    }
}

/// The stores that one engine works on.
#[derive(Clone)]
pub struct Stores {
    /// Users.
    pub users: Arc<dyn UserStore>,
    /// Sessions.
    pub sessions: Arc<dyn SessionStore>,
    /// Epochs, in the store of the sessions.
    pub epochs: Arc<dyn EpochStore>,
    /// Keys.
    pub keys: Arc<dyn KeyStore>,
    /// Tenants.
    pub tenants: Arc<dyn TenantStore>,
    /// What was written in any of them.
    pub feed: Arc<dyn ChangeFeed>,
}

impl fmt::Debug for Stores {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Stores")
    }
}
