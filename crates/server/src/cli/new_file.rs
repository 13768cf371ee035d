//! Files that a command makes: whole or not at all, and never over another one.

use std::fs::{self, File, Permissions};
use std::io::{self, Write as _};
use std::os::unix::fs::PermissionsExt as _;
use std::path::Path;

use tempfile::Builder;

/// Whether a file was made.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(super) enum Made {
    Now,
    /// There was one already, which is as it was.
    Before,
}

/// Makes a file with this text, unless there is one of its name. It is on the disk when this returns; a crash before
/// that leaves no part of it under its name. Its folder is made, too. The umask may take from `mode`.
pub(super) fn make_file(path: &Path, text: &str, mode: u32) -> io::Result<Made> {
    if fs::symlink_metadata(path).is_ok() {
        return Ok(Made::Before);
    }
    let folder = folder_of(path);
    fs::create_dir_all(folder)?;
    let mut file = Builder::new()
        .prefix(".portcullis-")
        .permissions(Permissions::from_mode(mode))
        .tempfile_in(folder)?;
    file.write_all(text.as_bytes())?;
    file.as_file().sync_all()?;
    match file.persist_noclobber(path) {
        Ok(_) => {
            File::open(folder)?.sync_all()?;
            Ok(Made::Now)
        }
        // Another process was faster.
        Err(fault) if fault.error.kind() == io::ErrorKind::AlreadyExists => Ok(Made::Before),
        Err(fault) => Err(fault.error),
    }
}

/// Writes a file in place of one that may be there: a reader sees the one or the other, whole.
pub(super) fn replace_file(path: &Path, bytes: &[u8], mode: u32) -> io::Result<()> {
    let mut file = Builder::new()
        .prefix(".portcullis-")
        .permissions(Permissions::from_mode(mode))
        .tempfile_in(folder_of(path))?;
    file.write_all(bytes)?;
    file.persist(path)?;
    Ok(())
}

fn folder_of(path: &Path) -> &Path {
    path.parent().filter(|folder| !folder.as_os_str().is_empty()).unwrap_or_else(|| Path::new("."))
}

#[cfg(test)]
mod tests {
    use std::os::unix::fs::symlink;
    use std::thread;

    use super::*;

    #[test]
    fn a_file_is_made_once_with_its_folder_and_its_mode_and_leaves_nothing_else() {
        let home = tempfile::tempdir().unwrap();
        let path = home.path().join("a/b/key");
        assert_eq!(make_file(&path, "first", 0o600).unwrap(), Made::Now);
        assert_eq!(make_file(&path, "second", 0o600).unwrap(), Made::Before);
        assert_eq!(fs::read_to_string(&path).unwrap(), "first");
        assert_eq!(path.metadata().unwrap().permissions().mode() & 0o777, 0o600);
        assert_eq!(fs::read_dir(path.parent().unwrap()).unwrap().count(), 1);
    }

    #[test]
    fn of_several_makers_one_makes_the_file_and_the_others_say_so() {
        let home = tempfile::tempdir().unwrap();
        let path = home.path().join("key");
        let texts: Vec<String> = (0..8).map(|number| number.to_string().repeat(4096)).collect();
        let made: Vec<Made> = thread::scope(|scope| {
            let makers: Vec<_> =
                texts.iter().map(|text| scope.spawn(|| make_file(&path, text, 0o600).unwrap())).collect();
            makers.into_iter().map(|maker| maker.join().unwrap()).collect()
        });
        let winners: Vec<_> = made.iter().zip(&texts).filter(|(made, _)| **made == Made::Now).collect();
        assert_eq!(winners.len(), 1, "{made:?}");
        assert_eq!(fs::read_to_string(&path).unwrap(), *winners[0].1);
        assert_eq!(fs::read_dir(home.path()).unwrap().count(), 1);
    }

    #[test]
    fn a_link_to_nothing_is_not_written_through() {
        let home = tempfile::tempdir().unwrap();
        let path = home.path().join("key");
        symlink(home.path().join("elsewhere"), &path).unwrap();
        assert_eq!(make_file(&path, "text", 0o600).unwrap(), Made::Before);
        assert!(!home.path().join("elsewhere").exists());
    }
}
