//! What the system tells of the database's files: that a process writes to the write-ahead log.
//!
//! The event comes when the write begins, before it can be read.

use std::fs;
use std::io;
use std::mem::MaybeUninit;
use std::os::fd::{AsFd, BorrowedFd, OwnedFd};
use std::path::{Path, PathBuf};

use rustix::fs::inotify::{self, CreateFlags, WatchFlags};
use rustix::io::Errno;

/// How many bytes of events are read at once. What is left is read the next time.
const MOST_AT_ONCE: usize = 4096;

/// The events of one database.
pub(super) struct FileEvents {
    inotify: OwnedFd,
    log: PathBuf,
    /// The watch of the log; `None` while there is no log.
    log_watch: Option<i32>,
}

impl FileEvents {
    /// The events from now on. There is no log before the first connection, and none after the last.
    pub(super) fn of(database: &Path) -> io::Result<Self> {
        // The log is beside the file itself, not beside a link to it.
        let database = fs::canonicalize(database)?;
        let folder = database.parent().ok_or(io::ErrorKind::NotFound)?;
        let inotify = inotify::init(CreateFlags::CLOEXEC | CreateFlags::NONBLOCK)?;
        // Who reads causes none of these, so the feed does not wake itself.
        let moved = WatchFlags::MOVED_FROM | WatchFlags::MOVED_TO;
        inotify::add_watch(&inotify, folder, WatchFlags::CREATE | WatchFlags::DELETE | moved)?;
        let mut log = database.into_os_string();
        log.push("-wal");
        let mut events = Self { inotify, log: log.into(), log_watch: None };
        events.watch_log()?;
        Ok(events)
    }

    /// Takes the events that are there. Returns whether there were any.
    pub(super) fn take(&mut self) -> io::Result<bool> {
        let mut buffer = [MaybeUninit::uninit(); MOST_AT_ONCE];
        let mut events = inotify::Reader::new(&self.inotify, &mut buffer);
        let mut is_of_folder = false;
        loop {
            match events.next() {
                Ok(event) => is_of_folder |= Some(event.wd()) != self.log_watch,
                Err(Errno::AGAIN | Errno::INTR) => return Ok(false),
                Err(fault) => return Err(fault.into()),
            }
            if events.is_buffer_empty() {
                break;
            }
        }
        if is_of_folder {
            self.watch_log()?;
        }
        Ok(true)
    }

    /// Watches the log that is there now, and no other. For the same one that changes nothing.
    fn watch_log(&mut self) -> io::Result<()> {
        let found = match inotify::add_watch(&self.inotify, &self.log, WatchFlags::MODIFY) {
            Ok(watch) => Some(watch),
            Err(Errno::NOENT) => None,
            Err(fault) => return Err(fault.into()),
        };
        let before = self.log_watch;
        self.log_watch = found;
        if let Some(gone) = before.filter(|_| before != found) {
            // An error says that the system has forgotten the watch together with its file.
            let _ = inotify::remove_watch(&self.inotify, gone);
        }
        Ok(())
    }
}

/// Readable while there are events to take.
impl AsFd for FileEvents {
    fn as_fd(&self) -> BorrowedFd<'_> {
        self.inotify.as_fd()
    }
}
