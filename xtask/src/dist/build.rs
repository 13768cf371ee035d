//! The program, with no trace of where it was built.

use std::collections::HashMap;
use std::env;
use std::path::{Path, PathBuf};
use std::process::Command;

use super::environment::neutral;
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
        let mut build = neutral(cargo());
        // With the target named, build scripts and macros, which run here, are built without these flags, and
        // `target/dist` is not cargo's own.
        build.args(["build", "--locked", "--package", SERVER, "--profile", profile]);
        build.args(["--target", &release.target.triple]).current_dir(&workspace.root);
        build
            .env("BUILD_COMMIT", &release.commit.short)
            .env("SOURCE_DATE_EPOCH", release.commit.time.to_string());
        let mapped = mapped(&cargo_home()?, &workspace.root, &workspace.target);
        let rust: Vec<String> = mapped.iter().map(|map| format!("--remap-path-prefix={map}")).collect();
        build.env("CARGO_ENCODED_RUSTFLAGS", rust.join(SEPARATOR));
        build.env("CFLAGS", c_flags(&mapped)).env("CC_SHELL_ESCAPED_FLAGS", "1");
        workspace::run(&mut build)?;
        Ok(Self { program: folder(release).join(NAME) })
    }
}

/// Where cargo puts what it builds for a release.
pub(super) fn folder(release: &Release<'_>) -> PathBuf {
    release.workspace.target.join(&release.target.triple).join(release.profile)
}

/// As cargo finds it.
fn cargo_home() -> Result<PathBuf, VerbFailure> {
    let cargo_home = env::var_os("CARGO_HOME").map(PathBuf::from);
    let cargo_home = cargo_home.or_else(|| Some(PathBuf::from(env::var_os("HOME")?).join(".cargo")));
    cargo_home.ok_or_else(|| VerbFailure::Usage("set HOME or CARGO_HOME".to_owned()))
}

/// Each folder of this machine that a path in the program may begin with, and what takes its place. Any may be inside
/// another one: compilers take the last that matches, so the innermost is last.
fn mapped(cargo_home: &Path, root: &Path, target: &Path) -> Vec<String> {
    let target_name = format!("{SOURCES}/target");
    let mut pairs = [(cargo_home, REGISTRY), (root, SOURCES), (target, &target_name)];
    pairs.sort_by_key(|(from, _)| from.components().count());
    pairs.map(|(from, to)| format!("{}={to}", from.display())).into()
}

/// Quoted as a shell wants it, which the crate `cc` is told: a path may have spaces here, too.
fn c_flags(mapped: &[String]) -> String {
    let flags = mapped.iter().map(|map| format!("'-ffile-prefix-map={}'", map.replace('\'', r"'\''")));
    flags.collect::<Vec<_>>().join(" ")
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
    fn of_two_folders_the_inner_one_is_mapped_last_whichever_it_is() {
        let maps = |cargo_home: &str, target: &str| {
            mapped(Path::new(cargo_home), Path::new("/home/ann/p"), Path::new(target)).join(" ")
        };
        let root = "/home/ann/p=/portcullis";
        assert_eq!(
            maps("/home/ann/.cargo", "/home/ann/p/target"),
            format!("/home/ann/.cargo=/cargo {root} /home/ann/p/target=/portcullis/target")
        );
        assert_eq!(
            maps("/home/ann/p/cache/cargo", "/var/t"),
            format!("/var/t=/portcullis/target {root} /home/ann/p/cache/cargo=/cargo")
        );
    }

    #[test]
    fn a_flag_for_the_c_compiler_is_one_word_whatever_is_in_the_path() {
        let flags = c_flags(&["/home/ann's own/p=/portcullis".to_owned()]);
        let words = format!("printf '%s|' {flags}");
        let words = workspace::output(Command::new("sh").args(["-c", &words])).unwrap();
        assert_eq!(words, "-ffile-prefix-map=/home/ann's own/p=/portcullis|");
    }
}
