//! `bench` and `torture`: a release build of the server, then the tool that measures it, or kills it under load.
//!
//! Neither is a test: their figures depend on the machine. Each is a crate in `tools/` with arguments of its
//! own, which are passed on unchanged.

use crate::failure::VerbFailure;
use crate::say;
use crate::workspace::{self, Workspace, cargo};

const SERVER: &str = "portcullis-server";

/// Measures a release build.
pub(crate) fn bench(arguments: &[String]) -> Result<(), VerbFailure> {
    with_release_server("portcullis-bench", arguments)
}

/// Kills and restarts a release build under load.
pub(crate) fn torture(arguments: &[String]) -> Result<(), VerbFailure> {
    with_release_server("portcullis-torture", arguments)
}

fn with_release_server(tool: &str, arguments: &[String]) -> Result<(), VerbFailure> {
    if Workspace::load()?.package(tool).is_none() {
        return Err(VerbFailure::Usage(format!(
            "this workspace has no crate `{tool}`; it belongs under tools/"
        )));
    }
    say::line(&format!("xtask: building {SERVER} and {tool} for release"));
    workspace::run(cargo().args(["build", "--release", "--package", SERVER]))?;
    workspace::run(cargo().args(["run", "--release", "--package", tool, "--"]).args(arguments))
}
