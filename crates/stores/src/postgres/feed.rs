//! The change feed: a connection of its own that listens to what the triggers announce.
//!
//! PostgreSQL hands announcements out in the order of the commits. So the feed notifies itself of a number, again and
//! again: once that comes back, everything that was committed before it was sent has been announced. Thread, runtime
//! and connection belong to the watch alone, so that load on the server's runtime does not delay them.

use std::sync::Arc;
use std::time::Duration;

use portcullis_core::clock::{Clock, Ticks};
use portcullis_core::store::{Change, ChangeSink, Stored, Watch};
use sqlx::postgres::{PgConnectOptions, PgListener, PgPoolOptions};
use sqlx::{Executor as _, Row as _};
use tokio::runtime::Builder;
use tokio::sync::oneshot;
use tokio::time::{sleep, timeout};
use tracing::{info, warn};

use super::fault::UnansweredStep;
use super::step::DEADLINE;
use crate::feed_threads::{FeedReady, FeedThreads, announced};

/// The pause between two numbers that the feed sends to itself.
const BARRIER_EVERY: Duration = Duration::from_millis(50);
/// How long a number may take to come back before the connection counts as lost.
const BARRIER_DEADLINE: Duration = Duration::from_secs(2);
/// The first and the longest pause before another connection is tried.
const FIRST_PAUSE: Duration = Duration::from_millis(50);
const LONGEST_PAUSE: Duration = Duration::from_secs(1);

/// The channel that the triggers of this schema announce on, and one of this connection's own.
const CHANNELS: &str = "SELECT 'portcullis_' || pg_catalog.md5(pg_catalog.current_schema()::TEXT) AS shared, \
    'portcullis_feed_' || pg_catalog.pg_backend_pid()::TEXT AS own";
const BARRIER: &str = "SELECT pg_catalog.pg_notify($1, $2)";
/// What the feed tells itself need not be on the disk.
const SET_UP: &str = "SET synchronous_commit = off; SET statement_timeout = '5s'";

/// Announces what is written to the database from now on, until the watch is dropped or the store is closed.
pub(super) async fn watch(
    feeds: &FeedThreads,
    options: PgConnectOptions,
    clock: Arc<dyn Clock>,
    sink: Arc<dyn ChangeSink>,
) -> Stored<Watch> {
    // Nothing is sent: the thread ends when the sender is dropped.
    let (stop, stopped) = oneshot::channel::<()>();
    let run = move |sink, ready| run(&Announcer { options, clock, sink }, ready, stopped);
    feeds.watch("postgres-feed", stop, UnansweredStep::Closed, sink, run).await
}

fn run(announcer: &Announcer, ready: FeedReady<sqlx::Error>, stopped: oneshot::Receiver<()>) {
    let runtime = match Builder::new_current_thread().enable_all().build() {
        Ok(runtime) => runtime,
        Err(fault) => return drop(ready.send(Err(fault.into()))),
    };
    runtime.block_on(async {
        tokio::select! {
            // The caller may have given up the watch before it began.
            _ = stopped => {}
            () = announcer.announce(ready) => {}
        }
    });
    // Without a wait for the goodbye to a server that does not answer.
    runtime.shutdown_background();
}

struct Announcer {
    options: PgConnectOptions,
    clock: Arc<dyn Clock>,
    sink: Arc<dyn ChangeSink>,
}

impl Announcer {
    async fn announce(&self, ready: FeedReady<sqlx::Error>) {
        let mut feed = match self.connected().await {
            Ok(feed) => feed,
            Err(fault) => return drop(ready.send(Err(fault))),
        };
        // An error only says that the caller has given up the watch: then the thread is stopped, too.
        let _ = ready.send(Ok(()));
        loop {
            let fault = self.follow(&mut feed).await;
            warn!(%fault, "the change feed is lost");
            drop(feed);
            feed = self.connected_again().await;
            info!("the change feed is back");
            self.sink.changed(&Change::Everything);
        }
    }

    async fn connected(&self) -> Result<ListeningConnection, sqlx::Error> {
        let late = |_| sqlx::Error::Io(std::io::ErrorKind::TimedOut.into());
        timeout(DEADLINE, ListeningConnection::open(&self.options)).await.map_err(late)?
    }

    async fn connected_again(&self) -> ListeningConnection {
        let mut pause = FIRST_PAUSE;
        loop {
            sleep(pause).await;
            if let Ok(feed) = self.connected().await {
                return feed;
            }
            pause = (pause * 2).min(LONGEST_PAUSE);
        }
    }

    /// Announces what is heard until the connection is lost, and returns why it is.
    async fn follow(&self, feed: &mut ListeningConnection) -> sqlx::Error {
        loop {
            if let Err(fault) = self.prove(feed).await {
                return fault;
            }
        }
    }

    /// Sends a number, announces what comes before it, and rests for a while, with its ears open.
    async fn prove(&self, feed: &mut ListeningConnection) -> Result<(), sqlx::Error> {
        let late = |_| sqlx::Error::Io(std::io::ErrorKind::TimedOut.into());
        let sent = self.clock.ticks();
        timeout(BARRIER_DEADLINE, self.pass(feed, sent)).await.map_err(late)??;
        loop {
            let rest = BARRIER_EVERY.saturating_sub(self.clock.ticks().since(sent));
            let Ok(heard) = timeout(rest, feed.next()).await else { return Ok(()) };
            self.hear(&heard?);
        }
    }

    async fn pass(&self, feed: &mut ListeningConnection, sent: Ticks) -> Result<(), sqlx::Error> {
        let number = feed.send().await?;
        loop {
            match feed.next().await? {
                Heard::Own(back) if back == number => break,
                heard => self.hear(&heard),
            }
        }
        self.sink.proven(sent);
        Ok(())
    }

    fn hear(&self, heard: &Heard) {
        if let Heard::Announced(change) = heard {
            self.sink.changed(change);
        }
    }
}

/// A connection that listens.
struct ListeningConnection {
    listener: PgListener,
    own: String,
    sent: u64,
}

enum Heard {
    /// A number that this connection has sent.
    Own(String),
    Announced(Change),
}

impl ListeningConnection {
    async fn open(options: &PgConnectOptions) -> Result<Self, sqlx::Error> {
        let pool = PgPoolOptions::new().max_connections(1).max_lifetime(None).idle_timeout(None);
        let pool = pool.test_before_acquire(false).acquire_timeout(DEADLINE).acquire_slow_threshold(DEADLINE);
        let mut listener = PgListener::connect_with(&pool.connect_lazy_with(options.clone())).await?;
        // A new connection must be announced, so it is not made behind the feed's back.
        listener.eager_reconnect(false);
        listener.execute(SET_UP).await?;
        let channels = sqlx::query(CHANNELS).fetch_one(&mut listener).await?;
        let (shared, own): (String, String) = (channels.try_get("shared")?, channels.try_get("own")?);
        listener.listen_all([shared.as_str(), own.as_str()]).await?;
        Ok(Self { listener, own, sent: 0 })
    }

    async fn send(&mut self) -> Result<String, sqlx::Error> {
        self.sent += 1;
        let number = self.sent.to_string();
        sqlx::query(BARRIER).bind(&self.own).bind(&number).execute(&mut self.listener).await?;
        Ok(number)
    }

    async fn next(&mut self) -> Result<Heard, sqlx::Error> {
        let heard = self.listener.try_recv().await?;
        let heard = heard.ok_or_else(|| sqlx::Error::Io(std::io::ErrorKind::ConnectionAborted.into()))?;
        if heard.channel() == self.own {
            return Ok(Heard::Own(heard.payload().to_owned()));
        }
        Ok(Heard::Announced(change(heard.payload())))
    }
}

/// What an announcement names. One that was cut off makes no sense.
fn change(named: &str) -> Change {
    let mut parts = named.splitn(3, '/');
    let mut part = || parts.next().unwrap_or_default();
    announced(part(), part(), part())
}
