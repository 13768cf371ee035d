//! The change feed: a connection of its own that listens to what the triggers announce.
//!
//! The server tells the processes of all listeners of a commit before it acknowledges it, and a process that was told
//! sends what it has been announced before it says that it is ready again. So the feed asks a question on its own
//! connection, again and again: once that is answered to the end, everything that had been acknowledged when it was
//! sent has been announced. The question is whether this connection listens at all, and whether the triggers are as
//! they were. Thread, runtime and connection belong to the watch alone, so that load on the server's runtime does not
//! delay them.

use std::io;
use std::sync::Arc;
use std::time::Duration;

use portcullis_core::clock::{Clock, DatabaseTime, Timestamp};
use portcullis_core::store::{Change, ChangeSink, Stored, Watch};
use sqlx::postgres::{PgConnectOptions, PgListener, PgNotification, PgPoolOptions, PgRow};
use sqlx::{Connection as _, Row as _};
use tokio::time::timeout;

use super::connector::{ConnectFault, Connector};
use super::fault::UnansweredStep;
use super::step::DEADLINE;
use super::triggers::{BARRIER, TRIGGERS, TriggerState, changed_triggers};
use crate::feed_threads::{FeedThreads, announced};
use crate::listening_feed::{self, ListeningFeed};

/// The pause between two questions of the feed.
const BARRIER_EVERY: Duration = Duration::from_millis(50);
/// How long an answer may take before the connection counts as lost.
const BARRIER_DEADLINE: Duration = Duration::from_secs(2);

/// The channel that the triggers of a schema announce on.
const CHANNEL: &str = "SELECT 'portcullis_' || pg_catalog.hashtextextended($1::TEXT, 0::BIGINT)";

/// Announces what is written to the database from now on, until the watch is dropped or the store is closed.
pub(super) async fn watch(
    feeds: &FeedThreads,
    connector: Arc<Connector>,
    clock: Arc<dyn Clock>,
    sink: Arc<dyn ChangeSink>,
) -> Stored<Watch> {
    let make = move |sink| Announcer { connector, clock, sink };
    listening_feed::watch(feeds, UnansweredStep::Closed, sink, make).await
}

struct Announcer {
    connector: Arc<Connector>,
    clock: Arc<dyn Clock>,
    sink: Arc<dyn ChangeSink>,
}

impl ListeningFeed for Announcer {
    type Connection = ListeningConnection;
    type Fault = ConnectFault;

    const NAME: &'static str = "postgres-feed";
    const MISSED: Change = Change::Everything;

    fn fault(fault: io::Error) -> ConnectFault {
        sqlx::Error::Io(fault).into()
    }

    /// The driver's pool, which a listener needs, waits for seconds while a host refuses connections. So the primary is
    /// found without it, and is tried first.
    async fn connected(&self) -> Result<ListeningConnection, ConnectFault> {
        self.connector.connect(DEADLINE).await?.close().await?;
        self.connector.first_good(DEADLINE, |host| ListeningConnection::open(host, &self.connector)).await
    }

    /// Asks, announces what comes before the answer, and rests for a while, with its ears open.
    async fn prove(&self, feed: &mut ListeningConnection) -> Result<(), ConnectFault> {
        let late = |_| sqlx::Error::Io(std::io::ErrorKind::TimedOut.into());
        let sent = self.clock.ticks();
        let shown = timeout(BARRIER_DEADLINE, feed.ask()).await.map_err(late)??;
        self.clock.compare(&DatabaseTime { asked: sent, answered: self.clock.ticks(), shown });
        while let Some(heard) = feed.listener.next_buffered() {
            self.hear(&heard);
        }
        self.sink.proven(sent);
        loop {
            let rest = BARRIER_EVERY.saturating_sub(self.clock.ticks().since(sent));
            let Ok(heard) = timeout(rest, feed.next()).await else { return Ok(()) };
            self.hear(&heard?);
        }
    }
}

impl Announcer {
    fn hear(&self, heard: &PgNotification) {
        if let Some(change) = change(heard.payload()) {
            self.sink.changed(&change);
        }
    }
}

/// A connection that listens.
struct ListeningConnection {
    listener: PgListener,
    schema: String,
    channel: String,
    triggers: TriggerState,
}

impl ListeningConnection {
    async fn open(host: PgConnectOptions, connector: &Connector) -> Result<Self, ConnectFault> {
        let pool = PgPoolOptions::new().max_connections(1).max_lifetime(None).idle_timeout(None);
        let pool = pool.test_before_acquire(false).acquire_timeout(DEADLINE).acquire_slow_threshold(DEADLINE);
        let mut listener = PgListener::connect_with(&pool.connect_lazy_with(host)).await?;
        // A new connection must be announced, so it is not made behind the feed's back.
        listener.eager_reconnect(false);
        connector.set_up(&mut listener).await?;
        let schema = connector.schema().to_owned();
        let channel: String = sqlx::query_scalar(CHANNEL).bind(&schema).fetch_one(&mut listener).await?;
        listener.listen(&channel).await?;
        let mut feed = Self { listener, schema, channel, triggers: TriggerState::default() };
        feed.triggers = TriggerState::of(&feed.answer().await?)?;
        feed.triggers.check()?;
        Ok(feed)
    }

    /// Asks whether the connection listens, and whether the triggers are as they were. Returns the server's time.
    async fn ask(&mut self) -> Result<Timestamp, sqlx::Error> {
        let answer = self.answer().await?;
        if !answer.try_get::<bool, _>("listens")? {
            return Err(deaf());
        }
        let triggers = TriggerState::of(&answer)?;
        triggers.check()?;
        if triggers != self.triggers {
            return Err(changed_triggers());
        }
        Ok(Timestamp::from_millis(answer.try_get("milliseconds")?))
    }

    /// Takes the answer up to its last byte: what is announced comes before that.
    async fn answer(&mut self) -> Result<PgRow, sqlx::Error> {
        let question = sqlx::query(BARRIER).bind(&self.channel).bind(&self.schema).bind(&TRIGGERS[..]);
        let mut answer = question.fetch_all(&mut self.listener).await?;
        answer.pop().ok_or(sqlx::Error::RowNotFound)
    }

    async fn next(&mut self) -> Result<PgNotification, sqlx::Error> {
        let heard = self.listener.try_recv().await?;
        heard.ok_or_else(|| sqlx::Error::Io(std::io::ErrorKind::ConnectionAborted.into()))
    }
}

/// A proxy has given the connection another process of the server.
fn deaf() -> sqlx::Error {
    sqlx::Error::Protocol("the connection does not listen any more".to_owned())
}

/// What an announcement names. One that was cut off makes no sense.
fn change(named: &str) -> Option<Change> {
    let mut parts = named.splitn(3, '/');
    let mut part = || parts.next().unwrap_or_default();
    announced(part(), part(), part())
}
