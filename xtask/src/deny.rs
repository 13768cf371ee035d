//! `deny`: what comes in from outside, held to `deny.toml`: bans, licences and sources.
//!
//! `cargo-deny` is built once into `target/tools` and kept there; its version is pinned. Advisories are not checked:
//! they need the network.

use std::fs;
use std::path::Path;
use std::process::Command;

use crate::failure::VerbFailure;
use crate::say;
use crate::workspace::{self, Workspace, cargo};

/// The workspace, and what the bench builds apart from it.
const MANIFESTS: [&str; 2] = ["Cargo.toml", "tools/peer/Cargo.toml"];

const VERSION: &str = "0.20.2";

/// The verb.
pub(crate) fn run(arguments: &[String]) -> Result<(), VerbFailure> {
    if let Some(unknown) = arguments.first() {
        return Err(VerbFailure::Usage(format!("deny takes no arguments, and `{unknown}` is one")));
    }
    let workspace = Workspace::load()?;
    let tools = workspace.target.join("tools");
    let program = tools.join("bin/cargo-deny");
    install(&program, &tools)?;
    for manifest in MANIFESTS {
        let mut check = Command::new(&program);
        check.args(["--manifest-path", manifest, "--config", "deny.toml", "--all-features", "check"]);
        check.args(["--hide-inclusion-graph", "bans", "licenses", "sources"]);
        workspace::run(check.current_dir(&workspace.root))?;
    }
    Ok(())
}

/// Builds `cargo-deny`, unless this version is there.
fn install(program: &Path, tools: &Path) -> Result<(), VerbFailure> {
    fs::create_dir_all(tools).map_err(VerbFailure::doing(format!("cannot make {}", tools.display())))?;
    let _turn = workspace::lock(&tools.join("lock"))?;
    let version = workspace::output(Command::new(program).arg("--version")).unwrap_or_default();
    if version.trim() == format!("cargo-deny {VERSION}") {
        return Ok(());
    }
    say::line("xtask: building cargo-deny; this takes minutes, once");
    let mut install = cargo();
    install.args(["install", "--quiet", "--locked", "--force", "--version", VERSION, "--root"]).arg(tools);
    // It is run for a second, so it is not worth optimising.
    install.args(["--debug", "cargo-deny"]).env("CARGO_PROFILE_DEV_DEBUG", "false");
    workspace::run(&mut install)
}
