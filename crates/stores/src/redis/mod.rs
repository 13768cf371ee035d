//! Live sessions on a Redis server, which several nodes share.
//!
//! Redis holds live sessions and nothing else; [`SessionPair`](crate::SessionPair) puts it beside a database, which
//! holds what has ended. Each verb is one script, and one round trip. A session expires by itself, a day after its
//! absolute timeout. The client tracking of Redis announces what another process, or a hand, has changed.

mod connection;
mod feed;
mod keys;
mod marker;
mod open_error;
mod record;
mod scripts;
mod server;
mod short_text;
mod url;

use std::fmt;
use std::sync::Arc;
use std::time::Duration;

use portcullis_core::clock::{Clock, Timestamp};
use portcullis_core::id::{SessionId, SessionKey, TenantId, UserId, UserKey};
use portcullis_core::machine::SystemRandom;
use portcullis_core::session::{RECORD_RETENTION, Session};
use portcullis_core::store::{ChangeSink, CookieKey, SessionHandle, StoreError, Stored, Watch};
use redis::{Client, RedisError};
use tokio::task::spawn_blocking;

use crate::feed_threads::FeedThreads;
use crate::sql::if_readable;
use connection::{SharedConnection, config, connect};
use keys::Keys;
pub(crate) use marker::{Marker, MarkerAgreement};
pub use open_error::RedisOpenError;
use record::SessionRecords;
use scripts::{
    COMPARE_AND_SET, FIND, FIND_ALL, FIND_BY_COOKIE, FIND_MARKER, IDS, INSERT, REMOVE, REMOVE_UNREADABLE,
    REPLACE_MARKER, ScriptCall,
};
use server::ServerInfo;
pub use url::{RedisUrl, RedisUrlError};

const FINDING: &str = "find a session";
const LISTING: &str = "list sessions";
/// How many sessions one script looks at.
const FOUND_AT_ONCE: usize = 256;
/// The longest that Redis is told to keep a record: it cannot count further than some hundred million years.
const LONGEST: Duration = Duration::from_hours(24 * 365 * 100);

/// Live sessions on a Redis server.
#[derive(Clone)]
pub struct RedisSessions {
    url: Arc<RedisUrl>,
    client: Client,
    keys: Keys,
    warning: Option<&'static str>,
    shared: Arc<SharedConnection>,
    agreement: Arc<MarkerAgreement>,
    feeds: Arc<FeedThreads>,
    clock: Arc<dyn Clock>,
}

/// What became of a compare-and-set.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) enum Replaced {
    Done,
    /// Another writer was first.
    Stale,
    /// There is no such session.
    Absent,
}

/// Id and records of a session.
type Found = (Vec<u8>, Vec<u8>, Vec<u8>);

impl RedisSessions {
    /// Connects to the server, and refuses one that would lose or hide what it has acknowledged.
    ///
    /// # Errors
    /// [`RedisOpenError`] says what is wrong, and what helps.
    pub async fn open(url: &RedisUrl, clock: Arc<dyn Clock>) -> Result<Self, RedisOpenError> {
        let client = url.client()?;
        let info = asked(&client, url).await?;
        info.check(&url.to_string())?;
        let warning = info.warning();
        let keys = url.keys();
        try_out(&client, &keys, clock.now())
            .await
            .map_err(|fault| RedisOpenError::of(&url.to_string(), fault))?;
        let agreement = Arc::new(MarkerAgreement::default());
        let shared = Arc::new(SharedConnection::new(client.clone(), agreement.clone()));
        let url = Arc::new(url.clone());
        Ok(Self { url, client, keys, warning, shared, agreement, feeds: Arc::default(), clock })
    }

    /// Product, version, role, what durability depends on, and how far its clock is off this one's, in one line.
    ///
    /// # Errors
    /// The server does not answer.
    pub async fn described(&self) -> Stored<String> {
        let info = asked(&self.client, &self.url).await;
        let now = self.clock.now();
        info.map(|info| info.described(now))
            .map_err(|fault| StoreError::unavailable("describe itself", fault))
    }

    pub(crate) fn clock(&self) -> Arc<dyn Clock> {
        self.clock.clone()
    }

    /// What an operator should know of what a restart of the server loses.
    #[must_use]
    pub const fn warning(&self) -> Option<&'static str> {
        self.warning
    }

    pub(crate) fn agreement(&self) -> &MarkerAgreement {
        &self.agreement
    }

    /// What is under the key of the marker.
    pub(crate) async fn marker(&self) -> Stored<Option<Marker>> {
        let keys = [self.keys.marker()];
        let call = ScriptCall { script: &FIND_MARKER, keys: &keys, arguments: &[] };
        let found: Option<Vec<u8>> = self.shared.run_anywhere("read the marker", call).await?;
        Ok(found.as_deref().map(Marker::read))
    }

    /// Puts a marker in the place of the one that was found; `false` if another process was first.
    pub(crate) async fn replace_marker(&self, before: Option<&Marker>, after: &Marker) -> Stored<bool> {
        let keys = [self.keys.marker()];
        let arguments = [before.map_or("", Marker::written).as_bytes(), after.written().as_bytes()];
        let call = ScriptCall { script: &REPLACE_MARKER, keys: &keys, arguments: &arguments };
        self.shared.run_anywhere("replace the marker", call).await
    }

    /// Creates a session; `false` if there is one with this id.
    pub(crate) async fn insert(&self, session: &Session) -> Stored<bool> {
        let SessionRecords { checked, used } = SessionRecords::of(session);
        let lives = session.absolute_expires.plus(RECORD_RETENTION).since(session.created).min(LONGEST);
        let (id, lives) = (short_text::session_id(session.key.id), lives.as_millis().max(1).to_string());
        let sessions = self.keys.sessions(&session.key.tenant, session.key.id.bucket());
        let arguments = [id.as_bytes(), &checked, &used, lives.as_bytes(), sessions.as_bytes()];
        let call = ScriptCall { script: &INSERT, keys: &self.keys.of(session), arguments: &arguments };
        self.shared.run("insert a session", call).await
    }

    /// The session, if it lives here.
    pub(crate) async fn find(&self, handle: &SessionHandle) -> Stored<Option<Session>> {
        match handle {
            SessionHandle::Id(key) => self.find_by_id(key).await,
            SessionHandle::Cookie(cookie) => self.find_by_cookie(cookie).await,
        }
    }

    async fn find_by_id(&self, key: &SessionKey) -> Stored<Option<Session>> {
        let users = self.keys.users(&key.tenant, key.id.bucket());
        let (id, keys) = (short_text::session_id(key.id), [self.keys.session(key)]);
        let call = ScriptCall { script: &FIND, keys: &keys, arguments: &[id.as_bytes(), users.as_bytes()] };
        let found: Option<Found> = self.shared.run(FINDING, call).await?;
        found.map(|found| session(&key.tenant, found)).transpose()
    }

    async fn find_by_cookie(&self, cookie: &CookieKey) -> Stored<Option<Session>> {
        let CookieKey { tenant, bucket, hash } = cookie;
        let (sessions, users) = (self.keys.sessions(tenant, *bucket), self.keys.users(tenant, *bucket));
        let keys = [self.keys.cookie(cookie)];
        let call = ScriptCall {
            script: &FIND_BY_COOKIE,
            keys: &keys,
            arguments: &[sessions.as_bytes(), users.as_bytes()],
        };
        let found: Option<Found> = self.shared.run(FINDING, call).await?;
        let found = found.map(|found| session(tenant, found)).transpose()?;
        // A key that was written by hand may lead to a session of another cookie.
        Ok(found.filter(|session| session.cookie.as_ref() == Some(hash)))
    }

    /// Replaces a session whose stored version is the one before.
    pub(crate) async fn compare_and_set(&self, session: &Session) -> Stored<Replaced> {
        let SessionRecords { checked, used } = SessionRecords::of(session);
        let Some(before) = session.version.checked_sub(1) else { return Ok(Replaced::Stale) };
        let (id, before) = (short_text::session_id(session.key.id), before.to_string());
        let arguments = [id.as_bytes(), before.as_bytes(), &checked, &used];
        let keys = self.keys.of(session);
        let call = ScriptCall { script: &COMPARE_AND_SET, keys: &keys, arguments: &arguments };
        Ok(match self.shared.run("update a session", call).await? {
            1 => Replaced::Done,
            0 => Replaced::Stale,
            _ => Replaced::Absent,
        })
    }

    /// The ids of a user's sessions, oldest first, among them some that have expired.
    pub(crate) async fn ids(&self, user: &UserKey) -> Stored<Vec<SessionId>> {
        let keys = [self.keys.user(user)];
        let call = ScriptCall { script: &IDS, keys: &keys, arguments: &[] };
        let found: Vec<Vec<u8>> = self.shared.run(LISTING, call).await?;
        let mut ids: Vec<SessionId> = found.iter().filter_map(|id| short_text::id(id)).collect();
        ids.sort_unstable();
        Ok(ids)
    }

    /// Those of a user's sessions with these ids that live here. A script looks at few, so that others get their turn.
    pub(crate) async fn find_all(&self, user: &UserKey, ids: &[SessionId]) -> Stored<Vec<Session>> {
        let (keys, sessions) = ([self.keys.user(user)], self.keys.sessions(&user.tenant, user.id.bucket()));
        let mut all = Vec::with_capacity(ids.len());
        for few in ids.chunks(FOUND_AT_ONCE) {
            let few: Vec<String> = few.iter().map(|id| short_text::session_id(*id)).collect();
            let arguments: Vec<&[u8]> =
                [sessions.as_bytes()].into_iter().chain(few.iter().map(String::as_bytes)).collect();
            let call = ScriptCall { script: &FIND_ALL, keys: &keys, arguments: &arguments };
            let found: Vec<Found> = self.shared.run(LISTING, call).await?;
            let read = found.into_iter().filter_map(|found| if_readable(session(&user.tenant, found)));
            all.extend(read.filter(|session| session.user == user.id));
        }
        Ok(all)
    }

    /// Removes a session.
    pub(crate) async fn remove(&self, session: &Session) -> Stored<()> {
        let (id, keys) = (short_text::session_id(session.key.id), self.keys.of(session));
        let call = ScriptCall { script: &REMOVE, keys: &keys, arguments: &[id.as_bytes()] };
        self.shared.run::<i64>("remove a session", call).await.map(drop)
    }

    /// Removes a session whose records cannot be read; `false` if there is none.
    pub(crate) async fn remove_unreadable(&self, key: &SessionKey) -> Stored<bool> {
        let users = self.keys.users(&key.tenant, key.id.bucket());
        let (id, keys) = (short_text::session_id(key.id), [self.keys.session(key)]);
        let arguments = [id.as_bytes(), users.as_bytes()];
        let call = ScriptCall { script: &REMOVE_UNREADABLE, keys: &keys, arguments: &arguments };
        self.shared.run("remove a session", call).await
    }

    /// Announces what becomes of sessions from now on, until the watch is dropped or the store is closed.
    pub(crate) async fn watch(&self, sink: Arc<dyn ChangeSink>) -> Stored<Watch> {
        let (client, keys) = (self.client.clone(), self.keys.clone());
        feed::watch(&self.feeds, client, keys, self.clock.clone(), self.agreement.clone(), sink).await
    }

    /// Closes all connections. Every later call is [`StoreError::Unavailable`].
    pub async fn close(&self) {
        let feeds = self.feeds.clone();
        // A panic of a watch's thread is logged there.
        let _ = spawn_blocking(move || feeds.stop()).await;
        self.shared.close().await;
    }
}

async fn asked(client: &Client, url: &RedisUrl) -> Result<ServerInfo, RedisOpenError> {
    let asking = async { ServerInfo::ask(&mut connect(client, config()).await?).await };
    asking.await.map_err(|fault| RedisOpenError::of(&url.to_string(), fault))
}

/// Does what all verbs do, on a session that there is not: a user who lacks a right is refused at the start.
async fn try_out(client: &Client, keys: &Keys, now: Timestamp) -> Result<(), RedisError> {
    let mut db = connect(client, config()).await?;
    feed::track(&mut db, keys).await?;
    let (tenant, user) = (TenantId::default_tenant(), UserId::generate(now, &SystemRandom));
    let id = short_text::user_id(user);
    let (sessions, users) = (keys.sessions(&tenant, user.bucket()), keys.users(&tenant, user.bucket()));
    let both = [format!("{sessions}{id}"), format!("{users}{id}")];
    let arguments = [id.as_bytes(), users.as_bytes()];
    let [find, remove] =
        [&*FIND, &*REMOVE].map(|script| ScriptCall { script, keys: &both, arguments: &arguments });
    find.invoke::<Option<Found>>(&mut db).await?;
    remove.invoke::<i64>(&mut db).await.map(drop)
}

fn session(tenant: &TenantId, (id, checked, used): Found) -> Stored<Session> {
    let shown = || String::from_utf8_lossy(&id).into_owned();
    let id = short_text::id(&id).ok_or_else(|| StoreError::corrupt("session", &shown(), "id"))?;
    SessionRecords { checked, used }.session(&SessionKey { tenant: tenant.clone(), id })
}

/// The URL, without a password.
impl fmt::Display for RedisSessions {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.url.fmt(f)
    }
}

impl fmt::Debug for RedisSessions {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("RedisSessions").field("url", &self.url).finish_non_exhaustive()
    }
}
