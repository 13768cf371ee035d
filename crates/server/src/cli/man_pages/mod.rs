//! `portcullis man-pages`

mod page;
mod sections;

use std::fs;
use std::path::PathBuf;

use clap::{Args, CommandFactory as _};

use super::CommandLine;
use super::escaped::Escaped;
use super::failure::Failure;
use super::new_file::replace_file;
use super::output::Output;

/// Write the manual pages of all commands into a folder
///
/// The command creates the folder if it does not exist, and replaces pages of the same names: portcullis.1, and
/// portcullis-user-create.1 and so on. `man -l FILE` shows one. The same program writes the same bytes each time.
#[derive(Args, Debug)]
pub(super) struct ManPagesCommand {
    /// The folder
    #[arg(value_name = "FOLDER")]
    folder: PathBuf,
}

pub(super) fn run(ManPagesCommand { folder }: &ManPagesCommand, out: &mut Output<'_>) -> Result<(), Failure> {
    let fault = |fault| Failure::other(format_args!("{} cannot be written to: {fault}", folder.display()));
    fs::create_dir_all(folder).map_err(fault)?;
    for page in page::all(CommandLine::command()) {
        let path = folder.join(page.file_name());
        replace_file(&path, page.text().as_bytes(), 0o644).map_err(fault)?;
        writeln!(out, "{}", Escaped(&path.to_string_lossy()))?;
    }
    Ok(())
}
