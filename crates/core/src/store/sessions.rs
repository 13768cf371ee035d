//! The stores of sessions and of the epochs that end them.

use async_trait::async_trait;

use super::{Inserted, Page, Stored, Updated};
use crate::clock::Timestamp;
use crate::id::{Bucket, SessionId, SessionKey, TenantId, UserKey};
use crate::secret::SecretHash;
use crate::session::{Ending, Epochs, Session};
use crate::strategy::StrategyName;

/// How a session is looked up.
#[derive(Clone, PartialEq, Eq, Hash, Debug)]
pub enum SessionHandle {
    /// By its public id.
    Id(SessionKey),
    /// By the opaque id in a cookie.
    Cookie(CookieKey),
}

/// The opaque id in a cookie, as a store knows it.
#[derive(Clone, PartialEq, Eq, Hash, Debug)]
pub struct CookieKey {
    /// The tenant.
    pub tenant: TenantId,
    /// The bucket that holds the session: a cookie names no user.
    pub bucket: Bucket,
    /// Hash of the opaque id.
    pub hash: SecretHash,
}

/// Which sessions to end.
#[derive(Clone, PartialEq, Eq, Debug)]
pub enum EndScope {
    /// One session.
    One(SessionKey),
    /// All of a user. Counts the user's epoch up, so that a sign-in under way does not slip through.
    User(UserKey),
    /// All of a user but one, which is taken over into the new epoch in the same step.
    UserExcept(UserKey, SessionId),
    /// All of a user under one strategy. The epoch stays, because it holds for all strategies.
    UserStrategy(UserKey, StrategyName),
    /// All of a user but the newest so many. The epoch stays.
    UserBeyond(UserKey, u32),
}

impl EndScope {
    /// The user, of whose sessions the scope is a part; `None` for a single session.
    #[must_use]
    pub const fn user(&self) -> Option<&UserKey> {
        match self {
            Self::One(_) => None,
            Self::User(user)
            | Self::UserExcept(user, _)
            | Self::UserStrategy(user, _)
            | Self::UserBeyond(user, _) => Some(user),
        }
    }
}

/// The versions of a user's record and of its epochs under which something was decided for it.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct UserVersions {
    /// The version of the user's record.
    pub user: u64,
    /// The epochs.
    pub epochs: Epochs,
}

/// Sessions, and the tombstones that they leave.
#[async_trait]
pub trait SessionStore: Send + Sync {
    /// Creates a session. [`Inserted::Clash`]: there is or was one with this id.
    async fn insert(&self, session: &Session) -> Stored<Inserted>;

    /// The session or its tombstone, with its state as of `now`.
    async fn find(&self, handle: &SessionHandle, now: Timestamp) -> Stored<Option<Session>>;

    /// Writes what [`Session::rotate`] or [`Session::touch`] has made of a session: last use, idle timeout, refresh
    /// token, device proof and end. Only if its stored version is the one before `session.version`, and it has not
    /// ended. Where the users are in the same database, `user` must be their versions, too, so that nothing is decided
    /// on a role that was taken away. Announced in the change feed only if it [is news](Session::is_news) for a check.
    async fn update(&self, session: &Session, user: Option<UserVersions>) -> Stored<Updated>;

    /// Renames the device; `false` if the session is gone or has ended.
    async fn rename(&self, key: &SessionKey, name: &str, now: Timestamp) -> Stored<bool>;

    /// Ends the sessions in the scope that are live at `ending.at`, and returns their ids. One session, or those of a
    /// strategy, end even if a timeout seems to be past: the clock that says so may be ahead, and no epoch ends them.
    async fn end(&self, scope: &EndScope, ending: Ending) -> Stored<Vec<SessionId>>;

    /// Sessions and tombstones of a user, by id, which is oldest first, with their states as of `now`.
    async fn list(&self, user: &UserKey, page: Page<SessionId>, now: Timestamp) -> Stored<Vec<Session>>;

    /// Removes at most `limit` records whose [`Session::kept_until`] has passed, and returns how many.
    async fn purge(&self, now: Timestamp, limit: u32) -> Stored<u64>;
}

/// Whose sessions an epoch ends.
#[derive(Clone, PartialEq, Eq, Debug)]
pub enum EpochScope {
    /// The sessions of all users of a tenant.
    Tenant(TenantId),
    /// All sessions.
    Everyone,
}

/// Epochs: counters that end any number of sessions in one write. [`SessionStore::end`] counts a user's epoch up.
#[async_trait]
pub trait EpochStore: Send + Sync {
    /// The three epochs that hold for a user. The engine reads them **before** it makes a session: too low a number
    /// only ends the session.
    async fn read(&self, user: &UserKey) -> Stored<Epochs>;

    /// Counts one up, with time and reason.
    async fn advance(&self, scope: &EpochScope, ending: Ending) -> Stored<()>;
}
