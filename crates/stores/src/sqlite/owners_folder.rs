//! Folders in which root makes what their owner must be able to use.
//!
//! An administrator's command, which root runs, may come before the first start of the server, which runs as another
//! user. What the command makes belongs to the owner of the folder that it is made in. That owner may be hostile: a
//! service that was broken into, which replaces its folders with symbolic links while root works in them. So root goes
//! to a folder by descriptors, one component after the other, and gives away nothing but what it has just made.
//!
//! Root follows a symbolic link only if the link and the folder that it is in are the administrator's, as in
//! `/var/lib/portcullis`, a link of root's to `/data/portcullis`. Any other link may have been planted: its owner, or
//! the owner of its folder, would lead root to a folder that only root may change. Such links are at the data folder or
//! above it, where the administrator has made them; below the folder of another user there is none to follow.

use std::ffi::{CStr, OsStr, OsString};
use std::fs::{DirBuilder, File};
use std::io;
use std::os::fd::{AsFd, OwnedFd};
use std::os::unix::ffi::OsStrExt as _;
use std::os::unix::fs::{DirBuilderExt as _, fchown};
use std::path::{Component, Path};

use rustix::fs::{
    AtFlags, CWD, Dir, FileType, Mode, OFlags, Stat, fstat, mkdirat, openat, readlinkat, renameat, stat,
    statat,
};
use rustix::io::Errno;
use rustix::process::geteuid;
use tracing::warn;

use crate::IfMissing;

/// An existing folder.
const FOLDER: OFlags = OFlags::DIRECTORY.union(OFlags::CLOEXEC);
/// To go on from a folder that may not be listed, such as one for mails that only takes them in.
#[cfg(target_os = "linux")]
const UNREAD: OFlags = OFlags::PATH.union(FOLDER);
#[cfg(not(target_os = "linux"))]
const UNREAD: OFlags = FOLDER;
/// How often root begins a component anew, for a link or for a folder that another process makes. As in the kernel.
const MOST_DETOURS: usize = 40;

/// A folder that was opened once: its path may lead elsewhere by now. What root makes in it is its owner's. Other users
/// cannot give anything away, and need not.
#[derive(Debug)]
pub struct OwnersFolder(OwnedFd);

impl OwnersFolder {
    /// The folder at `path`. It and those above it are made if they are missing, for their owner alone.
    ///
    /// # Errors
    /// There is no such folder, and none can be made; or root would have to follow a link that another user can change.
    pub fn open_or_make(path: &Path) -> io::Result<Self> {
        if geteuid().is_root() {
            return FolderWalk::to(path);
        }
        DirBuilder::new().recursive(true).mode(0o700).create(path)?;
        Self::open(path)
    }

    /// A new file, for its owner alone.
    ///
    /// # Errors
    /// The file exists, if only as a link, or cannot be made.
    pub fn make_file(&self, name: &Path) -> io::Result<File> {
        let new = OFlags::RDWR | OFlags::CREATE | OFlags::EXCL | OFlags::NOFOLLOW | OFlags::CLOEXEC;
        let made = openat(&self.0, name, new, Mode::RUSR | Mode::WUSR)?;
        self.give(&made)?;
        Ok(made.into())
    }

    /// Gives a file another name in this folder, in the place of what has that name.
    ///
    /// # Errors
    /// There is no such file, or the folder cannot be written to.
    pub fn rename(&self, from: &Path, to: &Path) -> io::Result<()> {
        Ok(renameat(&self.0, from, &self.0, to)?)
    }

    /// Checks that root would not go through a planted link by using what has this name.
    pub(super) fn check_link(&self, name: &Path) -> io::Result<()> {
        match self.link(name) {
            Ok(link) if geteuid().is_root() => self.check_owners(name, &link),
            Ok(_) | Err(Errno::NOTDIR) => Ok(()),
            Err(fault) => Err(fault.into()),
        }
    }

    fn open(path: &Path) -> io::Result<Self> {
        Ok(Self(openat(CWD, path, UNREAD, Mode::empty())?))
    }

    /// A link itself, not what it leads to. [`Errno::NOTDIR`] if it is none.
    fn link(&self, name: &Path) -> rustix::io::Result<Stat> {
        let found = statat(&self.0, name, AtFlags::SYMLINK_NOFOLLOW)?;
        if FileType::from_raw_mode(found.st_mode).is_symlink() { Ok(found) } else { Err(Errno::NOTDIR) }
    }

    /// Checks that a link in this folder is the administrator's.
    fn check_owners(&self, name: &Path, link: &Stat) -> io::Result<()> {
        // In a user namespace, what belongs to root outside has the owner of `/`.
        let administrators = [0, stat("/")?.st_uid];
        let owners = [fstat(&self.0)?.st_uid, link.st_uid];
        let Some(other) = owners.into_iter().find(|owner| !administrators.contains(owner)) else {
            return Ok(());
        };
        let name = name.display();
        let why =
            format!("{name} is a symbolic link that user {other} can change, which root does not follow");
        Err(io::Error::new(io::ErrorKind::PermissionDenied, why))
    }

    /// A new folder, for its owner alone.
    fn make_folder(&self, name: &Path) -> io::Result<Self> {
        mkdirat(&self.0, name, Mode::RWXU)?;
        let made = openat(&self.0, name, FOLDER | OFlags::NOFOLLOW, Mode::empty())?;
        // The owner of this folder can rename another folder of root's to this name. An empty one holds nothing, and
        // that owner could remove it anyway.
        if !is_empty(&made)? {
            let why = format!("{} was replaced while it was made", name.display());
            return Err(io::Error::new(io::ErrorKind::PermissionDenied, why));
        }
        self.give(&made)?;
        Ok(Self(made))
    }

    /// Gives what this process has just made to the owner of this folder, if root made it.
    fn give(&self, made: &OwnedFd) -> io::Result<()> {
        let owner = fstat(&self.0)?;
        if !geteuid().is_root() || owner.st_uid == 0 || fstat(made)?.st_uid == owner.st_uid {
            return Ok(());
        }
        // Root may lack the capability (a container), the owner may have no number here (a user namespace), the file
        // system may know no owners. Then all runs as root, or the error of the other user names the cure.
        if let Err(fault) = fchown(made, Some(owner.st_uid), Some(owner.st_gid)) {
            warn!(%fault, user = owner.st_uid, "what root has made cannot be given to the owner of its folder");
        }
        Ok(())
    }
}

fn is_empty(folder: impl AsFd) -> io::Result<bool> {
    let is_itself_or_above = |name: &CStr| name == c"." || name == c"..";
    let mut entries = Dir::read_from(folder)?;
    let other =
        entries.find(|entry| entry.as_ref().map_or(true, |entry| !is_itself_or_above(entry.file_name())));
    Ok(other.transpose()?.is_none())
}

/// Root's way to a folder.
struct FolderWalk {
    reached: OwnersFolder,
    /// The components ahead, the next one last. What a link leads to is not made: a volume may not be mounted.
    ahead: Vec<(OsString, IfMissing)>,
    detours: usize,
}

impl FolderWalk {
    fn to(path: &Path) -> io::Result<OwnersFolder> {
        let reached = OwnersFolder::open(Path::new("."))?;
        let mut walk = Self { reached, ahead: Vec::new(), detours: 0 };
        walk.go_on_to(path, IfMissing::Create)?;
        while let Some((name, if_missing)) = walk.ahead.pop() {
            walk.step(name, if_missing)?;
        }
        Ok(walk.reached)
    }

    /// Puts a path before what is ahead. It is relative to the folder that was reached, or absolute.
    fn go_on_to(&mut self, path: &Path, if_missing: IfMissing) -> io::Result<()> {
        if path.has_root() {
            self.reached = OwnersFolder::open(Path::new("/"))?;
        }
        let names = path
            .components()
            .rev()
            .filter(|part| matches!(part, Component::Normal(_) | Component::ParentDir));
        self.ahead.extend(names.map(|part| (part.as_os_str().to_owned(), if_missing)));
        Ok(())
    }

    fn step(&mut self, name: OsString, if_missing: IfMissing) -> io::Result<()> {
        match openat(&self.reached.0, &name, UNREAD | OFlags::NOFOLLOW, Mode::empty()) {
            Ok(found) => self.reached = OwnersFolder(found),
            Err(Errno::NOENT) if if_missing == IfMissing::Create => self.make(name)?,
            Err(Errno::NOTDIR | Errno::LOOP) => self.follow(Path::new(&name))?,
            Err(fault) => return Err(fault.into()),
        }
        Ok(())
    }

    fn make(&mut self, name: OsString) -> io::Result<()> {
        match self.reached.make_folder(Path::new(&name)) {
            Ok(made) => self.reached = made,
            Err(fault) if fault.kind() == io::ErrorKind::AlreadyExists => {
                self.take_detour()?;
                self.ahead.push((name, IfMissing::Create));
            }
            Err(fault) => return Err(fault),
        }
        Ok(())
    }

    fn follow(&mut self, name: &Path) -> io::Result<()> {
        let link = self.reached.link(name)?;
        self.reached.check_owners(name, &link)?;
        self.take_detour()?;
        // Only an administrator can have put another link in its place since.
        let target = readlinkat(&self.reached.0, name, Vec::new())?;
        self.go_on_to(Path::new(OsStr::from_bytes(target.as_bytes())), IfMissing::Refuse)
    }

    fn take_detour(&mut self) -> io::Result<()> {
        self.detours += 1;
        if self.detours > MOST_DETOURS { Err(Errno::LOOP.into()) } else { Ok(()) }
    }
}
