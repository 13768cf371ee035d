//! The package for Debian, by `cargo-deb`. `crates/server/Cargo.toml` says what is in it, `packaging/debian` what is
//! done when it is installed and removed.

use std::process::Command;

use super::environment::neutral;
use super::{Release, SERVER};
use crate::cargo_tool::CargoTool;
use crate::failure::VerbFailure;
use crate::workspace;

/// Without its own xz: the one on every Debian is faster than one that is built without optimisation.
const CARGO_DEB: CargoTool = CargoTool {
    name: "cargo-deb",
    version: "3.8.0",
    options: &["--no-default-features", "--features", "gzip"],
};

/// Makes the package of what is staged, and returns the name of its file.
pub(super) fn make(release: &Release<'_>) -> Result<String, VerbFailure> {
    let program = CARGO_DEB.make_sure(release.workspace)?;
    let mut deb = neutral(Command::new(program));
    // The program is built, and stripped where its profile says so.
    deb.args(["--package", SERVER, "--no-build", "--no-strip", "--no-separate-debug-symbols", "--locked"]);
    deb.args([
        "--compress-system",
        "--profile",
        release.profile,
        "--target",
        &release.target.triple,
        "--output",
    ]);
    deb.arg(&release.folder).env("SOURCE_DATE_EPOCH", release.commit.time.to_string());
    workspace::output(deb.current_dir(&release.workspace.root))?;
    made(release)
}

/// The name has Debian's words for version and machine in it.
fn made(release: &Release<'_>) -> Result<String, VerbFailure> {
    let files = super::files_in(&release.folder)?;
    let package = files.iter().find(|file| file.extension().is_some_and(|kind| kind == "deb"));
    let name = package.and_then(|file| Some(file.file_name()?.to_string_lossy().into_owned()));
    name.ok_or_else(|| VerbFailure::Broken("cargo-deb has made no package".to_owned()))
}
