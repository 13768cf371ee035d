//! A control group of the kernel (`man 7 cgroups`), as a service manager or a container gives one to a server: its
//! processes share the cores by its weight with what runs outside.

use std::fs;
use std::io;
use std::path::{Path, PathBuf};
use std::process;

const MOUNTS: &str = "/proc/self/mounts";

/// A group below the root; dropping it removes it, once its processes have ended.
#[derive(Debug)]
pub struct ControlGroup {
    folder: PathBuf,
}

impl ControlGroup {
    /// Makes one that weighs so much; each process outside any group weighs 100.
    ///
    /// # Errors
    /// What the system says: root alone may do this, and not in every container.
    pub fn of_weight(weight: u32) -> io::Result<Self> {
        let mounts = fs::read_to_string(MOUNTS)?;
        let hierarchy = Hierarchy::of_cores(&mounts).ok_or_else(|| {
            io::Error::other("no hierarchy of control groups is mounted that shares the cores")
        })?;
        let folder = hierarchy.root().join(format!("portcullis-bench-{}", process::id()));
        fs::create_dir(&folder)?;
        let group = Self { folder };
        hierarchy.set_weight(&group.folder, weight)?;
        Ok(group)
    }

    /// Moves a process into it. What it starts from then on is in it, too.
    ///
    /// # Errors
    /// What the system says.
    pub fn add(&self, pid: u32) -> io::Result<()> {
        fs::write(self.folder.join("cgroup.procs"), pid.to_string())
    }
}

impl Drop for ControlGroup {
    fn drop(&mut self) {
        // A group with processes stays; it does no harm.
        let _ = fs::remove_dir(&self.folder);
    }
}

/// Where groups are made that share the cores: the kernel has two interfaces for them.
#[derive(PartialEq, Eq, Debug)]
enum Hierarchy<'a> {
    First(&'a Path),
    Second(&'a Path),
}

impl<'a> Hierarchy<'a> {
    /// A machine may have both; then the first has the controllers.
    fn of_cores(mounts: &'a str) -> Option<Self> {
        let mounted = mounts.lines().filter_map(|line| {
            let mut fields = line.split(' ').skip(1);
            Some((Path::new(fields.next()?), fields.next()?, fields.next()?))
        });
        let mut second = None;
        for (root, kind, options) in mounted {
            match kind {
                "cgroup" if options.split(',').any(|option| option == "cpu") => {
                    return Some(Self::First(root));
                }
                "cgroup2" => second = Some(Self::Second(root)),
                _ => {}
            }
        }
        second
    }

    const fn root(&self) -> &Path {
        match self {
            Self::First(root) | Self::Second(root) => root,
        }
    }

    fn set_weight(&self, group: &Path, weight: u32) -> io::Result<()> {
        match self {
            // 1024 is what a process outside weighs.
            Self::First(_) => fs::write(group.join("cpu.shares"), (weight * 1024 / 100).to_string()),
            Self::Second(root) => {
                fs::write(root.join("cgroup.subtree_control"), "+cpu")?;
                fs::write(group.join("cpu.weight"), weight.to_string())
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const BOTH: &str = "proc /proc proc rw 0 0\n\
        cgroup2 /sys/fs/cgroup/unified cgroup2 rw 0 0\n\
        cgroup /sys/fs/cgroup/cpuset cgroup rw,cpuset 0 0\n\
        cgroup /sys/fs/cgroup/cpu cgroup rw,relatime,cpu,cpuacct 0 0\n";

    #[test]
    fn the_hierarchy_that_shares_the_cores_is_found() {
        let first = Path::new("/sys/fs/cgroup/cpu");
        assert_eq!(Hierarchy::of_cores(BOTH), Some(Hierarchy::First(first)));
        let second = "cgroup2 /sys/fs/cgroup cgroup2 rw,nosuid 0 0\n";
        assert_eq!(Hierarchy::of_cores(second), Some(Hierarchy::Second(Path::new("/sys/fs/cgroup"))));
        assert_eq!(Hierarchy::of_cores("proc /proc proc rw 0 0\n"), None);
    }

    #[test]
    fn a_weight_is_written_as_each_interface_has_it() {
        let root = tempfile::tempdir().unwrap();
        let root = root.path();
        Hierarchy::First(root).set_weight(root, 1000).unwrap();
        assert_eq!(fs::read_to_string(root.join("cpu.shares")).unwrap(), "10240");
        Hierarchy::Second(root).set_weight(root, 1000).unwrap();
        assert_eq!(fs::read_to_string(root.join("cpu.weight")).unwrap(), "1000");
        assert_eq!(fs::read_to_string(root.join("cgroup.subtree_control")).unwrap(), "+cpu");
    }
}
