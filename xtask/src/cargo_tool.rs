//! Programs that come as crates: each is built once into `target/tools` and kept there, in one version.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

use crate::failure::VerbFailure;
use crate::say;
use crate::workspace::{self, Workspace, cargo};

/// Such a program.
pub(crate) struct CargoTool {
    pub(crate) name: &'static str,
    pub(crate) version: &'static str,
    /// What `cargo install` is told beside.
    pub(crate) options: &'static [&'static str],
}

impl CargoTool {
    /// Builds the program, unless this version is there, and says where it is.
    pub(crate) fn make_sure(&self, workspace: &Workspace) -> Result<PathBuf, VerbFailure> {
        let Self { name, version, .. } = self;
        let tools = workspace.target.join("tools");
        fs::create_dir_all(&tools).map_err(VerbFailure::doing(format!("cannot make {}", tools.display())))?;
        let _turn = workspace::lock(&tools.join("lock"))?;
        let program = tools.join("bin").join(name);
        let there = workspace::output(Command::new(&program).arg("--version")).unwrap_or_default();
        if there.trim() == format!("{name} {version}") {
            return Ok(program);
        }
        self.install(&tools)?;
        Ok(program)
    }

    fn install(&self, tools: &Path) -> Result<(), VerbFailure> {
        let Self { name, version, options } = self;
        say::line(&format!("xtask: building {name}; this takes a minute or more, once"));
        let mut install = cargo();
        install
            .args(["install", "--quiet", "--locked", "--force", "--version", version, "--root"])
            .arg(tools);
        // It is run for a second, so it is not worth optimising.
        install.args(["--debug", name]).args(*options).env("CARGO_PROFILE_DEV_DEBUG", "false");
        workspace::run(&mut install)
    }
}
