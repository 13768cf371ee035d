//! What a server says of thefts and of losses. Users are told of a theft by mail: only those may be for whom a spent
//! token was shown without its proof. The log tells of a store that has lost a rotation: the client, whose token is
//! newer, would not notice.

use std::collections::BTreeSet;
use std::fs::{self, File};
use std::io::{self, Read as _, Seek as _, SeekFrom};
use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};

use tokio::time::sleep;

/// The subject of such a mail.
pub(crate) const REUSED: &str = "A session at Portcullis was ended for your safety";

/// The event of a refresh token that is newer than its session in the store.
const ROLLED_BACK: &str = "store_rolled_back";

/// How long a log has to say what it must, and the pause between two looks.
const SAID_WITHIN: Duration = Duration::from_secs(20);
const LOOK: Duration = Duration::from_millis(20);

/// The mails and the log of a server.
#[derive(Debug)]
pub(crate) struct AlarmWatch {
    outbox: PathBuf,
    log: LogReader,
}

/// A log that grows.
#[derive(Clone, Debug)]
pub(crate) struct LogReader {
    log: PathBuf,
    /// How much of it has been read.
    read: u64,
}

impl AlarmWatch {
    /// Of the server with this data directory.
    pub(crate) fn of(data: &Path) -> Self {
        Self { outbox: data.join("outbox"), log: LogReader::of(data) }
    }

    /// Those who were told of a theft since the last look. Mails for which no client waits are deleted, so that
    /// thousands of rounds do not slow down those who look for theirs.
    ///
    /// # Errors
    /// What the system says.
    pub(crate) fn alarmed(&self, waiting: &BTreeSet<String>) -> io::Result<Vec<String>> {
        let mut alarmed = Vec::new();
        for entry in fs::read_dir(&self.outbox).into_iter().flatten() {
            let path = entry?.path();
            let Some(recipient) = recipient(&path) else { continue };
            if waiting.contains(recipient) {
                // It is read when its owner has gone on to another address.
                continue;
            }
            if fs::read_to_string(&path)?.lines().any(|line| line.strip_prefix("Subject: ") == Some(REUSED)) {
                alarmed.push(recipient.to_owned());
            }
            fs::remove_file(&path)?;
        }
        Ok(alarmed)
    }

    /// Where the log says, since the last look, that a store has lost a rotation.
    ///
    /// # Errors
    /// What the system says.
    pub(crate) fn lost_rotations(&mut self) -> io::Result<Vec<String>> {
        let new = self.log.new_lines()?;
        Ok(new.lines().filter(|line| line.contains(ROLLED_BACK)).map(str::to_owned).collect())
    }
}

impl LogReader {
    /// Of the server with this data directory, from the beginning.
    pub(crate) fn of(data: &Path) -> Self {
        Self { log: data.with_extension("log"), read: 0 }
    }

    /// The same, from now on.
    ///
    /// # Errors
    /// What the system says.
    pub(crate) fn from_now(data: &Path) -> io::Result<Self> {
        let mut reader = Self::of(data);
        reader.new_lines()?;
        Ok(reader)
    }

    /// Waits until the log says something, in a line that has all of these words.
    ///
    /// # Errors
    /// What the system says, or that the log does not say it.
    pub(crate) async fn says(&mut self, words: &[&str]) -> io::Result<()> {
        let begun = Instant::now();
        while !self.new_lines()?.lines().any(|line| words.iter().all(|word| line.contains(word))) {
            if begun.elapsed() > SAID_WITHIN {
                return Err(io::Error::other(format!("{} does not say {words:?}", self.log.display())));
            }
            sleep(LOOK).await;
        }
        Ok(())
    }

    /// What has been written since the last look.
    ///
    /// # Errors
    /// What the system says.
    pub(crate) fn new_lines(&mut self) -> io::Result<String> {
        let mut log = File::open(&self.log)?;
        log.seek(SeekFrom::Start(self.read))?;
        let mut new = Vec::new();
        log.read_to_end(&mut new)?;
        // The line that is being written is read the next time.
        let whole = new.iter().rposition(|byte| *byte == b'\n').map_or(0, |last| last + 1);
        new.truncate(whole);
        self.read += whole as u64;
        Ok(String::from_utf8_lossy(&new).into_owned())
    }
}

/// Whose mail a file `TIME_RECIPIENT_ID.eml` is; `None` while it is being written.
fn recipient(path: &Path) -> Option<&str> {
    let name = path.file_name()?.to_str()?.strip_suffix(".eml")?;
    name.split('_').nth(1)
}

#[cfg(test)]
mod tests {
    use std::io::Write as _;

    use super::*;

    #[test]
    fn alarms_are_found_once_and_mails_that_are_waited_for_stay() {
        let data = tempfile::tempdir().unwrap();
        let watch = AlarmWatch::of(data.path());
        assert_eq!(watch.alarmed(&BTreeSet::new()).unwrap(), [""; 0], "there is no outbox yet");
        let outbox = data.path().join("outbox");
        fs::create_dir(&outbox).unwrap();
        let put = |name: &str, subject: &str| {
            fs::write(outbox.join(name), format!("To: x\r\nSubject: {subject}\r\n\r\n")).unwrap();
        };
        put("1_a@b.example_x.eml", "Your sign-in code");
        put("2_b@b.example_y.eml", REUSED);
        put("3_c@b.example_z.eml", REUSED);
        put(".half.part", REUSED);
        assert_eq!(watch.alarmed(&BTreeSet::from(["c@b.example".to_owned()])).unwrap(), ["b@b.example"]);
        assert_eq!(watch.alarmed(&BTreeSet::new()).unwrap(), ["c@b.example"]);
        assert_eq!(fs::read_dir(&outbox).unwrap().count(), 1, "what is being written stays");
    }

    #[test]
    fn a_lost_rotation_is_found_once_its_line_is_whole() {
        let data = tempfile::tempdir().unwrap();
        let mut watch = AlarmWatch::of(&data.path().join("data"));
        let mut log = File::create(data.path().join("data.log")).unwrap();
        log.write_all(b"one\ntwo event=\"store_rolled").unwrap();
        assert_eq!(watch.lost_rotations().unwrap(), [""; 0]);
        log.write_all(b"_back\"\nthree\n").unwrap();
        assert_eq!(watch.lost_rotations().unwrap(), ["two event=\"store_rolled_back\""]);
        assert_eq!(watch.lost_rotations().unwrap(), [""; 0]);
    }
}
