//! The store without a server, as a process that measures itself when it is told to.

use std::io::{self, BufRead as _, BufReader, Write as _};
use std::path::Path;
use std::process::{Child, ChildStdin, ChildStdout, Command, Stdio};
use std::time::Duration;

use portcullis_bench::tally::TallySummary;

use crate::error::BenchError;

/// A running store; dropping this kills it.
#[derive(Debug)]
pub(crate) struct StoreProcess {
    child: Child,
    orders: ChildStdin,
    answers: BufReader<ChildStdout>,
}

impl StoreProcess {
    /// Starts it and waits until its sessions are written.
    ///
    /// # Errors
    /// [`BenchError::Io`]
    pub(crate) fn start(library: &Path, tasks: usize, sessions: usize) -> Result<Self, BenchError> {
        println!("writing {sessions} sessions into a store of its own");
        let mut command = Command::new(library);
        command.args(["store", "--tasks", &tasks.to_string(), "--sessions", &sessions.to_string()]);
        let mut child = command.stdin(Stdio::piped()).stdout(Stdio::piped()).spawn()?;
        let (Some(orders), Some(answers)) = (child.stdin.take(), child.stdout.take()) else {
            return Err(io::Error::from(io::ErrorKind::BrokenPipe).into());
        };
        let mut started = Self { child, orders, answers: BufReader::new(answers) };
        match started.line()?.as_str() {
            "ready" => Ok(started),
            other => Err(io::Error::other(format!("the store said {other:?}")).into()),
        }
    }

    pub(crate) fn pid(&self) -> u32 {
        self.child.id()
    }

    /// Lets all tasks work for so long.
    ///
    /// # Errors
    /// [`BenchError::Io`], if the store has failed.
    pub(crate) fn measure(&mut self, verb: &str, span: Duration) -> Result<TallySummary, BenchError> {
        writeln!(self.orders, "{verb} {}", span.as_millis())?;
        let line = self.line()?;
        Ok(serde_json::from_str(&line).map_err(|_| io::Error::other(format!("the store said {line:?}")))?)
    }

    fn line(&mut self) -> io::Result<String> {
        let mut line = String::new();
        self.answers.read_line(&mut line)?;
        Ok(line.trim().to_owned())
    }
}

impl Drop for StoreProcess {
    fn drop(&mut self) {
        // It may have ended already.
        let _ = self.child.kill().and_then(|()| self.child.wait());
    }
}
