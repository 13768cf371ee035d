//! The change feed: a thread that polls for what was written, by this process or any other.
//!
//! Triggers write every change into a table of its own, in the transaction that makes the change. `PRAGMA data_version`
//! costs a few microseconds and says whether another connection has committed since the last poll; only then does the
//! thread read the table. The answer proves the time before the question. Thread, runtime and connection belong to the
//! watch alone, so that load on the server's runtime does not delay them.

use std::mem;
use std::str::FromStr;
use std::sync::mpsc::{self, Receiver, RecvTimeoutError, Sender};
use std::sync::{Arc, Mutex, PoisonError, Weak};
use std::thread::{self, JoinHandle};
use std::time::Duration;

use portcullis_core::clock::Clock;
use portcullis_core::id::{SessionKey, TenantId, UserKey};
use portcullis_core::store::{Change, ChangeSink, StoreError, Stored, Watch};
use sqlx::sqlite::SqliteRow;
use sqlx::{ConnectOptions as _, Connection as _, Row as _, SqliteConnection};
use tokio::runtime::{Builder, Runtime};
use tokio::time::timeout;
use tracing::{info, warn};

use super::file::DatabaseFile;
use super::writer::DEADLINE;

/// The pause between polls, and the longest pause while the database is out of reach.
const POLL: Duration = Duration::from_millis(50);
const LONGEST_PAUSE: Duration = Duration::from_secs(1);
/// The most changes that are announced one by one.
const MOST_CHANGES: i64 = 10_000;

const VERSION: &str = "PRAGMA data_version";
/// The newest sequence number, even if its change has been pruned.
const HEAD: &str = "SELECT seq FROM sqlite_sequence WHERE name = 'changes'";
const CHANGES: &str = "SELECT head.seq AS head, changes.seq AS seq, kind, tenant, id FROM sqlite_sequence AS head \
    LEFT JOIN changes ON changes.seq > $1 WHERE head.name = 'changes' ORDER BY changes.seq LIMIT $2";

const DOING: &str = "watch for changes";

/// The watches of a store, which end with it: SQLite moves the write-ahead log into the database when the last
/// connection closes, and only one that writes can do so.
#[derive(Default)]
pub(super) struct Feeds(Mutex<Vec<Weak<FeedThread>>>);

impl Feeds {
    /// Announces what is written to the file from now on, until the watch is dropped or the store is closed.
    pub(super) fn watch(
        &self,
        file: Arc<DatabaseFile>,
        clock: Arc<dyn Clock>,
        sink: Arc<dyn ChangeSink>,
    ) -> Stored<Watch> {
        let thread = start(file, clock, sink)?;
        let mut threads = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        threads.retain(|thread| thread.strong_count() > 0);
        threads.push(Arc::downgrade(&thread));
        Ok(Watch::new(thread))
    }

    /// Ends all watches, and closes their connections.
    pub(super) fn stop(&self) {
        let threads = mem::take(&mut *self.0.lock().unwrap_or_else(PoisonError::into_inner));
        threads.iter().filter_map(Weak::upgrade).for_each(|thread| thread.stop());
    }
}

fn start(
    file: Arc<DatabaseFile>,
    clock: Arc<dyn Clock>,
    sink: Arc<dyn ChangeSink>,
) -> Stored<Arc<FeedThread>> {
    let (stop, stopped) = mpsc::channel();
    let (ready, begun) = mpsc::channel();
    let follower = Follower { file, clock, sink, bookmark: None };
    let thread = thread::Builder::new()
        .name("sqlite-feed".to_owned())
        .spawn(move || follower.run(&ready, &stopped))
        .map_err(|fault| StoreError::unavailable(DOING, fault))?;
    let thread = FeedThread(Mutex::new(Some((stop, thread))));
    match begun.recv() {
        Ok(Ok(())) => Ok(Arc::new(thread)),
        Ok(Err(fault)) => Err(StoreError::unavailable(DOING, fault)),
        Err(fault) => Err(StoreError::unavailable(DOING, fault)),
    }
}

/// A value that is never sent: the thread ends when the sender is dropped.
enum Never {}

/// A thread that follows the changes; `None` after it was stopped.
struct FeedThread(Mutex<Option<(Sender<Never>, JoinHandle<()>)>>);

impl FeedThread {
    fn stop(&self) {
        let running = self.0.lock().unwrap_or_else(PoisonError::into_inner).take();
        if let Some((stop, thread)) = running {
            drop(stop);
            if thread.join().is_err() {
                warn!("the change feed's thread had panicked");
            }
        }
    }
}

impl Drop for FeedThread {
    fn drop(&mut self) {
        self.stop();
    }
}

struct Follower {
    file: Arc<DatabaseFile>,
    clock: Arc<dyn Clock>,
    sink: Arc<dyn ChangeSink>,
    /// None while the database is out of reach.
    bookmark: Option<Bookmark>,
}

impl Follower {
    fn run(mut self, ready: &Sender<Result<(), sqlx::Error>>, stopped: &Receiver<Never>) {
        let begun = Builder::new_current_thread().enable_time().build().map_err(sqlx::Error::from);
        let begun = begun.and_then(|runtime| {
            self.bookmark = Some(in_time(&runtime, Bookmark::open(&self.file))?);
            Ok(runtime)
        });
        // An error only says that the caller has given up the watch: then `stopped` says so too.
        let runtime = match begun {
            Ok(runtime) => ready.send(Ok(())).map(|()| runtime).ok(),
            Err(fault) => ready.send(Err(fault)).map(|()| None).unwrap_or_default(),
        };
        if let Some(runtime) = runtime {
            self.follow(&runtime, stopped);
        }
    }

    fn follow(&mut self, runtime: &Runtime, stopped: &Receiver<Never>) {
        let mut pause = POLL;
        while matches!(stopped.recv_timeout(pause), Err(RecvTimeoutError::Timeout)) {
            pause = match in_time(runtime, self.poll()) {
                Ok(()) => POLL,
                Err(fault) => {
                    self.lose(&fault);
                    (pause * 2).min(LONGEST_PAUSE)
                }
            };
        }
        if let Some(bookmark) = self.bookmark.take()
            && let Err(fault) = in_time(runtime, bookmark.db.close())
        {
            warn!(%fault, "the change feed's connection was not closed cleanly");
        }
    }

    fn lose(&mut self, fault: &sqlx::Error) {
        if self.bookmark.take().is_some() {
            warn!(%fault, "the change feed is lost");
        }
    }

    async fn poll(&mut self) -> Result<(), sqlx::Error> {
        let sent = self.clock.ticks();
        self.file.check()?;
        match &mut self.bookmark {
            Some(bookmark) => bookmark.read_on(&*self.sink).await?,
            None => self.resume().await?,
        }
        self.sink.proven(sent);
        Ok(())
    }

    /// The file may have been replaced meanwhile, so changes are not announced one by one.
    async fn resume(&mut self) -> Result<(), sqlx::Error> {
        self.bookmark = Some(Bookmark::open(&self.file).await?);
        info!("the change feed is back");
        self.sink.changed(&Change::Everything);
        Ok(())
    }
}

/// Runs a step of the feed until the deadline.
fn in_time<T>(
    runtime: &Runtime,
    step: impl Future<Output = Result<T, sqlx::Error>>,
) -> Result<T, sqlx::Error> {
    let late = || sqlx::Error::Io(std::io::ErrorKind::TimedOut.into());
    runtime.block_on(async { timeout(DEADLINE, step).await }).unwrap_or_else(|_| Err(late()))
}

/// How far the changes have been read.
struct Bookmark {
    db: SqliteConnection,
    version: i64,
    seq: i64,
}

impl Bookmark {
    /// A bookmark after everything that was written before.
    async fn open(file: &DatabaseFile) -> Result<Self, sqlx::Error> {
        file.check()?;
        let mut db = file.reading().connect().await?;
        let version = sqlx::query_scalar(VERSION).fetch_one(&mut db).await?;
        let seq: Option<i64> = sqlx::query_scalar(HEAD).fetch_optional(&mut db).await?;
        Ok(Self { db, version, seq: seq.unwrap_or_default() })
    }

    /// Announces what was written since.
    async fn read_on(&mut self, sink: &dyn ChangeSink) -> Result<(), sqlx::Error> {
        let version = sqlx::query_scalar(VERSION).fetch_one(&mut self.db).await?;
        if version == self.version {
            return Ok(());
        }
        let rows = sqlx::query(CHANGES).bind(self.seq).bind(MOST_CHANGES).fetch_all(&mut self.db).await?;
        self.announce(&rows, sink)?;
        self.version = version;
        Ok(())
    }

    /// Sequence numbers have no gaps: fewer changes than numbers means that some were pruned before they were read.
    fn announce(&mut self, rows: &[SqliteRow], sink: &dyn ChangeSink) -> Result<(), sqlx::Error> {
        let head: i64 = rows.first().map_or(Ok(0), |row| row.try_get("head"))?;
        let is_change = |row: &&SqliteRow| matches!(row.try_get::<Option<i64>, _>("seq"), Ok(Some(_)));
        let changes: Vec<&SqliteRow> = rows.iter().filter(is_change).collect();
        if i64::try_from(changes.len()).ok() == head.checked_sub(self.seq) {
            for row in changes {
                sink.changed(&change(row));
            }
        } else {
            sink.changed(&Change::Everything);
        }
        self.seq = head;
        Ok(())
    }
}

/// A row that cannot be read was written by hand, and could mean any change.
fn change(row: &SqliteRow) -> Change {
    let text = |column| row.try_get::<&str, _>(column).unwrap_or_default();
    let (tenant, id) = (text("tenant"), text("id"));
    let change = match text("kind") {
        "session" => parsed(tenant, id).map(|(tenant, id)| Change::Session(SessionKey { tenant, id })),
        "user" => parsed(tenant, id).map(|(tenant, id)| Change::User(UserKey { tenant, id })),
        "tenant" => tenant.parse().ok().map(Change::Tenant),
        _ => None,
    };
    change.unwrap_or(Change::Everything)
}

fn parsed<I: FromStr>(tenant: &str, id: &str) -> Option<(TenantId, I)> {
    tenant.parse().ok().zip(id.parse().ok())
}
