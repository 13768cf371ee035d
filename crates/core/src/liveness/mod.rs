//! A view of the sessions in the store that knows how old it is.
//!
//! A sign-out must hold on every node at once, and no request may pay a look-up for it. So each process caches the
//! sessions that it has seen. The store's change feed announces what became of them, and a barrier that travels through
//! the feed proves that no change is missing. The view serves a hit only while that proof is younger than
//! `max_staleness`. When the feed goes quiet, requests ask the store; when the store is out of reach too, the answer is
//! an outage, never a guess.
//!
//! The view does not decide. It returns a session and its user; [`engine`](crate::engine) decides what follows.

mod cached_session;
mod cached_user;
mod fill_guard;
#[cfg(test)]
mod memory;
mod primitives;
mod single_flight_cache;
#[cfg(test)]
mod tests;
mod view_counts;
mod writes;

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

pub use cached_session::CachedSession;
pub use cached_user::CachedUser;
pub use view_counts::{LookUpCounts, ViewState};

use crate::bounded_cache::{BoundedCache, bounded_cache};
use crate::clock::{Clock, Ticks, Timestamp};
use crate::id::{SessionId, SessionKey, UserKey};
use crate::session::{EndReason, Ending, Session, SessionState};
use crate::store::{
    Change, ChangeSink, CookieKey, EndScope, Inserted, Page, SessionHandle, StoreError, Stored, Stores,
    Updated, UserVersions,
};
pub(crate) use single_flight_cache::SingleFlightCache;
use view_counts::LookUpCounter;

/// How many entries a view holds, and how old it may be.
#[derive(Clone, Copy, Debug)]
pub struct ViewLimits {
    /// How old the proof may be that no change is missing. A request that is sent this long after an acknowledged
    /// sign-out is rejected, whatever fails.
    pub max_staleness: Duration,
    /// The most sessions, and the most users, that are cached.
    pub capacity: u64,
}

impl Default for ViewLimits {
    /// One second, 100,000 of each.
    fn default() -> Self {
        Self { max_staleness: Duration::from_secs(1), capacity: 100_000 }
    }
}

/// How often a change of one session is decided anew because another writer was first.
pub(crate) const MOST_UPDATES: usize = 16;

/// The session store as the engine uses it: reads come from the cache; writes go to the store, and the cache forgets
/// what they have changed, or keeps what a rotation or a use has written.
pub struct SessionView {
    stores: Stores,
    clock: Arc<dyn Clock>,
    bounds: ViewLimits,
    sessions: SingleFlightCache<SessionKey, Option<Arc<CachedSession>>>,
    users: SingleFlightCache<UserKey, Option<Arc<CachedUser>>>,
    /// The session of a cookie never changes, so this needs no feed.
    cookies: BoundedCache<CookieKey, SessionKey>,
    /// Reads of cookies that are under way. Their answers are not kept here.
    cookie_reads: SingleFlightCache<CookieKey, Option<SessionKey>>,
    session_counter: LookUpCounter,
    user_counter: LookUpCounter,
    barrier: FeedProof,
}

/// What the change feed has proven, in microseconds of the clock's ticks.
#[derive(Default)]
struct FeedProof {
    /// When the last barrier that came back was sent.
    last: AtomicU64,
    /// The time up to which the view is complete.
    proven: AtomicU64,
}

impl SessionView {
    /// An empty view of `stores`. It serves no hit before its feed has proven something.
    pub fn new(stores: Stores, clock: Arc<dyn Clock>, bounds: ViewLimits) -> Self {
        Self {
            stores,
            clock,
            bounds,
            sessions: SingleFlightCache::new(bounds.capacity),
            users: SingleFlightCache::new(bounds.capacity),
            cookies: bounded_cache(bounds.capacity),
            cookie_reads: SingleFlightCache::new(1),
            session_counter: LookUpCounter::default(),
            user_counter: LookUpCounter::default(),
            barrier: FeedProof::default(),
        }
    }

    /// How old the proof is that no change is missing from the view.
    #[must_use]
    pub fn staleness(&self) -> Duration {
        self.clock.ticks().since(self.proven_at())
    }

    /// The time up to which nothing is missing: what had been acknowledged by then was passed to [`Self::changed`].
    pub(crate) fn proven_at(&self) -> Ticks {
        Ticks::from_micros(self.barrier.proven.load(Ordering::Acquire))
    }

    /// How old the view is, and how its look-ups were answered.
    #[must_use]
    pub fn state(&self) -> ViewState {
        ViewState {
            staleness: self.staleness(),
            sessions: self.session_counter.with_entries(self.sessions.len()),
            users: self.user_counter.with_entries(self.users.len()),
        }
    }

    /// The session of this id, or its tombstone, at most `max_staleness` old.
    ///
    /// # Errors
    /// [`StoreError`]: the store had to be asked and did not answer.
    pub async fn session(&self, key: &SessionKey) -> Stored<Option<Arc<CachedSession>>> {
        let fresh = self.is_fresh();
        if let Some(seen) = fresh.then(|| self.sessions.hit(key)).flatten()
            && !self.idled_out_locally(seen.as_deref())
        {
            self.session_counter.hit();
            return Ok(seen);
        }
        self.session_counter.read(fresh);
        // Boxed, like the other reads: the state of a miss would make the future of every hit large.
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

    /// The session of a cookie, or its tombstone, at most `max_staleness` old.
    ///
    /// # Errors
    /// [`StoreError`]: the store had to be asked and did not answer.
    pub async fn session_of_cookie(&self, cookie: &CookieKey) -> Stored<Option<Arc<CachedSession>>> {
        if let Some(key) = self.cookies.get(cookie) {
            return self.session(&key).await;
        }
        match Box::pin(self.read_cookie(cookie)).await? {
            Some(key) => self.session(&key).await,
            None => Ok(None),
        }
    }

    /// Requests that come at once with one unknown cookie share a read, like those of one session.
    async fn read_cookie(&self, cookie: &CookieKey) -> Stored<Option<SessionKey>> {
        let handle = SessionHandle::Cookie(cookie.clone());
        let read = async {
            let found = self.stores.sessions.find(&handle, self.clock.now()).await?;
            Ok(found.map(|session| session.key))
        };
        let (now, join) = (self.clock.ticks(), self.bounds.max_staleness);
        let found = self.cookie_reads.read(cookie, now, join, false, read).await?;
        if let Some(key) = &found {
            self.cookies.insert(cookie.clone(), key.clone());
        }
        Ok(found)
    }

    /// The user and its epochs, at most `max_staleness` old.
    ///
    /// # Errors
    /// [`StoreError`]: the store had to be asked and did not answer.
    pub async fn user(&self, user: &UserKey) -> Stored<Option<Arc<CachedUser>>> {
        let fresh = self.is_fresh();
        if let Some(standing) = fresh.then(|| self.users.hit(user)).flatten() {
            self.user_counter.hit();
            return Ok(standing);
        }
        self.user_counter.read(fresh);
        Box::pin(self.read_user(user, fresh)).await
    }

    async fn read_user(&self, user: &UserKey, keep: bool) -> Stored<Option<Arc<CachedUser>>> {
        let read = async {
            let found = self.stores.users.find_with_epochs(user).await?;
            Ok(found.map(|(user, epochs)| Arc::new(CachedUser::new(user, epochs))))
        };
        self.users.read(user, self.clock.ticks(), self.bounds.max_staleness, keep, read).await
    }

    /// A session and its user, read again from the store.
    ///
    /// # Errors
    /// [`StoreError`]: the store did not answer.
    pub async fn reread(&self, session: &Session) -> Stored<Option<(Arc<CachedSession>, Arc<CachedUser>)>> {
        let user = session.user_key();
        self.sessions.forget(&session.key);
        self.users.forget(&user);
        // The user first: a session that a new password keeps is taken over into a new epoch. Read before the epochs,
        // it would look ended.
        let user = self.user(&user).await?;
        Ok(self.session(&session.key).await?.zip(user))
    }

    /// Creates a session in the store.
    ///
    /// # Errors
    /// [`StoreError`]: the store did not answer.
    pub async fn insert(&self, session: &Session) -> Stored<Inserted> {
        let inserted = self.stores.sessions.insert(session).await?;
        self.sessions.forget(&session.key);
        Ok(inserted)
    }

    /// A session and its user as the store has them now. What the view holds of them is forgotten if it is older.
    ///
    /// # Errors
    /// [`StoreError`]: the store did not answer.
    pub async fn ask(&self, key: &SessionKey) -> Stored<Option<(Arc<CachedSession>, Arc<CachedUser>)>> {
        let _turn = self.sessions.turn().await?;
        let Some(mut session) = self.find(key).await? else { return Ok(None) };
        let user = session.user_key();
        let Some((found, epochs)) = self.stores.users.find_with_epochs(&user).await? else {
            self.users.forget(&user);
            return Ok(None);
        };
        if session.epochs != epochs {
            // A new password may have taken it over meanwhile. Read after the epochs, it is not older than they are.
            let Some(again) = self.find(key).await? else { return Ok(None) };
            session = again;
        }
        let found = CachedUser::new(found, epochs);
        if self.sessions.hit(key).flatten().is_some_and(|kept| kept.session().version != session.version) {
            self.sessions.forget(key);
        }
        if self.users.hit(&user).flatten().is_some_and(|kept| kept.versions() != found.versions()) {
            self.users.forget(&user);
        }
        Ok(Some((Arc::new(CachedSession::new(session)), Arc::new(found))))
    }

    async fn find(&self, key: &SessionKey) -> Stored<Option<Session>> {
        let found = self.stores.sessions.find(&SessionHandle::Id(key.clone()), self.clock.now()).await?;
        if found.is_none() {
            self.sessions.forget(key);
        }
        Ok(found)
    }

    /// Writes what became of a session if it is still the one on which that was decided. The next request on it finds
    /// in the view what this one has written.
    ///
    /// # Errors
    /// [`StoreError`]: the store did not answer.
    pub async fn update(&self, session: &Session, user: Option<UserVersions>) -> Stored<Updated> {
        let (keep, begun) = (self.is_fresh(), self.sessions.before_write(&session.key));
        // Also if the caller goes while the write is under way.
        let forgetting = self.sessions.forgetting(&session.key);
        let updated = self.stores.sessions.update(session, user).await;
        if keep && matches!(updated, Ok(Updated::Done)) {
            forgetting.disarm();
            let written = Some(Arc::new(CachedSession::new(session.clone())));
            self.sessions.keep_written(&session.key, begun, written);
        }
        updated
    }

    /// Records a use, and the new idle expiry; `false` if the session is gone or has ended.
    ///
    /// # Errors
    /// [`StoreError`]: the store did not answer.
    pub async fn touch(
        &self,
        key: &SessionKey,
        seen: Timestamp,
        idle_expires: Option<Timestamp>,
    ) -> Stored<bool> {
        let mut known = self.session(key).await?.map(|cached| cached.session().clone());
        for _ in 0..MOST_UPDATES {
            let is_live = |session: &Session| session.state_at(seen, session.epochs) == SessionState::Live;
            let Some(live) = known.filter(is_live) else { return Ok(false) };
            let version = live.version;
            let used = live.touch(seen, idle_expires);
            if used.version == version || self.update(&used, None).await? == Updated::Done {
                return Ok(true);
            }
            let _turn = self.sessions.turn().await?;
            known = self.find(key).await?;
        }
        Err(StoreError::Overloaded)
    }

    /// Ends the live sessions in the scope. This node knows when this returns; other nodes know by their feed.
    ///
    /// # Errors
    /// [`StoreError`]: the store did not answer.
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

    /// A user's sessions and tombstones, read from the store.
    ///
    /// # Errors
    /// [`StoreError`]: the store did not answer.
    pub async fn list(&self, user: &UserKey, page: Page<SessionId>) -> Stored<Vec<Session>> {
        self.stores.sessions.list(user, page, self.clock.now()).await
    }

    /// Renames the device of a session; `false` if it is gone or has ended.
    ///
    /// # Errors
    /// [`StoreError`]: the store did not answer.
    pub async fn rename(&self, key: &SessionKey, name: &str) -> Stored<bool> {
        let renamed = self.stores.sessions.rename(key, name, self.clock.now()).await?;
        self.sessions.forget(key);
        Ok(renamed)
    }

    fn forget_sessions(&self, user: &UserKey, sessions: &[SessionId]) {
        self.users.forget(user);
        for id in sessions {
            self.sessions.forget(&SessionKey { tenant: user.tenant.clone(), id: *id });
        }
    }

    /// Whether the view serves hits now.
    pub(crate) fn is_fresh(&self) -> bool {
        self.staleness() < self.bounds.max_staleness
    }

    /// How old the proof may be.
    pub(crate) const fn max_staleness(&self) -> Duration {
        self.bounds.max_staleness
    }

    /// Another node may have slid the session since it was read, or its clock may be behind. So a session that seems to
    /// have idled out is read again before it is rejected, also if the store judged it by this node's time.
    fn idled_out_locally(&self, seen: Option<&CachedSession>) -> bool {
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
            Change::User(key) => self.users.forget(key),
            Change::Tenant(tenant) => self.users.forget_tenant(tenant),
            // Each is announced by itself, too.
            Change::Revoked(_) => (),
            Change::AllSessions => self.sessions.forget_everything(),
            Change::Everything => {
                self.sessions.forget_everything();
                self.users.forget_everything();
            }
        }
    }

    /// One barrier after a silence proves little: the view serves hits again after the second.
    fn proven(&self, sent: Ticks) {
        let last = Ticks::from_micros(self.barrier.last.fetch_max(sent.as_micros(), Ordering::AcqRel));
        if sent.since(last) < self.bounds.max_staleness || sent == Ticks::NEVER_STALE {
            self.barrier.proven.fetch_max(sent.as_micros(), Ordering::AcqRel);
        }
    }
}
