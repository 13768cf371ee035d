//! `bench` and `torture`: a release build of the server, then the tool that measures it, or kills it under load.
//!
//! Neither is a test: their figures depend on the machine. Each is a crate in `tools/` with arguments of its
//! own, which are passed on unchanged.

use std::process::Command;

use crate::failure::VerbFailure;
use crate::say;
use crate::workspace::{self, Workspace, cargo};

const SERVER: &str = "portcullis-server";
/// The server with an allocator that counts.
const COUNTED: &str = "portcullis-counted";

/// Measures a release build.
pub(crate) fn bench(arguments: &[String]) -> Result<(), VerbFailure> {
    with_release_server("portcullis-bench", &[SERVER, COUNTED], arguments)
}

/// Kills and restarts a release build under load.
pub(crate) fn torture(arguments: &[String]) -> Result<(), VerbFailure> {
    with_release_server("portcullis-torture", &[SERVER], arguments)
}

fn with_release_server(tool: &str, programs: &[&str], arguments: &[String]) -> Result<(), VerbFailure> {
    let workspace = Workspace::load()?;
    if workspace.package(tool).is_none() {
        return Err(VerbFailure::Usage(format!(
            "this workspace has no crate `{tool}`; it belongs under tools/"
        )));
    }
    let (names, target) = ([programs, &[tool]].concat(), workspace.target.join("release"));
    say::line(&format!("xtask: building {} for release", names.join(", ")));
    let packages = names.iter().flat_map(|name| ["--package", name]);
    // All at once, so that what they share is built once.
    workspace::run(cargo().args(["build", "--release"]).args(packages))?;
    workspace::run(Command::new(target.join(tool)).args(arguments))
}
