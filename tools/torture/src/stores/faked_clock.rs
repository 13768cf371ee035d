//! The clock of a node's machine, which can be set while the node runs: `libfaketime` shows it to the node.

use std::ffi::{OsStr, OsString};
use std::fs;
use std::io;
use std::path::{Path, PathBuf};
use std::time::Duration;

use tokio::time::sleep;

use crate::alarms::LogReader;
use crate::run::TortureError;

/// What the log of a node says when its clock and the database's part, and when they agree again.
const WRONG: &str = "the machine's clock is ahead of the database's";
const RIGHT: &str = "the machine's clock agrees with the database's again";

/// The clock of one node.
#[derive(Debug)]
pub(super) struct FakedClock {
    library: PathBuf,
    /// What the library reads: by how many seconds the clock is off.
    offset: PathBuf,
    data: PathBuf,
}

impl FakedClock {
    /// Of the node with this data directory. The clock is right.
    ///
    /// # Errors
    /// [`TortureError::NoFaketime`], and what the system says.
    pub(super) fn of(data: &Path) -> Result<Self, TortureError> {
        let library = library().ok_or(TortureError::NoFaketime)?;
        let clock = Self { library, offset: data.with_extension("clock"), data: data.to_owned() };
        clock.show(0)?;
        Ok(clock)
    }

    /// What the node is started with. Only the time of day is another one: spans and files are left alone.
    pub(super) fn variables(&self) -> Vec<(&'static str, OsString)> {
        let word = |word: &str| OsStr::new(word).to_owned();
        vec![
            ("LD_PRELOAD", self.library.clone().into()),
            ("FAKETIME_TIMESTAMP_FILE", self.offset.clone().into()),
            ("FAKETIME_CACHE_DURATION", word("1")),
            ("FAKETIME_DONT_FAKE_MONOTONIC", word("1")),
            ("NO_FAKE_STAT", word("1")),
        ]
    }

    /// Forgets the library's shared memory, whose name a node that is killed leaves behind.
    pub(super) fn unlink(pid: u32) {
        for name in [format!("faketime_shm_{pid}"), format!("sem.faketime_sem_{pid}")] {
            // Another version of the library may have none.
            let _ = fs::remove_file(Path::new("/dev/shm").join(name));
        }
    }

    /// Sets the clock off by so many seconds for a while, and back. The node must notice both.
    pub(super) async fn is_off(&self, seconds: i64, span: Duration) -> Result<(), TortureError> {
        let mut log = LogReader::from_now(&self.data)?;
        self.show(seconds)?;
        // The library reads its file once a second.
        log.says(&[WRONG]).await?;
        sleep(span).await;
        self.show(0)?;
        Ok(log.says(&[RIGHT]).await?)
    }

    fn show(&self, seconds: i64) -> io::Result<()> {
        // The library may read it at any moment, so it is there as a whole.
        let new = self.offset.with_extension("new");
        fs::write(&new, format!("{seconds:+}\n"))?;
        fs::rename(new, &self.offset)
    }
}

/// The library of Debian's package `faketime`, for programs with threads.
fn library() -> Option<PathBuf> {
    let folders = fs::read_dir("/usr/lib").into_iter().flatten().flatten();
    let found = folders.map(|folder| folder.path().join("faketime/libfaketimeMT.so.1"));
    found.into_iter().find(|path| path.is_file())
}
