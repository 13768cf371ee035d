//! The program, with no trace of where it was built.

use std::collections::HashMap;
use std::env;
use std::path::{Path, PathBuf};
use std::process::Command;

use super::{NAME, Release, SERVER};
use crate::failure::VerbFailure;
use crate::say;
use crate::workspace::{self, cargo};

/// What takes the place of the folder of the sources, and of cargo's own, in messages of the program.
const SOURCES: &str = "/portcullis";
const REGISTRY: &str = "/cargo";

/// Separates the words in `CARGO_ENCODED_RUSTFLAGS`: a path may have spaces.
const SEPARATOR: &str = "\u{1f}";

/// The platform that is built for: this machine's.
pub(super) struct BuildTarget {
    /// As rustc names it, `x86_64-unknown-linux-gnu`.
    pub(super) triple: String,
}

impl BuildTarget {
    pub(super) fn of_this_machine() -> Result<Self, VerbFailure> {
        let rustc = env::var_os("RUSTC").unwrap_or_else(|| "rustc".into());
        let facts = workspace::output(Command::new(rustc).arg("-vV"))?;
        let facts: HashMap<&str, &str> = facts.lines().filter_map(|line| line.split_once(": ")).collect();
        let triple =
            facts.get("host").ok_or_else(|| VerbFailure::Broken("rustc names no host".to_owned()))?;
        Ok(Self { triple: (*triple).to_owned() })
    }

    /// As in the name of an archive: without the vendor, which is `unknown`.
    pub(super) fn short(&self) -> String {
        self.triple.replace("-unknown-", "-")
    }
}

/// The program, where cargo has put it.
pub(super) struct BuiltServer {
    pub(super) program: PathBuf,
}

impl BuiltServer {
    pub(super) fn build(release: &Release<'_>) -> Result<Self, VerbFailure> {
        let Release { profile, workspace, .. } = release;
        say::line(&format!("xtask: building {NAME} with the profile {profile}; this takes minutes"));
        let mut build = cargo();
        // With the target named, build scripts and macros, which run here, are built without these flags, and
        // `target/dist` is not cargo's own.
        build.args(["build", "--locked", "--package", SERVER, "--profile", profile]);
        build.args(["--target", &release.target.triple]).current_dir(&workspace.root);
        build
            .env("BUILD_COMMIT", &release.commit.short)
            .env("SOURCE_DATE_EPOCH", release.commit.time.to_string());
        let mapped = mapped(&workspace.root, &workspace.target)?;
        let rust: Vec<String> = mapped.iter().map(|map| format!("--remap-path-prefix={map}")).collect();
        let c: Vec<String> = mapped.iter().map(|map| format!("-ffile-prefix-map={map}")).collect();
        build.env("CARGO_ENCODED_RUSTFLAGS", rust.join(SEPARATOR)).env("CFLAGS", c.join(" "));
        workspace::run(&mut build)?;
        Ok(Self { program: folder(release).join(NAME) })
    }
}

/// Where cargo puts what it builds for a release.
pub(super) fn folder(release: &Release<'_>) -> PathBuf {
    release.workspace.target.join(&release.target.triple).join(release.profile)
}

/// Each folder of this machine that a path in the program may begin with, and what takes its place. Of two that match,
/// compilers take the last.
fn mapped(root: &Path, target: &Path) -> Result<Vec<String>, VerbFailure> {
    let cargo_home = env::var_os("CARGO_HOME").map(PathBuf::from);
    let cargo_home = cargo_home.or_else(|| Some(PathBuf::from(env::var_os("HOME")?).join(".cargo")));
    let cargo_home = cargo_home.ok_or_else(|| VerbFailure::Usage("set HOME or CARGO_HOME".to_owned()))?;
    let target_name = format!("{SOURCES}/target");
    let pairs = [(cargo_home.as_path(), REGISTRY), (root, SOURCES), (target, &target_name)];
    Ok(pairs.map(|(from, to)| format!("{}={to}", from.display())).into())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_archive_is_named_by_machine_and_library() {
        let target = BuildTarget { triple: "x86_64-unknown-linux-gnu".to_owned() };
        assert_eq!(target.short(), "x86_64-linux-gnu");
        assert!(BuildTarget::of_this_machine().unwrap().triple.contains("linux"));
    }

    #[test]
    fn every_folder_of_this_machine_is_mapped_and_the_inner_one_last() {
        let mapped = mapped(Path::new("/home/ann/p"), Path::new("/home/ann/p/target")).unwrap();
        assert!(mapped[0].ends_with("=/cargo"), "{mapped:?}");
        assert_eq!(mapped[1..], ["/home/ann/p=/portcullis", "/home/ann/p/target=/portcullis/target"]);
    }
}
