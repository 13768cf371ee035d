//! Compression that depends on nothing but the content.

use std::path::Path;
use std::process::Command;

use super::environment::neutral;
use crate::failure::VerbFailure;
use crate::workspace;

/// Puts `.gz` in the place of a file, without the name and the time that gzip would put in.
pub(super) fn compress(file: &Path) -> Result<(), VerbFailure> {
    workspace::run(neutral(Command::new("gzip")).args(["--best", "--no-name"]).arg(file))
}
