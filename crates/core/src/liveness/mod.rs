//! Liveness: a view of the sessions in the store that knows how old it is.
//!
//! A sign-out must hold on every node at once, and no request may pay a look-up for it. So each process remembers the
//! sessions it has seen, the store's change feed tells it what became of them, and a barrier that travels through the
//! feed proves that nothing is missing. A hit is served only while that proof is younger than `max_staleness`; when
//! the feed goes quiet the view is bypassed and the store is asked, and when the store is out of reach too the answer
//! is an outage, never a guess.
//!
//! What this deliberately does not do: decide. It says how a session stands; [`engine`](crate::engine) says what
//! follows.

mod cached_session;
mod fill_guard;
mod single_flight_cache;

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use moka::sync::Cache;

pub use cached_session::CachedSession;

use crate::clock::{Clock, Ticks, Timestamp};
use crate::id::{SessionId, SessionKey, UserKey};
use crate::session::{EndReason, Ending, Epochs, RotationOutcome, RotationRequest, Session, SessionState};
use crate::store::{
    Change, ChangeSink, CookieKey, EndScope, Inserted, Page, SessionHandle, Stored, Stores, UserHandle,
};
use crate::user::User;
pub(crate) use single_flight_cache::SingleFlightCache;

/// How large and how old a view may be.
#[derive(Clone, Copy, Debug)]
pub struct Bounds {
    /// How old the proof may be that nothing is missing. A request that is sent later than an acknowledged sign-out and
    /// this is refused, whatever fails.
    pub max_staleness: Duration,
    /// The most sessions, and the most users, that are remembered.
    pub capacity: u64,
}

impl Default for Bounds {
    /// One second, 100,000 of each.
    fn default() -> Self {
        Self { max_staleness: Duration::from_secs(1), capacity: 100_000 }
    }
}

/// A user, and the epochs that its sessions must not lag behind.
#[derive(Clone, Debug)]
pub struct CachedUser {
    /// The user.
    pub user: User,
    /// The epochs.
    pub epochs: Epochs,
}

/// The session store as the engine uses it: reads through the view, writes past it.
pub struct SessionView {
    stores: Stores,
    clock: Arc<dyn Clock>,
    bounds: Bounds,
    sessions: SingleFlightCache<SessionKey, Option<Arc<CachedSession>>>,
    standings: SingleFlightCache<UserKey, Option<Arc<CachedUser>>>,
    /// Which session a cookie opens never changes, so this needs no feed.
    cookies: Cache<CookieKey, SessionKey>,
    barrier: FeedProof,
}

/// What the change feed has proven.
#[derive(Default)]
struct FeedProof {
    /// When the last good barrier was sent.
    last: AtomicU64,
    /// Up to when the view is complete.
    proven: AtomicU64,
}

impl SessionView {
    /// An empty view of `stores`. It serves no hit before the feed that watches for it has proven something.
    pub fn new(stores: Stores, clock: Arc<dyn Clock>, bounds: Bounds) -> Self {
        Self {
            stores,
            clock,
            bounds,
            sessions: SingleFlightCache::new(bounds.capacity),
            standings: SingleFlightCache::new(bounds.capacity),
            cookies: Cache::new(bounds.capacity),
            barrier: FeedProof::default(),
        }
    }

    /// How old the proof is that nothing is missing from the view.
    #[must_use]
    pub fn staleness(&self) -> Duration {
        self.clock.ticks().since(Ticks::from_micros(self.barrier.proven.load(Ordering::Acquire)))
    }

    /// The session of this id, or its tombstone, at most `max_staleness` old.
    ///
    /// # Errors
    /// The store, if it had to be asked.
    pub async fn session(&self, key: &SessionKey) -> Stored<Option<Arc<CachedSession>>> {
        let fresh = self.is_fresh();
        if let Some(seen) = fresh.then(|| self.sessions.hit(key)).flatten()
            && !self.has_idled_out(seen.as_deref())
        {
            return Ok(seen);
        }
        // In a box of its own, and so are the other reads: what a miss needs would make every hit's future large.
        Box::pin(self.read_session(key, fresh)).await
    }

    async fn read_session(&self, key: &SessionKey, keep: bool) -> Stored<Option<Arc<CachedSession>>> {
        let handle = SessionHandle::Id(key.clone());
        let read = async {
            let found = self.stores.sessions.find(&handle, self.clock.now()).await?;
            Ok(found.map(|session| Arc::new(CachedSession::new(session))))
        };
        self.sessions.read(key, self.clock.ticks(), self.bounds.max_staleness, keep, read).await
    }

    /// The session that a cookie opens, or its tombstone, at most `max_staleness` old.
    ///
    /// # Errors
    /// The store, if it had to be asked.
    pub async fn session_of_cookie(&self, cookie: &CookieKey) -> Stored<Option<Arc<CachedSession>>> {
        if let Some(key) = self.cookies.get(cookie) {
            return self.session(&key).await;
        }
        let handle = SessionHandle::Cookie(cookie.clone());
        let Some(found) = self.stores.sessions.find(&handle, self.clock.now()).await? else {
            return Ok(None);
        };
        self.cookies.insert(cookie.clone(), found.key.clone());
        self.session(&found.key).await
    }

    /// The user and its epochs, at most `max_staleness` old.
    ///
    /// # Errors
    /// The store, if it had to be asked.
    pub async fn standing(&self, user: &UserKey) -> Stored<Option<Arc<CachedUser>>> {
        let fresh = self.is_fresh();
        if let Some(standing) = fresh.then(|| self.standings.hit(user)).flatten() {
            return Ok(standing);
        }
        Box::pin(self.read_standing(user, fresh)).await
    }

    async fn read_standing(&self, user: &UserKey, keep: bool) -> Stored<Option<Arc<CachedUser>>> {
        let read = async {
            let epochs = self.stores.epochs.read(user).await?;
            let found = self.stores.users.find(&UserHandle::Id(user.clone())).await?;
            Ok(found.map(|user| Arc::new(CachedUser { user, epochs })))
        };
        self.standings.read(user, self.clock.ticks(), self.bounds.max_staleness, keep, read).await
    }

    /// A session and its user, read anew, whatever is remembered of them.
    ///
    /// # Errors
    /// The store's.
    pub async fn look_again(
        &self,
        session: &Session,
    ) -> Stored<Option<(Arc<CachedSession>, Arc<CachedUser>)>> {
        let user = session.user_key();
        self.sessions.forget(&session.key);
        self.standings.forget(&user);
        let session = self.session(&session.key).await?;
        Ok(session.zip(self.standing(&user).await?))
    }

    /// Creates a session.
    ///
    /// # Errors
    /// The store's.
    pub async fn insert(&self, session: &Session) -> Stored<Inserted> {
        let inserted = self.stores.sessions.insert(session).await?;
        self.sessions.forget(&session.key);
        Ok(inserted)
    }

    /// Applies [`Session::rotate`].
    ///
    /// # Errors
    /// The store's.
    pub async fn rotate(&self, key: &SessionKey, redemption: &RotationRequest) -> Stored<RotationOutcome> {
        let rotated = self.stores.sessions.rotate(key, redemption).await?;
        self.sessions.forget(key);
        Ok(rotated)
    }

    /// Writes down a use, and how far it slides the session.
    ///
    /// # Errors
    /// The store's.
    pub async fn touch(
        &self,
        key: &SessionKey,
        seen: Timestamp,
        idle_expires: Option<Timestamp>,
    ) -> Stored<bool> {
        let touched = self.stores.sessions.touch(key, seen, idle_expires).await?;
        self.sessions.forget(key);
        Ok(touched)
    }

    /// Ends what is live in the scope, here before this returns, on other nodes by their feed.
    ///
    /// # Errors
    /// The store's.
    pub async fn end(&self, scope: &EndScope, reason: EndReason) -> Stored<Vec<SessionId>> {
        let ended = self.stores.sessions.end(scope, Ending { at: self.clock.now(), reason }).await?;
        match scope {
            EndScope::One(key) => self.sessions.forget(key),
            EndScope::User(user) | EndScope::UserStrategy(user, _) | EndScope::UserBeyond(user, _) => {
                self.forget_sessions(user, &ended);
            }
            EndScope::UserExcept(user, kept) => {
                self.forget_sessions(user, &[*kept]);
                self.forget_sessions(user, &ended);
            }
        }
        Ok(ended)
    }

    /// A user's sessions and tombstones, from the store.
    ///
    /// # Errors
    /// The store's.
    pub async fn list(&self, user: &UserKey, page: Page<SessionId>) -> Stored<Vec<Session>> {
        self.stores.sessions.list(user, page, self.clock.now()).await
    }

    /// Nothing that is remembered of any user holds any more: a tenant's epoch has moved.
    pub fn forget_standings(&self) {
        self.standings.forget_everything();
    }

    /// Renames the device of a session; `false` if it is gone or has ended.
    ///
    /// # Errors
    /// The store's.
    pub async fn rename(&self, key: &SessionKey, name: &str) -> Stored<bool> {
        let renamed = self.stores.sessions.rename(key, name, self.clock.now()).await?;
        self.sessions.forget(key);
        Ok(renamed)
    }

    fn forget_sessions(&self, user: &UserKey, sessions: &[SessionId]) {
        self.standings.forget(user);
        for id in sessions {
            self.sessions.forget(&SessionKey { tenant: user.tenant.clone(), id: *id });
        }
    }

    fn is_fresh(&self) -> bool {
        self.staleness() < self.bounds.max_staleness
    }

    /// Another node may have slid the session since it was read, or before by a clock that is behind this one: a local
    /// idle expiry is a miss, not a refusal, and so is one that the store judged by this node's time.
    fn has_idled_out(&self, seen: Option<&CachedSession>) -> bool {
        seen.is_some_and(|seen| match seen.session().state {
            SessionState::Live => seen.session().idle_expires <= self.clock.now(),
            SessionState::Ended(ending) => ending.reason == EndReason::Idle,
        })
    }
}

impl ChangeSink for SessionView {
    fn changed(&self, change: &Change) {
        match change {
            Change::Session(key) => self.sessions.forget(key),
            Change::User(key) => self.standings.forget(key),
            Change::Tenant(_) => self.standings.forget_everything(),
            Change::Everything => {
                self.sessions.forget_everything();
                self.standings.forget_everything();
            }
        }
    }

    /// One good barrier after a silence proves little: the view is believed again after the second.
    fn proven(&self, sent: Ticks) {
        let last = Ticks::from_micros(self.barrier.last.fetch_max(sent.as_micros(), Ordering::AcqRel));
        if sent.since(last) < self.bounds.max_staleness || sent == Ticks::NEVER_STALE {
            self.barrier.proven.fetch_max(sent.as_micros(), Ordering::AcqRel);
        }
    }
}
