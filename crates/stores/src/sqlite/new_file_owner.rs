//! Whom a file belongs to that root makes.

use std::io;
use std::os::fd::AsFd;
use std::os::unix::fs::{MetadataExt as _, fchown};
use std::path::Path;

/// Gives a file, or a folder, that this process has just made to the user whose folder it is in, if root made it. An
/// administrator's command, which root runs, may come before the first start of the server, which must be able to write
/// to what the command has made. Others than root cannot give anything away, and need not.
///
/// # Errors
/// The folder is gone, or its file system knows no owners.
pub fn give_to_owner_of_folder(file: impl AsFd, folder: &Path) -> io::Result<()> {
    let owner = std::fs::metadata(folder)?;
    if owner.uid() == 0 || !rustix::process::geteuid().is_root() {
        return Ok(());
    }
    // By its descriptor: what is at the path may be another file by now, which the owner of the folder wants to have.
    fchown(file, Some(owner.uid()), Some(owner.gid()))
}
