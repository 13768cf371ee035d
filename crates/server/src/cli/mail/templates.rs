//! `portcullis mail templates`

use std::io::Write;
use std::path::PathBuf;

use clap::Args;

use crate::cli::escaped::Escaped;
use crate::cli::failure::Failure;
use portcullis_http::templates::export;

/// Write the texts and layouts of mails and pages to a folder, to change them
///
/// The command creates the folder if it does not exist. To use the folder, set `mail.templates` to it.
#[derive(Args, Debug)]
pub(in crate::cli) struct TemplatesArguments {
    /// The folder
    #[arg(value_name = "DIR")]
    folder: PathBuf,
    /// Overwrite files that exist
    #[arg(long)]
    force: bool,
}

pub(super) fn run(arguments: &TemplatesArguments, out: &mut dyn Write) -> Result<(), Failure> {
    let paths = export(&arguments.folder, arguments.force).map_err(Failure::other)?;
    for path in paths {
        writeln!(out, "{}", Escaped(&path.to_string_lossy()))?;
    }
    Ok(())
}
