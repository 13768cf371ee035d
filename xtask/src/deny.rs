//! `deny`: what comes in from outside, held to `deny.toml`: bans, licences and sources.
//!
//! Advisories are not checked: they need the network.

use std::process::Command;

use crate::cargo_tool::CargoTool;
use crate::failure::VerbFailure;
use crate::workspace::{self, Workspace};

/// The workspace, and what the bench builds apart from it.
const MANIFESTS: [&str; 2] = ["Cargo.toml", "tools/peer/Cargo.toml"];

const CARGO_DENY: CargoTool = CargoTool { name: "cargo-deny", version: "0.20.2", options: &[] };

/// The verb.
pub(crate) fn run(arguments: &[String]) -> Result<(), VerbFailure> {
    if let Some(unknown) = arguments.first() {
        return Err(VerbFailure::Usage(format!("deny takes no arguments, and `{unknown}` is one")));
    }
    let workspace = Workspace::load()?;
    let program = CARGO_DENY.make_sure(&workspace)?;
    for manifest in MANIFESTS {
        let mut check = Command::new(&program);
        check.args(["--manifest-path", manifest, "--config", "deny.toml", "--all-features", "check"]);
        check.args(["--hide-inclusion-graph", "bans", "licenses", "sources"]);
        workspace::run(check.current_dir(&workspace.root))?;
    }
    Ok(())
}
