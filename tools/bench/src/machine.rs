//! Where and when a run was made: figures without that are worth nothing.

use std::fmt;
use std::fs;
use std::path::Path;
use std::process::Command;

use crate::process::kibibytes;

/// The machine, the day, and the state of the sources.
#[derive(Debug)]
pub(crate) struct Machine {
    cores: usize,
    processor: String,
    memory_gib: u64,
    kernel: String,
    /// Whether the kernel schedules the processes of a session as one group; each one of PostgreSQL's is a session.
    autogroup: String,
    date: String,
    commit: String,
}

impl Machine {
    /// This machine, today, with the sources in `workspace`.
    pub(crate) fn here(workspace: &Path) -> Self {
        let processor = fs::read_to_string("/proc/cpuinfo").unwrap_or_default();
        let memory = fs::read_to_string("/proc/meminfo").unwrap_or_default();
        let kernel = fs::read_to_string("/proc/sys/kernel/osrelease").unwrap_or_default();
        let autogroup = fs::read_to_string("/proc/sys/kernel/sched_autogroup_enabled").unwrap_or_default();
        Self {
            cores: cores(),
            processor: model(&processor),
            memory_gib: (kibibytes(&memory, "MemTotal:") + (1 << 19)) >> 20,
            kernel: kernel.trim().to_owned(),
            autogroup: autogroup.trim().to_owned(),
            date: jiff::Timestamp::now().strftime("%Y-%m-%d").to_string(),
            commit: commit(workspace),
        }
    }
}

impl fmt::Display for Machine {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { cores, processor, memory_gib, kernel, autogroup, date, commit } = self;
        write!(f, "{cores} cores ({processor}), {memory_gib} GiB, Linux {kernel}, ")?;
        write!(f, "sched_autogroup_enabled={autogroup}; {date}, commit {commit}")
    }
}

/// As many threads as can run at once: what the server has too.
pub(crate) fn cores() -> usize {
    std::thread::available_parallelism().map_or(1, usize::from)
}

fn model(cpuinfo: &str) -> String {
    let names = cpuinfo.lines().filter_map(|line| line.strip_prefix("model name"));
    let mut names = names.filter_map(|rest| rest.split_once(':')).map(|(_, name)| name.trim().to_owned());
    names.next().unwrap_or_else(|| "unknown processor".to_owned())
}

/// The commit, marked where the tracked files differ from it.
fn commit(workspace: &Path) -> String {
    let hash = git(workspace, &["rev-parse", "--short=12", "HEAD"]);
    let changes = git(workspace, &["status", "--porcelain", "--untracked-files=no"]);
    match (hash, changes) {
        (Some(hash), Some(changes)) if changes.is_empty() => hash,
        (Some(hash), _) => format!("{hash} with changes"),
        (None, _) => "unknown".to_owned(),
    }
}

fn git(workspace: &Path, arguments: &[&str]) -> Option<String> {
    let output = Command::new("git").arg("-C").arg(workspace).args(arguments).output().ok()?;
    let text = String::from_utf8(output.stdout).ok()?;
    output.status.success().then(|| text.trim().to_owned())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_processor_is_named_as_the_kernel_names_it() {
        assert_eq!(
            model("processor\t: 0\nmodel name\t: Some CPU @ 2 GHz\nmodel name\t: B\n"),
            "Some CPU @ 2 GHz"
        );
        assert_eq!(model(""), "unknown processor");
    }
}
