//! Counts the system calls of a process with `strace`, which stops it at each: never while time is measured.

use std::io::{self, BufRead as _, BufReader};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};

use rustix::process::{Pid, Signal, kill_process};

/// A count that has begun.
#[derive(Debug)]
pub(crate) struct SystemCallCount {
    tracer: Child,
    summary: PathBuf,
}

impl SystemCallCount {
    /// Begins to count. `None` where there is no `strace`, or it may not trace.
    ///
    /// # Errors
    /// What the system says.
    pub(crate) fn begin(pid: u32, summary: &Path) -> io::Result<Option<Self>> {
        let mut strace = Command::new("strace");
        strace.args(["-c", "-f", "-p", &pid.to_string(), "-o"]).arg(summary);
        let Ok(tracer) = strace.stderr(Stdio::piped()).spawn() else { return Ok(None) };
        let mut count = Self { tracer, summary: summary.to_owned() };
        // The first line says that it counts, or why it cannot.
        let mut line = String::new();
        if let Some(stderr) = &mut count.tracer.stderr {
            BufReader::new(stderr).read_line(&mut line)?;
        }
        Ok(line.contains("attached").then_some(count))
    }

    /// Ends the count, and says how many there were.
    ///
    /// # Errors
    /// What the system says, or that `strace` gave no number.
    pub(crate) fn end(mut self) -> io::Result<u64> {
        let pid = i32::try_from(self.tracer.id()).ok().and_then(Pid::from_raw);
        let pid = pid.ok_or_else(|| io::Error::other("strace has no process id"))?;
        kill_process(pid, Signal::INT)?;
        self.tracer.wait()?;
        let summary = std::fs::read_to_string(&self.summary)?;
        total(&summary).ok_or_else(|| io::Error::other(format!("strace gave no total: {summary}")))
    }
}

impl Drop for SystemCallCount {
    /// A measurement that fails leaves no `strace` behind, which would go on stopping the server.
    fn drop(&mut self) {
        let _ = self.tracer.kill();
        let _ = self.tracer.wait();
    }
}

/// What stands below `calls` in the last line. Versions of `strace` leave different columns of it empty, so the columns
/// are told by the header, in which numbers and names end at the same place.
fn total(summary: &str) -> Option<u64> {
    const CALLS: &str = " calls";
    let end = summary.lines().find_map(|line| line.find(CALLS))? + CALLS.len();
    let line = summary.lines().rfind(|line| line.trim_end().ends_with("total"))?;
    line.get(..end)?.split_ascii_whitespace().next_back()?.parse().ok()
}

#[cfg(test)]
mod tests {
    use rustix::process::test_kill_process;

    use super::*;

    #[test]
    fn the_total_is_read_with_and_without_errors() {
        let head =
            "% time     seconds  usecs/call     calls    errors syscall\n------ ----------- -----------\n";
        let line = " 60.00    0.003000           3       900           recvfrom\n";
        let with = "100.00    0.005000           3      1500        12 total\n";
        let without = "100.00    0.005000           3      1501           total\n";
        assert_eq!(total(&format!("{head}{line}{with}")), Some(1500));
        assert_eq!(total(&format!("{head}{line}{without}")), Some(1501));
        let old = "100.00    0.005000                  1502        12 total\n";
        assert_eq!(total(&format!("{head}{line}{old}")), Some(1502));
        assert_eq!(total(head), None);
    }

    #[test]
    fn a_count_that_is_given_up_ends_its_tracer() {
        let mut program = Command::new("sleep");
        let tracer = program.arg("1000").spawn().unwrap();
        let pid = Pid::from_child(&tracer);
        drop(SystemCallCount { tracer, summary: PathBuf::new() });
        assert!(test_kill_process(pid).is_err(), "it still runs");
    }
}
