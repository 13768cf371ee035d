//! Live sessions in one store, and everything else in a database beside it.
//!
//! What has ended is a record of the database: that is durable and announced before the live session is removed, and a
//! look-up asks both stores. So an end holds, whatever becomes of the other store: a live session that comes back with
//! an old copy of it is still one that has ended.
//!
//! A session that the database holds live, from before there was a pair, is used there until it ends.

use std::ops::Range;
use std::sync::Arc;

use async_trait::async_trait;
use futures_util::{StreamExt as _, TryStreamExt as _, stream};
use portcullis_core::clock::Timestamp;
use portcullis_core::id::{SessionId, SessionKey, UserKey};
use portcullis_core::session::{Device, Ending, Epochs, Session, SessionState};
use portcullis_core::store::{
    ChangeFeed, ChangeSink, EndScope, EpochStore, Inserted, Page, SessionHandle, SessionStore, StoreError,
    Stored, Stores, Updated, UserVersions, Watch,
};
use tokio::try_join;
use tracing::warn;

use crate::OpenDatabase;
use crate::joined_feed::joined;
use crate::marker_comparison::MarkerComparison;
use crate::recent_ends::RecentEnds;
use crate::redis::{RedisSessions, Replaced};

/// A look-up that only asks whether there is a record.
const ANY_TIME: Timestamp = Timestamp::from_millis(0);
/// How many ends of one user's sessions are written at once.
const ENDS_AT_ONCE: usize = 16;
/// How many sessions of one user are looked at in one go.
const LOOKED_AT_TOGETHER: usize = 256;
/// How often a change of one session is decided anew because another writer was first.
const MOST_TRIES: usize = 16;

/// Live sessions in Redis beside a database.
#[derive(Clone)]
pub struct SessionPair {
    live: RedisSessions,
    database: Arc<dyn SessionStore>,
    epochs: Arc<dyn EpochStore>,
    feed: Arc<dyn ChangeFeed>,
    recent_ends: Arc<RecentEnds>,
    markers: MarkerComparison,
}

impl SessionPair {
    /// The stores of a database, with its live sessions in Redis.
    #[must_use]
    pub fn stores(live: RedisSessions, opened: &dyn OpenDatabase) -> Stores {
        let database = opened.stores();
        let markers = MarkerComparison { live: live.clone(), noted: opened.placement() };
        let pair = Self {
            database: database.sessions.clone(),
            epochs: database.epochs.clone(),
            feed: database.feed.clone(),
            recent_ends: RecentEnds::new(live.clock()),
            markers,
            live,
        };
        let pair = Arc::new(pair);
        Stores { sessions: pair.clone(), feed: pair, ..database }
    }

    /// The session as both stores have it. One that has ended is left over if its removal was cut off.
    async fn found(&self, handle: &SessionHandle, now: Timestamp) -> Stored<Option<Session>> {
        let (live, recorded) = try_join!(self.live.find(handle), self.database.find(handle, now))?;
        match (live, recorded) {
            (Some(left_over), Some(ended)) => {
                self.remove(&left_over).await;
                Ok(Some(ended))
            }
            (Some(live), None) => Ok(Some(live.with_state_at(now))),
            (None, recorded) => Ok(recorded),
        }
    }

    /// The live session alone, whatever its timeouts say.
    async fn live(&self, key: &SessionKey) -> Stored<Option<Session>> {
        let handle = SessionHandle::Id(key.clone());
        let (live, recorded) = try_join!(self.live.find(&handle), self.database.find(&handle, ANY_TIME))?;
        Ok(live.filter(|_| recorded.is_none()))
    }

    /// Changes a live session, and decides anew if another writer was first; `None` if there is nothing to change.
    async fn change(
        &self,
        key: &SessionKey,
        change: impl Fn(Session) -> Option<Session> + Send,
    ) -> Stored<Option<Session>> {
        for _ in 0..MOST_TRIES {
            let changed = self.live(key).await?.and_then(&change);
            let Some(changed) = changed else { return Ok(None) };
            let changed = Session { version: changed.version.saturating_add(1), ..changed };
            if self.live.compare_and_set(&changed).await? == Replaced::Done {
                return Ok(Some(changed));
            }
        }
        Err(StoreError::Overloaded)
    }

    /// Whether a session that was just written had ended meanwhile. Then it is removed.
    async fn has_just_ended(&self, session: &Session) -> Stored<bool> {
        if !self.recent_ends.may_have(&session.key) {
            return Ok(false);
        }
        let handle = SessionHandle::Id(session.key.clone());
        let has_ended = self.database.find(&handle, ANY_TIME).await?.is_some();
        if has_ended {
            self.remove(session).await;
        }
        Ok(has_ended)
    }

    /// Records the end of a live session; `false` if another writer was first.
    async fn end_live(&self, session: Session, ending: Ending) -> Stored<bool> {
        Ok(self.record_end(&session.end(ending)).await? == Updated::Done)
    }

    async fn record_end(&self, ended: &Session) -> Stored<Updated> {
        let recorded = self.database.insert(ended).await?;
        self.remove(ended).await;
        Ok(if recorded == Inserted::Done { Updated::Done } else { Updated::Stale })
    }

    async fn end_all(&self, sessions: Vec<Session>, ending: Ending) -> Stored<Vec<SessionId>> {
        let ends = sessions.into_iter().map(async |session| {
            let id = session.key.id;
            self.end_live(session, ending).await.map(|is_first| is_first.then_some(id))
        });
        let ended = stream::iter(ends).buffer_unordered(ENDS_AT_ONCE);
        ended.try_filter_map(async |id| Ok(id)).try_collect().await
    }

    /// The first live sessions among these ids, as many as a page has at most. Some may have expired.
    async fn page_of_live(&self, user: &UserKey, ids: &[SessionId], limit: usize) -> Stored<Vec<Session>> {
        let mut page = Vec::new();
        for few in ids.chunks(limit.clamp(1, LOOKED_AT_TOGETHER)) {
            if page.len() >= limit {
                break;
            }
            page.extend(self.live.find_all(user, few).await?);
        }
        Ok(page)
    }

    /// Removes what has ended. It has ended even if this fails.
    async fn remove(&self, session: &Session) {
        if let Err(fault) = self.live.remove(session).await {
            warn!(%fault, session = %session.key.id, "an ended session is left in Redis until it expires");
        }
    }
}

/// What ends with a scope.
impl SessionPair {
    /// Ends one session, in whichever store it lives.
    async fn end_one(&self, key: &SessionKey, ending: Ending) -> Stored<Vec<SessionId>> {
        match self.live(key).await {
            Ok(Some(session)) => self.end_all(vec![session], ending).await,
            Ok(None) => self.database.end(&EndScope::One(key.clone()), ending).await,
            // Its user is not known, so it leaves no tombstone; without a record it is over all the same.
            Err(StoreError::Corrupt { .. }) => {
                let is_removed = self.live.remove_unreadable(key).await?;
                Ok(is_removed.then_some(key.id).into_iter().collect())
            }
            Err(fault) => Err(fault),
        }
    }

    /// Ends what the database holds of the scope, with the epoch if the scope has one, then those sessions of the user
    /// that `ends` chooses. With an epoch all is over at once; the rest says when and why.
    async fn end_of_user(
        &self,
        scope: &EndScope,
        user: &UserKey,
        ending: Ending,
        ends: impl Fn(&Session) -> bool,
    ) -> Stored<Vec<SessionId>> {
        let mut ended = self.database.end(scope, ending).await?;
        for few in self.live.ids(user).await?.chunks(LOOKED_AT_TOGETHER) {
            let live = self.live.find_all(user, few).await?;
            ended.extend(self.end_all(live.into_iter().filter(&ends).collect(), ending).await?);
        }
        ended.sort_unstable();
        Ok(ended)
    }

    /// Ends all sessions of a user but one. That one is taken over into the next epoch before the epoch is counted up,
    /// so that no check finds it under an old one.
    async fn end_others(&self, user: &UserKey, kept: SessionId, ending: Ending) -> Stored<Vec<SessionId>> {
        let key = SessionKey { tenant: user.tenant.clone(), id: kept };
        let before = self.epochs.read(user).await?.user;
        let next = before.saturating_add(1);
        let live = self.live(&key).await?.filter(|session| session.user == user.id);
        // Another request may be taking it over, too.
        let is_kept = live.is_some_and(|session| session.epochs.user >= before);
        self.take_over(user, &key, before..next).await?;
        // The database cannot see whether the session is kept. It says so to verifiers.
        let scope =
            if is_kept { EndScope::UserExcept(user.clone(), kept) } else { EndScope::User(user.clone()) };
        let ends = |session: &Session| session.key.id != kept && is_live(session, ending.at);
        let ended = self.end_of_user(&scope, user, ending, ends).await?;
        let after = self.epochs.read(user).await?.user;
        if is_kept && after > next {
            // The epoch was counted up by another request, too. If that one ended the session, this finds it ended.
            self.take_over(user, &key, before..after).await?;
        }
        Ok(ended)
    }

    /// Takes a session that is under one of these epochs of its user over into the one behind them.
    async fn take_over(&self, user: &UserKey, key: &SessionKey, from: Range<u64>) -> Stored<()> {
        let taken_over = self.change(key, |session| {
            let is_theirs = session.user == user.id && from.contains(&session.epochs.user);
            is_theirs.then_some(Session { epochs: Epochs { user: from.end, ..session.epochs }, ..session })
        });
        taken_over.await.map(drop)
    }

    /// Ends all but the newest. Those that the database still holds are the oldest.
    async fn end_beyond(&self, user: &UserKey, newest: u32, ending: Ending) -> Stored<Vec<SessionId>> {
        let live = self.live.find_all(user, &self.live.ids(user).await?).await?;
        let mut live: Vec<Session> = live.into_iter().filter(|session| is_live(session, ending.at)).collect();
        let newest = usize::try_from(newest).unwrap_or(usize::MAX);
        let beyond = live.len().saturating_sub(newest);
        let left_for_database = newest.saturating_sub(live.len());
        live.truncate(beyond);
        let mut ended = self.end_all(live, ending).await?;
        let scope = EndScope::UserBeyond(user.clone(), u32::try_from(left_for_database).unwrap_or(u32::MAX));
        ended.extend(self.database.end(&scope, ending).await?);
        ended.sort_unstable();
        Ok(ended)
    }
}

fn is_live(session: &Session, now: Timestamp) -> bool {
    session.state_at(now, session.epochs) == SessionState::Live
}

#[async_trait]
impl SessionStore for SessionPair {
    async fn insert(&self, session: &Session) -> Stored<Inserted> {
        let handle = SessionHandle::Id(session.key.clone());
        let is_taken = self.database.find(&handle, ANY_TIME).await?.is_some();
        let is_done = !is_taken && self.live.insert(session).await?;
        Ok(if is_done { Inserted::Done } else { Inserted::Clash })
    }

    async fn find(&self, handle: &SessionHandle, now: Timestamp) -> Stored<Option<Session>> {
        self.found(handle, now).await
    }

    /// The users are in another store: the caller's view of them decides.
    async fn update(&self, session: &Session, user: Option<UserVersions>) -> Stored<Updated> {
        if let SessionState::Ended(_) = session.state {
            let before = self.live(&session.key).await?;
            let is_before = |live: &Session| live.version.checked_add(1) == Some(session.version);
            return match before {
                None => self.database.update(session, user).await,
                Some(live) if is_before(&live) => self.record_end(session).await,
                Some(_) => Ok(Updated::Stale),
            };
        }
        match self.live.compare_and_set(session).await? {
            Replaced::Done if self.has_just_ended(session).await? => Ok(Updated::Stale),
            Replaced::Done => Ok(Updated::Done),
            Replaced::Stale => Ok(Updated::Stale),
            Replaced::Absent => self.database.update(session, user).await,
        }
    }

    async fn rename(&self, key: &SessionKey, name: &str, now: Timestamp) -> Stored<bool> {
        let renamed = self.change(key, |session| {
            let device = Device { name: name.to_owned(), ..session.device.clone() };
            is_live(&session, now).then_some(Session { device, ..session })
        });
        match renamed.await? {
            Some(_) => Ok(true),
            None => self.database.rename(key, name, now).await,
        }
    }

    async fn end(&self, scope: &EndScope, ending: Ending) -> Stored<Vec<SessionId>> {
        match scope {
            EndScope::One(key) => self.end_one(key, ending).await,
            EndScope::User(user) => {
                self.end_of_user(scope, user, ending, |session| is_live(session, ending.at)).await
            }
            EndScope::UserExcept(user, kept) => self.end_others(user, *kept, ending).await,
            EndScope::UserStrategy(user, strategy) => {
                self.end_of_user(scope, user, ending, |session| session.strategy == *strategy).await
            }
            EndScope::UserBeyond(user, newest) => self.end_beyond(user, *newest, ending).await,
        }
    }

    async fn list(&self, user: &UserKey, page: Page<SessionId>, now: Timestamp) -> Stored<Vec<Session>> {
        let (ids, recorded) = try_join!(self.live.ids(user), self.database.list(user, page, now))?;
        let behind = ids.partition_point(|id| page.after.is_some_and(|after| *id <= after));
        let limit = usize::try_from(page.limit).unwrap_or(usize::MAX);
        let live = self.page_of_live(user, ids.get(behind..).unwrap_or_default(), limit).await?;
        let is_recorded = |session: &Session| recorded.iter().any(|ended| ended.key == session.key);
        let live = live.into_iter().filter(|session| !is_recorded(session));
        let mut all: Vec<Session> = live.map(|session| session.with_state_at(now)).collect();
        all.extend(recorded);
        all.sort_unstable_by_key(|session| session.key.id);
        all.truncate(limit);
        Ok(all)
    }

    /// Live sessions expire by themselves.
    async fn purge(&self, now: Timestamp, limit: u32) -> Stored<u64> {
        self.database.purge(now, limit).await
    }
}

#[async_trait]
impl ChangeFeed for SessionPair {
    async fn watch(&self, sink: Arc<dyn ChangeSink>) -> Stored<Watch> {
        let [of_database, of_live] = joined(sink);
        let of_database = self.markers.noticing(self.recent_ends.noting(of_database));
        let feeds = try_join!(self.feed.watch(of_database), self.live.watch(of_live))?;
        Ok(Watch::new((feeds, self.markers.watch())))
    }
}
