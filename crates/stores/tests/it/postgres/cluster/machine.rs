//! Programs and processes of the machine that the server runs on.

use std::fs;
use std::os::unix::fs::MetadataExt as _;
use std::path::{Path, PathBuf};
use std::process::Command;

pub(super) fn succeeds(mut command: Command) {
    let done = command.output().unwrap();
    assert!(done.status.success(), "{command:?}: {}", String::from_utf8_lossy(&done.stderr));
}

/// Sends a signal to processes. One that has ended since they were listed needs none.
pub(super) fn signal(signal: &str, processes: &[String]) {
    let mut kill = as_owner(Path::new("sh"));
    let each = format!("kill -{signal} $process 2>/dev/null || ! test -d /proc/$process || exit 1");
    kill.args(["-c", &format!("for process in {}; do {each}; done", processes.join(" "))]);
    succeeds(kill);
}

/// Processes that go on when this is dropped.
pub(crate) struct PausedProcesses(Vec<String>);

impl PausedProcesses {
    pub(super) fn stop(processes: Vec<String>) -> Self {
        signal("STOP", &processes);
        Self(processes)
    }

    pub(super) fn with(mut self, others: Vec<String>) -> Self {
        signal("STOP", &others);
        self.0.extend(others);
        self
    }
}

impl Drop for PausedProcesses {
    fn drop(&mut self) {
        signal("CONT", &self.0);
    }
}

/// The processes that this one has started.
pub(super) fn children(process: &str) -> Vec<String> {
    let ids = fs::read_dir("/proc").unwrap().map(|entry| entry.unwrap().file_name().into_string().unwrap());
    let is_child = |id: &String| {
        let stat = fs::read_to_string(format!("/proc/{id}/stat")).unwrap_or_default();
        // After the name in parentheses: the state, and the parent.
        stat.rsplit(')').next().unwrap_or_default().split_whitespace().nth(1) == Some(process)
    };
    ids.filter(is_child).collect()
}

/// One of Debian's programs of the server, of its newest version.
pub(super) fn program(name: &str) -> PathBuf {
    let versions = fs::read_dir("/usr/lib/postgresql").into_iter().flatten();
    let mut found: Vec<PathBuf> =
        versions.map(|version| version.unwrap().path().join("bin").join(name)).collect();
    found.retain(|path| path.is_file());
    found.sort();
    found.pop().expect("no PostgreSQL server: these tests need Debian's package `postgresql`")
}

/// The user that the server runs as, for it refuses to run as root.
fn owner() -> Option<&'static str> {
    (fs::metadata("/proc/self").unwrap().uid() == 0).then_some("postgres")
}

pub(super) fn as_owner(program: &Path) -> Command {
    let Some(owner) = owner() else { return Command::new(program) };
    let mut command = Command::new("setpriv");
    command.args(["--reuid", owner, "--regid", owner, "--clear-groups"]).arg(program);
    command
}

pub(super) fn hand_over(folder: &Path) {
    if let Some(owner) = owner() {
        let given = Command::new("chown").args(["-R", owner]).arg(folder).status().unwrap();
        assert!(given.success());
    }
}
