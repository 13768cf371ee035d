//! Directories: whether they can be written to, and their free space.

use std::io::{self, Write as _};
use std::path::Path;

use super::{Finding, Stopwatch};

const MIB: u64 = 1 << 20;

/// Bytes below which the operator should free space.
const SCARCE: u64 = 256 * MIB;

/// Bytes below which the next write may fail.
const NONE_LEFT: u64 = 8 * MIB;

pub(super) fn examine(name: &str, directory: &Path) -> Finding {
    let shown = directory.display();
    if !directory.exists() {
        return Finding::note(
            name,
            format!("{shown} does not exist; it is created when something is written to it"),
        );
    }
    let watch = Stopwatch::start();
    if let Err(fault) = write_and_forget(directory) {
        let cure = "give it to the user that runs Portcullis";
        return Finding::broken(name, format!("{shown} cannot be written to: {fault}; {cure}"));
    }
    let took = watch.elapsed();
    let finding = match free(directory) {
        Ok(free) if free < NONE_LEFT => Finding::broken(name, format!("{shown} is full: free some space")),
        Ok(free) if free < SCARCE => {
            Finding::note(name, format!("{shown} has {} MiB free: free some space", free / MIB))
        }
        Ok(free) => Finding::ok(name, format!("{shown} can be written to, {} MiB free", free / MIB)),
        Err(fault) => {
            Finding::note(name, format!("{shown} can be written to; its free space is unknown: {fault}"))
        }
    };
    finding.took(took)
}

/// Writes to the disk, into a file without a name, so that nothing of it stays.
fn write_and_forget(directory: &Path) -> io::Result<()> {
    let mut file = tempfile::tempfile_in(directory)?;
    file.write_all(b"portcullis doctor")?;
    file.sync_all()
}

fn free(directory: &Path) -> io::Result<u64> {
    let found = rustix::fs::statvfs(directory)?;
    Ok(found.f_bavail.saturating_mul(found.f_frsize))
}

#[cfg(test)]
mod tests {
    use std::fs;

    use super::super::Status;
    use super::*;

    #[test]
    fn a_directory_is_found_missing_writable_or_no_directory_at_all_and_is_left_as_it_was() {
        let home = tempfile::tempdir().unwrap();
        assert_eq!(examine("d", &home.path().join("none")).status, Status::Note);

        let found = examine("d", home.path());
        assert!(found.status != Status::Broken && found.took.is_some(), "{found:?}");
        assert_eq!(fs::read_dir(home.path()).unwrap().count(), 0);

        let file = home.path().join("file");
        fs::write(&file, "").unwrap();
        let found = examine("d", &file);
        assert_eq!(found.status, Status::Broken);
        assert!(found.detail.contains("cannot be written to"), "{}", found.detail);
    }
}
