//! `bench` and `torture`: a release build of the server, then the tool that measures or torments it.
//!
//! Neither is a test: their figures depend on the machine. They live in `tools/`, each a crate with arguments of its
//! own, which are handed on untouched.

use crate::failure::VerbFailure;
use crate::say;
use crate::workspace::{self, Workspace, cargo};

const SERVER: &str = "portcullis-server";

/// Measures.
pub(crate) fn bench(arguments: &[String]) -> Result<(), VerbFailure> {
    with_release_server("portcullis-bench", arguments)
}

/// Torments.
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
