//! The workspace as cargo sees it: `cargo metadata`, and the commands that every verb starts.

use std::collections::BTreeMap;
use std::fs::File;
use std::path::{Path, PathBuf};
use std::process::Command;

use serde::Deserialize;

use crate::failure::VerbFailure;

/// What `cargo metadata --no-deps` says. Needs no network: only the manifests of this workspace are read.
#[derive(Deserialize)]
pub(crate) struct Workspace {
    /// The folder of the workspace's manifest.
    #[serde(rename = "workspace_root")]
    pub(crate) root: PathBuf,
    /// Where builds go.
    #[serde(rename = "target_directory")]
    pub(crate) target: PathBuf,
    /// The members.
    pub(crate) packages: Vec<Package>,
}

/// A member of the workspace.
#[derive(Deserialize)]
pub(crate) struct Package {
    pub(crate) name: String,
    pub(crate) version: String,
    pub(crate) manifest_path: PathBuf,
    pub(crate) dependencies: Vec<Dependency>,
    /// What each feature switches on.
    pub(crate) features: BTreeMap<String, Vec<String>>,
    pub(crate) targets: Vec<Target>,
}

/// A line of a manifest's dependencies, of any kind and for any platform.
#[derive(Deserialize)]
pub(crate) struct Dependency {
    /// The name of the crate, whatever the manifest calls it.
    pub(crate) name: String,
    /// `None` is a normal dependency.
    pub(crate) kind: Option<String>,
}

/// A library, a binary, a test.
#[derive(Deserialize)]
pub(crate) struct Target {
    pub(crate) kind: Vec<String>,
    pub(crate) src_path: PathBuf,
}

impl Workspace {
    /// The workspace of the current folder.
    pub(crate) fn load() -> Result<Self, VerbFailure> {
        let json = output(cargo().args(["metadata", "--no-deps", "--format-version", "1"]))?;
        serde_json::from_str(&json).map_err(VerbFailure::doing("cannot read what `cargo metadata` says"))
    }

    /// The member of that name.
    pub(crate) fn package(&self, name: &str) -> Option<&Package> {
        self.packages.iter().find(|package| package.name == name)
    }

    /// A path as people write it in this repository: from its root, with `/`.
    pub(crate) fn relative(&self, path: &Path) -> String {
        path.strip_prefix(&self.root).unwrap_or(path).to_string_lossy().replace('\\', "/")
    }
}

/// The cargo that started us, else the one on the path.
pub(crate) fn cargo() -> Command {
    Command::new(std::env::var_os("CARGO").unwrap_or_else(|| "cargo".into()))
}

/// Runs a command whose own output the reader should see.
pub(crate) fn run(command: &mut Command) -> Result<(), VerbFailure> {
    let name = shown(command);
    let status = command.status().map_err(VerbFailure::doing(format!("cannot start `{name}`")))?;
    if status.success() { Ok(()) } else { Err(VerbFailure::Broken(format!("`{name}` failed: {status}"))) }
}

/// Runs a command and returns what it wrote.
pub(crate) fn output(command: &mut Command) -> Result<String, VerbFailure> {
    let name = shown(command);
    let output = command.output().map_err(VerbFailure::doing(format!("cannot start `{name}`")))?;
    if !output.status.success() {
        let error = String::from_utf8_lossy(&output.stderr);
        return Err(VerbFailure::Broken(format!("`{name}` failed: {}: {}", output.status, error.trim())));
    }
    String::from_utf8(output.stdout).map_err(VerbFailure::doing(format!("`{name}` wrote no text")))
}

/// Waits until no other process holds this lock file. Dropping the file releases it, and so does the end of the
/// process.
pub(crate) fn lock(path: &Path) -> Result<File, VerbFailure> {
    let failed = || VerbFailure::doing(format!("cannot lock {}", path.display()));
    let file = File::options().create(true).append(true).open(path).map_err(failed())?;
    file.lock().map_err(failed())?;
    Ok(file)
}

/// The command as a user would type it.
fn shown(command: &Command) -> String {
    let program = Path::new(command.get_program()).file_name().unwrap_or(command.get_program());
    let words = std::iter::once(program).chain(command.get_args());
    words.map(|word| word.to_string_lossy()).collect::<Vec<_>>().join(" ")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_workspace_knows_this_crate_and_where_it_is() {
        let workspace = Workspace::load().unwrap();
        let xtask = workspace.package("xtask").unwrap();
        assert_eq!(workspace.relative(&xtask.manifest_path), "xtask/Cargo.toml");
        assert!(workspace.package("portcullis-nonsense").is_none());
    }

    #[test]
    fn a_command_that_fails_says_which_and_how() {
        let failure = output(cargo().arg("no-such-verb")).unwrap_err().to_string();
        assert!(failure.starts_with("`cargo no-such-verb` failed"), "{failure}");
        assert!(run(&mut Command::new("/no/such/program")).is_err());
    }
}
