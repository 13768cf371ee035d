//! The commit that a release is made of.

use std::path::Path;
use std::process::Command;

use crate::failure::VerbFailure;
use crate::say;
use crate::workspace;

/// What a release says of where it comes from.
pub(super) struct Commit {
    /// As the program prints it.
    pub(super) short: String,
    /// Its time in seconds since 1970: the only time in the files of a release.
    pub(super) time: i64,
    /// The same by RFC 3339, in UTC.
    pub(super) moment: String,
    /// The same by RFC 5322, in UTC, as a changelog of Debian has it.
    pub(super) date: String,
}

impl Commit {
    /// The one that is checked out.
    pub(super) fn of(root: &Path) -> Result<Self, VerbFailure> {
        if !git(root, &["status", "--porcelain", "--untracked-files=no"])?.is_empty() {
            say::complaint(
                "xtask: there are changes that are not committed; this build cannot be made again",
            );
        }
        let time = |format: &str| git(root, &["log", "-1", "--format=%cd", &format!("--date={format}")]);
        Ok(Self {
            // The length is stated: the one that git chooses grows with the number of objects in a clone.
            short: git(root, &["rev-parse", "--short=12", "HEAD"])?,
            time: time("unix")?.parse().map_err(VerbFailure::doing("cannot read the time of the commit"))?,
            moment: time("format-local:%Y-%m-%dT%H:%M:%SZ")?,
            date: time("format-local:%a, %d %b %Y %H:%M:%S +0000")?,
        })
    }
}

fn git(root: &Path, words: &[&str]) -> Result<String, VerbFailure> {
    let mut git = Command::new("git");
    git.args(words).current_dir(root).envs([("TZ", "UTC"), ("LC_ALL", "C")]);
    workspace::output(&mut git).map(|text| text.trim().to_owned())
}
