//! A folder with a whole Debian in it, of the release that this machine runs.

use std::collections::BTreeSet;
use std::fs;
use std::path::{Path, PathBuf};

use tempfile::TempDir;

use crate::shell::run;

/// With what a server has that an administrator has just installed, as far as the package needs it. The folder is
/// thrown away, so nothing waits for the disk.
const OPTIONS: [&str; 4] = [
    "--quiet",
    "--variant=minbase",
    "--dpkgopt=force-unsafe-io",
    "--include=adduser,ca-certificates,dbus,procps,systemd,systemd-sysv",
];

/// What changes on a running machine whatever is installed.
const PASSED_OVER: [&str; 12] = [
    "dev",
    "etc/.pwd.lock",
    "etc/group-",
    "etc/gshadow-",
    "etc/machine-id",
    "etc/passwd-",
    "etc/shadow-",
    "proc",
    "run",
    "sys",
    "tmp",
    "var",
];

/// The folder, which is removed with its owner.
pub(crate) struct DebianRoot {
    folder: TempDir,
}

impl DebianRoot {
    pub(crate) fn new() -> Self {
        let folder = tempfile::tempdir().unwrap();
        let release = fs::read_to_string("/etc/os-release").unwrap();
        let release = release.lines().find_map(|line| line.strip_prefix("VERSION_CODENAME="));
        let release = release.expect("this machine is no Debian").trim_matches('"');
        let root = folder.path().join("root");
        run("mmdebstrap", &[&OPTIONS[..], &[release, root.to_str().unwrap()]].concat());
        Self { folder }
    }

    pub(crate) fn path(&self) -> PathBuf {
        self.folder.path().join("root")
    }

    /// A place beside it.
    pub(crate) fn beside(&self) -> &Path {
        self.folder.path()
    }

    /// The file of that name inside.
    pub(crate) fn file(&self, name: &str) -> PathBuf {
        self.path().join(name.trim_start_matches('/'))
    }

    /// The names of all files, but those that come and go by themselves. Of `var`, only what is the package's own.
    pub(crate) fn files(&self) -> BTreeSet<PathBuf> {
        let mut files = BTreeSet::new();
        let root = self.path();
        collect(&root, &root, &mut files);
        files.extend(Some(PathBuf::from("var/lib/portcullis")).filter(|name| root.join(name).exists()));
        files
    }
}

fn collect(root: &Path, folder: &Path, files: &mut BTreeSet<PathBuf>) {
    for entry in fs::read_dir(folder).unwrap() {
        let entry = entry.unwrap();
        let path = entry.path();
        let name = path.strip_prefix(root).unwrap().to_owned();
        if PASSED_OVER.iter().any(|passed_over| name == Path::new(passed_over)) {
            continue;
        }
        if entry.file_type().unwrap().is_dir() {
            collect(root, &path, files);
        }
        files.insert(name);
    }
}
