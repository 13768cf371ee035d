//! What a store must do: one small trait a kind of record, every verb one atomic step.
//!
//! | verb | means |
//! |---|---|
//! | `insert` | create only, never replace |
//! | `find` | not found is `Ok(None)`; expiry is judged with the given time |
//! | `update` | compare-and-set on the version that was read |
//! | `issue`, `arm`, `redeem` | make a ticket, give it its secret, decide and write what becomes of a presented one |
//! | `reserve`, `settle`, `clear` | count guesses before and after they are looked at, and forget them |
//! | `put`, `claim`, `put_off`, `done` | a message in the queue, for whoever sends it |
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

/// Stores elsewhere: where a tenant has named a database of its own.
#[async_trait]
pub trait TenantDatabases: Send + Sync {
    /// The stores at this place, opened once for each process. Keys and tenants in them are not looked at.
    ///
    /// Somebody lives there: where there is nothing it was taken away, and what says so is [`StoreError::Unavailable`]. A
    /// new and empty one in its place would let strangers sign up under its users' names, and believe what was revoked.
    async fn open(&self, database: &str) -> Stored<Stores>;

    /// The same for a tenant that is about to be made: makes what is not there, and opens what somebody else has made
    /// or began to make. Where databases are made by other means there is nothing to do but to open them.
    async fn get_or_create(&self, database: &str) -> Stored<Stores> {
        self.open(database).await
    }
}

/// No database but the one.
#[derive(Clone, Copy, Default, Debug)]
pub struct NoTenantDatabases;

#[async_trait]
impl TenantDatabases for NoTenantDatabases {
    async fn open(&self, database: &str) -> Stored<Stores> {
        Err(StoreError::corrupt("tenant", &database, "database"))
    }
}

mod error;

use std::fmt;
use std::sync::Arc;

use async_trait::async_trait;

pub use error::StoreError;

use crate::clock::{Ticks, Timestamp};
use crate::email::Email;
use crate::id::{Bucket, QueuedMailId, SessionId, SessionKey, TenantId, UserId, UserKey};
use crate::key::{KeyMaterial, KeyRecord, Kid};
use crate::lockout::{
    AttemptEffect, AttemptKey, AttemptOutcome, AttemptPermit, AttemptRecord, LockoutLimits,
};
use crate::mobile::Mobile;
use crate::queued_mail::QueuedMail;
use crate::secret::SecretHash;
use crate::session::{Ending, Epochs, RotationOutcome, RotationRequest, Session};
use crate::strategy::StrategyName;
use crate::tenant::{Installation, TenantRecord};
use crate::ticket::{IssueOutcome, RedeemOutcome, Ticket, TicketKey, TicketPurpose};
use crate::user::User;
use crate::username::{LoginName, Username};

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
    /// By user name, in its canonical form.
    Username(TenantId, Username),
    /// By mobile number.
    Mobile(TenantId, Mobile),
}

impl UserHandle {
    /// By what somebody signs in with.
    #[must_use]
    pub fn by_login(tenant: &TenantId, name: &LoginName) -> Self {
        let tenant = tenant.clone();
        match name.clone() {
            LoginName::Email(email) => Self::Email(tenant, email),
            LoginName::Mobile(mobile) => Self::Mobile(tenant, mobile),
            LoginName::Username(username) => Self::Username(tenant, username),
        }
    }
}

/// Users.
#[async_trait]
pub trait UserStore: Send + Sync {
    /// Creates a user. [`Inserted::Clash`]: the tenant has one of this id, address, user name or mobile number.
    async fn insert(&self, user: &User) -> Stored<Inserted>;

    /// The user, if there is one.
    async fn find(&self, handle: &UserHandle) -> Stored<Option<User>>;

    /// Replaces the user if its stored version is the one before `user.version`.
    async fn update(&self, user: &User) -> Stored<Updated>;

    /// Users of a tenant, by id: those whose address, user name, mobile number or name has `search` in it, compared
    /// without regard to case. Everybody has an empty text.
    async fn list(&self, tenant: &TenantId, search: &str, page: Page<UserId>) -> Stored<Vec<User>>;
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
    /// All of a user but the newest so many; the epoch stays.
    UserBeyond(UserKey, u32),
}

/// Sessions, and the tombstones that they leave.
#[async_trait]
pub trait SessionStore: Send + Sync {
    /// Creates a session. [`Inserted::Clash`]: there is or was one of this id.
    async fn insert(&self, session: &Session) -> Stored<Inserted>;

    /// The session or its tombstone, with the expiries of `now` written into its state.
    async fn find(&self, handle: &SessionHandle, now: Timestamp) -> Stored<Option<Session>>;

    /// Applies [`Session::rotate`].
    async fn rotate(&self, key: &SessionKey, redemption: &RotationRequest) -> Stored<RotationOutcome>;

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
    async fn get_or_create_installation(&self, proposed: &Installation) -> Stored<Installation>;

    /// Creates a tenant.
    async fn insert(&self, tenant: &TenantRecord) -> Stored<Inserted>;

    /// Replaces the tenant if its stored version is the one before `tenant.version`.
    async fn update(&self, tenant: &TenantRecord) -> Stored<Updated>;

    /// The tenant, if there is one.
    async fn find(&self, id: &TenantId) -> Stored<Option<TenantRecord>>;

    /// Tenants, by name.
    async fn list(&self, page: Page<TenantId>) -> Stored<Vec<TenantRecord>>;
}

/// Tickets: secrets that are sent and work once.
#[async_trait]
pub trait TicketStore: Send + Sync {
    /// Creates a ticket, closes the user's oldest open ones of its purpose that are too many, and puts the message that
    /// goes with it into the queue, in one step: no ticket takes the place of another and is never heard of. Nothing is
    /// written if the user was issued too many of them lately.
    async fn issue(&self, ticket: &Ticket, mailing: &QueuedMail) -> Stored<IssueOutcome>;

    /// The ticket, if there is one, whether it can be redeemed or not.
    async fn find(&self, key: &TicketKey) -> Stored<Option<Ticket>>;

    /// Applies [`Ticket::armed`]: the ticket, or `None` if it can no longer be redeemed.
    async fn arm(&self, key: &TicketKey, secret: SecretHash, now: Timestamp) -> Stored<Option<Ticket>>;

    /// Applies [`Ticket::redeem`] to a ticket of this purpose, with the wrong guesses of the user counted in the same
    /// step: those at tickets that were guessed wrong [`TicketLimits::within`](crate::ticket::TicketLimits::within).
    async fn redeem(
        &self,
        key: &TicketKey,
        purpose: TicketPurpose,
        secret: SecretHash,
        device: Option<SecretHash>,
        now: Timestamp,
    ) -> Stored<RedeemOutcome>;

    /// Removes at most `limit` records whose [`Ticket::kept_until`] has passed: how many.
    async fn purge(&self, now: Timestamp, limit: u32) -> Stored<u64>;
}

/// Guesses at passwords.
#[async_trait]
pub trait AttemptStore: Send + Sync {
    /// Applies [`AttemptRecord::reserve`].
    async fn reserve(
        &self,
        key: &AttemptKey,
        limits: &LockoutLimits,
        now: Timestamp,
    ) -> Stored<AttemptPermit>;

    /// Applies [`AttemptRecord::settle`] to a guess that was reserved as `reserved`.
    async fn settle(
        &self,
        key: &AttemptKey,
        reserved: AttemptPermit,
        outcome: AttemptOutcome,
        limits: &LockoutLimits,
        now: Timestamp,
    ) -> Stored<AttemptEffect>;

    /// The guesses; none were made if there is no record.
    async fn find(&self, key: &AttemptKey) -> Stored<AttemptRecord>;

    /// Forgets the guesses at a user's password and those of every device of the user.
    async fn clear(&self, user: &UserKey) -> Stored<()>;

    /// Removes at most `limit` records that nobody has added to for [`ATTEMPT_RETENTION`](crate::lockout::ATTEMPT_RETENTION): how many.
    async fn purge(&self, now: Timestamp, limit: u32) -> Stored<u64>;
}

/// Messages that wait to be sent.
#[async_trait]
pub trait MailStore: Send + Sync {
    /// Puts a message into the queue.
    async fn put(&self, mailing: &QueuedMail) -> Stored<()>;

    /// Claims at most `limit` messages that are due, the longest due first: each is due again after
    /// [`CLAIM_LEASE`](crate::queued_mail::CLAIM_LEASE), and its [`QueuedMail::tries`] is counted up, in the same step.
    async fn claim(&self, now: Timestamp, limit: u32) -> Stored<Vec<QueuedMail>>;

    /// Puts a claimed message off; `false` if it is not there any more.
    async fn put_off(&self, tenant: &TenantId, id: QueuedMailId, due: Timestamp) -> Stored<bool>;

    /// Takes a message out of the queue; `false` if it is not there any more.
    async fn done(&self, tenant: &TenantId, id: QueuedMailId) -> Stored<bool>;

    /// How many wait.
    async fn waiting(&self) -> Stored<u64>;
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
    /// Tickets, in the store of the users.
    pub tickets: Arc<dyn TicketStore>,
    /// Guesses, in the store of the users.
    pub attempts: Arc<dyn AttemptStore>,
    /// Messages that wait to be sent, in the store of the users.
    pub mail: Arc<dyn MailStore>,
    /// What was written in any of them.
    pub feed: Arc<dyn ChangeFeed>,
}

impl fmt::Debug for Stores {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Stores")
    }
}
