//! What the kernel says of a process: processor time and memory (`proc(5)`).

use std::fs;
use std::time::Duration;

use portcullis_bench::serving_process::children_of;

/// Memory in use, in KiB.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) struct ProcessMemory {
    /// Now (`VmRSS`).
    pub(crate) resident: u64,
    /// At most so far (`VmHWM`).
    pub(crate) peak: u64,
}

/// User and system time that the process has used; zero where there is no such process.
pub(crate) fn processor_time(pid: u32) -> Duration {
    let stat = fs::read_to_string(format!("/proc/{pid}/stat")).unwrap_or_default();
    let ticks = ticks(&stat).unwrap_or(0);
    Duration::from_millis(ticks.saturating_mul(1000) / rustix::param::clock_ticks_per_second().max(1))
}

/// The same of the process and of its children.
pub(crate) fn family_processor_time(pid: u32) -> Duration {
    children_of(pid).into_iter().chain([pid]).map(processor_time).sum()
}

/// Fields 14 and 15, counted behind the program's name, which is in parentheses and may hold anything.
fn ticks(stat: &str) -> Option<u64> {
    let (_, behind_name) = stat.rsplit_once(')')?;
    let mut fields = behind_name.split_ascii_whitespace().skip(11);
    let user: u64 = fields.next()?.parse().ok()?;
    let system: u64 = fields.next()?.parse().ok()?;
    Some(user + system)
}

/// How much memory the process has and had.
pub(crate) fn memory(pid: u32) -> ProcessMemory {
    let status = fs::read_to_string(format!("/proc/{pid}/status")).unwrap_or_default();
    ProcessMemory { resident: kibibytes(&status, "VmRSS:"), peak: kibibytes(&status, "VmHWM:") }
}

/// The figure behind a name in a file of lines like `VmRSS:    1234 kB`; zero where there is none.
pub(crate) fn kibibytes(lines: &str, name: &str) -> u64 {
    let figure = lines.lines().find_map(|line| line.strip_prefix(name)?.split_ascii_whitespace().next());
    figure.and_then(|figure| figure.parse().ok()).unwrap_or(0)
}

/// Lets the peak begin anew at what is in use now. A kernel that does not know this keeps the old peak, which is then
/// reported: too high, never too low.
pub(crate) fn forget_peak(pid: u32) {
    let _ = fs::write(format!("/proc/{pid}/clear_refs"), "5");
}

#[cfg(test)]
mod tests {
    use std::process::Command;

    use portcullis_bench::serving_process::ServingProcess;
    use rustix::process::{Pid, Signal, kill_process};

    use super::*;

    #[test]
    fn processor_time_is_read_behind_a_hostile_name() {
        let stat = "42 (a) S 1 2 (b) R 1 2 3 4 5 6 7 8 9 10 150 50 0 0 20 0 1";
        assert_eq!(ticks(stat), Some(200));
        assert_eq!(ticks("42 (a) R 1"), None);
    }

    #[test]
    fn this_process_uses_time_and_memory() {
        let pid = std::process::id();
        let begun = processor_time(pid);
        let mut sum = 0u64;
        while processor_time(pid) == begun {
            sum = std::hint::black_box(sum.wrapping_add(1));
        }
        let memory = memory(pid);
        assert!(memory.resident > 0 && memory.peak >= memory.resident, "{memory:?}");
    }

    #[test]
    fn what_a_child_uses_is_its_parents() {
        // The shell says that it waits, so all that is used from then on is its child's.
        let script = "(while :; do :; done) & echo 127.0.0.1:7; wait";
        let parent = ServingProcess::start(Command::new("sh").args(["-c", script])).unwrap();
        let begun = processor_time(parent.pid());
        while family_processor_time(parent.pid()) < begun + Duration::from_millis(100) {}
        let own = processor_time(parent.pid());
        let children = children_of(parent.pid());
        for child in &children {
            kill_process(Pid::from_raw(i32::try_from(*child).unwrap()).unwrap(), Signal::KILL).unwrap();
        }
        assert_eq!(children.len(), 1, "{children:?}");
        assert!(own < begun + Duration::from_millis(100), "{own:?}");
    }
}
