//! `dist`: what is shipped, into `target/dist`: an archive, a Debian package, a list of what is inside, checksums.
//!
//! The same commit gives the same bytes on every machine with the same compiler: paths of this machine are mapped away,
//! and the only time in any file is that of the commit.

mod archive;
mod build;
mod commit;
mod debian_package;
mod dependencies;
mod documents;
mod environment;
mod glibc;
mod gzip;
mod licences;
mod rust_licences;
mod sbom;
mod sqlite;
mod stage;

use std::fs::{self, File};
use std::path::{Path, PathBuf};
use std::process::Command;
use std::time::Instant;

use crate::debian;
use crate::failure::VerbFailure;
use crate::say;
use crate::workspace::{self, Workspace};
use build::{BuildTarget, BuiltServer};
use commit::Commit;
use sqlite::BundledSqlite;
use stage::Stage;

/// The crate with the program.
const SERVER: &str = "portcullis-server";
/// The program, the archive and the package are called so.
const NAME: &str = "portcullis";
/// The profile of what is shipped.
pub(crate) const PROFILE: &str = "dist";
/// Where its results go, below `target`.
const FOLDER: &str = "dist";
/// Where the results of a quick try go, by tests: they must not be taken for what is shipped.
const FOLDER_OF_TESTS: &str = "dist-of-tests";
const CHECKSUMS: &str = "SHA256SUMS";

/// What every step works with.
struct Release<'a> {
    workspace: &'a Workspace,
    version: &'a str,
    commit: Commit,
    target: BuildTarget,
    profile: &'a str,
    /// Where the results go.
    folder: PathBuf,
}

/// The verb.
#[expect(
    clippy::disallowed_methods,
    reason = "how long it took is told to the reader; nothing depends on it"
)]
pub(crate) fn run(arguments: &[String]) -> Result<(), VerbFailure> {
    let profile = profile(arguments)?;
    debian::make_sure(&debian::FOR_DIST)?;
    let workspace = Workspace::load()?;
    let _turn = turn(&workspace)?;
    let release = Release::of(&workspace, profile, FOLDER)?;
    let start = Instant::now();
    let made = release.make()?;
    let seconds = start.elapsed().as_secs();
    say::line(&format!("xtask: made in {seconds} s, in {}:", workspace.relative(&release.folder)));
    for name in made.iter().map(String::as_str).chain([CHECKSUMS]) {
        let file = release.folder.join(name);
        let length = fs::metadata(&file).map_err(VerbFailure::doing(format!("cannot find {name}")))?.len();
        say::line(&format!("  {length:>10} bytes  {name}"));
    }
    Ok(())
}

/// Waits until no other verb makes what is shipped, or tries it: they share folders.
pub(crate) fn turn(workspace: &Workspace) -> Result<File, VerbFailure> {
    workspace::lock(&workspace.target.join("dist.lock"))
}

/// Makes everything, packs it a second time, which must give the same bytes, and returns the folder.
pub(crate) fn make_twice(workspace: &Workspace, profile: &str) -> Result<PathBuf, VerbFailure> {
    debian::make_sure(&debian::FOR_DIST)?;
    let release = Release::of(workspace, profile, FOLDER_OF_TESTS)?;
    let sums = || {
        release.make()?;
        let sums = fs::read_to_string(release.folder.join(CHECKSUMS));
        sums.map_err(VerbFailure::doing(format!("cannot read {CHECKSUMS}")))
    };
    let (first, second) = (sums()?, sums()?);
    if first != second {
        return Err(VerbFailure::Broken(format!("packed twice, and not the same:\n{first}{second}")));
    }
    Ok(release.folder)
}

fn profile(arguments: &[String]) -> Result<&str, VerbFailure> {
    let words: Vec<&str> = arguments.iter().map(String::as_str).collect();
    match words.as_slice() {
        [] => Ok(PROFILE),
        ["--profile", profile @ (PROFILE | "release")] => Ok(profile),
        _ => Err(VerbFailure::Usage(
            "dist takes `--profile dist`, which is the default and takes many minutes, or `--profile release` for a quick \
             try"
            .to_owned(),
        )),
    }
}

fn version(workspace: &Workspace) -> Result<&str, VerbFailure> {
    let server = workspace.package(SERVER).map(|server| server.version.as_str());
    server.ok_or_else(|| VerbFailure::Broken(format!("this workspace has no crate `{SERVER}`")))
}

impl<'a> Release<'a> {
    fn of(workspace: &'a Workspace, profile: &'a str, folder: &str) -> Result<Self, VerbFailure> {
        Ok(Self {
            workspace,
            version: version(workspace)?,
            commit: Commit::of(&workspace.root, profile == PROFILE)?,
            target: BuildTarget::of_this_machine()?,
            profile,
            folder: workspace.target.join(folder),
        })
    }

    /// Makes everything, and returns the names of the files.
    fn make(&self) -> Result<Vec<String>, VerbFailure> {
        let server = BuiltServer::build(self)?;
        glibc::check(&server.program, self.profile == PROFILE)?;
        let crates = dependencies::linked(self)?;
        let sqlite = BundledSqlite::of(&crates)?;
        let mut others = rust_licences::texts()?;
        others.push(sqlite.licence());
        let stage = Stage::fill(self, &server, &licences::text(&crates, others)?)?;
        // What an earlier version has left must not be taken for this one's.
        self.clear()?;
        let made = vec![
            archive::make(self, &stage)?,
            debian_package::make(self)?,
            sbom::write(self, &crates, &sqlite)?,
        ];
        self.write_checksums(&made)?;
        Ok(made)
    }

    fn clear(&self) -> Result<(), VerbFailure> {
        if self.folder.exists() {
            fs::remove_dir_all(&self.folder)
                .map_err(VerbFailure::doing("cannot empty the folder of results"))?;
        }
        fs::create_dir_all(&self.folder).map_err(VerbFailure::doing("cannot make the folder of results"))
    }

    /// `sha256sum --check SHA256SUMS` reads it.
    fn write_checksums(&self, files: &[String]) -> Result<(), VerbFailure> {
        let sums =
            workspace::output(Command::new("sha256sum").arg("--").args(files).current_dir(&self.folder))?;
        write(&self.folder.join(CHECKSUMS), sums.as_bytes())
    }
}

/// Writes a file whole.
fn write(path: &Path, content: &[u8]) -> Result<(), VerbFailure> {
    fs::write(path, content).map_err(VerbFailure::doing(format!("cannot write {}", path.display())))
}

/// The paths in a folder, by name.
fn files_in(folder: &Path) -> Result<Vec<PathBuf>, VerbFailure> {
    let paths = fs::read_dir(folder).and_then(|entries| {
        entries.map(|entry| entry.map(|entry| entry.path())).collect::<Result<Vec<_>, _>>()
    });
    let mut paths = paths.map_err(VerbFailure::doing(format!("cannot list {}", folder.display())))?;
    paths.sort();
    Ok(paths)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_shipped_is_optimised_unless_a_quick_try_is_asked_for() {
        let words = |line: &str| line.split_whitespace().map(str::to_owned).collect::<Vec<_>>();
        assert_eq!(profile(&[]).unwrap(), "dist");
        assert_eq!(profile(&words("--profile release")).unwrap(), "release");
        for line in ["--profile", "--profile dev", "--release"] {
            assert!(matches!(profile(&words(line)), Err(VerbFailure::Usage(_))), "{line}");
        }
    }
}
