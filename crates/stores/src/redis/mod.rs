//! Live sessions on a Redis server, which several nodes share.
//!
//! Redis holds live sessions and nothing else; [`SessionPair`](crate::SessionPair) puts it beside a database, which
//! holds what has ended. Each verb is one script, and one round trip. A session expires by itself, a day after its
//! absolute timeout. The client tracking of Redis announces what another process, or a hand, has changed.

mod connection;
mod feed;
mod keys;
mod open_error;
mod record;
mod scripts;
mod server;
mod short_text;
mod url;

use std::fmt;
use std::sync::Arc;
use std::time::Duration;

use portcullis_core::clock::Clock;
use portcullis_core::id::{SessionKey, TenantId, UserKey};
use portcullis_core::session::{RECORD_RETENTION, Session};
use portcullis_core::store::{ChangeSink, CookieKey, SessionHandle, StoreError, Stored, Watch};
use redis::Client;
use tokio::task::spawn_blocking;

use crate::feed_threads::FeedThreads;
use crate::sql::if_readable;
use connection::{SharedConnection, config, connect};
use keys::Keys;
pub use open_error::RedisOpenError;
use record::SessionRecords;
use scripts::{COMPARE_AND_SET, FIND, FIND_BY_COOKIE, INSERT, LIST, REMOVE, ScriptCall};
use server::ServerInfo;
pub use url::{RedisUrl, RedisUrlError};

const FINDING: &str = "find a session";
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
        let shared = Arc::new(SharedConnection::new(client.clone()));
        let (url, keys) = (Arc::new(url.clone()), url.keys());
        Ok(Self { url, client, keys, warning, shared, feeds: Arc::default(), clock })
    }

    /// Product, version, role, and what durability depends on, in one line.
    ///
    /// # Errors
    /// The server does not answer.
    pub async fn described(&self) -> Stored<String> {
        let info = asked(&self.client, &self.url).await;
        info.map(|info| info.described()).map_err(|fault| StoreError::unavailable("describe itself", fault))
    }

    /// What an operator should know of what a restart of the server loses.
    #[must_use]
    pub const fn warning(&self) -> Option<&'static str> {
        self.warning
    }

    /// Creates a session; `false` if there is one with this id.
    pub(crate) async fn insert(&self, session: &Session) -> Stored<bool> {
        let SessionRecords { checked, used } = SessionRecords::of(session);
        let lives = session.absolute_expires.plus(RECORD_RETENTION).since(session.created).min(LONGEST);
        let (id, lives) = (short_text::session_id(session.key.id), lives.as_millis().max(1).to_string());
        let arguments = [id.as_bytes(), &checked, &used, lives.as_bytes()];
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

    /// All sessions of a user that live here, oldest first.
    pub(crate) async fn list(&self, user: &UserKey) -> Stored<Vec<Session>> {
        let (keys, sessions) = ([self.keys.user(user)], self.keys.sessions(&user.tenant, user.id.bucket()));
        let call = ScriptCall { script: &LIST, keys: &keys, arguments: &[sessions.as_bytes()] };
        let found: Vec<Found> = self.shared.run("list sessions", call).await?;
        let read = found.into_iter().filter_map(|found| if_readable(session(&user.tenant, found)));
        let mut read: Vec<Session> = read.filter(|session| session.user == user.id).collect();
        read.sort_unstable_by_key(|session| session.key.id);
        Ok(read)
    }

    /// Removes a session.
    pub(crate) async fn remove(&self, session: &Session) -> Stored<()> {
        let (id, keys) = (short_text::session_id(session.key.id), self.keys.of(session));
        let call = ScriptCall { script: &REMOVE, keys: &keys, arguments: &[id.as_bytes()] };
        self.shared.run::<i64>("remove a session", call).await.map(drop)
    }

    /// Announces what becomes of sessions from now on, until the watch is dropped or the store is closed.
    pub(crate) async fn watch(&self, sink: Arc<dyn ChangeSink>) -> Stored<Watch> {
        feed::watch(&self.feeds, self.client.clone(), self.keys.clone(), self.clock.clone(), sink).await
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

fn session(tenant: &TenantId, (id, checked, used): Found) -> Stored<Session> {
    let shown = || String::from_utf8_lossy(&id).into_owned();
    let id = short_text::id(&id).ok_or_else(|| StoreError::corrupt("session", &shown(), "id"))?;
    SessionRecords { checked, used }.session(&SessionKey { tenant: tenant.clone(), id })
}

impl fmt::Debug for RedisSessions {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("RedisSessions").field("url", &self.url).finish_non_exhaustive()
    }
}
