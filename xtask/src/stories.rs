//! `stories`: the stories over HTTP and TCP on other stores than SQLite, on which `test` runs them in any case.
//!
//! The tests are built like all others, with the features of the whole workspace, so that nothing is built twice. Then
//! those of the server are run alone.

use std::path::PathBuf;
use std::process::Command;

use serde::Deserialize;

use crate::debian;
use crate::failure::VerbFailure;
use crate::workspace::{self, Workspace, cargo};

const SERVER: &str = "portcullis-server";
const TESTS: &str = "it";
/// What the servers of the tests run on.
const VARIABLE: &str = "TEST_STORES";
const STORES: &str = "postgres+redis";

/// What cargo says of something that it has built.
#[derive(Deserialize)]
struct BuiltArtifact {
    package_id: String,
    target: ArtifactTarget,
    executable: Option<PathBuf>,
}

#[derive(Deserialize)]
struct ArtifactTarget {
    name: String,
}

/// The verb. Arguments are parts of the names of tests.
pub(crate) fn run(arguments: &[String]) -> Result<(), VerbFailure> {
    debian::make_sure(&debian::FOR_STORES)?;
    let workspace = Workspace::load()?;
    let mut build = cargo();
    build.args(["test", "--workspace", "--test", TESTS, "--no-run", "--message-format", "json"]);
    let artifacts = workspace::output(build.current_dir(&workspace.root))?;
    let missing = || VerbFailure::Broken(format!("cargo has built no tests `{TESTS}` of {SERVER}"));
    let program = artifacts.lines().find_map(tests_of_the_server).ok_or_else(missing)?;
    let server = workspace.package(SERVER).ok_or_else(missing)?;
    let folder = server.manifest_path.parent().ok_or_else(missing)?;
    let mut tests = Command::new(program);
    workspace::run(tests.args(arguments).env(VARIABLE, STORES).current_dir(folder))
}

/// The program with the tests, if a line of cargo's names it.
fn tests_of_the_server(line: &str) -> Option<PathBuf> {
    let BuiltArtifact { package_id, target, executable } = serde_json::from_str(line).ok()?;
    let is_meant = package_id.contains(SERVER) || package_id.contains("crates/server");
    executable.filter(|_| is_meant && target.name == TESTS)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn line(package: &str, target: &str, executable: Option<&str>) -> String {
        serde_json::json!({
            "reason": "compiler-artifact",
            "package_id": format!("path+file:///r/crates/{package}#0.1.0"),
            "target": {"name": target},
            "executable": executable,
        })
        .to_string()
    }

    #[test]
    fn the_tests_of_the_server_are_found_among_those_of_others() {
        let built = [
            line("stores", "it", Some("/t/it-1")),
            line("server", "cli", Some("/t/cli-2")),
            line("server#portcullis-server@0.1.0", "it", None),
            "{\"reason\":\"build-finished\",\"success\":true}".to_owned(),
            line("server#portcullis-server@0.1.0", "it", Some("/t/it-3")),
        ];
        let found: Vec<PathBuf> = built.iter().filter_map(|line| tests_of_the_server(line)).collect();
        assert_eq!(found, [PathBuf::from("/t/it-3")]);
    }
}
