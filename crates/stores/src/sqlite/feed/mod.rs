//! The change feed: a thread that looks for what was written, by this process or any other.
//!
//! Triggers write every change into a table of its own, in the transaction that makes the change. `PRAGMA data_version`
//! costs a few microseconds and says whether another connection has committed since the last look; only then does the
//! thread read the table. The answer proves the time before the question. The system wakes the thread when a process
//! writes ([`file_events`]), and it looks every 50 ms in any case. Thread and connection belong to the watch alone, so
//! that load on the server's runtime does not delay them.

mod bookmark;
mod file_events;
mod pace;
#[cfg(test)]
mod tests;

use std::io::{self, PipeReader};
use std::os::fd::AsFd as _;
use std::path::Path;
use std::sync::{Arc, Once};
use std::thread;
use std::time::Duration;

use portcullis_core::clock::{Clock, Ticks};
use portcullis_core::store::{Change, ChangeSink, StoreError, Stored, Watch};
use rustix::event::{PollFd, PollFlags, Timespec, poll};
use rustix::io::retry_on_intr;
use tracing::{info, warn};

use super::SqliteFault;
use super::file::DatabaseFile;
use super::writer::NoAnswer;
use crate::feed_threads::{FeedReady, FeedThreads};
use bookmark::Bookmark;
use file_events::FileEvents;
use pace::{Pace, Pause};

/// When to look, and how to hear of events.
#[derive(Clone, Copy)]
struct FeedSettings {
    /// The longest pause between looks.
    every: Duration,
    listen: fn(&Path) -> io::Result<FileEvents>,
    /// The pause before the system is asked for events again after it has refused them.
    listen_again: Duration,
}

/// An event is missed now and then, and some file systems have none: so the longest pause is short.
const SETTINGS: FeedSettings = FeedSettings {
    every: Duration::from_millis(50),
    listen: FileEvents::of,
    listen_again: Duration::from_secs(5),
};

/// Announces what is written to the file from now on. The feed ends with the store: SQLite moves the write-ahead log
/// into the database when the last connection closes, and only one that writes can do so.
pub(super) async fn watch(
    feeds: &FeedThreads,
    file: Arc<DatabaseFile>,
    clock: Arc<dyn Clock>,
    sink: Arc<dyn ChangeSink>,
) -> Stored<Watch> {
    watch_with(SETTINGS, feeds, file, clock, sink).await
}

async fn watch_with(
    settings: FeedSettings,
    feeds: &FeedThreads,
    file: Arc<DatabaseFile>,
    clock: Arc<dyn Clock>,
    sink: Arc<dyn ChangeSink>,
) -> Stored<Watch> {
    // Nothing is sent: the thread ends when the writing end is dropped.
    let pipe = io::pipe().map_err(|fault| StoreError::unavailable("watch for changes", fault));
    let (stopped, stop) = pipe?;
    let run = move |sink, ready| {
        let asked = clock.ticks();
        Follower { settings, file, clock, sink, events: None, asked, bookmark: None }.run(ready, &stopped);
    };
    feeds.watch("sqlite-feed", stop, NoAnswer::Closed, sink, run).await
}

struct Follower {
    settings: FeedSettings,
    file: Arc<DatabaseFile>,
    clock: Arc<dyn Clock>,
    sink: Arc<dyn ChangeSink>,
    /// None where the system tells nothing of the files.
    events: Option<FileEvents>,
    /// When the system was asked for events last.
    asked: Ticks,
    /// None while the database is out of reach.
    bookmark: Option<Bookmark>,
}

impl Follower {
    fn run(mut self, ready: FeedReady<SqliteFault>, stopped: &PipeReader) {
        let begun = self.begin();
        let has_begun = begun.is_ok();
        // An error only says that the caller has given up the watch: then `stopped` says so too.
        let _ = ready.send(begun);
        if has_begun {
            self.follow(stopped);
        }
    }

    /// Listens before it notes what was written, so that no write falls between the two.
    fn begin(&mut self) -> Result<(), SqliteFault> {
        self.listen();
        self.bookmark = Some(Bookmark::open(&self.file)?);
        Ok(())
    }

    fn listen(&mut self) {
        self.asked = self.clock.ticks();
        let events = (self.settings.listen)(self.file.path());
        self.events = events.inspect_err(warn_of_late_news).ok();
    }

    /// The system may have had too few instances for a moment only.
    fn listen_again(&mut self) {
        let pause = self.clock.ticks().since(self.asked);
        if self.events.is_none() && self.bookmark.is_some() && pause >= self.settings.listen_again {
            self.listen();
        }
    }

    fn follow(&mut self, stopped: &PipeReader) {
        let mut pace = Pace::new(self.settings.every);
        let mut pause = pace.first();
        while let Some(is_event) = self.wait(stopped, pause) {
            pause = match self.look() {
                Ok(is_new) => pace.after_look(is_event, is_new),
                Err(fault) => {
                    self.lose(&fault);
                    pace.after_fault()
                }
            };
        }
        if let Some(bookmark) = self.bookmark.take()
            && let Err(fault) = bookmark.close()
        {
            warn!(%fault, "the change feed's connection was not closed cleanly");
        }
    }

    /// Returns after the pause whether there were events; `None` as soon as the watch is to end.
    fn wait(&mut self, stopped: &PipeReader, pause: Pause) -> Option<bool> {
        let events = self.events.as_ref().filter(|_| pause.ends_with_event);
        if is_stopped(stopped, events, pause.longest) {
            return None;
        }
        let taken = self.events.as_mut().map_or(Ok(false), FileEvents::take);
        if let Err(fault) = &taken {
            warn_of_late_news(fault);
            self.events = None;
        }
        Some(taken.unwrap_or_default())
    }

    fn lose(&mut self, fault: &SqliteFault) {
        self.events = None;
        if self.bookmark.take().is_some() {
            warn!(%fault, "the change feed is lost");
        }
    }

    fn look(&mut self) -> Result<bool, SqliteFault> {
        let sent = self.clock.ticks();
        self.file.check()?;
        self.listen_again();
        let is_new = match &mut self.bookmark {
            Some(bookmark) => bookmark.read_on(&*self.sink)?,
            None => self.resume()?,
        };
        self.sink.proven(sent);
        Ok(is_new)
    }

    /// The file may have been replaced meanwhile, so changes are not announced one by one.
    fn resume(&mut self) -> Result<bool, SqliteFault> {
        self.begin()?;
        info!("the change feed is back");
        self.sink.changed(&Change::Everything);
        Ok(true)
    }
}

/// Waits until the writing end is dropped, there are events, or the time is over. Returns whether it was the first.
fn is_stopped(stopped: &PipeReader, events: Option<&FileEvents>, longest: Duration) -> bool {
    // That the writing end was dropped is told without being asked for.
    let nothing = PollFlags::empty();
    let (second, what) = events.map_or((stopped.as_fd(), nothing), |events| (events.as_fd(), PollFlags::IN));
    let mut both = [PollFd::new(stopped, nothing), PollFd::from_borrowed_fd(second, what)];
    let longest = Timespec::try_from(longest).ok();
    if retry_on_intr(|| poll(&mut both, longest.as_ref())).is_err() {
        // The system has no memory: the looks go on, but not without a pause.
        thread::sleep(Duration::from_millis(1));
    }
    let [stop, _] = &both;
    stop.revents().contains(PollFlags::HUP)
}

/// The limits are those of a user, so the first refusal of a process speaks for all its databases.
fn warn_of_late_news(fault: &io::Error) {
    static WARNED: Once = Once::new();
    WARNED.call_once(|| {
        warn!(
            %fault,
            "what other processes write to a database is seen up to 50 ms late, because the system does not tell of \
             writes; if it has too few inotify instances or watches, raise fs.inotify.max_user_instances or \
             fs.inotify.max_user_watches with sysctl"
        );
    });
}
