//! The archive, for every machine that has no package of its own.

use std::process::Command;

use super::environment::neutral;
use super::stage::Stage;
use super::{NAME, Release, gzip};
use crate::failure::VerbFailure;
use crate::workspace;

/// What concerns Debian's package alone.
const LEFT_OUT: [&str; 2] = ["changelog.Debian.gz", "copyright"];

/// Writes the archive, and returns the name of its file. Its one folder is named like it.
pub(super) fn make(release: &Release<'_>, stage: &Stage) -> Result<String, VerbFailure> {
    let root = format!("{NAME}-{}-{}", release.version, release.target.short());
    let name = format!("{root}.tar.gz");
    let mut tar = reproducible_tar(release.commit.time);
    tar.arg(format!("--transform=s,^\\.,{root},")).args(LEFT_OUT.map(|file| format!("--exclude=./{file}")));
    tar.arg("--directory").arg(&stage.folder).arg(".");
    let whole = release.folder.join(format!("{root}.tar"));
    workspace::run(tar.arg("--file").arg(&whole))?;
    gzip::compress(&whole)?;
    Ok(name)
}

/// Nothing in what it makes depends on who packs it, when, and in which order the file system lists the files.
fn reproducible_tar(time: i64) -> Command {
    let mut tar = neutral(Command::new("tar"));
    tar.args([
        "--create",
        "--format=gnu",
        "--sort=name",
        "--owner=root:0",
        "--group=root:0",
        "--mode=u+rw,go-w,a+rX",
    ]);
    tar.arg(format!("--mtime=@{time}"));
    tar
}
