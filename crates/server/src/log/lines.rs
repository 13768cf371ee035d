//! Where lines of the log go: standard error. A line that cannot be written is lost and counted, and stops nothing.

use std::io::{self, Write};
use std::os::fd::AsFd;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use portcullis_core::clock::Clock as _;
use portcullis_core::machine::SystemClock;
use rustix::event::{PollFd, PollFlags, Timespec, poll};
use tracing_subscriber::fmt::MakeWriter;

use crate::config::LogFormat;

/// How many lines of the log this process has lost.
static LOST: AtomicU64 = AtomicU64::new(0);

/// How many lines of the log this process could not write.
pub(crate) fn lost() -> u64 {
    LOST.load(Ordering::Relaxed)
}

/// Whether the last line could not be written.
static IS_LOSING: AtomicBool = AtomicBool::new(false);

/// Whether the log cannot be written now, as far as its last line shows.
pub(crate) fn is_losing() -> bool {
    IS_LOSING.load(Ordering::Relaxed)
}

/// How long a line waits for a reader that is slow. After a line was lost none waits, until one could be written.
const PATIENCE: Duration = Duration::from_millis(100);

/// A pipe that can be written to takes this much at once, so that the write does not wait for its reader.
const PIECE: usize = 4096;

/// Lines on their way to standard error, or to a test's own file.
#[derive(Debug)]
pub(super) struct LogLines<W = io::Stderr>(Arc<Mutex<LineSink<W>>>);

impl<W> Clone for LogLines<W> {
    fn clone(&self) -> Self {
        Self(self.0.clone())
    }
}

#[derive(Debug)]
struct LineSink<W> {
    out: W,
    format: LogFormat,
    /// The lines that wait until a command has answered; `None` if none waits.
    held: Option<Vec<u8>>,
    /// Lines that were lost since the last one that was written.
    lost: u64,
    /// Whether a line was cut off.
    is_torn: bool,
}

impl<W: Write + AsFd> LogLines<W> {
    /// Lines that are written at once, or `held` until [`LogLines::release`].
    pub(super) fn new(out: W, format: LogFormat, held: bool) -> Self {
        let held = held.then(Vec::new);
        Self(Arc::new(Mutex::new(LineSink { out, format, held, lost: 0, is_torn: false })))
    }

    /// Writes the lines that were held, and from now on each at once.
    pub(super) fn release(&self) {
        let mut sink = self.sink();
        let held = sink.held.take().unwrap_or_default();
        held.split_inclusive(|byte| *byte == b'\n').for_each(|line| sink.write_line(line));
    }

    fn sink(&self) -> MutexGuard<'_, LineSink<W>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl<W: Write + AsFd> LineSink<W> {
    fn take(&mut self, line: &[u8]) {
        match &mut self.held {
            Some(held) => held.extend_from_slice(line),
            None => self.write_line(line),
        }
    }

    fn write_line(&mut self, line: &[u8]) {
        let told = self.lost > 0 && self.put(self.notice().as_bytes()).is_ok();
        if told {
            self.lost = 0;
        }
        let is_lost = self.lost > 0 || self.put(line).is_err();
        if is_lost {
            self.lost += 1;
            LOST.fetch_add(1, Ordering::Relaxed);
        }
        IS_LOSING.store(is_lost, Ordering::Relaxed);
    }

    /// The line that says how many are missing before it.
    fn notice(&self) -> String {
        let (end, now, lost) = (if self.is_torn { "\n" } else { "" }, SystemClock.now(), self.lost);
        let message = "lines of the log could not be written";
        match self.format {
            LogFormat::Text => format!("{end}{now}  WARN portcullis_server::log: {message} lost={lost}\n"),
            LogFormat::Json => {
                format!(
                    "{end}{{\"timestamp\":\"{now}\",\"level\":\"WARN\",\"message\":\"{message}\",\"lost\":{lost}}}\n"
                )
            }
        }
    }

    fn put(&mut self, mut line: &[u8]) -> io::Result<()> {
        while let Some(piece) = line.get(..PIECE.min(line.len())).filter(|piece| !piece.is_empty()) {
            self.wait()?;
            match self.out.write(piece) {
                Ok(0) => return Err(io::ErrorKind::WriteZero.into()),
                Ok(written) => line = line.get(written..).unwrap_or_default(),
                Err(fault) if fault.kind() == io::ErrorKind::Interrupted => {}
                Err(fault) => return Err(fault),
            }
            self.is_torn = !line.is_empty();
        }
        Ok(())
    }

    /// Waits for room in a pipe: a reader that has stopped to read must not stop this process.
    fn wait(&self) -> io::Result<()> {
        let patience = if self.lost == 0 { PATIENCE } else { Duration::ZERO };
        let timeout = Timespec::try_from(patience).map_err(io::Error::other)?;
        let ready = poll(&mut [PollFd::new(&self.out, PollFlags::OUT)], Some(&timeout));
        if ready == Ok(0) { Err(io::ErrorKind::TimedOut.into()) } else { Ok(()) }
    }
}

/// Each call is one line, as the formatter writes it. It never fails: a fault that is passed on would end a request.
impl<W: Write + AsFd> Write for LogLines<W> {
    fn write(&mut self, line: &[u8]) -> io::Result<usize> {
        self.sink().take(line);
        Ok(line.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

impl<W: Write + AsFd> MakeWriter<'_> for LogLines<W> {
    type Writer = Self;

    fn make_writer(&self) -> Self {
        self.clone()
    }
}

#[cfg(test)]
mod tests {
    use std::io::Read as _;

    use super::*;

    fn lines(format: LogFormat) -> (io::PipeReader, LogLines<io::PipeWriter>) {
        let (reader, writer) = io::pipe().unwrap();
        (reader, LogLines::new(writer, format, false))
    }

    #[test]
    fn what_no_reader_takes_is_lost_and_counted_and_told_once_there_is_room() {
        for format in [LogFormat::Text, LogFormat::Json] {
            let (mut reader, mut log) = lines(format);
            let (line, before) = ([&[b'x'; 9_999][..], b"\n"].concat(), lost());
            for _ in 0..32 {
                log.write_all(&line).unwrap();
            }
            let missing = log.sink().lost;
            assert!(missing > 0 && lost() - before >= missing, "a pipe takes 64 KiB");
            let mut taken = vec![0; 8 * PIECE];
            reader.read_exact(&mut taken).unwrap();
            log.write_all(b"last\n").unwrap();
            drop(log);
            let mut rest = String::new();
            reader.read_to_string(&mut rest).unwrap();
            let told: Vec<&str> = rest.lines().rev().take(2).collect();
            assert_eq!(told[0], "last");
            assert!(
                told[1].contains("could not be written") && told[1].contains(&missing.to_string()),
                "{rest}"
            );
        }
    }

    #[test]
    fn a_log_without_a_reader_and_one_on_a_full_disk_fail_no_caller() {
        let (reader, mut log) = lines(LogFormat::Text);
        drop(reader);
        log.write_all(b"lost\n").unwrap();
        assert_eq!(log.sink().lost, 1);
        let full = std::fs::File::options().write(true).open("/dev/full").unwrap();
        let mut log = LogLines::new(full, LogFormat::Text, false);
        log.write_all(b"lost\n").unwrap();
        assert_eq!(log.sink().lost, 1);
    }

    #[test]
    fn held_lines_come_once_they_are_released() {
        let (mut reader, writer) = io::pipe().unwrap();
        let mut log = LogLines::new(writer, LogFormat::Text, true);
        log.write_all(b"one\n").unwrap();
        log.write_all(b"two\n").unwrap();
        assert_eq!(log.sink().held.as_deref(), Some(&b"one\ntwo\n"[..]));
        log.release();
        log.write_all(b"three\n").unwrap();
        drop(log);
        let mut all = String::new();
        reader.read_to_string(&mut all).unwrap();
        assert_eq!(all, "one\ntwo\nthree\n");
    }
}
