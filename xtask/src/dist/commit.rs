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
    pub(super) fn of(root: &Path, is_shipped: bool) -> Result<Self, VerbFailure> {
        let changes = git(root, &["status", "--porcelain", "--untracked-files=no"])?;
        if !changes.is_empty() {
            refuse_changes(&changes, is_shipped)?;
        }
        let time = |format: &str| {
            git(root, &["log", "-1", "--no-show-signature", "--format=%cd", &format!("--date={format}")])
        };
        Ok(Self {
            // The length is stated: the one that git chooses grows with the number of objects in a clone.
            short: git(root, &["rev-parse", "--short=12", "HEAD"])?,
            time: time("unix")?.parse().map_err(VerbFailure::doing("cannot read the time of the commit"))?,
            moment: time("format-local:%Y-%m-%dT%H:%M:%SZ")?,
            date: time("format-local:%a, %d %b %Y %H:%M:%S +0000")?,
        })
    }
}

/// A release names its commit, so it must be made of nothing else.
fn refuse_changes(changes: &str, is_shipped: bool) -> Result<(), VerbFailure> {
    let complaint = format!("there are changes that are not committed:\n{changes}\n");
    if is_shipped {
        let cure = "commit or stash them: a release is made of a commit; `--profile release` is a quick try";
        return Err(VerbFailure::Usage(complaint + cure));
    }
    say::complaint(&format!("xtask: {complaint}this build cannot be made again"));
    Ok(())
}

fn git(root: &Path, words: &[&str]) -> Result<String, VerbFailure> {
    let mut git = Command::new("git");
    git.args(words).current_dir(root).envs([("TZ", "UTC"), ("LC_ALL", "C")]);
    // Root who looks must not leave an index of root's behind.
    git.env("GIT_OPTIONAL_LOCKS", "0");
    workspace::output(&mut git).map(|text| text.trim().to_owned())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_release_is_made_of_a_commit_and_a_try_of_whatever_is_there() {
        let folder = tempfile::tempdir().unwrap();
        let root = folder.path();
        let file = root.join("file");
        std::fs::write(&file, "one").unwrap();
        git(root, &["init", "--quiet"]).unwrap();
        git(root, &["add", "file"]).unwrap();
        let name = ["-c", "user.name=Ann", "-c", "user.email=ann@example.com", "-c", "commit.gpgSign=false"];
        git(root, &[&name[..], &["commit", "--quiet", "--message", "One"]].concat()).unwrap();
        assert_eq!(Commit::of(root, true).unwrap().short.len(), 12);
        std::fs::write(&file, "two").unwrap();
        assert!(Commit::of(root, false).is_ok());
        let Err(VerbFailure::Usage(text)) = Commit::of(root, true) else { panic!("must be refused") };
        assert!(text.contains("M file") && text.contains("commit or stash them"), "{text}");
    }
}
